// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The seccomp profile of the default config: a list of what programs need, everything else answers
 * EPERM. Left out are calls that act on the whole host, need capabilities that the default config
 * does not give (mount, bpf, reboot, ...), or have a history of holes and few users (io_uring,
 * userfaultfd, keyctl, AF_ALG). Names that an architecture lacks are skipped when it is compiled.
 */
#include <linux/sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/personality.h>
#include <sys/socket.h>

#include "spec/defaults_internal.h"

/* Sorted. clang-format would take a line for each. */
/* clang-format off */
static const char *const allowed[] = {
	"_llseek", "_newselect", "accept", "accept4", "access", "adjtimex", "alarm", "bind", "brk",
	"cachestat", "capget", "capset", "chdir", "chmod", "chown", "chown32", "clock_adjtime",
	"clock_adjtime64", "clock_getres", "clock_getres_time64", "clock_gettime",
	"clock_gettime64", "clock_nanosleep", "clock_nanosleep_time64", "close", "close_range",
	"connect", "copy_file_range", "creat", "dup", "dup2", "dup3", "epoll_create",
	"epoll_create1", "epoll_ctl", "epoll_ctl_old", "epoll_pwait", "epoll_pwait2", "epoll_wait",
	"epoll_wait_old", "eventfd", "eventfd2", "execve", "execveat", "exit", "exit_group",
	"faccessat", "faccessat2", "fadvise64", "fadvise64_64", "fallocate", "fanotify_mark",
	"fchdir", "fchmod", "fchmodat", "fchmodat2", "fchown", "fchown32", "fchownat", "fcntl",
	"fcntl64", "fdatasync", "fgetxattr", "flistxattr", "flock", "fork", "fremovexattr",
	"fsetxattr", "fstat", "fstat64", "fstatat64", "fstatfs", "fstatfs64", "fsync", "ftruncate",
	"ftruncate64", "futex", "futex_requeue", "futex_time64", "futex_wait", "futex_waitv",
	"futex_wake", "futimesat", "get_robust_list", "get_thread_area", "getcpu", "getcwd",
	"getdents", "getdents64", "getegid", "getegid32", "geteuid", "geteuid32", "getgid",
	"getgid32", "getgroups", "getgroups32", "getitimer", "getpeername", "getpgid", "getpgrp",
	"getpid", "getppid", "getpriority", "getrandom", "getresgid", "getresgid32", "getresuid",
	"getresuid32", "getrlimit", "getrusage", "getsid", "getsockname", "getsockopt", "gettid",
	"gettimeofday", "getuid", "getuid32", "getxattr", "getxattrat", "inotify_add_watch",
	"inotify_init", "inotify_init1", "inotify_rm_watch", "io_cancel", "io_destroy",
	"io_getevents", "io_pgetevents", "io_pgetevents_time64", "io_setup", "io_submit", "ioctl",
	"ioprio_get", "ioprio_set", "ipc", "kill", "landlock_add_rule", "landlock_create_ruleset",
	"landlock_restrict_self", "lchown", "lchown32", "lgetxattr", "link", "linkat", "listen",
	"listmount", "listxattr", "listxattrat", "llistxattr", "lremovexattr", "lseek",
	"lsetxattr", "lstat", "lstat64", "madvise", "map_shadow_stack", "membarrier",
	"memfd_create", "memfd_secret", "mincore", "mkdir", "mkdirat", "mknod", "mknodat", "mlock",
	"mlock2", "mlockall", "mmap", "mmap2", "mprotect", "mq_getsetattr", "mq_notify", "mq_open",
	"mq_timedreceive", "mq_timedreceive_time64", "mq_timedsend", "mq_timedsend_time64",
	"mq_unlink", "mremap", "mseal", "msgctl", "msgget", "msgrcv", "msgsnd", "msync", "munlock",
	"munlockall", "munmap", "name_to_handle_at", "nanosleep", "newfstatat", "open", "openat",
	"openat2", "pause", "pidfd_open", "pidfd_send_signal", "pipe", "pipe2", "pkey_alloc",
	"pkey_free", "pkey_mprotect", "poll", "ppoll", "ppoll_time64", "prctl", "pread64",
	"preadv", "preadv2", "prlimit64", "process_mrelease", "process_vm_readv",
	"process_vm_writev", "pselect6", "pselect6_time64", "ptrace", "pwrite64", "pwritev",
	"pwritev2", "read", "readahead", "readlink", "readlinkat", "readv", "recv", "recvfrom",
	"recvmmsg", "recvmmsg_time64", "recvmsg", "remap_file_pages", "removexattr",
	"removexattrat", "rename", "renameat", "renameat2", "restart_syscall", "rmdir", "rseq",
	"rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn",
	"rt_sigsuspend", "rt_sigtimedwait", "rt_sigtimedwait_time64", "rt_tgsigqueueinfo",
	"sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity", "sched_getattr",
	"sched_getparam", "sched_getscheduler", "sched_rr_get_interval",
	"sched_rr_get_interval_time64", "sched_setaffinity", "sched_setattr", "sched_setparam",
	"sched_setscheduler", "sched_yield", "seccomp", "select", "semctl", "semget", "semop",
	"semtimedop", "semtimedop_time64", "send", "sendfile", "sendfile64", "sendmmsg", "sendmsg",
	"sendto", "set_robust_list", "set_thread_area", "set_tid_address", "setfsgid",
	"setfsgid32", "setfsuid", "setfsuid32", "setgid", "setgid32", "setgroups", "setgroups32",
	"setitimer", "setpgid", "setpriority", "setregid", "setregid32", "setresgid",
	"setresgid32", "setresuid", "setresuid32", "setreuid", "setreuid32", "setrlimit", "setsid",
	"setsockopt", "setuid", "setuid32", "setxattr", "setxattrat", "shmat", "shmctl", "shmdt",
	"shmget", "shutdown", "sigaltstack", "signalfd", "signalfd4", "sigprocmask", "sigreturn",
	"socketcall", "socketpair", "splice", "stat", "stat64", "statfs", "statfs64", "statmount",
	"statx", "symlink", "symlinkat", "sync", "sync_file_range", "syncfs", "sysinfo", "tee",
	"tgkill", "time", "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime",
	"timer_gettime64", "timer_settime", "timer_settime64", "timerfd_create", "timerfd_gettime",
	"timerfd_gettime64", "timerfd_settime", "timerfd_settime64", "times", "tkill", "truncate",
	"truncate64", "ugetrlimit", "umask", "uname", "unlink", "unlinkat", "uretprobe", "utime",
	"utimensat", "utimensat_time64", "utimes", "vfork", "vmsplice", "wait4", "waitid",
	"waitpid", "write", "writev",
};
/* clang-format on */

