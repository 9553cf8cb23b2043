// SPDX-License-Identifier: GPL-2.0-or-later
/* The life cycle: what a container is doing, and which operation may follow. */
#include "runtime/container.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "netns/names.h"
#include "runtime/backend.h"
#include "runtime/hooks.h"
#include "runtime/lock.h"
#include "runtime/network.h"
#include "spec/base/fd.h"
#include "spec/base/log.h"
#include "spec/base/path.h"
#include "spec/base/proc.h"
#include "spec/parse.h"

/* ---- opening ------------------------------------------------------------------------------- */

static int does_not_exist(const char *id, struct err *err)
{
	return err_set(err, -ENOENT, "container '%s' does not exist", id);
}

static int open_folder(struct container *c, const char *id, unsigned int flags, struct err *err)
{
	c->root_fd = state_root_open(c->app, false, err);
	if (c->root_fd == -ENOENT)
		return does_not_exist(id, err);
	if (c->root_fd < 0)
		return c->root_fd;
	if (flags & CONTAINER_LOCK) {
		int rc = lock_take(c->root_fd, id, &c->dir_fd, err);

		c->is_locked = rc == 0;
		return rc;
	}
	c->dir_fd = openat(c->root_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (c->dir_fd < 0)
		return errno == ENOENT ? does_not_exist(id, err)
				       : err_sys(err, "open the state folder of '%s'", id);
	return 0;
}

static int load_state(struct container *c, const char *id, unsigned int flags, struct err *err)
{
	enum isolation isolation = ISOLATION_UNSET;
	int rc = state_load(c->dir_fd, id, &c->state, err);

	if (rc == -ENOENT) {
		if (!(flags & CONTAINER_EVEN_BROKEN))
			return err_set(err, rc,
				       "container '%s' does not exist: its creation did not get "
				       "beyond an empty folder (delete removes it)",
				       id);
		c->state.id = arena_strdup(&c->state.arena, id);
		return c->state.id ? 0 : err_set(err, -ENOMEM, "out of memory");
	}
	if (rc == 0)
		rc = isolation_from_name(c->state.isolation, "isolation", &isolation, err);
	if (rc == 0)
		rc = backend_of(isolation, &c->backend, err);
	if (rc == 0)
		rc = state_load_init(c->dir_fd, &c->init, err);
	return rc;
}

int container_open(const struct app *app, const char *id, unsigned int flags, struct container *out,
		   struct err *err)
{
	struct container c = CONTAINER_INIT;
	int rc = state_check_id(id, err);

	c.app = app;
	if (rc == 0)
		rc = open_folder(&c, id, flags, err);
	if (rc == 0)
		rc = load_state(&c, id, flags, err);
	if (rc < 0) {
		container_fini(&c);
		return rc;
	}
	*out = c;
	return 0;
}

void container_unlock(struct container *c)
{
	if (c->is_locked)
		lock_release(c->dir_fd);
	c->is_locked = false;
}

int container_relock(struct container *c, struct err *err)
{
	int rc = c->is_locked ? 0 : lock_retake(c->root_fd, c->state.id, c->dir_fd, err);

	if (rc == 0)
		c->is_locked = true;
	return rc;
}

void container_fini(struct container *c)
{
	container_unlock(c);
	cg_close(c->cgroup);
	if (c->has_config)
		config_fini(&c->config);
	state_fini(&c->state);
	cleanup_close(&c->init_pid_fd);
	cleanup_close(&c->dir_fd);
	cleanup_close(&c->root_fd);
	*c = (struct container)CONTAINER_INIT;
}

int container_load_config(struct container *c, struct err *err)
{
	int rc;

	if (c->has_config)
		return 0;
	rc = config_load(c->dir_fd, STATE_CONFIG_FILE, &c->config, NULL, err);
	if (rc < 0)
		return err_wrap(err, rc, "read the config of container '%s'", c->state.id);
	c->has_config = true;
	return 0;
}

int container_open_cgroup(struct container *c, struct err *err)
{
	if (c->cgroup || !c->state.cgroup_path)
		return 0;
	return cg_open(c->state.cgroup_path, &c->cgroup, err);
}

/* ---- what it is doing ---------------------------------------------------------------------- */

bool container_find_init(struct container *c)
{
	int rc;

	if (c->init_pid_fd < 0) {
		c->init_pid_fd = proc_pidfd(c->init.pid, c->init.start_ticks);
		if (c->init_pid_fd < 0)
			return false;
	}
	/* A zombie has ended, though its pid is still taken: its pidfd is readable. */
	rc = proc_wait_exit(c->init_pid_fd, 0);
	return rc == -ETIMEDOUT;
}

/*
 * Does a process still wait on the start socket? The file alone does not say so: a start may have
 * been killed before it removed it. A connection that says nothing is ignored by who listens.
 */
static bool awaits_start(const struct container *c)
{
	auto_close int fd = -1;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char folder[PATH_PROC_FD_MAX];

	if (faccessat(c->dir_fd, STATE_START_SOCKET, F_OK, 0) < 0)
		return false;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return true;
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s",
		       path_proc_fd(folder, c->dir_fd), STATE_START_SOCKET);
	return connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 ||
	       errno != ECONNREFUSED;
}

