// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Device rules. The meaning of a list is written down once more here, plainly; the eBPF program is
 * run by an interpreter and the v1 form by a model of the kernel's check, for random lists and
 * every device of a small world, and must answer the same.
 */
#include "tests/unit/test.h"

#include "cgroups/cgroup.h"
#include "cgroups/device_rules.h"

enum { STEPS_MAX = 4096, RANDOM_LISTS = 3000 };

struct access {
	char type;
	uint32_t major, minor;
	unsigned int rights;
};

static uint32_t random_state = 12345;

static uint32_t next_random(uint32_t below)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 16) % below;
}

/* ---- the three answers --------------------------------------------------------------------- */

static bool matches(const struct cg_dev_rule *r, const struct access *a)
{
	return (r->type == 'a' || r->type == a->type) &&
	       (r->major == CG_DEV_ANY || r->major == a->major) &&
	       (r->minor == CG_DEV_ANY || r->minor == a->minor);
}

/* Each right by the last rule that matches the device and names it. */
static bool by_meaning(const struct cg_dev_rules *rules, const struct access *a)
{
	for (unsigned int bit = 1; bit <= CG_DEV_ALL_RIGHTS; bit <<= 1) {
		bool allowed = false;

		for (size_t i = 0; i < rules->n; i++) {
			if (matches(&rules->items[i], a) && (rules->items[i].rights & bit))
				allowed = rules->items[i].allow;
		}
		if ((a->rights & bit) && !allowed)
			return false;
	}
	return true;
}

/* An interpreter for the instructions that the builder emits. -1: a fault. */
static int by_program(const struct buf *prog, const struct access *a)
{
	const struct bpf_insn *insns = (const void *)prog->data;
	size_t n = prog->len / sizeof(*insns);
	struct bpf_cgroup_dev_ctx ctx = { .access_type = a->rights << 16 |
							 (a->type == 'b' ? BPF_DEVCG_DEV_BLOCK
									 : BPF_DEVCG_DEV_CHAR),
					  .major = a->major,
					  .minor = a->minor };
	uint64_t reg[11] = { 0 };
	size_t pc = 0;

	for (int steps = 0; steps < STEPS_MAX && pc < n; steps++) {
		const struct bpf_insn *i = &insns[pc++];
		uint32_t dst = (uint32_t)reg[i->dst_reg];
		uint32_t imm = (uint32_t)i->imm;

		switch (i->code) {
		case BPF_LDX | BPF_MEM | BPF_W:
			if (i->src_reg != BPF_REG_1 || i->off < 0 ||
			    (size_t)i->off + 4 > sizeof(ctx))
				return -1;
			memcpy(&dst, (const char *)&ctx + i->off, sizeof(dst));
			reg[i->dst_reg] = dst;
			break;
		case BPF_ALU | BPF_MOV | BPF_X:
			reg[i->dst_reg] = (uint32_t)reg[i->src_reg];
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			reg[i->dst_reg] = dst & imm;
			break;
		case BPF_ALU | BPF_RSH | BPF_K:
			reg[i->dst_reg] = dst >> imm;
			break;
		case BPF_ALU64 | BPF_MOV | BPF_K:
			reg[i->dst_reg] = (uint64_t)(int64_t)i->imm;
			break;
		case BPF_JMP32 | BPF_JNE | BPF_K:
			pc += dst != imm ? (size_t)i->off : 0;
			break;
		case BPF_JMP32 | BPF_JEQ | BPF_K:
			pc += dst == imm ? (size_t)i->off : 0;
			break;
		case BPF_JMP | BPF_EXIT:
			return (int)reg[BPF_REG_0];
		default:
			return -1;
		}
	}
	return -1;
}

/* Every instruction can be reached: the kernel refuses programs with dead code. */
static bool is_all_reachable(const struct buf *prog)
{
	const struct bpf_insn *insns = (const void *)prog->data;
	size_t n = prog->len / sizeof(*insns);
	auto_free bool *seen = calloc(n, sizeof(*seen));

	if (!seen || n == 0)
		return false;
	seen[0] = true;
	for (size_t i = 0; i < n; i++) { /* all jumps go forward */
		if (!seen[i])
			return false;
		if (BPF_CLASS(insns[i].code) == BPF_JMP32) {
			size_t to = i + 1 + (size_t)insns[i].off;

			if (insns[i].off < 0 || to >= n)
				return false;
			seen[to] = true;
		}
		if (insns[i].code != (BPF_JMP | BPF_EXIT)) {
			if (i + 1 >= n)
				return false;
			seen[i + 1] = true;
		}
	}
	return true;
}

