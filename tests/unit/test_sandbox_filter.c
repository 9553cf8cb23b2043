// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The filters of the machine's threads: as programs, run by bpf_vm.h, and in children that carry
 * them and try what an attacker would.
 */
#include "vmmode/vmm/sandbox_filter.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "tests/unit/bpf_vm.h"
#include "tests/unit/child.h"
#include "vmmode/vmm/exit.h"

/* C: the loop with vsock, which may all that the loop may. */
enum { C = 32, L = 1 | C, V = 2, D = 4, F = 8, S = 16, STARTED = V | D | F, EVERY = 63 };

static const uint64_t thread_flags = 0x3d0f00; /* what pthread_create() asks clone(2) for */

/* A call with two arguments that matter, and who may make it. */
static const struct {
	uint32_t nr;
	unsigned int arg; /* which one @value is */
	uint64_t value;
	unsigned int kinds;
} calls[] = {
	{ SYS_read, 0, 0, EVERY },
	{ SYS_write, 0, 0, EVERY },
	{ SYS_futex, 0, 0, EVERY },
	{ SYS_exit_group, 0, 0, EVERY },
	{ SYS_ioctl, 1, KVM_RUN, V | S },
	{ SYS_ioctl, 1, KVM_GET_REGS, L | V | S },
	{ SYS_ioctl, 1, KVM_SET_REGS, 0 },
	{ SYS_ioctl, 1, KVM_CREATE_VM, 0 },
	{ SYS_ioctl, 1, KVM_SET_USER_MEMORY_REGION, 0 },
	{ SYS_ioctl, 1, KVM_IOEVENTFD, L },
	{ SYS_ioctl, 1, 0x5412 /* TIOCSTI */, 0 },
	{ SYS_mmap, 2, PROT_READ | PROT_WRITE, EVERY },
	{ SYS_mmap, 2, PROT_READ | PROT_EXEC, 0 },
	{ SYS_mprotect, 2, PROT_NONE, EVERY },
	{ SYS_mprotect, 2, PROT_READ | PROT_WRITE | PROT_EXEC, 0 },
	{ SYS_pkey_mprotect, 2, PROT_READ, 0 },
	{ SYS_epoll_pwait, 0, 0, L },
	{ SYS_io_uring_enter, 0, 0, D | S },
	{ SYS_io_uring_setup, 0, 0, 0 },
	{ SYS_io_uring_register, 0, 0, 0 },
	{ SYS_openat, 0, 0, F | S },
	{ SYS_openat2, 0, 0, F | S },
	{ SYS_unlinkat, 2, AT_REMOVEDIR, F | S },
	{ SYS_openat, 2, O_PATH | O_NOFOLLOW | O_CLOEXEC, C | F | S },
	{ SYS_openat, 2, O_PATH | O_CLOEXEC, F | S },
	{ SYS_fcntl, 1, F_OFD_SETLK, F | S },
	{ SYS_fcntl, 1, F_SETOWN, 0 },
	{ SYS_unshare, 0, CLONE_FS, F | S },
	{ SYS_unshare, 0, CLONE_NEWUSER, 0 },
	{ SYS_clone, 0, thread_flags, S },
	{ SYS_clone, 0, 17 /* SIGCHLD: fork() */, 0 },
	{ SYS_clone, 0, thread_flags | CLONE_NEWUSER, 0 },
	{ SYS_prctl, 0, PR_SET_NAME, S },
	{ SYS_prctl, 0, PR_SET_DUMPABLE, 0 },
	{ SYS_seccomp, 0, SECCOMP_SET_MODE_FILTER, S },
	{ SYS_seccomp, 0, SECCOMP_GET_NOTIF_SIZES, 0 },
	{ SYS_capset, 0, 0, F | S },
	{ SYS_getsockopt, 1, SOL_SOCKET, L },
	{ SYS_execve, 0, 0, 0 },
	{ SYS_execveat, 0, 0, 0 },
	{ SYS_ptrace, 0, 0, 0 },
	{ SYS_process_vm_writev, 0, 0, 0 },
	{ SYS_socket, 0, AF_INET, 0 },
	{ SYS_socket, 0, AF_UNIX, C },
	{ SYS_connect, 0, 0, C },
	{ SYS_accept4, 0, 0, L },
	{ SYS_newfstatat, 0, 0, L },
	{ SYS_unlinkat, 2, 0, L | F | S },
	{ SYS_bind, 0, 0, 0 },
	{ SYS_listen, 0, 0, 0 },
	{ SYS_mount, 0, 0, 0 },
	{ SYS_open_tree, 0, 0, 0 },
	{ SYS_setns, 0, 0, 0 },
	{ SYS_chroot, 0, 0, 0 },
	{ SYS_bpf, 0, 0, 0 },
	{ SYS_userfaultfd, 0, 0, 0 },
	{ SYS_keyctl, 0, 0, 0 },
	{ SYS_kill, 0, 0, 0 },
	{ SYS_rt_sigaction, 0, 0, 0 },
	{ SYS_setresuid, 0, 0, 0 },
	{ SYS_personality, 0, 0, 0 },
	{ SYS_memfd_create, 0, 0, 0 },
	{ SYS_shmat, 0, 0, 0 },
	{ 0x40000000U | SYS_read, 0, 0, 0 }, /* the x32 numbers */
};

