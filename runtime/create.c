// SPDX-License-Identifier: GPL-2.0-or-later
/* The part of a container's making that is the same for both shells. */
#include "runtime/create.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "namespaces/final.h"
#include "runtime/backend.h"
#include "runtime/lock.h"
#include "runtime/notify.h"
#include "spec/base/fd.h"
#include "spec/base/log.h"
#include "spec/base/num.h"
#include "spec/base/path.h"
#include "spec/parse.h"
#include "spec/validate.h"
#include "spec/write.h"

enum { EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127 };

#define ROW(kind, member) CLI_##kind, offsetof(struct create_options, member)

const struct cli_option create_option_rows[CREATE_OPTION_COUNT] = {
	{ "bundle", 'b', "DIR", "folder of config.json and rootfs (default: .)",
	  ROW(TEXT, bundle) },
	{ "config", 'f', "FILE", "the configuration (default: config.json of the bundle)",
	  ROW(TEXT, config_file) },
	{ "console-socket", 0, "SOCKET", "Unix socket that gets the terminal's master",
	  ROW(TEXT, console_socket) },
	{ "pid-file", 0, "FILE", "gets the process id of the container", ROW(TEXT, pid_file) },
	{ "pidfd-socket", 0, "SOCKET", "Unix socket that gets a pidfd of the container",
	  ROW(TEXT, pidfd_socket) },
	{ "isolation", 0, "SHELL", "'container' or 'vm'", ROW(TEXT, isolation) },
	{ "no-pivot", 0, NULL, "no pivot_root: for a root on an initial ramdisk",
	  ROW(FLAG, no_pivot) },
	{ "no-new-keyring", 0, NULL, "keep the caller's session keyring",
	  ROW(FLAG, no_new_keyring) },
	{ "preserve-fds", 0, "N", "pass on N descriptors from 3 on, beside LISTEN_FDS",
	  ROW(COUNT, preserve_fds) },
	{ "network", 0, "NAME[:ip=,ip6=,mac=,ifname=]",
	  "join a network; 'none': loopback only; 'host': the host's",
	  ROW(LIST, network.networks) },
	{ "publish", 'p', "[HOSTIP:]PORT:PORT[/udp]",
	  "lead a port of the host, or a range, to the container", ROW(LIST, network.publish) },
	{ "dns", 0, "ADDRESS", "name server for /etc/resolv.conf", ROW(LIST, network.dns) },
	{ "add-host", 0, "NAME:ADDRESS", "a line for /etc/hosts", ROW(LIST, network.add_hosts) },
	{ "no-subreaper", 0, NULL, NULL, CLI_NOOP, 0 },
};

void creation_init(struct creation *cr, const struct app *app, const struct create_options *options)
{
	*cr = (struct creation){
		.options = options,
		.c = CONTAINER_INIT,
		.config_text = BUF_INIT,
		.bundle_fd = -1,
		.child = NS_CHILD_INIT,
		.start_fd = -1,
		.console_fd = -1,
		.notify_fd = -1,
	};
	cr->c.app = app;
}

void creation_fini(struct creation *cr)
{
	if (cr->has_plan)
		ns_plan_fini(&cr->plan);
	network_job_free(&cr->network_job);
	ns_child_fini(&cr->child);
	cleanup_close(&cr->notify_fd);
	cleanup_close(&cr->console_fd);
	cleanup_close(&cr->start_fd);
	cleanup_close(&cr->bundle_fd);
	buf_fini(&cr->config_text);
	container_fini(&cr->c);
}

