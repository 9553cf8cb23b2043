/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a seccomp program as the kernel would (the instructions that the kernel accepts for seccomp,
 * without the X register's arithmetic that libseccomp never makes). Any fault is BPF_VM_FAULT.
 */
#ifndef BIVALVE_TESTS_UNIT_BPF_VM_H
#define BIVALVE_TESTS_UNIT_BPF_VM_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BPF_VM_FAULT UINT32_C(0xdeadbeef)

static inline bool bpf_vm_test(const struct sock_filter *f, uint32_t a)
{
	switch (BPF_OP(f->code)) {
	case BPF_JEQ:
		return a == f->k;
	case BPF_JGT:
		return a > f->k;
	case BPF_JGE:
		return a >= f->k;
	default:
		return (a & f->k) != 0;
	}
}

static inline uint32_t bpf_vm_run(const struct sock_filter *prog, size_t n,
				  const struct seccomp_data *data)
{
	uint32_t a = 0, m[BPF_MEMWORDS] = { 0 };

	for (size_t pc = 0; pc < n; pc++) {
		const struct sock_filter *f = &prog[pc];

		switch (f->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (f->k > sizeof(*data) - 4 || f->k % 4)
				return BPF_VM_FAULT;
			memcpy(&a, (const char *)data + f->k, 4);
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= f->k;
			break;
		case BPF_ST:
		case BPF_LD | BPF_MEM:
			if (f->k >= BPF_MEMWORDS)
				return BPF_VM_FAULT;
			if (f->code == BPF_ST)
				m[f->k] = a;
			else
				a = m[f->k];
			break;
		case BPF_JMP | BPF_JA:
			pc += f->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
		case BPF_JMP | BPF_JGT | BPF_K:
		case BPF_JMP | BPF_JGE | BPF_K:
		case BPF_JMP | BPF_JSET | BPF_K:
			pc += bpf_vm_test(f, a) ? f->jt : f->jf;
			break;
		case BPF_RET | BPF_K:
			return f->k;
		default:
			return BPF_VM_FAULT;
		}
	}
	return BPF_VM_FAULT;
}

/* bpf_vm_call - what @prog answers to syscall @nr of @arch with these arguments. */
static inline uint32_t bpf_vm_call(const struct sock_filter *prog, size_t n, uint32_t arch,
				   uint32_t nr, const uint64_t args[6])
{
	struct seccomp_data d = { .nr = (int)nr, .arch = arch };

	if (args)
		memcpy(d.args, args, sizeof(d.args));
	return bpf_vm_run(prog, n, &d);
}

#endif