static void test_table(void)
{
	static struct sandbox_filter f;

	for (unsigned int kind = 0; kind < THREAD_KINDS; kind++) {
		sandbox_filter_build((enum thread_kind)kind, &f);
		for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
			uint64_t args[6] = { 0 };
			uint32_t want = SECCOMP_RET_TRAP | kind;
			uint32_t got;

			args[calls[i].arg] = calls[i].value;
			if (calls[i].kinds & (1U << kind))
				want = SECCOMP_RET_ALLOW;
			got = bpf_vm_call(f.insns, f.n, AUDIT_ARCH_X86_64, calls[i].nr, args);
			if (got != want)
				TEST_FAIL("%s, call %u (%#llx): %#x, wanted %#x",
					  sandbox_kind_name((enum thread_kind)kind), calls[i].nr,
					  (unsigned long long)calls[i].value, got, want);
		}
	}
}

static void test_details(void)
{
	static struct sandbox_filter f;
	uint64_t args[6] = { 0 };

	sandbox_filter_build(THREAD_FILES, &f);
	/* Another architecture's calls have other numbers. */
	CHECK_EQ(bpf_vm_call(f.insns, f.n, AUDIT_ARCH_I386, SYS_read, args),
		 SECCOMP_RET_KILL_PROCESS);
	CHECK_EQ(bpf_vm_call(f.insns, f.n, AUDIT_ARCH_X86_64, SYS_open_by_handle_at, args),
		 SECCOMP_RET_ERRNO | EPERM);
	CHECK_EQ(bpf_vm_call(f.insns, f.n, AUDIT_ARCH_X86_64, SYS_name_to_handle_at, args),
		 SECCOMP_RET_ERRNO | EOPNOTSUPP);
	args[0] = (uint64_t)getpid();
	CHECK_EQ(bpf_vm_call(f.insns, f.n, AUDIT_ARCH_X86_64, SYS_tgkill, args), SECCOMP_RET_ALLOW);
	args[0] = 1;
	CHECK_EQ(bpf_vm_call(f.insns, f.n, AUDIT_ARCH_X86_64, SYS_tgkill, args),
		 SECCOMP_RET_TRAP | THREAD_FILES);
	sandbox_filter_build(THREAD_STARTER, &f);
	CHECK_EQ(bpf_vm_call(f.insns, f.n, AUDIT_ARCH_X86_64, SYS_clone3, args),
		 SECCOMP_RET_ERRNO | ENOSYS);
}

/* ---- in a child ---------------------------------------------------------------------------------
 */

static void try_execve(void)
{
	char *none[] = { NULL };

	(void)execve("/bin/true", none, none);
}

