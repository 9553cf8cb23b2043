// SPDX-License-Identifier: GPL-2.0-or-later
// The ENOSYS stub, one section per architecture:
//
//       ld arch
//       jne ARCH, next         next: the next section, or the filter
//       ld nr
//      [jeq 0, enosys]         s390
//      [jset X32, x32]         x86-64
//       jgt MAIN, enosys, done
//  x32: jgt X32MAX, enosys, done
//  enosys: ret ENOSYS
//  done:   (a jump behind the last section)
//
// Every conditional jump stays inside its section, so no jump can be too long for its 8 bits.
#include "namespaces/seccomp_enosys.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>

#define INSN(code_, k_, jt_, jf_)                                                                  \
	((struct sock_filter){                                                                     \
	    .code = (code_), .k = (k_), .jt = (uint8_t)(jt_), .jf = (uint8_t)(jf_) })

enum {
	LOAD = BPF_LD | BPF_W | BPF_ABS,
	JEQ = BPF_JMP | BPF_JEQ | BPF_K,
	JGT = BPF_JMP | BPF_JGT | BPF_K,
	JSET = BPF_JMP | BPF_JSET | BPF_K,
	JUMP = BPF_JMP | BPF_JA,
	RET = BPF_RET | BPF_K,
};

/* Never less than a number: the test that is never true. */
#define NO_LIMIT UINT32_MAX

/* Writes one section; its last instruction, the jump to the filter, still lacks its length. */
static size_t build_section(const struct seccomp_newest *a, struct sock_filter *out)
{
	uint32_t limit = a->has_main ? a->main : NO_LIMIT;
	bool has_abis = a->audit_arch == AUDIT_ARCH_X86_64;
	size_t n = 0, enosys;

	out[n++] = INSN(LOAD, offsetof(struct seccomp_data, arch), 0, 0);
	out[n++] = INSN(JEQ, a->audit_arch, 0, 0);
	out[n++] = INSN(LOAD, offsetof(struct seccomp_data, nr), 0, 0);
	enosys = n + (a->is_zero_multiplexed ? 1 : 0) + (has_abis ? 3 : 1);
	if (a->is_zero_multiplexed) {
		out[n] = INSN(JEQ, 0, enosys - n - 1, 0);
		n++;
	}
	if (has_abis) {
		out[n++] = INSN(JSET, SECCOMP_X32_BIT, 1, 0);
		out[n] = INSN(JGT, limit, enosys - n - 1, enosys - n);
		n++;
		limit = a->has_x32 ? a->x32 : NO_LIMIT;
	}
	out[n] = INSN(JGT, limit, enosys - n - 1, enosys - n);
	n++;
	out[n++] = INSN(RET, SECCOMP_RET_ERRNO | ENOSYS, 0, 0);
	out[n++] = INSN(JUMP, 0, 0, 0);
	out[1].jf = (uint8_t)(n - 2); /* another architecture: behind this section */
	return n;
}

size_t seccomp_enosys_build(const struct seccomp_newest *archs, size_t n_archs,
			    struct sock_filter *out)
{
	size_t n = 0;

	for (size_t i = 0; i < n_archs; i++) {
		if (archs[i].has_main || archs[i].has_x32)
			n += build_section(&archs[i], out + n);
	}
	for (size_t i = 0; i < n; i++) {
		if (out[i].code == JUMP)
			out[i].k = (uint32_t)(n - i - 1);
	}
	return n;
}