/* The kernel's check: default deny wants one exception with all rights, default allow none with
 * any. Source: kernel security/device_cgroup.c. */
static bool by_v1(const struct cg_dev_v1 *v1, const struct access *a)
{
	for (size_t i = 0; i < v1->except.n; i++) {
		const struct cg_dev_rule *e = &v1->except.items[i];

		if (!matches(e, a))
			continue;
		if (v1->allow_default && (e->rights & a->rights))
			return false;
		if (!v1->allow_default && !(a->rights & ~e->rights))
			return true;
	}
	return v1->allow_default;
}

/* ---- random lists -------------------------------------------------------------------------- */

static const uint32_t world[] = { 0, 1, 3, 0x80000001U };

static struct cg_dev_rule random_rule(void)
{
	struct cg_dev_rule r = { .allow = next_random(2),
				 .type = "abc"[next_random(3)],
				 .major = CG_DEV_ANY,
				 .minor = CG_DEV_ANY,
				 .rights = 1 + next_random(CG_DEV_ALL_RIGHTS) };

	if (next_random(3))
		r.major = world[next_random(ARRAY_LEN(world))];
	if (next_random(3))
		r.minor = world[next_random(ARRAY_LEN(world))];
	if (next_random(8) == 0) {
		r.type = 'a';
		r.major = CG_DEV_ANY;
		r.minor = CG_DEV_ANY;
		r.rights = CG_DEV_ALL_RIGHTS;
	}
	return r;
}

/* Calls @check for every access of the small world. */
#define FOR_EACH_ACCESS(a)                                                                         \
	for (size_t t_ = 0; t_ < 2; t_++)                                                          \
		for (size_t x_ = 0; x_ < ARRAY_LEN(world); x_++)                                   \
			for (size_t y_ = 0; y_ < ARRAY_LEN(world); y_++)                           \
				for (struct access a = { "bc"[t_], world[x_], world[y_], 1 };      \
				     (a).rights <= CG_DEV_ALL_RIGHTS; (a).rights++)

static void test_program_equals_meaning(void)
{
	size_t n_allowed = 0;
	size_t n_denied = 0;

	for (int k = 0; k < RANDOM_LISTS && !test_failed; k++) {
		auto_cleanup(cg_dev_rules_fini) struct cg_dev_rules rules = { 0 };
		auto_buf struct buf prog = BUF_INIT;
		size_t n = next_random(9);

		for (size_t i = 0; i < n; i++) {
			struct cg_dev_rule r = random_rule();

			CHECK_EQ(cg_dev_rules_add(&rules, &r), 0);
		}
		CHECK_EQ(cg_dev_bpf_build(&rules, &prog), 0);
		CHECK(is_all_reachable(&prog));
		FOR_EACH_ACCESS(a)
		{
			int want = by_meaning(&rules, &a);

			n_allowed += (size_t)want;
			n_denied += !want;
			if (by_program(&prog, &a) != want) {
				TEST_FAIL("list %d: %c %u:%u rights %u is %d, wanted %d", k, a.type,
					  a.major, a.minor, a.rights, by_program(&prog, &a), want);
				break;
			}
		}
	}
	/* The test looks at both answers often. */
	CHECK(n_allowed > 10000);
	CHECK(n_denied > 10000);
}

/* The v1 form grants nothing that the list denies, and all that single rules grant. */
static void test_v1_equals_meaning(void)
{
	size_t n_built = 0;
	size_t n_stricter = 0;
	size_t n_seen = 0;

	for (int k = 0; k < RANDOM_LISTS && !test_failed; k++) {
		auto_cleanup(cg_dev_rules_fini) struct cg_dev_rules rules = { 0 };
		auto_cleanup(cg_dev_v1_fini) struct cg_dev_v1 v1 = { 0 };
		size_t n = next_random(6);

		for (size_t i = 0; i < n; i++) {
			struct cg_dev_rule r = random_rule();

			CHECK_EQ(cg_dev_rules_add(&rules, &r), 0);
		}
		if (cg_dev_v1_build(&rules, &v1, NULL) < 0)
			continue;
		n_built++;
		FOR_EACH_ACCESS(a)
		{
			bool want = by_meaning(&rules, &a);
			bool got = by_v1(&v1, &a);

			n_seen++;
			n_stricter += want && !got;
			if (got && !want) {
				TEST_FAIL("list %d: %c %u:%u rights %u is granted", k, a.type,
					  a.major, a.minor, a.rights);
				break;
			}
		}
	}
	CHECK(n_built > RANDOM_LISTS / 3);
	/* Crosswise overlaps (1:* and *:3) are the one difference, towards denial. */
	CHECK(n_stricter * 50 < n_seen);
}