static void try_open(void)
{
	(void)open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static void try_fork(void)
{
	if (fork() == 0)
		_exit(0);
}

static void try_ptrace(void)
{
	(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static void try_socket(void)
{
	(void)socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static void try_connect(void)
{
	const struct sockaddr sa = { .sa_family = AF_UNIX };

	(void)connect(-1, &sa, sizeof(sa));
}

static void try_mount(void)
{
	(void)mount("none", "/", "tmpfs", 0, NULL);
}

static void try_code(void)
{
	(void)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void try_kill(void)
{
	(void)kill(getppid(), 0);
}

static void try_machine(void)
{
	(void)ioctl(STDERR_FILENO, KVM_CREATE_VM, 0);
}

static void allowed(void)
{
	uint64_t count = 1;
	int fd = eventfd(0, EFD_CLOEXEC);
	void *p = malloc(1 << 20);

	if (!p || fd < 0 || write(fd, &count, sizeof(count)) != sizeof(count) ||
	    read(fd, &count, sizeof(count)) != sizeof(count))
		_exit(1);
	free(p);
	(void)close(fd);
}

static const struct {
	enum thread_kind kind;
	void (*run)(void);
	int status; /* exit status */
	const char *line;
} attacks[] = {
	{ THREAD_LOOP, allowed, 0, "" },
	{ THREAD_LOOP, try_open, VMM_EXIT_FORBIDDEN, "(openat) is not allowed in thread 'loop'" },
	{ THREAD_LOOP, try_execve, VMM_EXIT_FORBIDDEN, "system call 59 " },
	{ THREAD_LOOP, try_fork, VMM_EXIT_FORBIDDEN, "(clone) is not allowed in thread 'loop'" },
	{ THREAD_LOOP, try_socket, VMM_EXIT_FORBIDDEN, "system call 41 " },
	{ THREAD_LOOP, try_mount, VMM_EXIT_FORBIDDEN, "system call 165 " },
	{ THREAD_LOOP, try_connect, VMM_EXIT_FORBIDDEN,
	  "(connect) is not allowed in thread 'loop'" },
	{ THREAD_STREAMS, try_connect, 0, "" },
	{ THREAD_STREAMS, try_socket, VMM_EXIT_FORBIDDEN,
	  "(socket) is not allowed in thread 'loop'" },
	{ THREAD_STREAMS, try_open, VMM_EXIT_FORBIDDEN, "in thread 'loop'" },
	{ THREAD_LOOP, try_kill, VMM_EXIT_FORBIDDEN, "in thread 'loop'" },
	{ THREAD_VCPU, try_open, VMM_EXIT_FORBIDDEN, "in thread 'vcpu'" },
	{ THREAD_VCPU, try_ptrace, VMM_EXIT_FORBIDDEN, "system call 101 " },
	{ THREAD_VCPU, try_machine, VMM_EXIT_FORBIDDEN, "(ioctl) is not allowed in thread 'vcpu'" },
	{ THREAD_DISK, try_open, VMM_EXIT_FORBIDDEN, "in thread 'disk'" },
	{ THREAD_FILES, try_open, 0, "" },
	{ THREAD_FILES, try_execve, VMM_EXIT_FORBIDDEN, "in thread 'files'" },
	{ THREAD_FILES, try_code, VMM_EXIT_FORBIDDEN, "(mmap) is not allowed in thread 'files'" },
	{ THREAD_STARTER, try_fork, VMM_EXIT_FORBIDDEN,
	  "(clone) is not allowed in thread 'starter'" },
	{ THREAD_STARTER, try_execve, VMM_EXIT_FORBIDDEN, "in thread 'starter'" },
};

/* The child's standard error is @arg. */
static void attack(size_t i, int err_fd)
{
	static struct sandbox_filter f;

	if (dup2(err_fd, STDERR_FILENO) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    sandbox_report_forbidden() < 0)
		_exit(99);
	sandbox_filter_build(attacks[i].kind, &f);
	if (sandbox_filter_install(&f) < 0)
		_exit(98);
	attacks[i].run();
	_exit(0);
}

static void test_attacks(void)
{
	for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
		char text[512] = "";
		int status = 0;
		int fds[2];
		pid_t pid;

		CHECK_EQ(pipe2(fds, O_CLOEXEC), 0);
		(void)fflush(stdout);
		pid = fork();
		if (pid == 0)
			attack(i, fds[1]);
		(void)close(fds[1]);
		CHECK(read(fds[0], text, sizeof(text) - 1) >= 0);
		(void)close(fds[0]);
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != attacks[i].status)
			TEST_FAIL("attack %zu: wait status %#x, wanted exit %d", i, status,
				  attacks[i].status);
		CHECK_HAS(text, attacks[i].line);
	}
}

TEST_MAIN(TEST(test_table), TEST(test_details), TEST(test_attacks))
