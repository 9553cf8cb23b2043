// SPDX-License-Identifier: GPL-2.0-or-later
/* From a process in its namespaces and its root to the program. The stages are in workload.h. */
#include "namespaces/workload.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "namespaces/caps.h"
#include "namespaces/creds.h"
#include "namespaces/final.h"
#include "namespaces/keyring.h"
#include "namespaces/sched.h"
#include "namespaces/start.h"
#include "spec/base/log.h"
#include "spec/base/path.h"

enum { FIRST_FD = 3, DEFAULT_UMASK = 022 };

bool workload_needs_proc(const struct config_process *p)
{
	return p->apparmor_profile || p->selinux_label;
}

int workload_open(struct workload *w, struct err *err)
{
	const struct config_seccomp *s = w->config->linux_.seccomp;
	int rc = workload_copy_strings(w, err);

	if (rc == 0 && !w->is_exec &&
	    (w->config->hooks[HOOK_CREATE_CONTAINER].n || w->config->hooks[HOOK_START_CONTAINER].n))
		rc = hook_io_open(w->config, &w->hook_io, err);
	if (rc == 0 && s)
		rc = seccomp_compile(s, seccomp_compile_flags_from(w->config), w->seccomp_cache_fd,
				     &w->seccomp, err);
	return rc;
}

int workload_host(struct workload *w, struct err *err)
{
	return workload_needs_proc(w->process) ? lsm_open(w->proc_fd, w->process, &w->lsm, err) : 0;
}

void workload_fini(struct workload *w)
{
	free(w->strings);
	free(w->argv);
	free(w->env);
	seccomp_program_fini(&w->seccomp);
	hook_io_close(&w->hook_io);
	lsm_close(&w->lsm);
}

/* ---- stage 1: stdio, scheduling, keyring -------------------------------------------------------
 */

static int set_stdio(const struct workload *w, struct err *err)
{
	if (w->process->terminal)
		return 0; /* console_attach() did it */
	for (int i = 0; i < 3; i++) {
		int fd = w->io->stdio_fds[i];

		if (fd >= 0 && dup2(fd, i) < 0)
			return err_sys(err, "set descriptor %d", i);
	}
	return 0;
}

/*
 * A user who is not root can reopen /dev/stdout only if the pipe behind it is theirs. Of what a
 * caller may pass, a pipe's owner alone matters to nobody else: never a file, terminal or device.
 */
static void give_pipes(const struct config_user *user)
{
	for (int fd = 0; fd < 3; fd++) {
		struct stat st;

		if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) && st.st_uid != user->uid &&
		    fchown(fd, user->uid, (gid_t)-1) < 0)
			log_debug("give descriptor %d to user %u: %m, ignoring", fd, user->uid);
	}
}

static int set_scheduling(const struct workload *w, struct err *err)
{
	const struct config_linux *l = &w->config->linux_;
	int rc = sched_apply(w->process->scheduler, err);

	if (rc == 0)
		rc = sched_io_priority(w->process->io_priority, err);
	if (rc == 0)
		rc = sched_memory_policy(l->memory_policy, err);
	if (rc == 0)
		rc = sched_personality(l->personality, err);
	return rc;
}

static int set_keyring(const struct workload *w, struct err *err)
{
	const char *label = w->process->selinux_label;
	int rc = 0;

	if (w->no_new_keyring)
		return 0;
	if (label)
		rc = lsm_label_keyring(w->proc_fd, label, err);
	if (rc == 0)
		rc = keyring_join(w->id, !w->is_exec, err);
	if (rc == 0 && label)
		rc = lsm_label_keyring(w->proc_fd, NULL, err);
	return rc;
}

/* ---- stage 2: the working directory ------------------------------------------------------------
 */

/*
 * A directory outside the root, reached through a leaked descriptor's magic link, has no path from
 * it: the kernel says "(unreachable)" (CVE-2024-21626).
 */
static int check_cwd(const char *cwd, struct err *err)
{
	char path[PATH_MAX];

	if (syscall(SYS_getcwd, path, sizeof(path)) < 0)
		return err_sys(err, "/process/cwd: '%s': read back", cwd);
	if (path[0] != '/')
		return err_set(err, -EPERM, "/process/cwd: '%s' is outside of the container", cwd);
	return 0;
}

