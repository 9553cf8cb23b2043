// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The start of a static program, in place of the C library's. glibc asks the processor for its
 * features and caches at every start, by some fifty CPUID instructions. On the hardware that is
 * nothing; in a virtual machine each one leaves the guest, and the start of a program that does
 * nothing takes 0.85 ms instead of 0.28 ms (measured with nested virtualization). A command that
 * lives for two milliseconds feels that.
 *
 * What is given up: string functions for newer processors than the first x86-64 (the C library then
 * chooses the SSE2 ones), pthread_exit() in main(), setuid programs. What is done, and its order,
 * are those of the C library: its steps are called by their names, which are the same in all of
 * glibc 2.36 (Debian 12). With another version or processor this file is empty, and the normal
 * start used.
 */
#include <features.h>

#if defined(__x86_64__) && defined(__GLIBC__) && __GLIBC__ == 2 && __GLIBC_MINOR__ == 36

#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define HIDDEN __attribute__((visibility("hidden")))

typedef int main_fn(int argc, char **argv, char **env);
typedef void start_fn(int argc, char **argv, char **env);
typedef void plain_fn(void);

/* The C library's own parts. */
extern HIDDEN const uintptr_t *_dl_random; /* 16 random bytes from the kernel */
extern void *__libc_stack_end;
HIDDEN void _dl_aux_init(ElfW(auxv_t) * auxv);
HIDDEN void __tunables_init(char **env);
HIDDEN void _dl_relocate_static_pie(void);
HIDDEN void __libc_setup_tls(void);
HIDDEN void __libc_early_init(_Bool is_first);
HIDDEN void __libc_init_first(int argc, char **argv, char **env);
int __cxa_atexit(void (*fn)(void *), void *arg, void *dso);

/* The linker's and the compiler's. */
extern HIDDEN start_fn *__init_array_start[];
extern HIDDEN start_fn *__init_array_end[];
extern HIDDEN plain_fn *__fini_array_start[];
extern HIDDEN plain_fn *__fini_array_end[];
extern HIDDEN const ElfW(Rela) __rela_iplt_start[] __attribute__((weak));
extern HIDDEN const ElfW(Rela) __rela_iplt_end[] __attribute__((weak));
HIDDEN void _init(void);
HIDDEN void _fini(void);

__attribute__((noreturn, no_stack_protector)) int
__libc_start_main(main_fn *main_function, int argc, char **argv, plain_fn *init, plain_fn *fini,
		  plain_fn *rtld_fini, void *stack_end);

/* What the string functions want to know: bytes; the values for a processor that tells nothing. */
long __x86_data_cache_size = 32L * 1024;
long __x86_data_cache_size_half = 32L * 1024 / 2;
long __x86_shared_cache_size = 1024L * 1024;
long __x86_shared_cache_size_half = 1024L * 1024 / 2;
long __x86_shared_non_temporal_threshold = 1024L * 1024 * 3 / 4;
long __x86_rep_movsb_threshold = 2048;
long __x86_rep_stosb_threshold = 2048;
long __x86_rep_movsb_stop_threshold = 1024L * 1024 * 3 / 4;
int __x86_string_control = 0;

static void run_fini(void *unused)
{
	size_t n = (size_t)(__fini_array_end - __fini_array_start);

	(void)unused;
	while (n > 0)
		__fini_array_start[--n]();
	_fini();
}

/* Apart from its caller: here the stack protector's guard is set. */
__attribute__((noinline, noreturn)) static void run(main_fn *main_function, int argc, char **argv)
{
	size_t n = (size_t)(__init_array_end - __init_array_start);

	__libc_early_init(1);
	__libc_init_first(argc, argv, environ);
	(void)__cxa_atexit(run_fini, NULL, NULL);
	_init();
	for (size_t i = 0; i < n; i++)
		__init_array_start[i](argc, argv, environ);
	exit(main_function(argc, argv, environ));
}

/* Functions that are chosen at the start; in a position-independent program they are done already.
 */
__attribute__((always_inline)) static inline void choose_functions(void)
{
	/* NOLINTBEGIN(performance-no-int-to-ptr): the linker's table holds addresses as numbers */
	for (const ElfW(Rela) *r = __rela_iplt_start; r < __rela_iplt_end; r++) {
		ElfW(Addr) (*choose)(void) = (ElfW(Addr)(*)(void))r->r_addend;

		*(ElfW(Addr) *)r->r_offset = choose();
	}
	/* NOLINTEND(performance-no-int-to-ptr) */
}

/*
 * Called by the linker's _start, whose calling convention gives seven parameters. Until the
 * relocation no address may be taken from memory.
 */
/* NOLINTNEXTLINE(readability-function-size) */
int __libc_start_main(main_fn *main_function, int argc, char **argv, plain_fn *init, plain_fn *fini,
		      plain_fn *rtld_fini, void *stack_end)
{
	char **end = argv + argc + 1;

	(void)init;
	(void)fini;
	(void)rtld_fini;
	environ = end;
	__libc_stack_end = stack_end;
	while (*end)
		end++;
	_dl_aux_init((ElfW(auxv_t) *)(void *)(end + 1));
	__tunables_init(environ);
	_dl_relocate_static_pie();
	choose_functions();
	__libc_setup_tls();
	/* The stack's guard, whose first byte ends strings, and the guard of stored pointers: where
	 * the compiler and the C library look for them in the thread's control block. */
	__asm__ volatile("movq %0, %%fs:0x28" : : "r"(_dl_random[0] & ~(uintptr_t)0xff));
	__asm__ volatile("movq %0, %%fs:0x30" : : "r"(_dl_random[1]));
	run(main_function, argc, argv);
}

#endif
