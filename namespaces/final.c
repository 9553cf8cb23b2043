// SPDX-License-Identifier: GPL-2.0-or-later
/* The last step: our binary is unmapped, and a page of code makes the last system calls. */
#include "namespaces/final.h"

#include <assert.h>
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "namespaces/sync.h"
#include "spec/base/sys.h"

/* The linker gives our program's ELF header, wherever it was loaded. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));

/* ---- the code that runs without us ----------------------------------------------------------- */

/* No call to anything: neither what the compiler adds for checks nor a memcpy made of a loop. */
#if defined(__clang__)
#define ALONE                                                                                      \
	__attribute__((no_sanitize("address", "undefined"), no_stack_protector, no_builtin,        \
		       no_profile_instrument_function))
#else
#define ALONE                                                                                      \
	__attribute__((no_sanitize("address", "undefined"), no_stack_protector,                    \
		       no_profile_instrument_function,                                             \
		       optimize("no-tree-loop-distribute-patterns")))
#endif

ALONE __attribute__((always_inline)) static inline long raw_call(long nr, const unsigned long a[6])
{
	long rc;

#if defined(__x86_64__)
	__asm__ volatile("movq 0(%[a]), %%rdi\n\t"
			 "movq 8(%[a]), %%rsi\n\t"
			 "movq 16(%[a]), %%rdx\n\t"
			 "movq 24(%[a]), %%r10\n\t"
			 "movq 32(%[a]), %%r8\n\t"
			 "movq 40(%[a]), %%r9\n\t"
			 "syscall"
			 : "=a"(rc)
			 : "0"(nr), [a] "r"(a)
			 : "rdi", "rsi", "rdx", "r10", "r8", "r9", "rcx", "r11", "cc", "memory");
#elif defined(__aarch64__)
	__asm__ volatile("mov x8, %[nr]\n\t"
			 "ldp x0, x1, [%[a]]\n\t"
			 "ldp x2, x3, [%[a], #16]\n\t"
			 "ldp x4, x5, [%[a], #32]\n\t"
			 "svc 0\n\t"
			 "mov %[rc], x0"
			 : [rc] "=r"(rc)
			 : [nr] "r"(nr), [a] "r"(a)
			 : "x0", "x1", "x2", "x3", "x4", "x5", "x8", "cc", "memory");
#else
#error "the last step needs this architecture's system call instruction"
#endif
	return rc;
}

/* What the page of code is given: copied beside it. */
struct final_area {
	struct final_script script;
	struct sync_msg msg; /* prepared; the code and the text of the failed call are put in */
};

#define MIN_KERNEL_ERROR (-4095L)

/*
 * Position-independent, calls nothing and touches no data but @a and the stack: the section is
 * copied, and the original is gone by the time that it runs.
 */
ALONE __attribute__((noinline, section("final_text"), used, noreturn)) static void
run_script(struct final_area *a)
{
	unsigned long args[6] = { (unsigned long)a->script.error_fd, (unsigned long)&a->msg, 0 };
	const struct final_call *call = a->script.calls;
	long rc = 0;

	for (size_t i = 0; i < a->script.n; i++, call++) {
		rc = raw_call(call->nr, call->args);
		if (rc < 0 && rc >= MIN_KERNEL_ERROR)
			break;
		if (call->out)
			*call->out = (unsigned long)rc;
	}
	a->msg.kind = call + 1 == a->script.calls + a->script.n ? SYNC_EXECVE : SYNC_ERRNO;
	a->msg.code = (int32_t)rc;
	for (size_t i = 0; i < FINAL_WHAT_MAX; i++)
		((volatile char *)a->msg.text)[i] = call->what[i];
	args[2] = offsetof(struct sync_msg, text) + FINAL_WHAT_MAX;
	(void)raw_call(SYS_write, args);
	args[0] = 127;
	(void)raw_call(SYS_exit_group, args);
	/* A filter may deny even that; the signal of a bad instruction cannot be refused. */
	__builtin_trap();
}

/* ---- its preparation ---------------------------------------------------------------------------
 */

/* The bounds of the section, made by the linker. */
extern const char __start_final_text[] __attribute__((visibility("hidden")));
extern const char __stop_final_text[] __attribute__((visibility("hidden")));

struct final_call *final_add(struct final_script *s, const char *what, long nr,
			     const unsigned long args[6])
{
	struct final_call *call = &s->calls[s->n];

	assert(s->n < FINAL_MAX_CALLS);
	s->n++;
	call->nr = nr;
	memcpy(call->args, args, sizeof(call->args));
	call->out = NULL;
	(void)snprintf(call->what, sizeof(call->what), "%s", what);
	return call;
}

static void add_unmap(struct final_script *s, uintptr_t start, uintptr_t end)
{
	FINAL_ADD(s, "unmap the runtime", SYS_munmap, start, end - start);
}

/* Neighbouring segments go in one call; a gap between two may hold a mapping that is not ours. */
static void add_unmap_segments(struct final_script *s)
{
	const ElfW(Ehdr) *header = (const void *)__ehdr_start;
	const ElfW(Phdr) *ph = (const void *)(__ehdr_start + header->e_phoff);
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t start = 0;
	uintptr_t end = 0;
	uintptr_t bias = 0;

	for (size_t i = 0; i < header->e_phnum; i++) {
		uintptr_t from;

		if (ph[i].p_type != PT_LOAD)
			continue;
		if (end == 0) /* the first one holds the header, and addresses ascend (ELF) */
			bias = (uintptr_t)__ehdr_start - (ph[i].p_vaddr - ph[i].p_offset);
		from = (bias + ph[i].p_vaddr) & ~(page - 1);
		if (from > end) {
			if (end)
				add_unmap(s, start, end);
			start = from;
		}
		end = (bias + ph[i].p_vaddr + ph[i].p_memsz + page - 1) & ~(page - 1);
	}
	add_unmap(s, start, end);
}