/* The init makes a missing folder, as runc does; an image rarely has the one that a user asks for.
 */
static int make_cwd(const char *cwd, struct err *err)
{
	auto_close int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_close int fd = -1;

	if (root_fd < 0)
		return err_sys(err, "open the root");
	fd = path_mkdirs_in_root(root_fd, cwd, 0755);
	if (fd < 0)
		return err_code(err, fd, "/process/cwd: make '%s'", cwd);
	if (fchdir(fd) < 0)
		return err_sys(err, "/process/cwd: enter '%s'", cwd);
	return 0;
}

/* Called as root, and again as the user where root may not (a network file system). */
static int enter_cwd(struct workload *w, bool is_last_try, struct err *err)
{
	const char *cwd = w->process->cwd;
	int rc = 0;

	if (w->is_cwd_open)
		return 0;
	if (chdir(cwd) < 0) {
		if (errno == EACCES && !is_last_try)
			return 0;
		if (errno != ENOENT || w->is_exec || is_last_try)
			return err_sys(err, "/process/cwd: enter '%s'", cwd);
		rc = make_cwd(cwd, err);
	}
	w->is_cwd_open = rc == 0;
	return rc < 0 ? rc : check_cwd(cwd, err);
}

/* ---- stages 3 to 6: rights ---------------------------------------------------------------------
 */

#define CAP_BIT(n) (UINT64_C(1) << (n))

static bool must_load_early(const struct workload *w)
{
	return w->seccomp.n && !w->process->no_new_privileges;
}

/*
 * Sets @w->caps to the final sets, and *@out to these and what the last step needs until its
 * capset. Execution never sees the rest.
 */
static int plan_caps(struct workload *w, struct config_caps *out, struct err *err)
{
	const struct config_caps none = { 0 };
	const struct config_caps *want = w->process->caps ? w->process->caps : &none;
	const uint64_t restore = CAP_BIT(CAP_CHECKPOINT_RESTORE);
	const uint64_t admin = CAP_BIT(CAP_SYS_ADMIN);
	struct config_caps c = *want;
	int rc;

	c.permitted |= restore | admin;
	c.effective |= restore | admin;
	rc = caps_plan(&c, &c, err);
	if (rc < 0)
		return rc;
	w->caps = c;
	w->caps.permitted &= want->permitted;
	w->caps.effective &= want->effective;
	w->caps.ambient &= want->permitted;
	/* Before Linux 5.9 letting go of the binary takes the wider one. */
	if (!must_load_early(w) && (w->is_sealed || (c.permitted & restore)))
		c.permitted &= ~admin | want->permitted;
	if (w->is_sealed)
		c.permitted &= ~restore | want->permitted;
	c.effective &= c.permitted;
	c.ambient = w->caps.ambient;
	*out = c;
	return 0;
}

static int set_rights(struct workload *w, struct err *err)
{
	const struct config_user *user = &w->process->user;
	unsigned int flags = (w->has_userns ? CREDS_IN_USERNS : 0U) |
			     (creds_keeps_groups(w->config) ? CREDS_KEEP_GROUPS : 0U);
	struct config_caps interim;
	int rc = plan_caps(w, &interim, err);

	if (rc == 0)
		rc = caps_drop_bounding(&w->caps, err);
	if (rc == 0 && user->uid != 0) {
		give_pipes(user);
		rc = caps_keep(err);
	}
	if (!user->umask.is_set)
		(void)umask(DEFAULT_UMASK);
	if (rc == 0)
		rc = creds_apply(user, flags, err);
	if (rc == 0)
		rc = caps_apply(&interim, err);
	if (rc == 0)
		rc = lsm_apply(&w->lsm, err);
	if (rc == 0 && w->process->no_new_privileges)
		rc = creds_no_new_privs(err);
	return rc;
}

/* ---- stage 7: program and descriptors ----------------------------------------------------------
 */

/* Closes [@first, @last]; an empty range is none. */
static int close_between(unsigned int first, unsigned int last)
{
	return first > last || close_range(first, last, 0) == 0 ? 0 : -errno;
}

/*
 * All but stdio, the preserved ones and @kept: what the caller had open must not stay open in a
 * container that waits for its start, nor be there for a program to find.
 */
