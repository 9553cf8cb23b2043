// SPDX-License-Identifier: GPL-2.0-or-later
/* The sandbox: what is given up, and in which order. */
#include "vmmode/vmm/sandbox.h"

#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif
#include <sched.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "spec/base/log.h"
#include "spec/base/num.h"
#include "spec/base/str.h"
#include "vmmode/vmm/sandbox_filter.h"

#define CAP_BIT(cap) (UINT64_C(1) << (cap))

enum {
	NOBODY = 65534,
	INHERITED_MAX = 64, /* descriptors that options name */
	/* Where a guest looks at many files, each costs one: see virtio_fs_new(). */
	NOFILE_MAX = 1 << 20,
};

/* A file server that takes its guest's ids and writes for all of them. CAP_DAC_READ_SEARCH is not
 * among them: with it, open_by_handle_at(2) reaches files outside the tree. */
static const uint64_t write_caps = CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_DAC_OVERRIDE) |
				   CAP_BIT(CAP_FOWNER) | CAP_BIT(CAP_FSETID) | CAP_BIT(CAP_SETUID) |
				   CAP_BIT(CAP_SETGID) | CAP_BIT(CAP_MKNOD) | CAP_BIT(CAP_SETFCAP);
/* One that only reads. The filter refuses handles to all. */
static const uint64_t read_caps = CAP_BIT(CAP_DAC_READ_SEARCH);

/* ---- capabilities ------------------------------------------------------------------------------
 */

static int get_permitted(uint64_t *out)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data) < 0)
		return -errno;
	*out = (uint64_t)data[1].permitted << 32 | data[0].permitted;
	return 0;
}

int sandbox_set_caps(uint64_t caps)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct data[2] = {
		{ .effective = (uint32_t)caps, .permitted = (uint32_t)caps },
		{ .effective = (uint32_t)(caps >> 32), .permitted = (uint32_t)(caps >> 32) },
	};

	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

/* ---- before anything is opened -----------------------------------------------------------------
 */

static int compare_fds(const void *a, const void *b)
{
	const unsigned int x = *(const unsigned int *)a;
	const unsigned int y = *(const unsigned int *)b;

	return (x > y) - (x < y);
}

/* The descriptors that @text names: "fd:N" where a value begins. One too many does no harm. */
static size_t find_fds(const char *text, unsigned int *out, size_t n)
{
	for (const char *p = text; p && (p = strstr(p, "fd:")) != NULL; p += 3) {
		char digits[12];
		size_t len = strspn(p + 3, "0123456789");
		uint64_t fd;

		if ((p != text && p[-1] != '=' && p[-1] != ',') || len == 0 ||
		    len >= sizeof(digits) || n == INHERITED_MAX)
			continue;
		memcpy(digits, p + 3, len);
		digits[len] = '\0';
		if (num_u64(digits, 0, INT_MAX, &fd) == 0)
			out[n++] = (unsigned int)fd;
	}
	return n;
}

int sandbox_close_inherited(const struct vmm_options *opts, struct err *err)
{
	unsigned int keep[INHERITED_MAX + 1];
	unsigned int next = 3;
	size_t n = 0;

	n = find_fds(opts->kernel, keep, n);
	n = find_fds(opts->initrd, keep, n);
	n = find_fds(opts->serial, keep, n);
	n = find_fds(opts->control, keep, n);
	for (unsigned int i = 0; i < opts->n_devices; i++)
		n = find_fds(opts->devices[i].text, keep, n);
	for (unsigned int i = 0; i < opts->n_ports; i++)
		n = find_fds(opts->ports[i], keep, n);
	if (n == INHERITED_MAX)
		return err_set(err, -EINVAL, "more than %d inherited descriptors",
			       INHERITED_MAX - 1);
	qsort(keep, n, sizeof(keep[0]), compare_fds);
	for (size_t i = 0; i < n; i++) {
		if (keep[i] > next && close_range(next, keep[i] - 1, 0) < 0)
			return err_sys(err, "close inherited descriptors");
		next = keep[i] + 1 > next ? keep[i] + 1 : next;
	}
	return close_range(next, UINT_MAX, 0) < 0 ? err_sys(err, "close inherited descriptors") : 0;
}

/* Whether this process can become uid:gid: asked by the one call that changes nothing for good. In
 * a user namespace the ids must also be mapped. */
