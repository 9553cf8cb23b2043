// SPDX-License-Identifier: GPL-2.0-or-later
/* The container shell: cgroups/ and namespaces/ put together. */
#include "runtime/backend.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroups/resctrl.h"
#include "namespaces/seccomp.h"
#include "runtime/handover.h"
#include "runtime/hooks.h"
#include "runtime/notify.h"
#include "spec/base/fd.h"
#include "spec/base/proc.h"

enum {
	STOP_TIMEOUT_MS = 10000, /* from SIGKILL to the end of a process */
	CGROUP_DELETE_TIMEOUT_MS = 10000,
};

#define SECCOMP_CACHE_FOLDER ".seccomp"

/* ---- create: resources --------------------------------------------------------------------- */

static int decide_cgroup(struct creation *cr, struct err *err)
{
	struct container *c = &cr->c;
	char *path = NULL;
	int rc;

	if (!c->app->has_cgroups)
		return cg_refuse_limits(&c->config.linux_.resources, err);
	rc = cg_path_choose(c->config.linux_.cgroups_path, c->state.id, c->app->is_rootless, &path,
			    err);
	if (rc < 0)
		return rc;
	c->state.cgroup_path = arena_strdup(&c->state.arena, path);
	free(path);
	if (!c->state.cgroup_path)
		return err_set(err, -ENOMEM, "out of memory");
	rc = cg_exists(c->state.cgroup_path, err);
	if (rc < 0)
		return rc;
	c->state.is_cgroup_ours = rc == 0;
	return 0;
}

static int decide_rdt(struct creation *cr, struct err *err)
{
	const struct config_intel_rdt *rdt = cr->c.config.linux_.intel_rdt;
	int rc;

	if (!rdt)
		return 0;
	rc = rdt_clos_exists(rdt, cr->c.state.id, err);
	if (rc < 0)
		return rc;
	cr->c.state.has_rdt = true;
	cr->c.state.is_clos_ours = rc == 0;
	return 0;
}

static bool has_writable_cgroup_mount(const struct config *config)
{
	for (size_t i = 0; i < config->mounts.n; i++) {
		const struct config_mount *m = &config->mounts.items[i];
		bool is_ro = false;

		if (!m->type || !str_starts(m->type, "cgroup"))
			continue;
		for (size_t k = 0; k < m->options.n; k++)
			is_ro |= str_eq(m->options.v[k], "ro");
		if (!is_ro)
			return true;
	}
	return false;
}

/* The host's id of the container's @id; false when the mappings lack it. */
static bool map_id(const struct config_id_maps *maps, uint32_t id, uint32_t *out)
{
	for (size_t i = 0; i < maps->n; i++) {
		const struct config_id_map *m = &maps->items[i];

		if (id >= m->container_id && id - m->container_id < m->size) {
			*out = m->host_id + (id - m->container_id);
			return true;
		}
	}
	return false;
}

/* OCI config-linux.md, "Cgroup ownership": only with a cgroup namespace and a writable mount. */
static int delegate_cgroup(struct creation *cr, struct err *err)
{
	const struct config *config = &cr->c.config;
	uint32_t uid = config->process->user.uid;

	if (!ns_is_new(config, NS_CGROUP) || !has_writable_cgroup_mount(config))
		return 0;
	if (config->linux_.uid_mappings.n &&
	    !map_id(&config->linux_.uid_mappings, config->process->user.uid, &uid))
		return 0;
	return uid ? cg_delegate(cr->c.cgroup, uid, err) : 0;
}

static int make_cgroup(struct creation *cr, struct err *err)
{
	struct container *c = &cr->c;
	unsigned int flags = (c->state.is_rootless ? CG_ROOTLESS : 0U) |
			     (c->state.is_cgroup_ours ? 0U : CG_MAY_EXIST);
	int rc;

	if (!c->state.cgroup_path)
		return 0;
	rc = cg_create(c->state.cgroup_path, &c->config.linux_.resources, flags, &c->cgroup, err);
	return rc < 0 ? rc : delegate_cgroup(cr, err);
}