int container_status(struct container *c, enum container_status *out, struct err *err)
{
	int rc;

	if (!c->init.pid || c->init.is_new) {
		/* A creation holds the lock; without one it was killed. */
		*out = !c->is_locked && lock_is_held(c->dir_fd) ? CTR_CREATING : CTR_STOPPED;
		return 0;
	}
	if (!container_find_init(c)) {
		*out = CTR_STOPPED;
		return 0;
	}
	rc = c->backend->is_paused(c, err);
	if (rc < 0) {
		/* Its group goes with it: a `delete --force` may come between the two looks. */
		if (container_find_init(c))
			return rc;
		*out = CTR_STOPPED;
		return 0;
	}
	if (rc > 0)
		*out = CTR_PAUSED;
	else
		*out = awaits_start(c) ? CTR_CREATED : CTR_RUNNING;
	return 0;
}

int container_require_running(struct container *c, bool also_created, struct err *err)
{
	enum container_status status;
	int rc = container_status(c, &status, err);

	if (rc < 0)
		return rc;
	switch (status) {
	case CTR_RUNNING:
		return 0;
	case CTR_CREATED:
		if (also_created)
			return 0;
		break;
	case CTR_PAUSED:
		return err_set(err, -EBUSY, "container '%s': container is paused", c->state.id);
	case CTR_CREATING:
	case CTR_STOPPED:
		break;
	}
	return err_set(err, -ESRCH, "container '%s': container not running (it is %s)", c->state.id,
		       container_status_name(status));
}

/* ---- operations ---------------------------------------------------------------------------- */

int container_run_poststart(struct container *c, struct err *err)
{
	const struct state_view view = { .status = CTR_RUNNING, .pid = c->init.pid };
	struct err undo_err = ERR_INIT;
	int rc;

	if (!hooks_any(&c->config, HOOK_POSTSTART))
		return 0;
	container_unlock(c);
	rc = hooks_run(c, HOOK_POSTSTART, &view, err);
	if (rc == 0)
		return 0;
	if (container_relock(c, &undo_err) < 0 || container_destroy(c, true, &undo_err) < 0)
		log_warn("%s: after a failed hook: %s, ignoring", c->state.id, undo_err.msg);
	return rc;
}

int container_start(struct container *c, struct err *err)
{
	enum container_status status;
	int rc = container_status(c, &status, err);

	if (rc < 0)
		return rc;
	if (status != CTR_CREATED)
		return err_set(err, -EINVAL,
			       "cannot start container '%s': it is %s, only a created one can be "
			       "started",
			       c->state.id, container_status_name(status));
	rc = container_load_config(c, err);
	if (rc == 0)
		rc = c->backend->start(c, err);
	return rc < 0 ? rc : container_run_poststart(c, err);
}

int container_kill(struct container *c, int sig, bool to_all, struct err *err)
{
	if (to_all)
		return c->backend->kill_all(c, sig, err);
	if (!container_find_init(c))
		return err_set(err, -ESRCH, "container '%s': container not running", c->state.id);
	return c->backend->kill(c, sig, err);
}

int container_pause(struct container *c, struct err *err)
{
	int rc = container_require_running(c, true, err);

	return rc < 0 ? rc : c->backend->pause(c, err);
}

int container_resume(struct container *c, struct err *err)
{
	enum container_status status;
	int rc = container_status(c, &status, err);

	if (rc < 0)
		return rc;
	if (status != CTR_PAUSED)
		return err_set(err, -EINVAL, "container '%s': container not paused (it is %s)",
			       c->state.id, container_status_name(status));
	return c->backend->resume(c, err);
}

