// SPDX-License-Identifier: GPL-2.0-or-later
// Compiled filters, by what they answer in the interpreter and, in children, by what the kernel
// does; the cache; handing over a listener.
#include "namespaces/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "namespaces/seccomp_cache.h"
#include "spec/base/fd.h"
#include "tests/unit/bpf_vm.h"
#include "tests/unit/child.h"
#include "tests/unit/test.h"

#define X86_64 AUDIT_ARCH_X86_64
#define X32(n) ((n) | 0x40000000U)

static const char *const n_basic[] = { "read", "write", "exit_group", "openat", NULL };
static const char *const n_new[] = { "clone3", "no_such_syscall_ever", NULL };
static const char *const n_socket[] = { "socket", NULL };
static const char *const n_ioctl[] = { "ioctl", NULL };
static const char *const n_personality[] = { "personality", NULL };
static const char *const n_mkdir[] = { "mkdir", NULL };
static const char *const n_unknown[] = { "no_such_syscall_ever", NULL };
static const char *const n_i386[] = { "socketcall", NULL };
static uint32_t archs_x86[] = { SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32 };

#define NAMES(v)                                                                                   \
	{                                                                                          \
		(char **)(uintptr_t)(v), ARRAY_LEN(v) - 1                                          \
	}

static struct config_seccomp_arg a_domain[] = { { 0, 40, 0, SCMP_CMP_NE } };
/* (arg1 & 0xff00) == 0x5400 */
static struct config_seccomp_arg a_masked[] = { { 1, 0xff00, 0x5400, SCMP_CMP_MASKED_EQ } };
/* The same argument twice: either will do. */
static struct config_seccomp_arg a_twice[] = { { 0, 0, 0, SCMP_CMP_EQ }, { 0, 8, 0, SCMP_CMP_EQ } };

static struct config_seccomp_rule allow_rules[] = {
	{ NAMES(n_basic), SCMP_ACT_ALLOW, { NULL, 0 } },
	{ NAMES(n_new), SCMP_ACT_ERRNO(ENOSYS), { NULL, 0 } },
	{ NAMES(n_socket), SCMP_ACT_ALLOW, { a_domain, 1 } },
	{ NAMES(n_ioctl), SCMP_ACT_ALLOW, { a_masked, 1 } },
	{ NAMES(n_personality), SCMP_ACT_ALLOW, { a_twice, 2 } },
	{ NAMES(n_mkdir), SCMP_ACT_ERRNO(EPERM), { NULL, 0 } }, /* as the default: says nothing */
	{ NAMES(n_i386), SCMP_ACT_ALLOW, { NULL, 0 } },
	{ NAMES(n_basic), SCMP_ACT_ALLOW, { NULL, 0 } }, /* a second time */
};

static struct config_seccomp allow_list(void)
{
	return (struct config_seccomp){
		.default_action = SCMP_ACT_ERRNO(EPERM),
		.archs = { archs_x86, ARRAY_LEN(archs_x86) },
		.rules = { allow_rules, ARRAY_LEN(allow_rules) },
	};
}

static void test_answers(void)
{
	const uint32_t allow = SECCOMP_RET_ALLOW, eperm = SECCOMP_RET_ERRNO | EPERM,
		       enosys = SECCOMP_RET_ERRNO | ENOSYS;
	const struct {
		uint32_t arch, nr;
		uint64_t a0, a1;
		uint32_t want;
	} table[] = {
		{ X86_64, SYS_read, 0, 0, allow },
		{ X86_64, SYS_openat, 0, 0, allow },
		{ X86_64, SYS_mkdir, 0, 0, eperm },
		{ X86_64, SYS_clone3, 0, 0, enosys },
		{ X86_64, SYS_clone3 + 1, 0, 0, enosys },
		{ X86_64, 5000, 0, 0, enosys },
		{ X86_64, SYS_clone3 - 1, 0, 0, eperm },
		{ X86_64, SYS_socket, AF_UNIX, 0, allow },
		{ X86_64, SYS_socket, 40, 0, eperm },
		{ X86_64, SYS_ioctl, 0, 0x5401, allow },
		{ X86_64, SYS_ioctl, 0, 0x5301, eperm },
		{ X86_64, SYS_personality, 0, 0, allow },
		{ X86_64, SYS_personality, 8, 0, allow },
		{ X86_64, SYS_personality, 9, 0, eperm },
		{ X86_64, X32(SYS_read), 0, 0, allow },
		{ X86_64, X32(600), 0, 0, enosys },
		{ AUDIT_ARCH_I386, 3, 0, 0, allow },  /* read */
		{ AUDIT_ARCH_I386, 39, 0, 0, eperm }, /* mkdir */
		{ AUDIT_ARCH_I386, 436, 0, 0, enosys },
		{ AUDIT_ARCH_ARM, 3, 0, 0, SECCOMP_RET_KILL_THREAD },
	};
	struct config_seccomp s = allow_list();
	auto_seccomp_program struct seccomp_program p = SECCOMP_PROGRAM_INIT;
	struct err err = ERR_INIT;

	CHECK_EQ(seccomp_compile(&s, 0, -1, &p, &err), 0);
	CHECK_STR(err.msg, "");
	CHECK_EQ(p.flags, SECCOMP_FILTER_FLAG_SPEC_ALLOW);
	CHECK(!seccomp_wants_listener(&p));
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const uint64_t args[6] = { table[i].a0, table[i].a1 };
		uint32_t got = bpf_vm_call(p.insns, p.n, table[i].arch, table[i].nr, args);

		if (got != table[i].want)
			TEST_FAIL("case %zu (syscall %u): %#x, wanted %#x", i, table[i].nr, got,
				  table[i].want);
	}
}