/* Calls of one architecture; a name that another lacks would be skipped there anyway. */
static const char *const allowed_here[] = {
#if defined(__x86_64__)
	"arch_prctl",
	"modify_ldt",
#elif defined(__aarch64__)
	"arm_fadvise64_64", "arm_sync_file_range", "breakpoint", "cacheflush",
	"set_tls",          "sync_file_range2",
#else
	"sync_file_range2",
#endif
};

static const uint32_t archs[] = {
#if defined(__x86_64__)
	SCMP_ARCH_X86_64,
	SCMP_ARCH_X86,
	SCMP_ARCH_X32,
#elif defined(__aarch64__)
	SCMP_ARCH_AARCH64,
	SCMP_ARCH_ARM,
#else
	SCMP_ARCH_NATIVE,
#endif
};

/* A rule for one call with a condition on its first argument; op SCMP_CMP_MASKED_EQ: value is the
 * mask. */
struct arg_rule {
	const char *name;
	uint32_t op;
	uint64_t value, value_two;
};

#define NEW_NAMESPACES                                                                             \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
	 CLONE_NEWPID | CLONE_NEWNET)

static const struct arg_rule arg_rules[] = {
	{ "clone", SCMP_CMP_MASKED_EQ, NEW_NAMESPACES, 0 },
	{ "personality", SCMP_CMP_EQ, PER_LINUX, 0 },
	{ "personality", SCMP_CMP_EQ, PER_LINUX32, 0 },
	{ "personality", SCMP_CMP_EQ, UNAME26, 0 },
	{ "personality", SCMP_CMP_EQ, UNAME26 | PER_LINUX32, 0 },
	{ "personality", SCMP_CMP_EQ, 0xffffffff, 0 }, /* asks for the present one */
	/* Families up to AF_CAN, AF_BLUETOOTH and their like; not AF_ALG and what came after it:
	 * AF_VSOCK reaches the hypervisor, the others are the youngest code of the kernel. */
	{ "socket", SCMP_CMP_LT, AF_ALG, 0 },
};

static bool set_rule(struct arena *a, struct config_seccomp_rule *rule, uint32_t action,
		     const char *const *names, size_t n)
{
	rule->action = action;
	return default_strv(a, &rule->names, names, n);
}

static bool set_arg_rule(struct arena *a, struct config_seccomp_rule *rule,
			 const struct arg_rule *from)
{
	rule->args.items = arena_alloc(a, 1, sizeof(*rule->args.items));
	if (!rule->args.items)
		return false;
	rule->args.n = 1;
	rule->args.items[0] = (struct config_seccomp_arg){
		.op = from->op,
		.value = from->value,
		.value_two = from->value_two,
	};
	return set_rule(a, rule, SCMP_ACT_ALLOW, &from->name, 1);
}

bool default_seccomp(struct arena *a, struct config_linux *l)
{
	/* clone3 hides its flags from a filter; ENOSYS makes C libraries fall back to clone. */
	static const char *const no_such_call[] = { "clone3" };
	struct config_seccomp *s = arena_alloc(a, 1, sizeof(*s));
	struct config_seccomp_rule *rule;

	if (!s)
		return false;
	s->default_action = SCMP_ACT_ERRNO(EPERM);
	s->archs.items = arena_alloc(a, ARRAY_LEN(archs), sizeof(*s->archs.items));
	s->rules.items = arena_alloc(a, 3 + ARRAY_LEN(arg_rules), sizeof(*s->rules.items));
	if (!s->archs.items || !s->rules.items)
		return false;
	memcpy(s->archs.items, archs, sizeof(archs));
	s->archs.n = ARRAY_LEN(archs);
	rule = s->rules.items;
	if (!set_rule(a, rule++, SCMP_ACT_ALLOW, allowed, ARRAY_LEN(allowed)) ||
	    !set_rule(a, rule++, SCMP_ACT_ALLOW, allowed_here, ARRAY_LEN(allowed_here)) ||
	    !set_rule(a, rule++, SCMP_ACT_ERRNO(ENOSYS), no_such_call, ARRAY_LEN(no_such_call)))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(arg_rules); i++) {
		if (!set_arg_rule(a, rule++, &arg_rules[i]))
			return false;
	}
	s->rules.n = (size_t)(rule - s->rules.items);
	l->seccomp = s;
	return true;
}
