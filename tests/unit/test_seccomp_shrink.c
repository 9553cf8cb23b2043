// SPDX-License-Identifier: GPL-2.0-or-later
// A shrunk program must answer every call as the original does: libseccomp's programs from random
// rules, compared number by number and with random arguments; and programs that must be left alone.
#include "namespaces/seccomp_shrink.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <unistd.h>

#include "spec/base/fd.h"
#include "tests/unit/bpf_vm.h"
#include "tests/unit/test.h"

#define INSN(code_, jt_, jf_, k_)                                                                  \
	{                                                                                          \
		(code_), (jt_), (jf_), (k_)                                                        \
	}
#define LD(off)                  INSN(BPF_LD | BPF_W | BPF_ABS, 0, 0, (off))
#define RET(v)                   INSN(BPF_RET | BPF_K, 0, 0, (v))
#define TEST_K(op, k_, jt_, jf_) INSN(BPF_JMP | (op) | BPF_K, (jt_), (jf_), (k_))

enum { NR = 0, ARCH = 4, ARG0 = 16, MAX = 1 << 16 };

static uint32_t seed;

static uint32_t rnd(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

static const uint32_t all_archs[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64,
				      AUDIT_ARCH_ARM, 0 };

/* Compares @a and @b for one number with several arguments. */
static bool same_answers(const struct sock_filter *a, size_t n_a, const struct sock_filter *b,
			 size_t n_b, const uint32_t call[2])
{
	for (int round = 0; round < 6; round++) {
		uint64_t args[6];

		for (int i = 0; i < 6; i++)
			args[i] = round == 0 ? 0 : (uint64_t)rnd(16) << (rnd(2) * 32);
		if (bpf_vm_call(a, n_a, call[0], call[1], args) !=
		    bpf_vm_call(b, n_b, call[0], call[1], args))
			return false;
	}
	return true;
}

static void compare(const struct sock_filter *a, size_t n_a, const struct sock_filter *b,
		    size_t n_b)
{
	static const uint32_t bases[] = { 0,          0x40000000, 0x7fffff00, 0x80000000,
					  0xbfffff00, 0xc0000000, 0xfffffb00 };

	for (size_t i = 0; i < ARRAY_LEN(all_archs); i++) {
		for (size_t j = 0; j < ARRAY_LEN(bases); j++) {
			for (uint32_t nr = 0; nr < 1200; nr++) {
				uint32_t call[2] = { all_archs[i], bases[j] + nr };

				if (same_answers(a, n_a, b, n_b, call))
					continue;
				TEST_FAIL("arch %#x, number %#x differs (seed %u)", call[0],
					  call[1], seed);
				return;
			}
		}
	}
}

static size_t export(scmp_filter_ctx ctx, struct sock_filter *out)
{
	auto_close int fd = fd_memory("test");
	ssize_t n;

	CHECK_EQ(seccomp_export_bpf(ctx, fd), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	n = fd_read_full(fd, out, MAX * sizeof(*out));
	CHECK(n > 0);
	return n > 0 ? (size_t)n / sizeof(*out) : 0;
}

static uint32_t random_action(void)
{
	const uint32_t actions[] = { SCMP_ACT_ALLOW,       SCMP_ACT_ERRNO(1), SCMP_ACT_ERRNO(38),
				     SCMP_ACT_LOG,         SCMP_ACT_TRAP,     SCMP_ACT_TRACE(5),
				     SCMP_ACT_KILL_PROCESS };

	return actions[rnd(ARRAY_LEN(actions))];
}

/* As in a real profile, neighbours often have one action. What libseccomp refuses (the default's
 * action, contradictions) is simply not there. */
static void random_rules(scmp_filter_ctx ctx, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct scmp_arg_cmp args[3];
		unsigned int n_args = rnd(4) ? 0 : rnd(3) + 1;

		for (unsigned int j = 0; j < n_args; j++)
			args[j] =
			    (struct scmp_arg_cmp){ .arg = j * 2,
						   .op = (enum scmp_compare)(rnd(7) + 1),
						   .datum_a = (uint64_t)rnd(16) << (rnd(2) * 32),
						   .datum_b = rnd(16) };
		for (uint32_t nr = rnd(450), end = nr + rnd(12), action = random_action();
		     nr <= end; nr++)
			(void)seccomp_rule_add_array(ctx, action, (int)nr, n_args, args);
	}
}

static void test_random(void)
{
	auto_free struct sock_filter *a = malloc(MAX * sizeof(*a));
	auto_free struct sock_filter *b = malloc(MAX * sizeof(*b));
	const uint32_t archs[] = { SCMP_ARCH_X86, SCMP_ARCH_X32, SCMP_ARCH_AARCH64, SCMP_ARCH_ARM };
	size_t total_a = 0, total_b = 0;

	for (uint32_t round = 0; round < 24; round++) {
		scmp_filter_ctx ctx;
		size_t n_a, n_b;
		int rc;

		seed = round + 1;
		ctx = seccomp_init(random_action());
		for (size_t i = 0; i < ARRAY_LEN(archs); i++) {
			if (rnd(2))
				CHECK_EQ(seccomp_arch_add(ctx, archs[i]), 0);
		}
		if (rnd(2))
			CHECK_EQ(seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2), 0);
		random_rules(ctx, 1 + rnd(round < 12 ? 10 : 60));
		n_a = n_b = export(ctx, a);
		seccomp_release(ctx);
		memcpy(b, a, n_a * sizeof(*a));
		rc = seccomp_shrink(b, &n_b);
		CHECK(rc == 0 || rc == -EOPNOTSUPP);
		if (rc < 0)
			CHECK(n_b == n_a && memcmp(a, b, n_a * sizeof(*a)) == 0);
		compare(a, n_a, b, n_b);
		total_a += n_a;
		total_b += n_b;
	}
	printf("# %zu instructions became %zu\n", total_a, total_b);
	CHECK(total_b * 3 < total_a * 2);
}

