// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of system calls, and from it a seccomp program for each kind of thread.
 *
 * A device's author adds what his device does after the start, in the row's kinds: LOOP when it
 * works in the event loop, else the kind of its threads. Calls that take names belong to FILES
 * (few to LOOP, for the sockets of the machine itself, and those to others to STREAMS, the loop of
 * a machine with vsock). A condition compares 32 bits: the kernel takes no more of these arguments.
 */
#include "vmmode/vmm/sandbox_filter.h"

#include <assert.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <linux/vhost.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "vmmode/vmm/exit.h"
#include "vmmode/vmm/terminal.h"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#error "which AUDIT_ARCH?"
#endif

enum {
	STREAMS = 1 << THREAD_STREAMS,
	LOOP = 1 << THREAD_LOOP | STREAMS,
	VCPU = 1 << THREAD_VCPU,
	DISK = 1 << THREAD_DISK,
	FILES = 1 << THREAD_FILES,
	START = 1 << THREAD_STARTER,
	ALL = LOOP | VCPU | DISK | FILES | START,
	/* A thread inherits the filter of its maker: the starter may all that they may. */
	STARTED = VCPU | DISK | FILES,
};

enum row_type { ALLOW, ALLOW_IF, ALLOW_OWN, FAIL };

struct row {
	uint16_t nr;
	uint8_t kinds;
	uint8_t type;
	uint8_t arg; /* of the condition: (argument & mask) == value; ALLOW_OWN: == getpid() */
	uint32_t mask, value; /* FAIL: value is the errno */
	const char *name;
};

#define CALL(name, kinds)                                                                          \
	{                                                                                          \
		SYS_##name, kinds, ALLOW, 0, 0, 0, #name                                           \
	}
#define CALL_IF(name, kinds, arg, mask, value)                                                     \
	{                                                                                          \
		SYS_##name, kinds, ALLOW_IF, arg, mask, (uint32_t)(value), #name                   \
	}
#define CALL_OWN(name, kinds)                                                                      \
	{                                                                                          \
		SYS_##name, kinds, ALLOW_OWN, 0, UINT32_MAX, 0, #name                              \
	}
#define CALL_FAILS(name, kinds, error)                                                             \
	{                                                                                          \
		SYS_##name, kinds, FAIL, 0, 0, error, #name                                        \
	}
#define IOCTL(request, kinds) CALL_IF(ioctl, kinds, 1, UINT32_MAX, request)
#define FCNTL(command, kinds) CALL_IF(fcntl, kinds, 1, UINT32_MAX, command)

/* glibc's pthread_create(), where it cannot use clone3(2). */
static const uint32_t thread_flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
				     CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS |
				     CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;

