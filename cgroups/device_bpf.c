// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Device rules as an eBPF program for cgroup v2. The rules are tried from the last to the first.
 * r2 holds the wanted rights that no rule has decided yet: a deny that names one of them ends with
 * 0, an allow takes its rights out, and when none is left the answer is 1. Left over at the end:
 * denied.
 *
 *   r1  struct bpf_cgroup_dev_ctx     r2  undecided rights     r3  type     r4  major     r5  minor
 */
#include "cgroups/device_rules.h"

#include <string.h>

enum { CONDITIONS_MAX = 4 };

static size_t n_insns(const struct buf *b)
{
	return b->len / sizeof(struct bpf_insn);
}

static void emit(struct buf *b, uint8_t code, unsigned int dst, unsigned int src, int16_t off,
		 int32_t imm)
{
	struct bpf_insn insn = {
		.code = code, .dst_reg = dst & 0xf, .src_reg = src & 0xf, .off = off, .imm = imm
	};

	buf_add(b, &insn, sizeof(insn));
}

static void emit_exit(struct buf *b, int32_t answer)
{
	emit(b, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, answer);
	emit(b, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* A jump behind the rule, taken when register @reg compares so with @imm; aimed by aim_jumps(). */
static void emit_leave(struct buf *b, uint8_t op, unsigned int reg, uint32_t imm,
		       size_t jumps[CONDITIONS_MAX], size_t *n)
{
	jumps[(*n)++] = n_insns(b);
	/* 32-bit compares: a major above INT32_MAX must not be sign-extended (Linux 5.1). */
	emit(b, BPF_JMP32 | op | BPF_K, reg, 0, 0, (int32_t)imm);
}

static void aim_jumps(struct buf *b, const size_t *jumps, size_t n)
{
	if (buf_failed(b))
		return;
	for (size_t i = 0; i < n; i++) {
		struct bpf_insn insn;
		char *at = b->data + jumps[i] * sizeof(insn);

		memcpy(&insn, at, sizeof(insn));
		insn.off = (int16_t)(n_insns(b) - jumps[i] - 1);
		memcpy(at, &insn, sizeof(insn));
	}
}

/* Returns true when nothing behind this rule can be reached: the kernel refuses dead code. */
static bool emit_rule(struct buf *b, const struct cg_dev_rule *r)
{
	size_t jumps[CONDITIONS_MAX];
	size_t n = 0;
	bool is_total = r->rights == CG_DEV_ALL_RIGHTS;

	if (r->type != 'a')
		emit_leave(b, BPF_JNE, BPF_REG_3,
			   r->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR, jumps, &n);
	if (r->major != CG_DEV_ANY)
		emit_leave(b, BPF_JNE, BPF_REG_4, (uint32_t)r->major, jumps, &n);
	if (r->minor != CG_DEV_ANY)
		emit_leave(b, BPF_JNE, BPF_REG_5, (uint32_t)r->minor, jumps, &n);
	if (!is_total && r->allow) {
		emit(b, BPF_ALU | BPF_AND | BPF_K, BPF_REG_2, 0, 0,
		     (int32_t)(CG_DEV_ALL_RIGHTS & ~r->rights));
		emit_leave(b, BPF_JNE, BPF_REG_2, 0, jumps, &n);
	} else if (!is_total) {
		emit(b, BPF_ALU | BPF_MOV | BPF_X, BPF_REG_0, BPF_REG_2, 0, 0);
		emit(b, BPF_ALU | BPF_AND | BPF_K, BPF_REG_0, 0, 0, (int32_t)r->rights);
		emit_leave(b, BPF_JEQ, BPF_REG_0, 0, jumps, &n);
	}
	emit_exit(b, r->allow);
	aim_jumps(b, jumps, n);
	return n == 0;
}

int cg_dev_bpf_build(const struct cg_dev_rules *rules, struct buf *out)
{
	bool is_closed = false;

	emit(out, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_2, BPF_REG_1,
	     offsetof(struct bpf_cgroup_dev_ctx, access_type), 0);
	emit(out, BPF_ALU | BPF_MOV | BPF_X, BPF_REG_3, BPF_REG_2, 0, 0);
	emit(out, BPF_ALU | BPF_AND | BPF_K, BPF_REG_3, 0, 0, 0xffff);
	emit(out, BPF_ALU | BPF_RSH | BPF_K, BPF_REG_2, 0, 0, 16);
	emit(out, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_4, BPF_REG_1,
	     offsetof(struct bpf_cgroup_dev_ctx, major), 0);
	emit(out, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_5, BPF_REG_1,
	     offsetof(struct bpf_cgroup_dev_ctx, minor), 0);
	for (size_t i = rules->n; i > 0 && !is_closed; i--)
		is_closed = emit_rule(out, &rules->items[i - 1]);
	if (!is_closed)
		emit_exit(out, 0);
	return buf_failed(out) ? -ENOMEM : 0;
}