/* With a default that lets calls pass there is nothing to hide: no stub. */
static void test_no_stub(void)
{
	const uint32_t defaults[] = { SCMP_ACT_ALLOW, SCMP_ACT_LOG, SCMP_ACT_TRACE(EPERM) };

	for (size_t i = 0; i < ARRAY_LEN(defaults); i++) {
		struct config_seccomp_rule rule = { NAMES(n_mkdir),
						    SCMP_ACT_KILL_PROCESS,
						    { NULL, 0 } };
		struct config_seccomp s = { .default_action = defaults[i], .rules = { &rule, 1 } };
		auto_seccomp_program struct seccomp_program p = SECCOMP_PROGRAM_INIT;

		CHECK_EQ(seccomp_compile(&s, 0, -1, &p, NULL), 0);
		CHECK_EQ(bpf_vm_call(p.insns, p.n, X86_64, 5000, NULL), defaults[i]);
		CHECK_EQ(bpf_vm_call(p.insns, p.n, X86_64, SYS_mkdir, NULL),
			 SECCOMP_RET_KILL_PROCESS);
	}
}

static void test_refusals(void)
{
	struct config_seccomp_rule unknown = { NAMES(n_unknown), SCMP_ACT_ALLOW, { NULL, 0 } };
	struct config_seccomp_arg far = { 6, 0, 0, SCMP_CMP_EQ };
	struct config_seccomp_rule bad_arg = { NAMES(n_mkdir), SCMP_ACT_ALLOW, { &far, 1 } };
	struct config_seccomp_rule notify = { NAMES(n_mkdir), SCMP_ACT_NOTIFY, { NULL, 0 } };
	struct config_seccomp_rule contradiction[] = {
		{ NAMES(n_socket), SCMP_ACT_ALLOW, { a_domain, 1 } },
		{ NAMES(n_socket), SCMP_ACT_KILL, { a_domain, 1 } },
	};
	uint32_t other_order = SCMP_ARCH_S390X;
	struct config_seccomp base = { .default_action = SCMP_ACT_ERRNO(1) };
	struct config_seccomp s;
	auto_seccomp_program struct seccomp_program p = SECCOMP_PROGRAM_INIT;
	struct err err = ERR_INIT;

	s = base;
	s.rules.items = &unknown;
	s.rules.n = 1;
	CHECK_EQ(seccomp_compile(&s, SECCOMP_FAIL_UNKNOWN, -1, &p, &err), -EINVAL);
	CHECK_STR(err.msg, "/linux/seccomp/syscalls/0/names/0: unknown syscall "
			   "'no_such_syscall_ever'");
	CHECK_EQ(seccomp_compile(&s, 0, -1, &p, &err), 0);
	seccomp_program_fini(&p);
	s.rules.items = &bad_arg;
	CHECK_EQ(seccomp_compile(&s, 0, -1, &p, &err), -EINVAL);
	CHECK_STR(err.msg, "/linux/seccomp/syscalls/0/args/0/index: a syscall has 6 arguments");
	s = base;
	s.archs.items = &other_order;
	s.archs.n = 1;
	CHECK(seccomp_compile(&s, 0, -1, &p, &err) < 0);
	CHECK_HAS(err.msg, "/linux/seccomp/architectures/0: add: ");
	s = base;
	s.default_action = SCMP_ACT_NOTIFY;
	CHECK_EQ(seccomp_compile(&s, 0, -1, &p, &err), -EINVAL);
	CHECK_HAS(err.msg, "/linux/seccomp/defaultAction: SCMP_ACT_NOTIFY");
	s.default_action = 0x12345678;
	CHECK_EQ(seccomp_compile(&s, 0, -1, &p, &err), -EINVAL);
	CHECK_HAS(err.msg, "/linux/seccomp/defaultAction: ");
	s = base;
	s.has_flags = true;
	s.flags = SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	CHECK_EQ(seccomp_compile(&s, 0, -1, &p, &err), -EINVAL);
	CHECK_HAS(err.msg, "/linux/seccomp/flags: ");
	s.rules.items = &notify;
	s.rules.n = 1;
	CHECK_EQ(seccomp_compile(&s, 0, -1, &p, &err), 0);
	CHECK_EQ(p.flags,
		 SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV | SECCOMP_FILTER_FLAG_NEW_LISTENER);
	seccomp_program_fini(&p);
	s.flags = SECCOMP_FILTER_FLAG_TSYNC; /* would bind the thread that hands the listener on */
	CHECK_EQ(seccomp_compile(&s, 0, -1, &p, &err), 0);
	CHECK_EQ(p.flags, SECCOMP_FILTER_FLAG_NEW_LISTENER);
	seccomp_program_fini(&p);
	s = base;
	s.rules.items = contradiction;
	s.rules.n = 2;
	CHECK_EQ(seccomp_compile(&s, 0, -1, &p, &err), -EINVAL);
	CHECK_STR(err.msg,
		  "/linux/seccomp/syscalls/1/names/0: contradicts an earlier rule for 'socket'");
}