static bool can_become(uid_t uid, gid_t gid)
{
	const uint64_t wanted = CAP_BIT(CAP_SYS_ADMIN) | CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_SETGID) |
				CAP_BIT(CAP_SETPCAP);
	const gid_t old_gid = (gid_t)setfsgid((gid_t)-1);
	const uid_t old_uid = (uid_t)setfsuid((uid_t)-1);
	uint64_t caps = 0;
	bool ok;

	if (get_permitted(&caps) < 0 || (caps & wanted) != wanted)
		return false;
	(void)setfsgid(gid);
	ok = (gid_t)setfsgid((gid_t)-1) == gid;
	(void)setfsgid(old_gid);
	(void)setfsuid(uid);
	ok = ok && (uid_t)setfsuid((uid_t)-1) == uid;
	(void)setfsuid(old_uid);
	return ok;
}

/*
 * More descriptors than most shells give: sockets have one for each connection, and a file server
 * one for each file that its guest has in its caches, often tens of thousands. Root may raise the
 * hard limit, unless fs.nr_open is lower.
 */
static int raise_descriptors(struct err *err)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
		return err_sys(err, "read the limit of descriptors");
	if (lim.rlim_max < NOFILE_MAX &&
	    setrlimit(RLIMIT_NOFILE, &(struct rlimit){ NOFILE_MAX, NOFILE_MAX }) == 0)
		return 0;
	lim.rlim_cur = lim.rlim_max < NOFILE_MAX ? lim.rlim_max : NOFILE_MAX;
	return setrlimit(RLIMIT_NOFILE, &lim) < 0 ? err_sys(err, "raise the limit of descriptors")
						  : 0;
}

static bool has_vsock(const struct vmm_options *opts)
{
	for (unsigned int i = 0; i < opts->n_devices; i++) {
		if (opts->devices[i].kind == VMM_VSOCK)
			return true;
	}
	return false;
}

/* With vsock, and with a console or a port at a socket. */
static bool has_socket(const struct vmm_options *opts)
{
	const char *console = vmm_options_console(opts);

	if (console && str_starts(console, "unix:"))
		return true;
	for (unsigned int i = 0; i < opts->n_ports; i++) {
		if (strstr(opts->ports[i], "=unix:"))
			return true;
	}
	return has_vsock(opts);
}

/*
 * The sockets that a guest connects to, and the folder that its own is removed from, are those of
 * who started the machine: with sockets it stays that user, if only in number.
 */
static void choose_ids(struct sandbox *s, const struct vmm_options *opts)
{
	const bool stays = has_socket(opts);

	s->uid = stays ? geteuid() : NOBODY;
	s->gid = stays ? getegid() : NOBODY;
	if (opts->has_user) {
		s->uid = opts->uid;
		s->gid = opts->gid;
	}
}

int sandbox_begin(struct sandbox *s, const struct vmm_options *opts, struct err *err)
{
	int rc = raise_descriptors(err);

	if (rc < 0)
		return rc;
	s->is_on = !opts->no_sandbox;
	s->has_vsock = has_vsock(opts);
	choose_ids(s, opts);
	s->is_root = s->is_on && can_become(s->uid, s->gid);
	if (s->is_on && opts->has_user && !s->is_root)
		return err_set(err, -EPERM, "--user %u:%u: cannot take these ids (only root can)",
			       opts->uid, opts->gid);
	rc = s->is_on ? sandbox_own_mounts(!s->is_root, err) : 0;
	if (rc < 0)
		return rc;
	s->proc_fd = sandbox_open_proc(s->is_on, err);
	return s->proc_fd < 0 ? s->proc_fd : 0;
}

int sandbox_confine_dir(struct sandbox *s, int fd, bool for_files, bool read_only, struct err *err)
{
	if (for_files)
		s->file_caps |= read_only ? read_caps : write_caps;
	return s->is_on ? sandbox_cut_out(fd, read_only, err) : 0;
}

/* ---- the steps of sandbox_enter() --------------------------------------------------------------
 */

static int give_up_namespaces(struct sandbox *s, struct err *err)
{
	(void)s;
	/* TAPs and sockets that are open stay what they are. */
	if (unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP) < 0)
		return err_sys(err, "make network, IPC, UTS and cgroup namespaces");
	return 0;
}

static int give_up_files(struct sandbox *s, struct err *err)
{
	int rc = sandbox_empty_root(err);

	if (rc < 0)
		return rc;
	return fchdir(s->proc_fd) < 0 ? err_sys(err, "enter '/proc/self/fd'") : 0;
}

