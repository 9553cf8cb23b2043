// SPDX-License-Identifier: GPL-2.0-or-later
/* bivalve-net as a child: found, started, asked, reaped. What it does is in netns/program. */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>

#include "namespaces/plan.h"
#include "netns/helper.h"
#include "runtime/container.h"
#include "runtime/network.h"
#include "spec/base/arena.h"
#include "spec/base/fd.h"
#include "spec/base/proc.h"

/* ---- finding it ---------------------------------------------------------------------------- */

/* The folder of our own program, with the slash at its end. */
static bool own_folder(const struct app *app, char out[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
	char *slash;

	if (n < 0)
		return false;
	out[n] = '\0';
	/* A sealed copy has no place; how we were called has one. */
	if (str_starts(out, "/memfd:") &&
	    (!app->argv[0] || !strchr(app->argv[0], '/') || !realpath(app->argv[0], out)))
		return false;
	slash = strrchr(out, '/');
	if (!slash)
		return false;
	slash[1] = '\0';
	return true;
}

int network_program(const struct app *app, char *out, struct err *err)
{
	char folder[PATH_MAX];

	if (own_folder(app, folder) &&
	    snprintf(out, PATH_MAX, "%s" HELPER_PROGRAM, folder) < PATH_MAX &&
	    access(out, X_OK) == 0)
		return 0;
	(void)snprintf(out, PATH_MAX, "%s", LIBEXECDIR "/" HELPER_PROGRAM);
	if (access(out, X_OK) == 0)
		return 0;
	return err_sys(err, "find '" HELPER_PROGRAM "', which makes networks (not beside bivalve, "
			    "nor '" LIBEXECDIR "/" HELPER_PROGRAM "')");
}

/* ---- starting it --------------------------------------------------------------------------- */

/* A command line that grows; a failed allocation sticks. */
struct words {
	struct arena arena;
	char **v;
	size_t n, max;
};

static void words_fini(struct words *w)
{
	arena_fini(&w->arena);
}

static void add_word(struct words *w, char *word)
{
	if (!word || !w->v || w->n + 1 >= w->max)
		w->v = NULL;
	else
		w->v[w->n++] = word;
}

static void add_list(struct words *w, const char *option, const struct strv *list)
{
	for (size_t i = 0; i < list->n; i++)
		add_word(w, arena_printf(&w->arena, "--%s=%s", option, list->v[i]));
}

/* The descriptors keep their numbers, and lose close-on-exec in the child alone. */
static int spawn(const char *program, char **argv, const int *fds, size_t n_fds, pid_t *out)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	sigset_t all;
	int rc;

	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawnattr_init(&attr);
	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	(void)posix_spawnattr_setsigdefault(&attr, &all);
	(void)posix_spawnattr_setpgroup(&attr, 0); /* a terminal's ^C is the workload's */
	rc = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
						 POSIX_SPAWN_SETPGROUP);
	for (size_t i = 0; rc == 0 && i < n_fds; i++)
		rc = posix_spawn_file_actions_adddup2(&actions, fds[i], fds[i]);
	if (rc == 0)
		rc = posix_spawn(out, program, &actions, &attr, argv, environ);
	(void)posix_spawnattr_destroy(&attr);
	(void)posix_spawn_file_actions_destroy(&actions);
	return -rc;
}

static int start(const struct container *c, const char *verb, struct words *w,
		 struct network_helper *h, struct err *err)
{
	auto_close int their_fd = -1;
	char program[PATH_MAX];
	int pair[2];
	int rc = network_program(c->app, program, err);

	if (rc < 0)
		return rc;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, "make a socket for '%s'", program);
	h->sock_fd = pair[0];
	their_fd = pair[1];
	w->v[0] = arena_strdup(&w->arena, HELPER_PROGRAM);
	w->v[1] = arena_printf(&w->arena, "--fds=%d,%d,%d", c->root_fd, c->dir_fd, their_fd);
	w->v[2] = arena_strdup(&w->arena, verb);
	add_word(w, arena_strdup(&w->arena, "--"));
	add_word(w, arena_strdup(&w->arena, c->state.id));
	if (!w->v || !w->v[0] || !w->v[1] || !w->v[2])
		return err_set(err, -ENOMEM, "out of memory");
	rc = spawn(program, w->v, (const int[]){ c->root_fd, c->dir_fd, their_fd }, 3, &h->pid);
	if (rc < 0) {
		h->pid = 0;
		return err_code(err, rc, "execute '%s'", program);
	}
	return 0;
}

enum { WORDS_FIXED = 10 }; /* program, descriptors, verb, flag, hostname, "--", id, the end */