static int close_others(unsigned int first, const int *kept, size_t n_kept, struct err *err)
{
	int rc = 0;

	while (rc == 0) {
		unsigned int next = UINT_MAX; /* the lowest that is kept, from @first on */

		for (size_t i = 0; i < n_kept; i++) {
			if (kept[i] >= 0 && (unsigned int)kept[i] >= first &&
			    (unsigned int)kept[i] < next)
				next = (unsigned int)kept[i];
		}
		if (next == UINT_MAX) {
			rc = close_between(first, UINT_MAX);
			break;
		}
		rc = close_between(first, next - 1);
		first = next + 1;
	}
	return rc < 0 ? err_code(err, rc, "close descriptors") : 0;
}

static int close_descriptors(const struct workload *w, const struct sync *sync, struct err *err)
{
	const int kept[] = { sync->fd, w->start_fd, w->hook_io.stdout_fd, w->hook_io.stderr_fd };
	unsigned int n = w->io->preserve_fds;

	/* The caller had them close-on-exec, or not: they are to stay open. */
	for (unsigned int fd = FIRST_FD; fd < FIRST_FD + n; fd++) {
		if (fcntl((int)fd, F_SETFD, 0) < 0)
			return err_sys(err, "preserve descriptor %u", fd);
	}
	return close_others(FIRST_FD + n, kept, ARRAY_LEN(kept), err);
}

int workload_close_host(const struct workload *w, int sync_fd, struct err *err)
{
	const int kept[] = { sync_fd,
			     w->lsm.apparmor_fd,
			     w->lsm.selinux_fd,
			     w->process->selinux_label ? w->proc_fd : -1, /* labels the keyring */
			     w->io->stdio_fds[0],
			     w->io->stdio_fds[1],
			     w->io->stdio_fds[2] };

	return close_others(FIRST_FD + w->io->preserve_fds, kept, ARRAY_LEN(kept), err);
}

int workload_prepare(struct workload *w, const struct sync *sync, struct err *err)
{
	const struct strv env = { w->env, w->n_env };
	int rc = set_stdio(w, err);

	if (rc == 0)
		rc = set_scheduling(w, err);
	if (rc == 0)
		rc = set_keyring(w, err);
	if (rc == 0)
		rc = enter_cwd(w, false, err);
	if (rc == 0)
		rc = set_rights(w, err);
	if (rc == 0)
		rc = enter_cwd(w, true, err);
	if (rc == 0)
		rc = workload_add_home(w, err);
	if (rc == 0 && program_find(w->argv[0], &env, &w->program, err) < 0) {
		sync_send_err(sync->fd, SYNC_PROGRAM, err); /* 126 or 127 to a shell */
		_exit(EXIT_FAILURE);
	}
	if (rc == 0)
		rc = close_descriptors(w, sync, err);
	if (rc < 0)
		return rc;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(err, "become not dumpable");
	/* From the answer to READY on the container may outlive the runtime that made it. Until
	 * then the end of the socket tells: a signal could still come when the answer is there
	 * already. */
	if (prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) < 0)
		return err_sys(err, "clear the parent-death signal");
	return 0;
}

/* ---- stages 8 to 12 ----------------------------------------------------------------------------
 */

/*
 * Nothing of a container may be left that no state folder names: until the runtime has answered,
 * that is, has recorded us, we end with it. From then on we may outlive it.
 */
static int wait_for_go(const struct workload *w, struct sync *sync, struct err *err)
{
	struct sync start;
	int rc = sync_send(sync->fd, SYNC_READY, 0, -1);

	if (rc < 0)
		return err_code(err, rc, "report to the runtime");
	rc = sync_wait(sync, SYNC_READY, err);
	if (rc < 0)
		return rc;
	if (w->start_fd < 0)
		return 0;
	rc = start_wait(w->start_fd, &start, err);
	if (rc < 0)
		return rc;
	(void)close(sync->fd);
	*sync = start;
	return 0;
}

static int hand_on_listener(void *arg, int listener_fd, struct err *err)
{
	struct sync *sync = arg;
	int rc = sync_send(sync->fd, SYNC_SECCOMP, 0, listener_fd);

	if (rc < 0)
		return err_code(err, rc, "/linux/seccomp: hand on the listener");
	return sync_wait(sync, SYNC_SECCOMP, err);
}