/* ---- in the kernel -----------------------------------------------------------------------------
 */

static struct config_seccomp_rule deny_rules[] = {
	{ NAMES(n_mkdir), SCMP_ACT_ERRNO(EXDEV), { NULL, 0 } },
};

static void child_installs(void *arg)
{
	struct config_seccomp s = { .default_action = SCMP_ACT_ALLOW,
				    .rules = { deny_rules, ARRAY_LEN(deny_rules) },
				    .has_flags = true,
				    .flags = *(unsigned int *)arg };
	auto_seccomp_program struct seccomp_program p = SECCOMP_PROGRAM_INIT;
	struct err err = ERR_INIT;

	CHECK_EQ(seccomp_compile(&s, 0, -1, &p, &err), 0);
	CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	CHECK_EQ(seccomp_install(&p, NULL, NULL, &err), 0);
	CHECK_STR(err.msg, "");
	CHECK_EQ(syscall(SYS_mkdir, "/nowhere/x", 0700), -1);
	CHECK_EQ(errno, EXDEV);
}

static void test_install(void)
{
	unsigned int flags[] = { 0, SECCOMP_FILTER_FLAG_LOG, SECCOMP_FILTER_FLAG_SPEC_ALLOW,
				 SECCOMP_FILTER_FLAG_TSYNC,
				 SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG |
				     SECCOMP_FILTER_FLAG_SPEC_ALLOW };

	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		IN_CHILD(child_installs, &flags[i]);
}

static void child_unprivileged(void *arg)
{
	struct sock_filter ret = { .code = BPF_RET | BPF_K, .k = SECCOMP_RET_ALLOW };
	struct seccomp_program p = { &ret, 1, 0 };
	struct err err = ERR_INIT;

	(void)arg;
	CHECK_EQ(setresuid(1000, 1000, 1000), 0);
	CHECK_EQ(seccomp_install(&p, NULL, NULL, &err), -EACCES);
	CHECK_HAS(err.msg, "needs noNewPrivileges or CAP_SYS_ADMIN");
}

static void test_install_needs_rights(void)
{
	if (!is_root())
		TEST_SKIP("needs root");
	IN_CHILD(child_unprivileged, NULL);
}

static const char *const n_notified[] = { "mkdir", "sendmsg", "sendto", NULL };
static const char *const n_killed[] = { "futex", "munmap", "sched_yield", "close", NULL };
static struct config_seccomp_rule notify_rules[] = {
	{ NAMES(n_notified), SCMP_ACT_NOTIFY, { NULL, 0 } },
	{ NAMES(n_killed), SCMP_ACT_KILL_PROCESS, { NULL, 0 } },
};