/* The state names the resources before they are made: what a killed create leaves can be found. */
static int make_resources(struct creation *cr, struct err *err)
{
	const struct config_intel_rdt *rdt = cr->c.config.linux_.intel_rdt;
	int rc = decide_cgroup(cr, err);

	if (rc == 0)
		rc = decide_rdt(cr, err);
	if (rc == 0)
		rc = state_save(cr->c.dir_fd, &cr->c.state, err);
	if (rc == 0)
		rc = make_cgroup(cr, err);
	if (rc == 0 && rdt)
		rc = rdt_prepare(rdt, cr->c.state.id, err);
	return rc;
}

/* ---- create: the process ------------------------------------------------------------------- */

/* The folder of compiled seccomp filters; without one they are compiled each time. */
static int open_seccomp_cache(const struct container *c)
{
	int fd;

	if (!c->config.linux_.seccomp)
		return -1;
	fd = openat(c->root_fd, SECCOMP_CACHE_FOLDER,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (mkdirat(c->root_fd, SECCOMP_CACHE_FOLDER, 0700) < 0 && errno != EEXIST)
		return -1;
	return openat(c->root_fd, SECCOMP_CACHE_FOLDER,
		      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int join_cgroup(struct cgroup *cg, struct ns_cgroup_join *out, struct err *err)
{
	struct cg_join join;
	int rc;

	if (!cg)
		return 0;
	rc = cg_join_plan(cg, &join, err);
	if (rc < 0)
		return rc;
	*out = (struct ns_cgroup_join){ join.v2_dir_fd, join.tasks_fds, join.n_tasks_fds };
	return 0;
}

/* The texts around the pid that the container's own hooks get. */
static int split_state(const struct container *c, enum container_status status, struct buf *text,
		       struct ns_state_text *out, struct err *err)
{
	const struct state_view view = { .status = status, .pid = 1 };
	int rc = state_write_text(&c->state, &view, JSON_COMPACT, text, err);

	if (rc < 0)
		return rc;
	out->tail = state_split_pid(text);
	out->head = buf_str(text);
	return 0;
}

/* Buffers that the plan borrows from while the process is launched. */
struct launch_texts {
	struct buf created, running;
};

static void launch_texts_fini(struct launch_texts *t)
{
	buf_fini(&t->created);
	buf_fini(&t->running);
}

static int fill_plan(struct creation *cr, struct launch_texts *texts, struct err *err)
{
	const struct config *config = &cr->c.config;
	struct ns_plan *plan = &cr->plan;
	int rc = join_cgroup(cr->c.cgroup, &plan->cgroup, err);

	plan->is_rootless = cr->c.state.is_rootless;
	plan->is_sealed = cr->is_sealed;
	plan->no_pivot = cr->options->no_pivot;
	plan->no_new_keyring = cr->options->no_new_keyring;
	plan->io.listen_fds = listen_fds_count();
	plan->io.preserve_fds = cr->options->preserve_fds + plan->io.listen_fds;
	plan->io.extra_env = cr->has_notify ? notify_env : NULL;
	plan->start_fd = cr->start_fd;
	plan->has_networks = network_has_ends(cr->network_job);
	/* Those of createContainer are the init's own, but find the networks as well. */
	plan->stop_for_hooks = hooks_any(config, HOOK_PRESTART) ||
			       hooks_any(config, HOOK_CREATE_RUNTIME) ||
			       (cr->network_job && hooks_any(config, HOOK_CREATE_CONTAINER));
	if (rc == 0 && hooks_any(config, HOOK_CREATE_CONTAINER))
		rc = split_state(&cr->c, CTR_CREATING, &texts->created, &plan->state_created, err);
	if (rc == 0 && hooks_any(config, HOOK_START_CONTAINER))
		rc = split_state(&cr->c, CTR_CREATED, &texts->running, &plan->state_running, err);
	return rc;
}

static int run_runtime_hooks(struct creation *cr, struct err *err)
{
	const struct state_view view = { .status = CTR_CREATING, .pid = cr->child.pid };
	int rc = hooks_run(&cr->c, HOOK_PRESTART, &view, err);

	if (rc == 0)
		rc = hooks_run(&cr->c, HOOK_CREATE_RUNTIME, &view, err);
	return rc;
}

/* Records the process as soon as there is one: who kills us leaves it to be found. */
static int record_process(struct creation *cr, struct err *err)
{
	struct container *c = &cr->c;
	struct proc_stat st;
	int rc = proc_stat_read(cr->child.pid, &st);

	if (rc < 0)
		return err_code(err, rc, "examine process %d", cr->child.pid);
	c->init = (struct state_init){
		.pid = cr->child.pid,
		.start_ticks = st.start_ticks,
		.is_new = !cr->is_run || cr->plan.stop_for_hooks,
	};
	return state_save_init(c->dir_fd, &c->init, err);
}

/* It is made: the last things before its program may run. */
static int end_creation(struct creation *cr, struct err *err)
{
	struct container *c = &cr->c;
	const struct config_intel_rdt *rdt = c->config.linux_.intel_rdt;
	int rc = state_end_new(c->dir_fd, &c->init, err);

	if (rc == 0 && rdt)
		rc = rdt_join(rdt, c->state.id, c->init.pid, err);
	if (rc == 0 && cr->options->pid_file)
		rc = handover_pid_file(cr->options->pid_file, c->init.pid, err);
	if (rc == 0 && cr->options->pidfd_socket)
		rc = handover_fd(cr->options->pidfd_socket, "--pidfd-socket", "standard",
				 cr->child.pid_fd, err);
	return rc;
}

/* @view: the container; @pid: the process with the filter, its first one or an exec's. */
static int send_seccomp_listener(const struct container *c, const struct state_view *view,
				 pid_t pid, int fd, struct err *err)
{
	const struct config_seccomp *s = c->config.linux_.seccomp;
	auto_buf struct buf text = BUF_INIT;
	struct seccomp_listener listener;
	int rc;

	if (!s || !s->listener_path)
		return err_set(err, -EINVAL,
			       "/linux/seccomp/listenerPath: is required where an action is "
			       "SCMP_ACT_NOTIFY");
	rc = state_write_text(&c->state, view, JSON_COMPACT, &text, err);
	if (rc < 0)
		return rc;
	listener = (struct seccomp_listener){ .path = s->listener_path,
					      .metadata = s->listener_metadata,
					      .pid = pid,
					      .state_json = buf_str(&text) };
	return seccomp_send_listener(&listener, fd, err);
}

/* A terminal's master goes to the caller's socket, or stays for a foreground command. */
static int take_console(const char *socket, int fd, int *out_console_fd, struct err *err)
{
	auto_close int master_fd = fd;

	if (socket)
		return handover_fd(socket, "--console-socket", "/dev/ptmx", master_fd, err);
	*out_console_fd = take_fd(&master_fd);
	return 0;
}

/* With a start socket it goes on to wait there. */
static int let_run(struct creation *cr, struct err *err)
{
	int rc = end_creation(cr, err);

	return rc < 0 ? rc : ns_continue(&cr->child, NS_EVENT_READY, err);
}

static int on_event(struct creation *cr, const struct ns_event *event, struct err *err)
{
	const struct state_view view = { .status = CTR_CREATED, .pid = cr->child.pid };
	auto_close int fd = event->fd;
	int rc = 0;

	switch (event->kind) {
	case NS_EVENT_CONSOLE:
		return take_console(cr->options->console_socket, take_fd(&fd), &cr->console_fd,
				    err);
	case NS_EVENT_HOOKS:
		rc = run_runtime_hooks(cr, err);
		if (rc == 0)
			rc = ns_continue(&cr->child, NS_EVENT_HOOKS, err);
		if (rc == 0 && cr->is_run)
			rc = let_run(cr, err);
		return rc;
	case NS_EVENT_READY:
		return cr->is_run ? 0 : let_run(cr, err);
	case NS_EVENT_SECCOMP:
		rc = send_seccomp_listener(&cr->c, &view, view.pid, fd, err);
		return rc < 0 ? rc : ns_continue(&cr->child, NS_EVENT_SECCOMP, err);
	case NS_EVENT_RUNNING:
		break;
	}
	return 0;
}

/* While its init mounts; hooks and the program find the network there. */
static int connect_networks(struct creation *cr, struct err *err)
{
	struct ns_event event = { .fd = -1 };
	struct err its_err = ERR_INIT;
	int rc = network_up(cr->network_job, cr->child.pid, err);

	if (rc == 0 || proc_wait_exit(cr->child.pid_fd, 0) < 0)
		return rc;
	/* It is the process that failed: it has said why. */
	if (ns_next(&cr->child, &event, &its_err) == 0) {
		cleanup_close(&event.fd);
		return rc;
	}
	return err_set(err, its_err.code, "%s", its_err.msg);
}

static int launch(struct creation *cr, struct err *err)
{
	const enum ns_event_kind last = cr->is_run ? NS_EVENT_RUNNING : NS_EVENT_READY;
	struct ns_event event = { .fd = -1 };
	int rc = ns_launch(&cr->plan, &cr->child, err);

	if (rc < 0)
		return rc;
	cr->is_launched = true;
	rc = record_process(cr, err);
	if (rc == 0)
		rc = connect_networks(cr, err);
	/* Nothing comes in between: the answer is sent ahead, so that no round trip is lost. */
	if (rc == 0 && cr->is_run && !cr->plan.stop_for_hooks)
		rc = let_run(cr, err);
	while (rc == 0) {
		rc = ns_next(&cr->child, &event, err);
		if (rc == 0)
			rc = on_event(cr, &event, err);
		if (rc == 0 && event.kind == last)
			break;
	}
	return rc;
}

static int container_shell_create(struct creation *cr, struct err *err)
{
	auto_cleanup(launch_texts_fini) struct launch_texts texts = { BUF_INIT, BUF_INIT };
	auto_close int cache_fd = -1;
	int rc = make_resources(cr, err);

	if (rc < 0)
		return rc;
	if (!cr->is_run) {
		cr->start_fd = ns_start_listen(cr->c.dir_fd, STATE_START_SOCKET, err);
		if (cr->start_fd < 0)
			return cr->start_fd;
	}
	rc = fill_plan(cr, &texts, err);
	if (rc < 0)
		return rc;
	cache_fd = open_seccomp_cache(&cr->c);
	cr->plan.seccomp_cache_fd = cache_fd;
	return launch(cr, err);
}

/* ---- start, exec --------------------------------------------------------------------------- */

static int container_shell_start(struct container *c, struct err *err)
{
	const struct state_view view = { .status = CTR_CREATED, .pid = c->init.pid };
	auto_cleanup(ns_child_fini) struct ns_child child = NS_CHILD_INIT;
	struct ns_event event = { .fd = -1 };
	int rc = ns_start_connect(c->dir_fd, STATE_START_SOCKET, &child, err);

	if (rc < 0)
		return rc;
	/* It goes on from here with or without us: nobody can start it again. */
	if (unlinkat(c->dir_fd, STATE_START_SOCKET, 0) < 0)
		return err_sys(err, "remove the start socket of '%s'", c->state.id);
	while (rc == 0 && event.kind != NS_EVENT_RUNNING) {
		rc = ns_next(&child, &event, err);
		if (rc == 0 && event.kind == NS_EVENT_SECCOMP) {
			auto_close int fd = event.fd;

			rc = send_seccomp_listener(c, &view, c->init.pid, fd, err);
			if (rc == 0)
				rc = ns_continue(&child, NS_EVENT_SECCOMP, err);
		}
	}
	return rc;
}

static int exec_events(struct container *c, struct exec_request *r, struct err *err)
{
	struct state_view view = { .pid = c->init.pid };
	struct ns_event event = { .fd = -1 };
	int rc = ns_continue(&r->child, NS_EVENT_READY, err);

	while (rc == 0 && event.kind != NS_EVENT_RUNNING) {
		rc = ns_next(&r->child, &event, err);
		if (rc < 0)
			return rc;
		if (event.kind == NS_EVENT_CONSOLE)
			rc = take_console(r->console_socket, event.fd, &r->console_fd, err);
		if (event.kind == NS_EVENT_SECCOMP) {
			auto_close int fd = event.fd;

			rc = container_status(c, &view.status, err);
			if (rc == 0)
				rc = send_seccomp_listener(c, &view, r->child.pid, fd, err);
			if (rc == 0)
				rc = ns_continue(&r->child, NS_EVENT_SECCOMP, err);
		}
	}
	return rc;
}

static int container_shell_exec(struct container *c, struct exec_request *r, struct err *err)
{
	auto_close int cache_fd = open_seccomp_cache(c);
	struct ns_exec_plan plan = NS_EXEC_PLAN_INIT;
	struct cg_exec_target target = { .subs = r->cgroups.n ? &r->cgroups : NULL,
					 .init_pid = c->init.pid };
	struct cg_join join;
	int rc;

	plan.config = &c->config;
	plan.process = r->process;
	plan.id = c->state.id;
	plan.init_pid = c->init.pid;
	plan.init_pid_fd = c->init_pid_fd;
	plan.is_rootless = c->state.is_rootless;
	plan.is_sealed = r->is_sealed;
	plan.io.listen_fds = listen_fds_count();
	plan.io.preserve_fds = r->preserve_fds + plan.io.listen_fds;
	plan.seccomp_cache_fd = cache_fd;
	if (c->cgroup) {
		rc = cg_join_plan_exec(c->cgroup, &target, &join, err);
		if (rc < 0)
			return rc;
		plan.cgroup =
		    (struct ns_cgroup_join){ join.v2_dir_fd, join.tasks_fds, join.n_tasks_fds };
	}
	rc = ns_exec(&plan, &r->child, err);
	if (rc < 0)
		return rc;
	rc = exec_events(c, r, err);
	if (rc < 0)
		ns_kill(&r->child);
	return rc;
}

/* ---- signals, freezing, limits ------------------------------------------------------------- */

static int no_cgroup(const struct container *c, const char *what, struct err *err)
{
	return err_set(err, -ENOTSUP, "container '%s' has no cgroup: %s is not possible",
		       c->state.id, what);
}

/* Opens the group; -ENOTSUP: there is none. */
static int need_cgroup(struct container *c, const char *what, struct err *err)
{
	int rc = container_open_cgroup(c, err);

	if (rc == 0 && (!c->cgroup || !cg_has_group(c->cgroup)))
		rc = no_cgroup(c, what, err);
	return rc;
}

static int container_shell_is_paused(struct container *c, struct err *err)
{
	int rc = container_open_cgroup(c, err);

	if (rc == -ENOENT || (rc == 0 && !c->cgroup))
		return 0;
	return rc < 0 ? rc : cg_is_frozen(c->cgroup, err);
}

static int container_shell_kill_all(struct container *c, int sig, struct err *err)
{
	int rc = container_open_cgroup(c, err);

	if (rc == -ENOENT)
		return 0;
	if (rc < 0)
		return rc;
	if (c->cgroup && cg_has_group(c->cgroup))
		return cg_signal_all(c->cgroup, sig, err);
	if (!container_find_init(c))
		return 0;
	rc = proc_signal(c->init_pid_fd, sig);
	return rc < 0 && rc != -ESRCH ? err_code(err, rc, "signal container '%s'", c->state.id) : 0;
}

static int container_shell_kill(struct container *c, int sig, struct err *err)
{
	int rc;

	if (sig == SIGKILL) {
		rc = container_load_config(c, err);
		if (rc < 0)
			return rc;
		/* No pid namespace of its own: the end of its first process ends nobody else. */
		if (!ns_is_new(&c->config, NS_PID))
			return container_shell_kill_all(c, sig, err);
	}
	rc = proc_signal(c->init_pid_fd, sig);
	if (rc == -ESRCH)
		return err_set(err, rc, "container '%s': container not running", c->state.id);
	if (rc < 0)
		return err_code(err, rc, "signal container '%s'", c->state.id);
	/* On v1 a frozen process does not even die of SIGKILL before it is thawed. */
	if (sig == SIGKILL && container_shell_is_paused(c, NULL) > 0)
		return cg_thaw(c->cgroup, err);
	return 0;
}

static int container_shell_pause(struct container *c, struct err *err)
{
	int rc = need_cgroup(c, "pausing", err);

	return rc < 0 ? rc : cg_freeze(c->cgroup, err);
}

static int container_shell_resume(struct container *c, struct err *err)
{
	int rc = need_cgroup(c, "resuming", err);

	return rc < 0 ? rc : cg_thaw(c->cgroup, err);
}

static int container_shell_update(struct container *c, const struct update_request *u,
				  struct err *err)
{
	int rc = need_cgroup(c, "updating", err);

	if (rc == 0)
		rc = cg_update(c->cgroup, u->resources, err);
	if (rc < 0 || (!u->l3_cache_schema && !u->mem_bw_schema))
		return rc;
	rc = container_load_config(c, err);
	if (rc < 0)
		return rc;
	if (!c->config.linux_.intel_rdt)
		return err_set(err, -EINVAL,
			       "container '%s' was made without /linux/intelRdt: its schema cannot "
			       "be updated",
			       c->state.id);
	return rdt_update(c->config.linux_.intel_rdt, c->state.id, u->l3_cache_schema,
			  u->mem_bw_schema, err);
}

static int container_shell_stats(struct container *c, struct cg_stats *out, struct err *err)
{
	int rc = need_cgroup(c, "counting", err);

	return rc < 0 ? rc : cg_stats_read(c->cgroup, out, err);
}

static int container_shell_pids(struct container *c, pid_t **out, size_t *out_n, struct err *err)
{
	int rc = need_cgroup(c, "listing processes", err);

	return rc < 0 ? rc : cg_pids(c->cgroup, out, out_n, err);
}

/* ---- the end ------------------------------------------------------------------------------- */

static int container_shell_stop(struct container *c, struct err *err)
{
	int rc;

	if (!container_find_init(c))
		return 0;
	rc = proc_signal(c->init_pid_fd, SIGKILL);
	if (rc < 0 && rc != -ESRCH)
		return err_code(err, rc, "kill process %d", c->init.pid);
	if (container_shell_is_paused(c, NULL) > 0) {
		rc = cg_thaw(c->cgroup, err);
		if (rc < 0)
			return rc;
	}
	rc = proc_wait_exit(c->init_pid_fd, STOP_TIMEOUT_MS);
	return rc < 0 ? err_code(err, rc, "wait for the end of process %d", c->init.pid) : 0;
}

static int container_shell_remove(struct container *c, struct err *err)
{
	int rc = 0;

	if (c->state.cgroup_path && c->state.is_cgroup_ours)
		rc = cg_delete(c->state.cgroup_path, CGROUP_DELETE_TIMEOUT_MS, err);
	if (rc < 0 || !c->state.has_rdt)
		return rc;
	rc = container_load_config(c, err);
	if (rc < 0 || !c->config.linux_.intel_rdt)
		return rc;
	return rdt_remove(c->config.linux_.intel_rdt, c->state.id, c->state.is_clos_ours, err);
}

const struct backend_ops backend_container = {
	.create = container_shell_create,
	.start = container_shell_start,
	.exec = container_shell_exec,
	.kill = container_shell_kill,
	.kill_all = container_shell_kill_all,
	.is_paused = container_shell_is_paused,
	.pause = container_shell_pause,
	.resume = container_shell_resume,
	.update = container_shell_update,
	.stats = container_shell_stats,
	.pids = container_shell_pids,
	.stop = container_shell_stop,
	.remove = container_shell_remove,
};
