/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a container may do with device nodes, as pure data.
 *
 * Meaning of a list: each wanted right (read, write, mknod) of an access is decided by the last
 * rule that matches the device and names that right; a right that no rule names is denied; the
 * access is allowed when every right of it is. Source: OCI config-linux, "Allowed Device list".
 */
#ifndef BIVALVE_CGROUPS_DEVICE_RULES_H
#define BIVALVE_CGROUPS_DEVICE_RULES_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spec/base/buf.h"
#include "spec/base/err.h"
#include "spec/config.h"

enum {
	CG_DEV_ANY = -1,
	CG_DEV_ALL_RIGHTS = BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE,
};

struct cg_dev_rule {
	bool allow;
	char type;            /* 'a', 'b', 'c' */
	int64_t major, minor; /* CG_DEV_ANY: all */
	unsigned int rights;  /* BPF_DEVCG_ACC_* */
	size_t index;         /* in linux.resources.devices, for messages */
};

struct cg_dev_rules {
	struct cg_dev_rule *items; /* owned */
	size_t n, cap;
};

void cg_dev_rules_fini(struct cg_dev_rules *r);
MUST_CHECK int cg_dev_rules_add(struct cg_dev_rules *r, const struct cg_dev_rule *rule);

/*
 * cg_dev_rules_build - "deny all", then @res's rules in their order (NULL: none), then the default
 * ones. No right named counts as all of them. -EINVAL names the rule; *@out is valid always.
 */
MUST_CHECK int cg_dev_rules_build(const struct config_resources *res, struct cg_dev_rules *out,
				  struct err *err);

/* cg_dev_rules_allow_all - the list denies nothing. */
bool cg_dev_rules_allow_all(const struct cg_dev_rules *r);

/* ---- v1: what the kernel keeps ------------------------------------------------------------- */

/* A default and its exceptions; their "allow" is unused. Source: kernel security/device_cgroup.c */
struct cg_dev_v1 {
	bool allow_default;
	struct cg_dev_rules except;
};

/*
 * cg_dev_v1_build - the list as the v1 kernel can keep it. -EINVAL: a rule takes a part out of a
 * wider one, which v1 cannot express. A right that is put together from two rules that overlap
 * crosswise (1:* and *:3) may come out denied: the kernel wants one exception that covers all.
 */
MUST_CHECK int cg_dev_v1_build(const struct cg_dev_rules *rules, struct cg_dev_v1 *out,
			       struct err *err);
void cg_dev_v1_fini(struct cg_dev_v1 *v1);
/* cg_dev_v1_line - "c 1:3 rwm" for devices.allow and devices.deny; @rights of the rule. */
void cg_dev_v1_line(const struct cg_dev_rule *rule, unsigned int rights, char out[64]);
/* cg_dev_v1_parse - devices.list. -EPROTO: not understood. */
MUST_CHECK int cg_dev_v1_parse(char *text, struct cg_dev_v1 *out);

/* ---- v2: a program ------------------------------------------------------------------------- */

/* cg_dev_bpf_build - appends struct bpf_insn to @out, with the list's meaning. 0 or -ENOMEM. */
MUST_CHECK int cg_dev_bpf_build(const struct cg_dev_rules *rules, struct buf *out);

#endif