static int send_to_parent(void *arg, int listener_fd, struct err *err)
{
	(void)err;
	return fd_send(*(int *)arg, "l", 1, &listener_fd, 1);
}

static void child_with_listener(void *arg)
{
	struct config_seccomp s = { .default_action = SCMP_ACT_ALLOW,
				    .rules = { notify_rules, ARRAY_LEN(notify_rules) } };
	struct seccomp_program p = SECCOMP_PROGRAM_INIT;
	struct err err = ERR_INIT;

	CHECK_EQ(seccomp_compile(&s, 0, -1, &p, &err), 0);
	CHECK(seccomp_wants_listener(&p));
	CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	CHECK_EQ(seccomp_install(&p, send_to_parent, arg, &err), 0);
	CHECK_STR(err.msg, "");
	/* The parent answers with an errno of its own. */
	CHECK_EQ(syscall(SYS_mkdir, "/nowhere/x", 0700), -1);
	CHECK_EQ(errno, ENOTTY);
	(void)fflush(stdout);
	_exit(test_failed); /* the filter forbids what a tidy end does */
}

/* The profile notifies sendmsg and kills for close: the hand-over must not fall under it. */
static void test_listener(void)
{
	struct seccomp_notif n = { 0 };
	struct seccomp_notif_resp r = { 0 };
	int socks[2], listener_fd = -1, status = -1;
	size_t n_fds = 0;
	char byte;
	pid_t pid;

	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks), 0);
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		test_failed = false;
		child_with_listener(&socks[1]);
	}
	(void)close(socks[1]);
	CHECK_EQ(fd_recv(socks[0], &byte, 1, &listener_fd, 1, &n_fds), 1);
	CHECK_EQ(n_fds, 1);
	if (listener_fd >= 0) {
		CHECK_EQ(ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_RECV, &n), 0);
		CHECK_EQ(n.data.nr, SYS_mkdir);
		CHECK_EQ(n.pid, pid);
		r.id = n.id;
		r.error = -ENOTTY;
		CHECK_EQ(ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_SEND, &r), 0);
		(void)close(listener_fd);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	(void)close(socks[0]);
}

static int refuse(void *arg, int listener_fd, struct err *err)
{
	(void)arg;
	return err_set(err, -EPIPE, "fd %d", listener_fd < 3 ? -1 : 3);
}

static void child_hand_over_fails(void *arg)
{
	struct config_seccomp_rule rule = { NAMES(n_mkdir), SCMP_ACT_NOTIFY, { NULL, 0 } };
	struct config_seccomp s = { .default_action = SCMP_ACT_ALLOW, .rules = { &rule, 1 } };
	auto_seccomp_program struct seccomp_program p = SECCOMP_PROGRAM_INIT;
	struct err err = ERR_INIT;

	(void)arg;
	CHECK_EQ(seccomp_compile(&s, 0, -1, &p, &err), 0);
	CHECK_EQ(seccomp_install(&p, NULL, NULL, &err), -EINVAL);
	/* Refused by the kernel: the second thread must end as well. */
	p.flags |= 1U << 31;
	CHECK_EQ(seccomp_install(&p, refuse, NULL, &err), -EINVAL);
	CHECK_HAS(err.msg, "/linux/seccomp: load the filter: ");
	p.flags &= ~(1U << 31);
	CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	CHECK_EQ(seccomp_install(&p, refuse, NULL, &err), -EPIPE);
	CHECK_STR(err.msg, "fd 3");
}

static void test_listener_failures(void)
{
	IN_CHILD(child_hand_over_fails, NULL);
}

/* ---- the agent ---------------------------------------------------------------------------------
 */