/* An empty file that may be executed. @name shows in /proc/PID/exe. */
static int make_memfd(const char *name, unsigned int flags)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_EXEC | flags);

	if (fd < 0 && errno == EINVAL) /* Linux < 6.3 */
		fd = memfd_create(name, MFD_CLOEXEC | flags);
	return fd < 0 ? -errno : fd;
}

int final_add_release(struct final_script *s, struct err *err)
{
	int fd = make_memfd("bivalve-init", 0);
	struct prctl_mm_map *map;
	uintptr_t here;

	if (fd < 0)
		return err_code(err, fd, "make an empty executable");
	map = calloc(1, sizeof(*map)); /* outlives our data segment; execve frees it */
	if (!map) {
		(void)close(fd);
		return err_set(err, -ENOMEM, "out of memory");
	}
	/* The kernel wants addresses of this process in order; nothing uses them before the execve.
	 */
	here = (uintptr_t)map;
	*map = (struct prctl_mm_map){
		.start_code = here,
		.end_code = here + 1,
		.start_data = here,
		.end_data = here,
		.start_brk = (uintptr_t)sbrk(0),
		.brk = (uintptr_t)sbrk(0),
		.start_stack = here,
		.arg_start = here,
		.arg_end = here,
		.env_start = here,
		.env_end = here,
		.exe_fd = (uint32_t)fd,
	};
	add_unmap_segments(s);
	FINAL_ADD(s, "let go of the runtime's executable", SYS_prctl, PR_SET_MM, PR_SET_MM_MAP,
		  here, sizeof(*map));
	return 0;
}

int final_run(const struct final_script *s, struct err *err)
{
	struct final_area area = { .script = *s };
	size_t len = (uintptr_t)__stop_final_text - (uintptr_t)__start_final_text;
	size_t entry = (uintptr_t)run_script - (uintptr_t)__start_final_text;
	void (*run)(struct final_area *);
	void *code = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (code == MAP_FAILED)
		return err_sys(err, "map the last step");
	memcpy(code, __start_final_text, len);
	__builtin___clear_cache((char *)code, (char *)code + len);
	if (mprotect(code, len, PROT_READ | PROT_EXEC) < 0)
		return err_sys(err, "map the last step as code");
	code = (char *)code + entry;
	memcpy(&run, &code, sizeof(run));
	run(&area);
	return -EIO; /* not reached: the page of code never returns */
}

/* ---- where the last step is not enough ---------------------------------------------------------
 */

static bool has_notify(const struct config_seccomp *s)
{
	if (!s)
		return false;
	for (size_t i = 0; i < s->rules.n; i++) {
		if (s->rules.items[i].action == SECCOMP_RET_USER_NOTIF)
			return true;
	}
	return s->default_action == SECCOMP_RET_USER_NOTIF; /* the value of SCMP_ACT_NOTIFY */
}

bool final_needs_sealed(const struct config *c, const struct config_process *process)
{
	const struct config_process *both[] = { c->process, process };

	if (has_notify(c->linux_.seccomp))
		return true;
	if (c->linux_.namespaces[NS_USER].is_set)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(both); i++) {
		const struct config_caps *caps = both[i] ? both[i]->caps : NULL;

		if (caps &&
		    ((caps->bounding | caps->permitted | caps->inheritable) >> CAP_SYS_PTRACE & 1))
			return true;
	}
	return false;
}

enum { ALL_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

static bool can_release(void)
{
	unsigned int size = 0;

	return prctl(PR_SET_MM, PR_SET_MM_MAP_SIZE, &size, 0, 0) == 0 &&
	       size == sizeof(struct prctl_mm_map);
}

static int copy_file(int from_fd, int to_fd)
{
	struct stat st;
	off_t at = 0;

	if (fstat(from_fd, &st) < 0)
		return -errno;
	while (at < st.st_size) {
		ssize_t n = sendfile(to_fd, from_fd, &at, (size_t)(st.st_size - at));

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -EIO; /* it shrank */
	}
	return 0;
}

int final_self_protect(char *const argv[], bool must, struct err *err)
{
	auto_close int exe_fd = -1;
	auto_close int copy_fd = -1;
	int rc;

	if (!must && can_release())
		return 0;
	exe_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (exe_fd < 0)
		return err_sys(err, "open '/proc/self/exe'");
	rc = fcntl(exe_fd, F_GET_SEALS);
	if (rc >= 0 && (rc & ALL_SEALS) == ALL_SEALS)
		return 1;
	copy_fd = make_memfd("bivalve", MFD_ALLOW_SEALING);
	if (copy_fd < 0)
		return err_code(err, copy_fd, "make a sealed copy of the runtime");
	rc = copy_file(exe_fd, copy_fd);
	if (rc < 0)
		return err_code(err, rc, "make a sealed copy of the runtime");
	if (fcntl(copy_fd, F_ADD_SEALS, ALL_SEALS) < 0)
		return err_sys(err, "seal a copy of the runtime");
	(void)syscall(SYS_execveat, copy_fd, "", argv, environ, AT_EMPTY_PATH);
	return err_sys(err, "execute a sealed copy of the runtime");
}