static int give_up_limits(struct sandbox *s, struct err *err)
{
	const struct rlimit none = { 0, 0 };
	struct rlimit files;

	(void)s;
	(void)umask(077);
	/* No RLIMIT_NPROC: it counts all processes of the user, and no thread may make one anyway.
	 */
	if (setrlimit(RLIMIT_CORE, &none) < 0 || getrlimit(RLIMIT_NOFILE, &files) < 0)
		return err_sys(err, "set limits");
	files.rlim_max = files.rlim_cur;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		return err_sys(err, "set limits");
	return 0;
}

/* The environment may hold the caller's secrets; nothing here reads it. */
static int give_up_environment(struct sandbox *s, struct err *err)
{
	(void)s;
	(void)err;
	for (char **e = environ; e && *e; e++)
		explicit_bzero(*e, strlen(*e));
	(void)clearenv();
	return 0;
}

/* Groups before ids, for which CAP_SETGID is needed; capabilities stay for the next step. */
static int give_up_ids(struct sandbox *s, struct err *err)
{
	if (!s->is_root)
		return 0;
	if (prctl(PR_SET_KEEPCAPS, 1) < 0 || setgroups(0, NULL) < 0 ||
	    setresgid(s->gid, s->gid, s->gid) < 0 || setresuid(s->uid, s->uid, s->uid) < 0 ||
	    prctl(PR_SET_KEEPCAPS, 0) < 0)
		return err_sys(err, "become user %u, group %u", s->uid, s->gid);
	return 0;
}

/* What could give capabilities back is closed while there still is the one to close it with. */
static int give_up_caps(struct sandbox *s, struct err *err)
{
	const unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
				   SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
				   SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
	uint64_t caps = 0;
	int rc = get_permitted(&caps);

	if (rc == 0)
		rc = sandbox_set_caps(caps); /* effective again: the ids' change took them */
	if (rc < 0)
		return err_code(err, rc, "read capabilities");
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap) < 0)
			return err_sys(err, "empty the bounding set");
	}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return err_sys(err, "clear ambient capabilities");
	if (prctl(PR_SET_SECUREBITS, bits) < 0)
		return err_sys(err, "lock the rules of capabilities");
	/* In a user namespace of its own there are no ids to take: files are the caller's. */
	rc = sandbox_set_caps(s->is_root ? caps & s->file_caps : 0);
	return rc < 0 ? err_code(err, rc, "give up capabilities") : 0;
}

static int give_up_privileges(struct sandbox *s, struct err *err)
{
	(void)s;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(err, "refuse new privileges");
	/* No process of the same user traces it or looks into it. */
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return err_sys(err, "refuse to be traced");
	return 0;
}

/* The starter goes first: it is the last thread that this one makes. */
static int give_up_calls(struct sandbox *s, struct err *err)
{
	int rc = sandbox_report_forbidden();

	if (rc < 0)
		return err_code(err, rc, "handle SIGSYS");
	rc = sandbox_starter_init(&s->starter, err);
	if (rc < 0)
		return rc;
	rc = sandbox_confine(s->has_vsock ? THREAD_STREAMS : THREAD_LOOP);
	return rc < 0 ? err_code(err, rc, "install a seccomp filter") : 0;
}

/*
 * Order: namespaces and the root need CAP_SYS_ADMIN, so they come before ids and capabilities; ids
 * before capabilities, which the change of ids needs; no_new_privs before filters, which then need
 * no capability; filters last, as they forbid all of this.
 */
static int (*const steps[])(struct sandbox *s, struct err *err) = {
	give_up_namespaces, give_up_files, give_up_limits,     give_up_environment,
	give_up_ids,        give_up_caps,  give_up_privileges, give_up_calls,
};

int sandbox_enter(struct sandbox *s, struct err *err)
{
	if (!s->is_on)
		return fchdir(s->proc_fd) < 0 ? err_sys(err, "enter '/proc/self/fd'") : 0;
#ifdef __SANITIZE_ADDRESS__
	/* The check at the end would trace this process from a child; after this it is not made. */
	__lsan_do_leak_check();
#endif
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		int rc = steps[i](s, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

struct thread_starter *sandbox_threads(struct sandbox *s)
{
	return s->starter.has_thread ? &s->starter.base : NULL;
}

void sandbox_fini(struct sandbox *s)
{
	sandbox_starter_fini(&s->starter);
	cleanup_close(&s->proc_fd);
	s->proc_fd = -1;
}