static void agent_round(const char *dir, const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char path[512], text[1024] = "", back[PATH_MAX];
	struct seccomp_listener l = { path, "say \"hi\"", 42, "{\"id\":\"c1\",\"pid\":42}" };
	struct err err = ERR_INIT;
	int listen_fd, conn_fd, fd = -1;
	size_t n_fds = 0;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	CHECK(getcwd(back, sizeof(back)));
	CHECK_EQ(chdir(dir), 0); /* a long path can only be bound from near */
	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", name);
	listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK_EQ(bind(listen_fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	CHECK_EQ(listen(listen_fd, 1), 0);
	CHECK_EQ(chdir(back), 0);
	CHECK_EQ(seccomp_send_listener(&l, 0, &err), 0);
	CHECK_STR(err.msg, "");
	conn_fd = accept(listen_fd, NULL, NULL);
	n = fd_recv(conn_fd, text, sizeof(text) - 1, &fd, 1, &n_fds);
	CHECK(n > 0);
	CHECK_EQ(n_fds, 1);
	CHECK_STR(text, "{\"ociVersion\":\"1.3.0\",\"fds\":[\"seccompFd\"],\"pid\":42,"
			"\"metadata\":\"say \\\"hi\\\"\",\"state\":{\"id\":\"c1\",\"pid\":42}}");
	CHECK_EQ(read(conn_fd, text, 1), 0); /* and closed */
	(void)close(fd);
	(void)close(conn_fd);
	(void)close(listen_fd);
	CHECK_EQ(unlink(path), 0);
	CHECK(seccomp_send_listener(&l, 0, &err) < 0);
	CHECK_HAS(err.msg, "/linux/seccomp/listenerPath: connect to '");
}

static void test_send_listener(void)
{
	struct seccomp_listener none = { NULL, NULL, 1, "{}" };
	char dir[128] = "/tmp/bivalve-seccomp-XXXXXX", deep[256];
	struct err err = ERR_INIT;

	CHECK(mkdtemp(dir));
	agent_round(dir, "s");
	(void)snprintf(deep, sizeof(deep), "%s/%0120d", dir, 1);
	CHECK_EQ(mkdir(deep, 0700), 0);
	agent_round(deep, "s");
	CHECK_EQ(rmdir(deep), 0);
	CHECK_EQ(rmdir(dir), 0);
	CHECK_EQ(seccomp_send_listener(&none, 0, &err), -EINVAL);
	CHECK_HAS(err.msg, "/linux/seccomp/listenerPath: ");
}

/* ---- the cache ---------------------------------------------------------------------------------
 */

static char cache_dir[64];

static int open_cache(void)
{
	(void)snprintf(cache_dir, sizeof(cache_dir), "/tmp/bivalve-cache-XXXXXX");
	CHECK(mkdtemp(cache_dir));
	return open(cache_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* The number of files; @name gets that of the last, and with @remove they go. */
static size_t cache_files(char name[256], bool remove)
{
	auto_closedir DIR *d = opendir(cache_dir);
	size_t n = 0;

	for (struct dirent *e; d && (e = readdir(d));) {
		if (e->d_type != DT_REG)
			continue;
		n++;
		if (name)
			(void)snprintf(name, 256, "%s", e->d_name);
		if (remove)
			CHECK_EQ(unlinkat(dirfd(d), e->d_name, 0), 0);
	}
	return n;
}

static void close_cache(int fd)
{
	(void)cache_files(NULL, true);
	(void)close(fd);
	CHECK_EQ(rmdir(cache_dir), 0);
}

static void test_cache_round(void)
{
	int cache_fd = open_cache();
	struct config_seccomp s = allow_list();
	auto_seccomp_program struct seccomp_program first = SECCOMP_PROGRAM_INIT,
						    again = SECCOMP_PROGRAM_INIT,
						    other = SECCOMP_PROGRAM_INIT;

	CHECK_EQ(seccomp_compile(&s, 0, cache_fd, &first, NULL), 0);
	CHECK_EQ(cache_files(NULL, false), 1);
	s.has_flags = true; /* no part of the program */
	s.flags = SECCOMP_FILTER_FLAG_LOG;
	CHECK_EQ(seccomp_compile(&s, 0, cache_fd, &again, NULL), 0);
	CHECK_EQ(cache_files(NULL, false), 1);
	CHECK_EQ(again.n, first.n);
	CHECK_MEM(again.insns, first.insns, first.n * sizeof(*first.insns));
	CHECK_EQ(again.flags, SECCOMP_FILTER_FLAG_LOG);
	s.default_action = SCMP_ACT_KILL;
	CHECK_EQ(seccomp_compile(&s, 0, cache_fd, &other, NULL), 0);
	CHECK_EQ(cache_files(NULL, false), 2);
	CHECK_EQ(bpf_vm_call(other.insns, other.n, X86_64, SYS_mkdir, NULL),
		 SECCOMP_RET_ERRNO | EPERM);
	CHECK_EQ(bpf_vm_call(other.insns, other.n, X86_64, SYS_mknod, NULL),
		 SECCOMP_RET_KILL_THREAD);
	close_cache(cache_fd);
}

/* What may be wrong with a file; each must be seen as "not there". */
static void spoil(int cache_fd, const char *name, int how)
{
	auto_close int fd = openat(cache_fd, name, O_RDWR | O_CLOEXEC);
	struct stat st;
	char c;

	CHECK(fd >= 0 && fstat(fd, &st) == 0);
	switch (how) {
	case 0:
		CHECK_EQ(fchmod(fd, 0620), 0);
		break;
	case 1:
		CHECK_EQ(fchmod(fd, 0602), 0);
		break;
	case 2:
		CHECK_EQ(ftruncate(fd, st.st_size - 1), 0);
		break;
	case 3:
		CHECK_EQ(ftruncate(fd, st.st_size + 8), 0);
		break;
	case 4: /* a bit of the program */
		CHECK_EQ(pread(fd, &c, 1, st.st_size - 4), 1);
		c ^= 1;
		CHECK_EQ(pwrite(fd, &c, 1, st.st_size - 4), 1);
		break;
	case 5: /* a byte of the key: another profile with the same hash */
		CHECK_EQ(pread(fd, &c, 1, 60), 1);
		c ^= 1;
		CHECK_EQ(pwrite(fd, &c, 1, 60), 1);
		break;
	case 6:
		CHECK_EQ(ftruncate(fd, 0), 0);
		break;
	case 7:
		CHECK_EQ(unlinkat(cache_fd, name, 0), 0);
		CHECK_EQ(symlinkat("/etc/passwd", cache_fd, name), 0);
		break;
	case 8:
		CHECK_EQ(unlinkat(cache_fd, name, 0), 0);
		CHECK_EQ(mkfifoat(cache_fd, name, 0600), 0);
		break;
	default:
		CHECK_EQ(fchown(fd, 1000, 1000), is_root() ? 0 : -1);
		break;
	}
}

static void test_cache_distrust(void)
{
	for (int how = 0; how < (is_root() ? 10 : 9); how++) {
		int cache_fd = open_cache();
		auto_buf struct buf key = BUF_INIT;
		struct sock_filter insns[2] = { { .code = BPF_LD }, { .code = BPF_RET | BPF_K } };
		struct seccomp_program in = { insns, 2, 0 }, out = SECCOMP_PROGRAM_INIT;
		char name[256];

		buf_add_str(&key,
			    "a key of more than sixty bytes, so that every case hits its part");
		CHECK_EQ(seccomp_cache_get(cache_fd, &key, &out), -ENOENT);
		CHECK_EQ(seccomp_cache_put(cache_fd, &key, &in), 0);
		CHECK_EQ(seccomp_cache_get(cache_fd, &key, &out), 0);
		CHECK_EQ(out.n, 2);
		seccomp_program_fini(&out);
		CHECK_EQ(cache_files(name, false), 1);
		spoil(cache_fd, name, how);
		CHECK_EQ(seccomp_cache_get(cache_fd, &key, &out), -ENOENT);
		/* A new one takes its place. */
		CHECK_EQ(seccomp_cache_put(cache_fd, &key, &in), 0);
		CHECK_EQ(seccomp_cache_get(cache_fd, &key, &out), 0);
		seccomp_program_fini(&out);
		close_cache(cache_fd);
	}
}

static void test_cache_is_bounded(void)
{
	int cache_fd = open_cache();
	struct sock_filter insn = { .code = BPF_RET | BPF_K };
	struct seccomp_program in = { &insn, 1, 0 }, out = SECCOMP_PROGRAM_INIT;
	auto_buf struct buf key = BUF_INIT;

	for (int i = 0; i < SECCOMP_CACHE_FILES_MAX + 10; i++) {
		buf_clear(&key);
		buf_printf(&key, "key %d", i);
		CHECK_EQ(seccomp_cache_put(cache_fd, &key, &in), 0);
	}
	CHECK_EQ(cache_files(NULL, false), SECCOMP_CACHE_FILES_MAX);
	CHECK_EQ(seccomp_cache_get(cache_fd, &key, &out), 0);
	seccomp_program_fini(&out);
	close_cache(cache_fd);
}

TEST_MAIN(TEST(test_answers), TEST(test_no_stub), TEST(test_refusals), TEST(test_install),
	  TEST(test_install_needs_rights), TEST(test_listener), TEST(test_listener_failures),
	  TEST(test_send_listener), TEST(test_cache_round), TEST(test_cache_distrust),
	  TEST(test_cache_is_bounded))