int program_exit_code(int rc)
{
	return rc == -ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

/* ---- descriptors that are passed on -------------------------------------------------------- */

unsigned int listen_fds_count(void)
{
	const char *fds = getenv("LISTEN_FDS");
	const char *pid = getenv("LISTEN_PID");
	uint64_t n;
	uint64_t meant_for;

	if (!fds || num_u64(fds, 1, INT_MAX, &n) < 0)
		return 0;
	if (pid && (num_u64(pid, 1, INT_MAX, &meant_for) < 0 || (pid_t)meant_for != getpid()))
		return 0;
	return (unsigned int)n;
}

int create_check_fds(unsigned int preserve_fds, struct err *err)
{
	unsigned int n;

	if (__builtin_add_overflow(preserve_fds, listen_fds_count(), &n) || n > INT_MAX - 3)
		return err_set(err, -EINVAL, "option '--preserve-fds': %u is too much",
			       preserve_fds);
	for (unsigned int i = 0; i < n; i++) {
		if (fcntl((int)(3 + i), F_GETFD) < 0)
			return err_sys(err, "descriptor %u, to be passed on", 3 + i);
	}
	return 0;
}

/* ---- the config ---------------------------------------------------------------------------- */

int create_load_bundle(struct creation *cr, struct err *err)
{
	const char *bundle = cr->options->bundle ? cr->options->bundle : ".";
	const char *name = cr->options->config_file ? cr->options->config_file : "config.json";
	int rc;

	cr->bundle_fd = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (cr->bundle_fd < 0)
		return err_sys(err, "open bundle '%s'", bundle);
	rc = state_folder_path(cr->bundle_fd, &cr->c.state, &cr->c.state.bundle, err);
	if (rc < 0)
		return rc;
	rc = config_load(cr->bundle_fd, name, &cr->c.config, &cr->config_text, err);
	if (rc < 0)
		return err_wrap(err, rc, "bundle '%s'", bundle);
	cr->c.has_config = true;
	return 0;
}

/* Who gets the terminal is decided before anything is made. */
static int check_terminal(const struct creation *cr, struct err *err)
{
	bool has_socket = cr->options->console_socket != NULL;

	if (!cr->c.config.process)
		return err_set(err, -EINVAL, "/process: is required");
	if (cr->c.config.process->terminal && !cr->is_foreground && !has_socket)
		return err_set(err, -EINVAL,
			       "/process/terminal: a detached container with a terminal needs "
			       "--console-socket");
	if (has_socket && (!cr->c.config.process->terminal || cr->is_foreground))
		return err_set(err, -EINVAL,
			       "--console-socket is for a detached container with a terminal");
	return 0;
}

static int choose_backend(struct creation *cr, struct err *err)
{
	const struct app *app = cr->c.app;
	enum isolation asked = app->isolation;
	enum isolation isolation = ISOLATION_UNSET;
	int rc = 0;

	if (cr->options->isolation)
		rc = isolation_from_name(cr->options->isolation, "option '--isolation'", &asked,
					 err);
	if (rc == 0)
		rc = isolation_choose(asked, &cr->c.config, app->name, &isolation, err);
	if (rc == 0)
		rc = backend_of(isolation, &cr->c.backend, err);
	if (rc == 0)
		cr->c.state.isolation = isolation_name(isolation);
	return rc;
}

/* ---- the state folder ---------------------------------------------------------------------- */

static int fill_state(struct creation *cr, struct err *err)
{
	struct state *s = &cr->c.state;
	char now[STATE_TIME_MAX];

	state_now(now);
	s->created = arena_strdup(&s->arena, now);
	if (!s->created)
		return err_set(err, -ENOMEM, "out of memory");
	s->rootfs = cr->plan.rootfs;
	s->annotations.items = cr->c.config.annotations.items;
	s->annotations.n = cr->c.config.annotations.n;
	s->is_rootless = cr->c.app->is_rootless;
	s->networks = cr->network.networks;
	return 0;
}

/* The config is complete before state.json is there, so it needs no rename. */
static int save_config(struct creation *cr, struct err *err)
{
	auto_close int fd = openat(cr->c.dir_fd, STATE_CONFIG_FILE,
				   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int rc;

	if (fd < 0)
		return err_sys(err, "keep the config of '%s'", cr->c.state.id);
	rc = fd_write_all(fd, cr->config_text.data, cr->config_text.len);
	return rc < 0 ? err_code(err, rc, "keep the config of '%s'", cr->c.state.id) : 0;
}

static void undo(struct creation *cr)
{
	struct err err = ERR_INIT;

	if (cr->is_launched)
		ns_kill(&cr->child);
	network_job_free(&cr->network_job);
	if (container_destroy(&cr->c, cr->is_launched, &err) < 0)
		log_warn("%s: after a failed creation: %s, ignoring", cr->c.state.id, err.msg);
}

/* A change of the config by the wish is kept, as if the bundle had said it. */
static int read_wish(struct creation *cr, struct err *err)
{
	bool is_changed = false;
	int rc = network_read_wish(&cr->options->network, cr->c.app->is_rootless, &cr->c.config,
				   &cr->network, &is_changed, err);

	if (rc == 0)
		rc = network_plan(&cr->c, &cr->network, &cr->network_job, err);
	if (rc < 0 || !is_changed)
		return rc;
	buf_clear(&cr->config_text);
	return config_write_json(&cr->c.config, JSON_COMPACT, &cr->config_text, err);
}

static int prepare(struct creation *cr, struct err *err)
{
	int rc = read_wish(cr, err);

	if (rc == 0)
		rc = config_validate(&cr->c.config, err);
	if (rc == 0)
		rc = choose_backend(cr, err);
	if (rc == 0)
		rc = check_terminal(cr, err);
	if (rc < 0)
		return rc;
	/* May run this whole command again from a sealed copy: nothing was made so far. */
	rc = final_self_protect(cr->c.app->argv,
				final_needs_sealed(&cr->c.config, cr->c.config.process), err);
	if (rc < 0)
		return rc;
	cr->is_sealed = rc > 0;
	return 0;
}

int create_container(struct creation *cr, const char *id, struct err *err)
{
	struct container *c = &cr->c;
	int rc = state_check_id(id, err);

	c->state.id = id;
	if (rc == 0)
		rc = prepare(cr, err);
	if (rc < 0)
		return rc;
	c->root_fd = state_root_open(c->app, true, err);
	if (c->root_fd < 0)
		return c->root_fd;
	rc = lock_new(c->root_fd, id, &c->dir_fd, err);
	if (rc < 0)
		return rc;
	c->is_locked = true;
	/* Without a bundle (run --rootfs) the state folder is the container's home. */
	if (!c->state.bundle)
		rc = state_folder_path(c->dir_fd, &c->state, &c->state.bundle, err);
	if (rc == 0)
		rc = notify_prepare(c, &cr->has_notify, err);
	if (rc == 0)
		rc = network_prepare(c, &cr->network, err);
	if (rc == 0)
		rc = ns_plan_from_config(&c->config, c->state.bundle, id, &cr->plan, err);
	cr->has_plan = rc == 0;
	if (rc == 0)
		rc = fill_state(cr, err);
	if (rc == 0)
		rc = save_config(cr, err);
	if (rc == 0 && cr->is_run)
		rc = notify_bind(c, &cr->notify_fd, err);
	if (rc == 0)
		rc = c->backend->create(cr, err);
	if (rc < 0)
		undo(cr);
	else
		network_tell(cr->network_job);
	if (cr->is_foreground)
		c->network = cr->network_job;
	return rc;
}