/* ---- fixed lists --------------------------------------------------------------------------- */

static void lines_of(const struct cg_dev_v1 *v1, struct buf *out)
{
	buf_clear(out);
	buf_add_str(out, v1->allow_default ? "allow;" : "deny;");
	for (size_t i = 0; i < v1->except.n; i++) {
		char line[64];

		cg_dev_v1_line(&v1->except.items[i], v1->except.items[i].rights, line);
		buf_printf(out, "%s;", line);
	}
}

#define DEFAULTS                                                                                   \
	"c *:* m;b *:* m;c 1:3 rwm;c 1:5 rwm;c 1:7 rwm;c 1:8 rwm;c 1:9 rwm;c 5:0 rwm;c 5:1 rwm;"   \
	"c 5:2 rwm;c 136:* rwm;"

static void test_v1_lines(void)
{
	static struct config_device_rule own[][2] = {
		{ { .type = 'a', .read = true, .write = true, .mknod = true }, { .type = 'a' } },
		{ { .type = 'a' },
		  { .allow = true,
		    .type = 'c',
		    .major = { true, 10 },
		    .minor = { true, 229 },
		    .read = true,
		    .write = true } },
		{ { .type = 'a' }, { .allow = true, .type = 'a' } },
		{ { .allow = true, .type = 'a', .read = true }, { .type = 'c', .write = true } },
	};
	/* Narrow exceptions repeat what a wider one grants: mknod of the defaults, read of "a". */
	static const char *const want[] = {
		"deny;" DEFAULTS,
		"c 10:229 rwm;",
		"allow;",
		"c 1:3 rwm;",
	};

	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		struct config_resources res = { 0 };
		auto_cleanup(cg_dev_rules_fini) struct cg_dev_rules rules = { 0 };
		auto_cleanup(cg_dev_v1_fini) struct cg_dev_v1 v1 = { 0 };
		auto_buf struct buf text = BUF_INIT;
		struct err err = ERR_INIT;

		res.devices.items = own[i];
		res.devices.n = 2;
		CHECK_EQ(cg_dev_rules_build(&res, &rules, &err), 0);
		CHECK_EQ(cg_dev_v1_build(&rules, &v1, &err), 0);
		CHECK_STR(err.msg, "");
		lines_of(&v1, &text);
		CHECK_HAS(buf_str(&text), want[i]);
		CHECK_EQ(cg_dev_rules_allow_all(&rules), i == 2);
	}
}

/* An access whose rights come from two rules, the wider one first and last. */
static void test_v1_joint_rights(void)
{
	const struct cg_dev_rule wide = { true, 'c', 1, CG_DEV_ANY, BPF_DEVCG_ACC_READ, 0 };
	const struct cg_dev_rule narrow = { true, 'c', 1, 3, BPF_DEVCG_ACC_WRITE, 0 };
	const struct access both = { 'c', 1, 3, BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE };
	const struct access other = { 'c', 1, 5, BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE };

	for (int i = 0; i < 2; i++) {
		auto_cleanup(cg_dev_rules_fini) struct cg_dev_rules rules = { 0 };
		auto_cleanup(cg_dev_v1_fini) struct cg_dev_v1 v1 = { 0 };

		CHECK_EQ(cg_dev_rules_add(&rules, i ? &wide : &narrow), 0);
		CHECK_EQ(cg_dev_rules_add(&rules, i ? &narrow : &wide), 0);
		CHECK_EQ(cg_dev_v1_build(&rules, &v1, NULL), 0);
		CHECK(by_v1(&v1, &both));
		CHECK(!by_v1(&v1, &other));
	}
}