int container_delete(struct container *c, bool force, struct err *err)
{
	enum container_status status;
	int rc = container_status(c, &status, err);

	/* Without force: what may still run something stays. Callers count on `created` going. */
	if (rc < 0 && !force)
		return rc;
	if (!force && status != CTR_STOPPED && status != CTR_CREATED)
		return err_set(err, -EBUSY,
			       "cannot delete container '%s': container still running (it is %s; "
			       "--force kills it)",
			       c->state.id, container_status_name(status));
	return container_destroy(c, true, err);
}

/* ---- the end ------------------------------------------------------------------------------- */

/* Removes all that is in @dir_fd, with the folders in it that hold nothing but files. */
static int sweep(int dir_fd, bool has_folders, struct err *err)
{
	auto_closedir DIR *dir = NULL;
	auto_close int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *e;

	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return err_sys(err, "read the state folder");
	(void)take_fd(&fd);
	while ((e = readdir(dir))) {
		auto_close int sub_fd = -1;
		int rc;

		if (str_eq(e->d_name, ".") || str_eq(e->d_name, "..") ||
		    unlinkat(dir_fd, e->d_name, 0) == 0 || errno == ENOENT)
			continue;
		if (errno != EISDIR || !has_folders)
			return err_sys(err, "remove '%s' from the state folder", e->d_name);
		sub_fd = openat(dir_fd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub_fd < 0)
			return err_sys(err, "open '%s' of the state folder", e->d_name);
		rc = sweep(sub_fd, false, err);
		if (rc < 0)
			return rc;
		if (unlinkat(dir_fd, e->d_name, AT_REMOVEDIR) < 0)
			return err_sys(err, "remove '%s' from the state folder", e->d_name);
	}
	return 0;
}

static int remove_files(const struct container *c, const char *const *names, size_t n,
			struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		if (unlinkat(c->dir_fd, names[i], 0) < 0 && errno != ENOENT)
			return err_sys(err, "remove '%s' of container '%s'", names[i], c->state.id);
	}
	return 0;
}

/*
 * What state.json names is gone by now. It goes first: a removal that is cut short leaves a mere
 * folder, not a container without a config.
 */
static int remove_folder(struct container *c, struct err *err)
{
	static const char *const usual[] = { STATE_FILE, STATE_INIT_LINK, STATE_CONFIG_FILE };
	static const char *const of_networks[] = { NAMES_HOSTS_FILE, NAMES_RESOLV_FILE,
						   NAMES_HOSTNAME_FILE };
	int rc = remove_files(c, usual, ARRAY_LEN(usual), err);

	if (rc == 0 && c->state.networks.n)
		rc = remove_files(c, of_networks, ARRAY_LEN(of_networks), err);
	if (rc < 0)
		return rc;
	if (unlinkat(c->root_fd, c->state.id, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != ENOTEMPTY)
		return err_sys(err, "remove the state folder of '%s'", c->state.id);
	rc = sweep(c->dir_fd, true, err);
	if (rc == 0 && unlinkat(c->root_fd, c->state.id, AT_REMOVEDIR) < 0)
		rc = err_sys(err, "remove the state folder of '%s'", c->state.id);
	return rc;
}

/* What fails keeps nothing else from going. */
static int remove_resources(struct container *c, struct err *err)
{
	struct err net_err = ERR_INIT;
	int net_rc = network_down(c, &net_err);
	int rc = c->backend->remove(c, err);

	if (rc < 0 || net_rc == 0)
		return rc;
	return err_set(err, net_rc, "%s", net_err.msg);
}

int container_destroy(struct container *c, bool with_poststop, struct err *err)
{
	struct err config_err = ERR_INIT;
	int rc = 0;

	if (c->backend) {
		/* A config that cannot be read must not keep the rest from going. */
		if (with_poststop && container_load_config(c, &config_err) < 0)
			log_warn("%s: %s, its poststop hooks are skipped, ignoring", c->state.id,
				 config_err.msg);
		rc = c->backend->stop(c, err);
		if (rc == 0)
			rc = remove_resources(c, err);
		if (rc < 0)
			return err_wrap(err, rc, "delete container '%s'", c->state.id);
		if (with_poststop && c->has_config)
			hooks_run_poststop(c);
	}
	rc = remove_folder(c, err);
	container_unlock(c);
	return rc;
}