static bool words_init(struct words *w, size_t n)
{
	w->max = n + WORDS_FIXED;
	w->v = arena_alloc(&w->arena, w->max, sizeof(*w->v));
	w->n = 3; /* filled by start() */
	return w->v != NULL;
}

int network_begin(const struct container *c, const struct network_wish *w, bool stays,
		  struct network_helper *h, struct err *err)
{
	const struct config_linux *l = &c->config.linux_;
	auto_cleanup(words_fini) struct words words = { .n = 0 };

	if (w->networks.n == 0 && l->net_devices.n == 0)
		return 0;
	if (!words_init(&words, w->networks.n + w->publish.n + w->dns.n + w->add_hosts.n +
				    l->net_devices.n))
		return err_set(err, -ENOMEM, "out of memory");
	if (stays && w->networks.n)
		add_word(&words, arena_strdup(&words.arena, "--stay"));
	add_list(&words, "network", &w->networks);
	add_list(&words, "publish", &w->publish);
	add_list(&words, "dns", &w->dns);
	add_list(&words, "add-host", &w->add_hosts);
	if (w->networks.n && c->config.hostname)
		add_word(&words, arena_printf(&words.arena, "--hostname=%s", c->config.hostname));
	for (size_t i = 0; i < l->net_devices.n; i++) {
		const struct config_net_device *d = &l->net_devices.items[i];

		add_word(&words, arena_printf(&words.arena, "--netdev=%s=%s", d->host_name,
					      d->name ? d->name : ""));
	}
	if (!words.v)
		return err_set(err, -ENOMEM, "out of memory");
	return start(c, "up", &words, h, err);
}

/* ---- asking it ----------------------------------------------------------------------------- */

static int receive_reply(struct network_helper *h, struct err *err)
{
	struct helper_reply reply;
	size_t n_fds;
	ssize_t n = fd_recv(h->sock_fd, &reply, sizeof(reply), NULL, 0, &n_fds);

	/* Reset: it ended without reading our message. That is told once, ahead of its reply. */
	if (n == -ECONNRESET)
		n = fd_recv(h->sock_fd, &reply, sizeof(reply), NULL, 0, &n_fds);
	if (n < 0)
		return err_code(err, (int)n, "read what '" HELPER_PROGRAM "' reports");
	if ((size_t)n <= offsetof(struct helper_reply, text))
		return err_set(err, -EPROTO, "'" HELPER_PROGRAM "' ended without a result");
	((char *)&reply)[n - 1] = '\0';
	return reply.code < 0 ? err_set(err, reply.code, "%s", reply.text) : 0;
}

int network_connect(struct network_helper *h, pid_t pid, struct err *err)
{
	auto_close int fd = -1;
	char path[32];
	int rc;

	if (!h->pid)
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open the workload's network namespace");
	rc = fd_send(h->sock_fd, "", 1, &fd, 1);
	/* One that is gone has said why. */
	if (rc < 0 && rc != -EPIPE && rc != -ECONNRESET)
		return err_code(err, rc, "pass the network namespace on");
	return receive_reply(h, err);
}

void network_end(struct network_helper *h)
{
	int status;

	cleanup_close(&h->sock_fd);
	h->sock_fd = -1;
	if (h->pid && proc_reap(h->pid, &status) == 0)
		h->pid = 0;
}

/* The one that made it waits for this order, unless somebody has killed it. */
static bool order_down(const struct container *c, bool is_dying, struct network_helper *h)
{
	const char *order = is_dying ? HELPER_DOWN_DYING : HELPER_DOWN;

	if (!c->net_helper || !c->net_helper->pid)
		return false;
	*h = *c->net_helper;
	*c->net_helper = (struct network_helper)NETWORK_HELPER_INIT;
	if (fd_send(h->sock_fd, order, 1, NULL, 0) == 0)
		return true;
	network_end(h);
	return false;
}

int network_down_begin(const struct container *c, struct network_helper *h, struct err *err)
{
	/* With its pid namespace every process has ended; others may keep the devices. */
	bool is_dying = c->has_config && ns_is_new(&c->config, NS_PID);
	auto_cleanup(words_fini) struct words words = { .n = 0 };
	int rc;

	if (c->state.networks.n == 0 || order_down(c, is_dying, h))
		return 0;
	if (!words_init(&words, 0))
		return err_set(err, -ENOMEM, "out of memory");
	if (is_dying)
		add_word(&words, arena_strdup(&words.arena, "--dying"));
	if (!words.v)
		return err_set(err, -ENOMEM, "out of memory");
	rc = start(c, "down", &words, h, err);
	if (rc < 0)
		network_end(h);
	return rc;
}

int network_down_end(struct network_helper *h, struct err *err)
{
	int rc = h->pid ? receive_reply(h, err) : 0;

	network_end(h);
	return rc;
}