/*
 * With a sealed executable the rights go before the hooks: a hook's program is the image's, and one
 * with CAP_SYS_PTRACE could take over a process that still has more.
 */
static int drop_before_hooks(struct workload *w, struct sync *sync, struct err *err)
{
	int rc = 0;

	if (!w->is_sealed)
		return 0;
	if (must_load_early(w))
		rc = seccomp_install(&w->seccomp, hand_on_listener, sync, err);
	return rc < 0 ? rc : caps_apply(&w->caps, err);
}

/* What the last step points to; lives on the stack until execve. */
struct last {
	struct final_script script;
	struct rlimit64 limits[RLIM_NLIMITS];
	struct sock_fprog filter;
	struct __user_cap_header_struct cap_header;
	struct __user_cap_data_struct cap_data[2];
};

/* None fails: hard limits were raised before (rlimit_raise), and lowering takes no right. */
static int add_limits(struct last *l, const struct config_process *p, struct err *err)
{
	if (p->rlimits.n > ARRAY_LEN(l->limits))
		return err_set(err, -EINVAL, "/process/rlimits: more than there are");
	for (size_t i = 0; i < p->rlimits.n; i++) {
		const struct config_rlimit *r = &p->rlimits.items[i];
		char what[FINAL_WHAT_MAX];

		l->limits[i] = (struct rlimit64){ .rlim_cur = r->soft, .rlim_max = r->hard };
		(void)snprintf(what, sizeof(what), "/process/rlimits/%zu: set", i);
		FINAL_ADD(&l->script, what, SYS_prlimit64, 0, (unsigned long)r->resource,
			  (unsigned long)&l->limits[i]);
	}
	return 0;
}

static void add_seccomp(struct last *l, const struct workload *w)
{
	l->filter.len = (unsigned short)w->seccomp.n;
	l->filter.filter = w->seccomp.insns;
	FINAL_ADD(&l->script, "/linux/seccomp: load the filter", SYS_seccomp,
		  SECCOMP_SET_MODE_FILTER, w->seccomp.flags, (unsigned long)&l->filter);
}

static void add_caps(struct last *l, const struct config_caps *c)
{
	l->cap_header.version = _LINUX_CAPABILITY_VERSION_3;
	for (int i = 0; i < 2; i++) {
		l->cap_data[i].effective = (uint32_t)(c->effective >> (32 * i));
		l->cap_data[i].permitted = (uint32_t)(c->permitted >> (32 * i));
		l->cap_data[i].inheritable = (uint32_t)(c->inheritable >> (32 * i));
	}
	FINAL_ADD(&l->script, "/process/capabilities: set", SYS_capset,
		  (unsigned long)&l->cap_header, (unsigned long)l->cap_data);
}

static int execute(struct workload *w, struct sync *sync, struct err *err)
{
	struct last last = { .script = { .error_fd = sync->fd } };
	bool has_filter = w->seccomp.n && !(w->is_sealed && must_load_early(w));
	int rc = 0;

	if (!w->is_sealed)
		rc = final_add_release(&last.script, err);
	/* A listener is handed on by code of ours; final_needs_sealed() makes this the sealed case.
	 */
	if (rc == 0 && has_filter && seccomp_wants_listener(&w->seccomp)) {
		rc = seccomp_install(&w->seccomp, hand_on_listener, sync, err);
		has_filter = false;
	}
	if (rc == 0)
		rc = add_limits(&last, w->process, err);
	if (rc < 0)
		return rc;
	if (has_filter && must_load_early(w))
		add_seccomp(&last, w);
	if (!w->is_sealed)
		add_caps(&last, &w->caps);
	if (has_filter && !must_load_early(w))
		add_seccomp(&last, w);
	FINAL_ADD(&last.script, w->program.what, SYS_execve, (unsigned long)w->program.path,
		  (unsigned long)w->argv, (unsigned long)w->env);
	return final_run(&last.script, err);
}

int workload_execute(struct workload *w, struct sync *sync, struct err *err)
{
	int rc = wait_for_go(w, sync, err);

	if (rc == 0)
		rc = drop_before_hooks(w, sync, err);
	if (rc == 0 && !w->is_exec)
		rc =
		    hook_run_all(w->config, HOOK_START_CONTAINER, w->start_state, &w->hook_io, err);
	return rc < 0 ? rc : execute(w, sync, err);
}
