// SPDX-License-Identifier: GPL-2.0-or-later
/* bivalve-net as a child: found, started, asked, reaped. What it does is in netns/program. */
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
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

enum { STACK_BYTES = 16384 }; /* the C library's own signal frames fit, with room to spare */

/*
 * What the new process reads, in our memory, until its execve(2): it is not waited for. A command
 * line that grows; a failed allocation sticks.
 */
struct network_launch {
	struct arena arena;
	char **words;
	size_t n, max;
	int fds[3];
	int exec_error; /* a negative errno; atomic: set by the new process */
	char program[PATH_MAX];
	_Alignas(16) char stack[STACK_BYTES];
};

static void launch_free(struct network_launch **l)
{
	if (*l)
		arena_fini(&(*l)->arena);
	free(*l);
	*l = NULL;
}

enum { WORDS_FIXED = 10 }; /* program, descriptors, verb, flag, hostname, "--", id, the end */

/* For @n words beside those. NULL without memory. */
static struct network_launch *launch_new(size_t n)
{
	struct network_launch *l = malloc(sizeof(*l));

	if (!l)
		return NULL;
	l->arena = (struct arena){ 0 };
	l->exec_error = 0;
	l->max = n + WORDS_FIXED;
	l->words = arena_alloc(&l->arena, l->max, sizeof(*l->words));
	l->n = 3; /* filled by start() */
	if (!l->words)
		launch_free(&l);
	return l;
}

static void add_word(struct network_launch *l, char *word)
{
	if (!word || !l->words || l->n + 1 >= l->max)
		l->words = NULL;
	else
		l->words[l->n++] = word;
}

static void add_list(struct network_launch *l, const char *option, const struct strv *list)
{
	for (size_t i = 0; i < list->n; i++)
		add_word(l, arena_printf(&l->arena, "--%s=%s", option, list->v[i]));
}

/*
 * The new process, in our memory beside us, on a stack of its own: nothing but system calls. The
 * descriptors keep their numbers, and lose close-on-exec in its own table alone. A failed execve(2)
 * may spoil our errno; the command fails then in any case.
 */
static int become_helper(void *arg)
{
	struct network_launch *l = arg;
	sigset_t none;

	(void)sigemptyset(&none);
	(void)setpgid(0, 0); /* a terminal's ^C is the workload's */
	for (size_t i = 0; i < ARRAY_LEN(l->fds); i++)
		(void)fcntl(l->fds[i], F_SETFD, 0);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)execve(l->program, l->words, environ);
	__atomic_store_n(&l->exec_error, -errno, __ATOMIC_RELEASE);
	_exit(127);
}

static int start(const struct container *c, const char *verb, struct network_launch *l,
		 struct network_helper *h, struct err *err)
{
	auto_close int their_fd = -1;
	sigset_t all;
	sigset_t saved;
	int pair[2];
	int rc = network_program(c->app, l->program, err);

	if (rc < 0)
		return rc;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, "make a socket for '%s'", l->program);
	h->sock_fd = pair[0];
	their_fd = pair[1];
	memcpy(l->fds, (const int[]){ c->root_fd, c->dir_fd, their_fd }, sizeof(l->fds));
	add_word(l, arena_strdup(&l->arena, "--"));
	add_word(l, arena_strdup(&l->arena, c->state.id));
	if (l->words) {
		l->words[0] = arena_strdup(&l->arena, HELPER_PROGRAM);
		l->words[1] =
		    arena_printf(&l->arena, "--fds=%d,%d,%d", l->fds[0], l->fds[1], l->fds[2]);
		l->words[2] = arena_strdup(&l->arena, verb);
	}
	if (!l->words || !l->words[0] || !l->words[1] || !l->words[2])
		return err_set(err, -ENOMEM, "out of memory");
	/* No handler of ours may run in the new process while it is in our memory. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &saved);
	h->pid = clone(become_helper, l->stack + sizeof(l->stack), CLONE_VM | SIGCHLD, l);
	rc = h->pid < 0 ? err_sys(err, "start '%s'", l->program) : 0;
	(void)sigprocmask(SIG_SETMASK, &saved, NULL);
	if (rc < 0)
		h->pid = 0;
	return rc;
}

int network_begin(const struct container *c, const struct network_wish *w, bool stays,
		  struct network_helper *h, struct err *err)
{
	const struct config_linux *config = &c->config.linux_;
	struct network_launch *l;

	if (w->networks.n == 0 && config->net_devices.n == 0)
		return 0;
	l = h->launch = launch_new(w->networks.n + w->publish.n + w->dns.n + w->add_hosts.n +
				   config->net_devices.n);
	if (!l)
		return err_set(err, -ENOMEM, "out of memory");
	if (stays && w->networks.n)
		add_word(l, arena_strdup(&l->arena, "--stay"));
	add_list(l, "network", &w->networks);
	add_list(l, "publish", &w->publish);
	add_list(l, "dns", &w->dns);
	add_list(l, "add-host", &w->add_hosts);
	if (w->networks.n && c->config.hostname)
		add_word(l, arena_printf(&l->arena, "--hostname=%s", c->config.hostname));
	for (size_t i = 0; i < config->net_devices.n; i++) {
		const struct config_net_device *d = &config->net_devices.items[i];

		add_word(l, arena_printf(&l->arena, "--netdev=%s=%s", d->host_name,
					 d->name ? d->name : ""));
	}
	return start(c, "up", l, h, err);
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
	if (h->launch && __atomic_load_n(&h->launch->exec_error, __ATOMIC_ACQUIRE) < 0)
		return err_code(err, h->launch->exec_error, "execute '%s'", h->launch->program);
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
	int rc;

	cleanup_close(&h->sock_fd);
	h->sock_fd = -1;
	if (h->pid) {
		rc = proc_reap(h->pid, &status);
		if (rc < 0 && rc != -ECHILD)
			return; /* perhaps it has not left our memory yet */
	}
	h->pid = 0;
	launch_free(&h->launch);
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
	int rc;

	if (c->state.networks.n == 0 || order_down(c, is_dying, h))
		return 0;
	h->launch = launch_new(0);
	if (!h->launch)
		return err_set(err, -ENOMEM, "out of memory");
	if (is_dying)
		add_word(h->launch, arena_strdup(&h->launch->arena, "--dying"));
	rc = start(c, "down", h->launch, h, err);
	if (rc < 0)
		network_end(h);
	return rc;
}

int network_down_end(struct network_helper *h, struct err *err)
{
	return h->pid ? receive_reply(h, err) : 0;
}