/* One line for each call and its reason. */
/* clang-format off */
static const struct row rows[] = {
	/* the guest; first, as the kernel looks at its argument at every exit */
	IOCTL(KVM_RUN, VCPU),                       /* runs guest code */
	IOCTL(KVM_GET_REGS, VCPU | LOOP),           /* where a guest crashed, or hangs */
	IOCTL(KVM_GET_MP_STATE, LOOP),              /* where a guest hangs */
	IOCTL(KVM_KVMCLOCK_CTRL, LOOP),             /* resume: the guest learns of the pause */
	IOCTL(KVM_IOEVENTFD, LOOP),                 /* a device's queues are wired when it is activated */

	/* every thread */
	CALL(read, ALL),                            /* eventfds, timers; consoles */
	CALL(write, ALL),                           /* eventfds, log lines; consoles */
	CALL(futex, ALL),                           /* locks, conditions, joins */
	CALL(close, ALL),                           /* descriptors */
	CALL(brk, ALL),                             /* malloc */
	CALL_IF(mmap, ALL, 2, PROT_EXEC, 0),        /* malloc, stacks; never code */
	CALL_IF(mprotect, ALL, 2, PROT_EXEC, 0),    /* malloc, a stack's guard; never code */
	CALL(munmap, ALL),                          /* malloc, stacks */
	CALL(mremap, ALL),                          /* realloc of large blocks; keeps the protection */
	CALL(madvise, ALL),                         /* free; a stack that is kept for the next thread; balloon */
	CALL(clock_gettime, ALL),                   /* where the vDSO cannot tell */
	CALL(getpid, ALL),                          /* abort() */
	CALL(gettid, ALL),                          /* abort() */
	CALL_OWN(tgkill, ALL),                      /* abort(), a vCPU's kick: this process alone */
	CALL(rt_sigprocmask, ALL),                  /* pthread_kill(), pthread_create() */
	CALL(rt_sigreturn, ALL),                    /* the end of a handler */
	CALL(restart_syscall, ALL),                 /* the kernel: a wait that was stopped and goes on */
	CALL(sched_yield, ALL),                     /* the C library's locks */
	CALL(sched_getaffinity, ALL),               /* malloc: how many processors there are */
	IOCTL(TCGETS, ALL),                         /* terminals are restored at every end: the next three too */
	IOCTL(TCSETS, ALL),                         /* by whichever thread crashes */
	IOCTL(TIOCGPGRP, ALL),                      /* in the foreground alone */
#ifdef SYS_getpgrp
	CALL(getpgrp, ALL),                         /* the same */
#endif
	CALL(getpgid, ALL),                         /* the same, on other processors */
	CALL(exit, ALL),                            /* a thread's end */
	CALL(exit_group, ALL),                      /* the program's end */

	/* the event loop and its devices */
	CALL(epoll_ctl, LOOP | VCPU),               /* what the loop waits for; serial: room for input again */
#ifdef SYS_epoll_wait
	CALL(epoll_wait, LOOP),                     /* the loop */
#endif
	CALL(epoll_pwait, LOOP),                    /* the same, on other processors */
	CALL(eventfd2, LOOP),                       /* the kick of a queue that was never used before */
	CALL(timerfd_settime, LOOP),                /* rate limits, lines of the serial port */
	CALL(getrandom, LOOP),                      /* rng */
	CALL(readv, LOOP),                          /* net: a frame from the TAP */
	CALL(writev, LOOP),                         /* net: a frame to the TAP */
	CALL_IF(getsockopt, LOOP, 1, UINT32_MAX, 1), /* net: SOL_SOCKET, why a packet failed */
	IOCTL(TUNSETOFFLOAD, LOOP),                 /* net: what the driver can take */
	IOCTL(TUNSETQUEUE, LOOP),                   /* net: several queues */
	IOCTL(VHOST_SET_FEATURES, LOOP),            /* net, vhost: the next seven too */
	IOCTL(VHOST_SET_MEM_TABLE, LOOP),           /* guest memory */
	IOCTL(VHOST_SET_VRING_NUM, LOOP),           /* a ring's length */
	IOCTL(VHOST_SET_VRING_BASE, LOOP),          /* where it begins */
	IOCTL(VHOST_SET_VRING_ADDR, LOOP),          /* where it is */
	IOCTL(VHOST_SET_VRING_KICK, LOOP),          /* its eventfds */
	IOCTL(VHOST_SET_VRING_CALL, LOOP),          /* the same */
	IOCTL(VHOST_SET_VRING_ERR, LOOP),           /* the same */
	IOCTL(VHOST_NET_SET_BACKEND, LOOP),         /* its TAP, or none */
	CALL_IF(socket, STREAMS, 0, UINT32_MAX, 1), /* vsock: AF_UNIX alone */
	CALL_IF(openat, STREAMS, 2, UINT32_MAX, O_PATH | O_NOFOLLOW | O_CLOEXEC), /* a socket's file, by name */
	CALL(connect, STREAMS),                     /* by a name in the working folder */
	CALL(newfstatat, LOOP),                     /* sockets: is it one; is the machine's own still the same */
	CALL(fstat, LOOP),                          /* the same */
	CALL(accept4, LOOP),                        /* a client of the host */
	CALL(sendto, LOOP),                         /* streams, both ways: the next four too */
	CALL(sendmsg, LOOP),                        /* with buffers in guest memory */
	CALL(recvfrom, LOOP),                       /* the line of a client */
	CALL(recvmsg, LOOP),                        /* into buffers in guest memory */
	CALL(shutdown, LOOP),                       /* one way is closed */
	CALL_IF(unlinkat, LOOP, 2, UINT32_MAX, 0),  /* the machine's own sockets, at the end */
	IOCTL(TIOCGWINSZ, LOOP),                    /* console: the window's size */
	FCNTL(F_DUPFD_CLOEXEC, LOOP),               /* console: a client's socket, one for each way */
	FCNTL(F_GETFL, LOOP),                       /* console: may a write wait */
#ifdef SYS_poll
	CALL(poll, LOOP | FILES),                   /* serial: is the output writable; files: a kick */
#endif
	CALL(ppoll, LOOP | FILES | DISK),           /* a kick, or a time; poll on other processors */

	/* a disk's queue. What the ring does is limited by itself: see uring.h */
	CALL(io_uring_enter, DISK),                 /* submits and waits */
	CALL(preadv2, DISK),                        /* without a ring: read */
	CALL(pwritev2, DISK),                       /* write */
	CALL(fdatasync, DISK | FILES),              /* flush */
	CALL(fallocate, DISK | FILES),              /* discard, write zeroes */

	/* a folder's queue: names are looked up below descriptors, in trees that have no way out */
	CALL(preadv, FILES),                        /* READ */
	CALL(pwritev, FILES),                       /* WRITE */
	CALL(openat, FILES),                        /* a descriptor's file, a new file */
	CALL(openat2, FILES),                       /* LOOKUP; its flags are in memory: not filtered */
	CALL(statx, FILES),                         /* attributes */
	CALL(fstatfs, FILES),                       /* STATFS */
	CALL(faccessat2, FILES),                    /* ACCESS */
	CALL(readlinkat, FILES),                    /* READLINK */
	CALL(getdents64, FILES),                    /* READDIR */
	CALL(lseek, FILES),                         /* READDIR, LSEEK */
	CALL(mkdirat, FILES),                       /* MKDIR */
	CALL(mknodat, FILES),                       /* MKNOD */
	CALL(symlinkat, FILES),                     /* SYMLINK */
	CALL(linkat, FILES),                        /* LINK */
	CALL(unlinkat, FILES),                      /* UNLINK, RMDIR */
	CALL(renameat2, FILES),                     /* RENAME */
#ifdef SYS_renameat
	CALL(renameat, FILES),                      /* what glibc makes of renameat2 without flags */
#endif
	CALL(ftruncate, FILES),                     /* SETATTR: size */
	CALL(fchmodat, FILES),                      /* SETATTR: mode */
	CALL(fchownat, FILES),                      /* SETATTR: owner */
	CALL(utimensat, FILES),                     /* SETATTR: times */
	CALL(getxattr, FILES),                      /* extended attributes, by a descriptor's name in */
	CALL(setxattr, FILES),                      /* the working folder */
	CALL(listxattr, FILES), CALL(removexattr, FILES),
	CALL(copy_file_range, FILES),               /* COPY_FILE_RANGE */
	CALL(fsync, FILES),                         /* FSYNC */
	CALL(syncfs, FILES),                        /* SYNCFS */
	CALL(flock, FILES),                         /* SETLK of a whole file */
	FCNTL(F_DUPFD_CLOEXEC, FILES),              /* FLUSH: its close finds errors */
	FCNTL(F_OFD_GETLK, FILES),                  /* GETLK */
	FCNTL(F_OFD_SETLK, FILES),                  /* SETLK */
	CALL_IF(unshare, FILES, 0, UINT32_MAX, CLONE_FS), /* an umask and a folder of its own */
	CALL(fchdir, FILES),                        /* that folder */
	CALL(umask, FILES),                         /* that umask */
	CALL(geteuid, FILES),                       /* whose rights it has */
	CALL(getegid, FILES),                       /* the same */
	CALL(setfsuid, FILES),                      /* new files belong to the guest's user */
	CALL(setfsgid, FILES),                      /* and group */
	CALL(setgroups, FILES),                     /* and its group of a set-group-id folder */
	CALL(capget, FILES),                        /* what it may do */
	CALL(capset, FILES | START),                /* gives up, takes back; at a thread's birth */
	CALL_FAILS(name_to_handle_at, FILES, EOPNOTSUPP), /* handles reach files outside the tree */
	CALL_FAILS(open_by_handle_at, FILES, EPERM), /* the same */

	/* a new thread, before it has its own filter */
	CALL_IF(clone, START, 0, UINT32_MAX, thread_flags), /* threads of this process alone */
	CALL_FAILS(clone3, START, ENOSYS),          /* its flags are in memory: glibc then takes clone */
	CALL(set_robust_list, START),               /* the C library, in a new thread */
	CALL(rseq, START),                          /* the same */
	CALL_IF(prctl, START, 0, UINT32_MAX, PR_SET_NAME), /* its name */
	CALL_IF(seccomp, START, 0, UINT32_MAX, SECCOMP_SET_MODE_FILTER), /* its filter */
#ifdef __SANITIZE_ADDRESS__
	CALL(sigaltstack, ALL),                     /* the sanitizer, in a new thread and at its end */
#endif
};
/* clang-format on */

