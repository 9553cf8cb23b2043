// SPDX-License-Identifier: GPL-2.0-or-later
// The ENOSYS stub by itself: every architecture's section, run in front of a one-line filter.
#include "namespaces/seccomp_enosys.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>

#include "spec/base/cleanup.h"
#include "tests/unit/bpf_vm.h"
#include "tests/unit/test.h"

enum { FILTER = SECCOMP_RET_TRAP | 7, NOSYS = SECCOMP_RET_ERRNO | ENOSYS };
#define X32(n) ((n) | (uint32_t)SECCOMP_X32_BIT)

static const struct seccomp_newest x86_all[] = {
	{ .audit_arch = AUDIT_ARCH_X86_64,
	  .has_main = true,
	  .main = 450,
	  .has_x32 = true,
	  .x32 = X32(547) },
	{ .audit_arch = AUDIT_ARCH_I386, .has_main = true, .main = 440 },
};
static const struct seccomp_newest x86_main[] = {
	{ .audit_arch = AUDIT_ARCH_X86_64, .has_main = true, .main = 450 },
};
static const struct seccomp_newest x86_x32[] = {
	{ .audit_arch = AUDIT_ARCH_X86_64, .has_x32 = true, .x32 = X32(100) },
};
static const struct seccomp_newest s390[] = {
	{ .audit_arch = AUDIT_ARCH_AARCH64, .has_main = true, .main = 0 },
	{ .audit_arch = AUDIT_ARCH_PPC64 }, /* nothing known: no section */
	{ .audit_arch = AUDIT_ARCH_S390X,
	  .has_main = true,
	  .main = 400,
	  .is_zero_multiplexed = true },
};

static const struct {
	const struct seccomp_newest *archs;
	size_t n;
	uint32_t arch, nr, want;
} answers[] = {
	{ x86_all, 2, AUDIT_ARCH_X86_64, 0, FILTER },
	{ x86_all, 2, AUDIT_ARCH_X86_64, 450, FILTER },
	{ x86_all, 2, AUDIT_ARCH_X86_64, 451, NOSYS },
	{ x86_all, 2, AUDIT_ARCH_X86_64, 0x3fffffff, NOSYS },
	{ x86_all, 2, AUDIT_ARCH_X86_64, X32(0), FILTER },
	{ x86_all, 2, AUDIT_ARCH_X86_64, X32(451), FILTER },
	{ x86_all, 2, AUDIT_ARCH_X86_64, X32(547), FILTER },
	{ x86_all, 2, AUDIT_ARCH_X86_64, X32(548), NOSYS },
	{ x86_all, 2, AUDIT_ARCH_X86_64, UINT32_MAX, NOSYS },
	{ x86_all, 2, AUDIT_ARCH_I386, 440, FILTER },
	{ x86_all, 2, AUDIT_ARCH_I386, 441, NOSYS },
	{ x86_all, 2, AUDIT_ARCH_ARM, 9999, FILTER },
	{ x86_main, 1, AUDIT_ARCH_X86_64, 451, NOSYS },
	{ x86_main, 1, AUDIT_ARCH_X86_64, X32(9999), FILTER },
	{ x86_main, 1, AUDIT_ARCH_I386, 9999, FILTER },
	{ x86_x32, 1, AUDIT_ARCH_X86_64, 9999, FILTER },
	{ x86_x32, 1, AUDIT_ARCH_X86_64, X32(100), FILTER },
	{ x86_x32, 1, AUDIT_ARCH_X86_64, X32(101), NOSYS },
	{ s390, 3, AUDIT_ARCH_S390X, 0, NOSYS },
	{ s390, 3, AUDIT_ARCH_S390X, 1, FILTER },
	{ s390, 3, AUDIT_ARCH_S390X, 400, FILTER },
	{ s390, 3, AUDIT_ARCH_S390X, 401, NOSYS },
	{ s390, 3, AUDIT_ARCH_AARCH64, 0, FILTER },
	{ s390, 3, AUDIT_ARCH_AARCH64, 1, NOSYS },
	{ s390, 3, AUDIT_ARCH_PPC64, 9999, FILTER },
	{ NULL, 0, AUDIT_ARCH_X86_64, 9999, FILTER },
};

static void test_answers(void)
{
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct sock_filter prog[3 * SECCOMP_ENOSYS_INSNS_MAX + 1];
		size_t n = seccomp_enosys_build(answers[i].archs, answers[i].n, prog);
		uint32_t got;

		CHECK(n <= 3 * SECCOMP_ENOSYS_INSNS_MAX);
		prog[n++] = (struct sock_filter){ .code = BPF_RET | BPF_K, .k = FILTER };
		got = bpf_vm_call(prog, n, answers[i].arch, answers[i].nr, NULL);
		if (got != answers[i].want)
			TEST_FAIL("case %zu: %#x, wanted %#x", i, got, answers[i].want);
	}
}

/* The kernel looks at jumps before it takes a program; so does this, for the longest stub. */
static void test_jumps_stay_inside(void)
{
	struct sock_filter prog[32 * SECCOMP_ENOSYS_INSNS_MAX];
	struct seccomp_newest archs[32];
	size_t n;

	for (size_t i = 0; i < ARRAY_LEN(archs); i++)
		archs[i] =
		    (struct seccomp_newest){ .audit_arch = i ? (uint32_t)i : AUDIT_ARCH_X86_64,
					     .has_main = true,
					     .main = 400,
					     .is_zero_multiplexed = i % 2 };
	n = seccomp_enosys_build(archs, ARRAY_LEN(archs), prog);
	CHECK(n <= ARRAY_LEN(prog));
	for (size_t i = 0; i < n; i++) {
		if (prog[i].code == (BPF_JMP | BPF_JA))
			CHECK_EQ(i + 1 + prog[i].k, n);
		else if (BPF_CLASS(prog[i].code) == BPF_JMP)
			CHECK(i + 1 + prog[i].jt < n && i + 1 + prog[i].jf <= n);
	}
	prog[n - 1] = (struct sock_filter){ .code = BPF_RET | BPF_K, .k = FILTER };
	CHECK_EQ(bpf_vm_call(prog, n, 31, 401, NULL), NOSYS);
	CHECK_EQ(bpf_vm_call(prog, n, 31, 400, NULL), FILTER);
}

TEST_MAIN(TEST(test_answers), TEST(test_jumps_stay_inside))