/* So many alternating ranges, of so many values, that targets are out of a jump's reach. */
static void test_long_jumps(void)
{
	auto_free struct sock_filter *a = malloc(MAX * sizeof(*a));
	auto_free struct sock_filter *b = malloc(MAX * sizeof(*b));
	const struct sock_filter head[] = { LD(ARCH), TEST_K(BPF_JEQ, AUDIT_ARCH_X86_64, 1, 0),
					    RET(SECCOMP_RET_KILL_THREAD), LD(NR) };
	const struct sock_filter tail[] = { LD(ARG0), TEST_K(BPF_JEQ, 7, 0, 1), RET(1), RET(2) };
	size_t n = ARRAY_LEN(head), n_b;

	memcpy(a, head, sizeof(head));
	for (uint32_t i = 0; i < 1000; i++) {
		a[n++] = (struct sock_filter)TEST_K(BPF_JEQ, i, 0, 1);
		if (i % 50 == 17) /* to the argument code at the end */
			a[n++] = (struct sock_filter)INSN(BPF_JMP | BPF_JA, 0, 0,
							  (uint32_t)(2000 - 2 * i - 1));
		else
			a[n++] = (struct sock_filter)RET(SECCOMP_RET_ERRNO | (i % 40));
	}
	a[n++] = (struct sock_filter)RET(SECCOMP_RET_ALLOW);
	memcpy(a + n, tail, sizeof(tail));
	n += ARRAY_LEN(tail);
	n_b = n;
	memcpy(b, a, n * sizeof(*a));
	CHECK_EQ(seccomp_shrink(b, &n_b), 0);
	CHECK(n_b < n);
	compare(a, n, b, n_b);
}

static void test_left_alone(void)
{
	static const struct {
		const char *what;
		struct sock_filter insns[8];
		size_t n;
	} table[] = {
		{ "one return", { RET(1) }, 1 },
		{ "no architecture", { LD(NR), TEST_K(BPF_JEQ, 1, 0, 1), RET(1), RET(2) }, 4 },
		{ "a test of nothing", { TEST_K(BPF_JEQ, 1, 0, 1), RET(1), RET(2) }, 3 },
		{ "architectures in order",
		  { LD(ARCH), TEST_K(BPF_JGT, 1, 0, 1), RET(1), RET(2) },
		  4 },
		{ "another bit",
		  { LD(ARCH), TEST_K(BPF_JEQ, 5, 0, 4), LD(NR), TEST_K(BPF_JSET, 2, 0, 1), RET(1),
		    RET(2), RET(3) },
		  7 },
		{ "arithmetic on the number",
		  { LD(ARCH), TEST_K(BPF_JEQ, 5, 0, 4), LD(NR),
		    INSN(BPF_ALU | BPF_AND | BPF_K, 0, 0, 1), TEST_K(BPF_JEQ, 1, 0, 1), RET(1),
		    RET(2) },
		  7 },
		{ "a comparison with X",
		  { LD(ARCH), TEST_K(BPF_JEQ, 5, 0, 2), LD(NR),
		    INSN(BPF_JMP | BPF_JEQ | BPF_X, 0, 1, 0), RET(1), RET(2) },
		  6 },
		{ "a jump behind the end", { LD(ARCH), TEST_K(BPF_JEQ, 5, 0, 9), RET(1) }, 3 },
		{ "a long jump behind the end",
		  { LD(ARCH), TEST_K(BPF_JEQ, 5, 0, 1), INSN(BPF_JMP | BPF_JA, 0, 0, UINT32_MAX),
		    RET(1) },
		  4 },
		{ "no return", { LD(ARCH), TEST_K(BPF_JEQ, 5, 0, 0), LD(NR) }, 3 },
		{ "one test of two things",
		  { LD(ARCH), TEST_K(BPF_JEQ, 5, 0, 1), LD(NR), TEST_K(BPF_JEQ, 5, 0, 1), RET(1),
		    RET(2) },
		  6 },
		{ "arguments on any architecture",
		  { LD(ARCH), TEST_K(BPF_JEQ, 5, 0, 1), RET(1), LD(ARG0), TEST_K(BPF_JEQ, 5, 0, 1),
		    RET(1), RET(2) },
		  7 },
		{ "nothing to gain", { LD(ARCH), TEST_K(BPF_JEQ, 5, 0, 1), RET(1), RET(2) }, 4 },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct sock_filter copy[8];
		size_t n = table[i].n;

		memcpy(copy, table[i].insns, sizeof(copy));
		if (seccomp_shrink(copy, &n) != -EOPNOTSUPP || n != table[i].n ||
		    memcmp(copy, table[i].insns, sizeof(copy)) != 0)
			TEST_FAIL("%s: was changed", table[i].what);
	}
}

TEST_MAIN(TEST(test_random), TEST(test_long_jumps), TEST(test_left_alone))