static const char *const kind_names[] = {
	[THREAD_LOOP] = "loop",   [THREAD_VCPU] = "vcpu",       [THREAD_DISK] = "disk",
	[THREAD_FILES] = "files", [THREAD_STARTER] = "starter", [THREAD_STREAMS] = "loop",
};
_Static_assert(ARRAY_LEN(kind_names) == THREAD_KINDS, "one name each");

const char *sandbox_kind_name(enum thread_kind kind)
{
	return kind_names[kind];
}

/* ---- the program -------------------------------------------------------------------------------
 */

static void emit(struct sandbox_filter *f, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	assert(f->n < SANDBOX_INSNS_MAX); /* the table is ours */
	f->insns[f->n++] = (struct sock_filter){ code, jt, jf, k };
}

static void emit_load(struct sandbox_filter *f, size_t offset)
{
	emit(f, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void emit_return(struct sandbox_filter *f, uint32_t action)
{
	emit(f, BPF_RET | BPF_K, action, 0, 0);
}

/* One row for a call whose number was found. */
static void emit_row(struct sandbox_filter *f, const struct row *r)
{
	const bool is_conditional = r->type == ALLOW_IF || r->type == ALLOW_OWN;
	const uint32_t value = r->type == ALLOW_OWN ? (uint32_t)getpid() : r->value;

	if (is_conditional) {
		/* Little endian: the low half comes first. */
		emit_load(f, offsetof(struct seccomp_data, args[r->arg]));
		if (r->mask != UINT32_MAX)
			emit(f, BPF_ALU | BPF_AND | BPF_K, r->mask, 0, 0);
		emit(f, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
	}
	emit_return(f, r->type == FAIL ? SECCOMP_RET_ERRNO | r->value : SECCOMP_RET_ALLOW);
}

static bool is_for(const struct row *r, enum thread_kind kind)
{
	const unsigned int wanted = kind == THREAD_STARTER ? START | STARTED : 1U << kind;

	return (r->kinds & wanted) != 0;
}

static bool is_first(size_t i, enum thread_kind kind)
{
	for (size_t k = 0; k < i; k++) {
		if (rows[k].nr == rows[i].nr && is_for(&rows[k], kind))
			return false;
	}
	return true;
}

/* All rows of one call. They end in an answer, so that the number need not be loaded again. */
static void emit_call(struct sandbox_filter *f, size_t first, enum thread_kind kind,
		      uint32_t forbidden)
{
	const unsigned short head = f->n;
	unsigned int length;

	emit(f, BPF_JMP | BPF_JEQ | BPF_K, rows[first].nr, 0, 0);
	for (size_t i = first; i < ARRAY_LEN(rows); i++) {
		if (rows[i].nr == rows[first].nr && is_for(&rows[i], kind))
			emit_row(f, &rows[i]);
	}
	emit_return(f, forbidden);
	length = f->n - head - 1U;
	assert(length <= UINT8_MAX);
	f->insns[head].jf = (uint8_t)length;
}

void sandbox_filter_build(enum thread_kind kind, struct sandbox_filter *out)
{
	/* The handler finds the kind in si_errno. */
	const uint32_t forbidden = SECCOMP_RET_TRAP | (uint32_t)kind;

	out->n = 0;
	emit_load(out, offsetof(struct seccomp_data, arch));
	emit(out, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
	emit_return(out, SECCOMP_RET_KILL_PROCESS);
	emit_load(out, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (is_for(&rows[i], kind) && is_first(i, kind))
			emit_call(out, i, kind, forbidden);
	}
	emit_return(out, forbidden);
}

int sandbox_filter_install(const struct sandbox_filter *f)
{
	const struct sock_fprog prog = { .len = f->n, .filter = drop_const(f->insns) };

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0 ? -errno : 0;
}

/* ---- what is forbidden -------------------------------------------------------------------------
 */

static const char *call_name(int nr)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].nr == nr)
			return rows[i].name;
	}
	return "not known to this program";
}

/* snprintf() with these formats takes no locks and no memory. */
static void on_forbidden(int sig, siginfo_t *info, void *context)
{
	const bool is_ours = info->si_errno >= 0 && info->si_errno < THREAD_KINDS;
	char line[160];
	int n;

	(void)sig;
	(void)context;
	n = snprintf(line, sizeof(line),
		     "bivalve: system call %d (%s) is not allowed in thread '%s': the machine is "
		     "ended\n",
		     info->si_syscall, call_name(info->si_syscall),
		     is_ours ? kind_names[info->si_errno] : "?");
	terminal_restore();
	if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
		_exit(VMM_EXIT_FORBIDDEN);
	_exit(VMM_EXIT_FORBIDDEN);
}

int sandbox_report_forbidden(void)
{
	struct sigaction action = { .sa_sigaction = on_forbidden, .sa_flags = SA_SIGINFO };

	/* Nothing interrupts it: it ends the process. */
	(void)sigfillset(&action.sa_mask);
	return sigaction(SIGSYS, &action, NULL) < 0 ? -errno : 0;
}