static void test_refusals(void)
{
	static struct config_device_rule part[] = {
		{ .allow = true, .type = 'c', .major = { true, 5 }, .read = true },
		{ .type = 'c', .major = { true, 5 }, .minor = { true, 1 }, .read = true },
	};
	static struct config_device_rule bad[][1] = { { { .type = 'x' } },
						      { { .type = 'c', .major = { true, -2 } } },
						      { { .type = 'c',
							  .minor = { true, 1LL << 40 } } } };
	struct config_resources res = { 0 };
	auto_cleanup(cg_dev_rules_fini) struct cg_dev_rules rules = { 0 };
	auto_cleanup(cg_dev_v1_fini) struct cg_dev_v1 v1 = { 0 };
	struct err err = ERR_INIT;

	res.devices.items = part;
	res.devices.n = 2;
	CHECK_EQ(cg_dev_rules_build(&res, &rules, &err), 0);
	CHECK_EQ(cg_dev_v1_build(&rules, &v1, &err), -EINVAL);
	CHECK_HAS(err.msg, "/linux/resources/devices/1: cgroup v1 cannot take a part");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		auto_cleanup(cg_dev_rules_fini) struct cg_dev_rules none = { 0 };

		res.devices.items = bad[i];
		res.devices.n = 1;
		CHECK_EQ(cg_dev_rules_build(&res, &none, &err), -EINVAL);
		CHECK_STR(err.msg, "/linux/resources/devices/0: not a device rule");
	}
}

/* The whole default program, instruction by instruction where it matters. */
static void test_default_program(void)
{
	auto_cleanup(cg_dev_rules_fini) struct cg_dev_rules rules = { 0 };
	auto_buf struct buf prog = BUF_INIT;
	static const struct {
		struct access a;
		int want;
	} cases[] = {
		{ { 'c', 1, 3, BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE }, 1 },
		{ { 'c', 136, 77, CG_DEV_ALL_RIGHTS }, 1 },
		{ { 'b', 8, 0, BPF_DEVCG_ACC_MKNOD }, 1 },
		{ { 'b', 8, 0, BPF_DEVCG_ACC_READ }, 0 },
		{ { 'c', 1, 1, BPF_DEVCG_ACC_READ }, 0 }, /* mem */
		{ { 'c', 10, 200, BPF_DEVCG_ACC_WRITE }, 0 },
		{ { 'b', 1, 3, BPF_DEVCG_ACC_READ }, 0 },
	};
	static const struct bpf_insn head[] = {
		{ .code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = 2, .src_reg = 1, .off = 0 },
		{ .code = BPF_ALU | BPF_MOV | BPF_X, .dst_reg = 3, .src_reg = 2 },
		{ .code = BPF_ALU | BPF_AND | BPF_K, .dst_reg = 3, .imm = 0xffff },
		{ .code = BPF_ALU | BPF_RSH | BPF_K, .dst_reg = 2, .imm = 16 },
		{ .code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = 4, .src_reg = 1, .off = 4 },
		{ .code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = 5, .src_reg = 1, .off = 8 },
		/* the last rule: c 136:* rwm */
		{ .code = BPF_JMP32 | BPF_JNE | BPF_K, .dst_reg = 3, .off = 3, .imm = 2 },
		{ .code = BPF_JMP32 | BPF_JNE | BPF_K, .dst_reg = 4, .off = 2, .imm = 136 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	CHECK_EQ(cg_dev_rules_build(NULL, &rules, NULL), 0);
	CHECK_EQ(rules.n, 12);
	CHECK_EQ(cg_dev_bpf_build(&rules, &prog), 0);
	CHECK(prog.len > sizeof(head));
	CHECK_MEM(prog.data, head, sizeof(head));
	CHECK(is_all_reachable(&prog));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CHECK_EQ(by_program(&prog, &cases[i].a), cases[i].want);
		CHECK_EQ(by_meaning(&rules, &cases[i].a), cases[i].want);
	}
}

static void test_v1_list(void)
{
	char list[] = "c 1:3 rwm\nb *:* m\nc 136:* r\n";
	char all[] = "a *:* rwm\n";
	char bad[] = "c 1-3 rwm\n";
	auto_cleanup(cg_dev_v1_fini) struct cg_dev_v1 v1 = { 0 };
	auto_buf struct buf text = BUF_INIT;

	CHECK_EQ(cg_dev_v1_parse(list, &v1), 0);
	lines_of(&v1, &text);
	CHECK_STR(buf_str(&text), "deny;c 1:3 rwm;b *:* m;c 136:* r;");
	cg_dev_v1_fini(&v1);
	CHECK_EQ(cg_dev_v1_parse(all, &v1), 0);
	CHECK(v1.allow_default);
	CHECK_EQ(v1.except.n, 0);
	CHECK_EQ(cg_dev_v1_parse(bad, &v1), -EPROTO);
}

TEST_MAIN(TEST(test_program_equals_meaning), TEST(test_v1_equals_meaning), TEST(test_v1_lines),
	  TEST(test_v1_joint_rights), TEST(test_refusals), TEST(test_default_program),
	  TEST(test_v1_list))
