// SPDX-License-Identifier: GPL-2.0-or-later
// A seccomp config to a BPF program by libseccomp. Only numbers and bytes leave this file: what
// loads the program (seccomp_install.c) does not know libseccomp, whose own seccomp_load() is not
// used.
#include "namespaces/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>
#include <unistd.h>

#include "namespaces/seccomp_cache.h"
#include "namespaces/seccomp_enosys.h"
#include "namespaces/seccomp_shrink.h"
#include "spec/base/fd.h"
#include "spec/base/log.h"

enum {
	ARGS_MAX = 6,          /* of a syscall */
	ARCHS_MAX = 32,        /* libseccomp knows 20 */
	TREE_RULES = 32,       /* from here on a binary tree is the faster program */
	SYSCALLS_PER_LEAF = 2, /* SCMP_FLTATR_CTL_OPTIMIZE: 2 = binary tree */
	KEY_VERSION = 2,       /* of serialise(), the stub and the shrinking */
};

static void cleanup_ctx(const scmp_filter_ctx *ctx)
{
	if (*ctx)
		seccomp_release(*ctx);
}
#define auto_ctx auto_cleanup(cleanup_ctx)

unsigned int seccomp_compile_flags_from(const struct config *c)
{
	const char *v = config_annotation(c, "run.oci.seccomp_fail_unknown_syscall");

	return v && !str_eq(v, "0") && !str_eq(v, "false") ? SECCOMP_FAIL_UNKNOWN : 0;
}

void seccomp_program_fini(struct seccomp_program *p)
{
	cleanup_free(&p->insns);
	*p = (struct seccomp_program)SECCOMP_PROGRAM_INIT;
}

/* ---- what the program depends on ---------------------------------------------------------------
 */

static void add_u32(struct buf *b, uint32_t v)
{
	buf_add(b, &v, sizeof(v));
}

static void add_u64(struct buf *b, uint64_t v)
{
	buf_add(b, &v, sizeof(v));
}

/* Unambiguous: every list and string has its length in front. Native byte order: a local cache. */
static void serialise(const struct config_seccomp *s, unsigned int flags, struct buf *out)
{
	const struct scmp_version *lib = seccomp_version();

	add_u32(out, KEY_VERSION);
	add_u32(out, lib->major);
	add_u32(out, lib->minor);
	add_u32(out, lib->micro);
	add_u32(out, seccomp_arch_native());
	add_u32(out, flags);
	add_u32(out, s->default_action);
	add_u64(out, s->archs.n);
	buf_add(out, s->archs.items, s->archs.n * sizeof(s->archs.items[0]));
	add_u64(out, s->rules.n);
	for (size_t i = 0; i < s->rules.n; i++) {
		const struct config_seccomp_rule *r = &s->rules.items[i];

		add_u32(out, r->action);
		add_u64(out, r->names.n);
		for (size_t j = 0; j < r->names.n; j++) {
			size_t len = strlen(r->names.v[j]);

			add_u64(out, len);
			buf_add(out, r->names.v[j], len);
		}
		add_u64(out, r->args.n);
		for (size_t j = 0; j < r->args.n; j++) {
			add_u32(out, r->args.items[j].index);
			add_u32(out, r->args.items[j].op);
			add_u64(out, r->args.items[j].value);
			add_u64(out, r->args.items[j].value_two);
		}
	}
}

/* ---- rules -------------------------------------------------------------------------------------
 */

/* Where a rule stands in the config, for its errors. */
struct rule_place {
	size_t rule, name;
	const char *syscall;
};

static int rule_error(const struct rule_place *at, int rc, struct err *err)
{
	if (rc == -EEXIST) /* of two rules without conditions the first counts, in libseccomp */
		return err_set(err, -EINVAL,
			       "/linux/seccomp/syscalls/%zu/names/%zu: contradicts an earlier rule "
			       "for '%s'",
			       at->rule, at->name, at->syscall);
	return err_code(err, rc, "/linux/seccomp/syscalls/%zu/names/%zu: add a rule for '%s'",
			at->rule, at->name, at->syscall);
}

/*
 * Conditions on different arguments must hold together; when one argument has two conditions, each
 * condition is a rule of its own, for a BPF chain has one per argument. As runc and crun.
 */
static int add_conditions(scmp_filter_ctx ctx, const struct config_seccomp_rule *r, int nr)
{
	struct scmp_arg_cmp args[ARGS_MAX];
	unsigned int seen = 0;
	bool is_repeated = false;
	int rc = 0;

	for (size_t i = 0; i < r->args.n; i++) {
		unsigned int bit = 1U << r->args.items[i].index;

		is_repeated = is_repeated || (seen & bit);
		seen |= bit;
	}
	for (size_t i = 0; i < r->args.n && rc == 0; i++) {
		const struct config_seccomp_arg *a = &r->args.items[i];
		struct scmp_arg_cmp *to = &args[is_repeated ? 0 : i];

		*to = (struct scmp_arg_cmp){ .arg = a->index,
					     .op = (enum scmp_compare)a->op,
					     .datum_a = a->value,
					     .datum_b = a->value_two };
		if (is_repeated)
			rc = seccomp_rule_add_array(ctx, r->action, nr, 1, args);
	}
	return is_repeated
		   ? rc
		   : seccomp_rule_add_array(ctx, r->action, nr, (unsigned int)r->args.n, args);
}

static int add_name(scmp_filter_ctx ctx, const struct config_seccomp_rule *r, unsigned int flags,
		    const struct rule_place *at, struct err *err)
{
	int nr = seccomp_syscall_resolve_name(at->syscall);
	int rc;

	if (nr == __NR_SCMP_ERROR) {
		if (flags & SECCOMP_FAIL_UNKNOWN)
			return err_set(err, -EINVAL,
				       "/linux/seccomp/syscalls/%zu/names/%zu: unknown syscall "
				       "'%s'",
				       at->rule, at->name, at->syscall);
		return 0; /* newer than libseccomp, or of another system: as the specification's
			     callers expect */
	}
	rc = add_conditions(ctx, r, nr);
	return rc < 0 ? rule_error(at, rc, err) : 0;
}

static int add_rules(scmp_filter_ctx ctx, const struct config_seccomp *s, unsigned int flags,
		     struct err *err)
{
	for (size_t i = 0; i < s->rules.n; i++) {
		const struct config_seccomp_rule *r = &s->rules.items[i];

		for (size_t j = 0; j < r->args.n; j++) {
			if (r->args.items[j].index >= ARGS_MAX)
				return err_set(err, -EINVAL,
					       "/linux/seccomp/syscalls/%zu/args/%zu/index: a "
					       "syscall has 6 arguments",
					       i, j);
		}
		if (r->action == s->default_action)
			continue; /* says nothing, and libseccomp refuses it */
		for (size_t j = 0; j < r->names.n; j++) {
			struct rule_place at = { i, j, r->names.v[j] };
			int rc = add_name(ctx, r, flags, &at, err);

			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

static int add_archs(scmp_filter_ctx ctx, const struct config_seccomp *s, struct err *err)
{
	for (size_t i = 0; i < s->archs.n; i++) {
		int rc = seccomp_arch_add(ctx, s->archs.items[i]);

		if (rc < 0 && rc != -EEXIST) /* the native one is there from the start */
			return err_code(err, rc, "/linux/seccomp/architectures/%zu: add", i);
	}
	return 0;
}

/* ---- newest syscalls ---------------------------------------------------------------------------
 */

static bool is_passing(uint32_t action)
{
	/* A tracer answers for new syscalls by itself. */
	return action == SCMP_ACT_ALLOW || action == SCMP_ACT_LOG ||
	       (action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_TRACE;
}

/* The largest number that the rules name on @arch, or -1. */
static int largest_number(const struct config_seccomp *s, uint32_t arch)
{
	int max = -1;

	for (size_t i = 0; i < s->rules.n; i++) {
		for (size_t j = 0; j < s->rules.items[i].names.n; j++) {
			const char *name = s->rules.items[i].names.v[j];
			int nr = seccomp_syscall_resolve_name_arch(arch, name);

			if (nr > max)
				max = nr;
		}
	}
	return max;
}

static void note_newest(const struct config_seccomp *s, uint32_t arch, struct seccomp_newest *list,
			size_t *n)
{
	/* SCMP_ARCH_* are the kernel's AUDIT_ARCH_*, but x32 has none of its own. */
	uint32_t audit = arch == SCMP_ARCH_X32 ? AUDIT_ARCH_X86_64 : arch;
	struct seccomp_newest *a = NULL;
	int max;

	for (size_t i = 0; i < *n && !a; i++)
		a = list[i].audit_arch == audit ? &list[i] : NULL;
	if (a && (arch == SCMP_ARCH_X32 ? a->has_x32 : a->has_main))
		return;
	max = largest_number(s, arch);
	if (max < 0 || (!a && *n == ARCHS_MAX))
		return;
	if (!a) {
		a = &list[(*n)++];
		*a = (struct seccomp_newest){ .audit_arch = audit };
		a->is_zero_multiplexed = arch == SCMP_ARCH_S390 || arch == SCMP_ARCH_S390X;
	}
	if (arch == SCMP_ARCH_X32) {
		a->has_x32 = true;
		a->x32 = (uint32_t)max;
	} else {
		a->has_main = true;
		a->main = (uint32_t)max;
	}
}

static size_t build_stub(const struct config_seccomp *s, struct sock_filter *out)
{
	struct seccomp_newest list[ARCHS_MAX];
	size_t n = 0;

	if (is_passing(s->default_action))
		return 0;
	note_newest(s, seccomp_arch_native(), list, &n);
	for (size_t i = 0; i < s->archs.n; i++)
		note_newest(s, s->archs.items[i], list, &n);
	return seccomp_enosys_build(list, n, out);
}

/* ---- compiling ---------------------------------------------------------------------------------
 */

/* libseccomp 2.5 writes programs to descriptors alone. Appends to @out. */
static int export_program(scmp_filter_ctx ctx, struct buf *out, struct err *err)
{
	auto_close int fd = fd_memory("filter");
	int rc;

	if (fd < 0)
		return err_code(err, fd, "/linux/seccomp: make a file in memory");
	rc = seccomp_export_bpf(ctx, fd);
	if (rc == 0)
		rc = lseek(fd, 0, SEEK_SET) < 0
			 ? -errno
			 : fd_read_all(fd, SECCOMP_SHRINK_INSNS_MAX * sizeof(struct sock_filter),
				       out);
	return rc < 0 ? err_code(err, rc, "/linux/seccomp: export the filter") : 0;
}

static size_t count_names(const struct config_seccomp *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->rules.n; i++)
		n += s->rules.items[i].names.n;
	return n;
}

static int compile(const struct config_seccomp *s, unsigned int flags, struct buf *out,
		   struct err *err)
{
	auto_ctx scmp_filter_ctx ctx = seccomp_init(s->default_action);
	int rc;

	if (!ctx)
		return err_set(err, -EINVAL,
			       "/linux/seccomp/defaultAction: not an action of this kernel");
	rc = add_archs(ctx, s, err);
	if (rc < 0)
		return rc;
	/* libseccomp 2.5.4 goes wrong with a tree of no rules. */
	if (count_names(s) > TREE_RULES &&
	    seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, SYSCALLS_PER_LEAF) < 0)
		log_debug("/linux/seccomp: binary tree not available, ignoring");
	rc = add_rules(ctx, s, flags, err);
	return rc < 0 ? rc : export_program(ctx, out, err);
}

static int compile_program(const struct config_seccomp *s, unsigned int flags,
			   struct seccomp_program *out, struct err *err)
{
	struct sock_filter stub[ARCHS_MAX * SECCOMP_ENOSYS_INSNS_MAX];
	size_t n_stub = build_stub(s, stub);
	auto_buf struct buf b = BUF_INIT;
	size_t n;
	int rc;

	buf_add(&b, stub, n_stub * sizeof(stub[0]));
	rc = compile(s, flags, &b, err);
	if (rc < 0)
		return rc;
	n = b.len / sizeof(*out->insns);
	if (buf_failed(&b) || b.len % sizeof(*out->insns) != 0 || n <= n_stub)
		return err_set(err, -EIO, "/linux/seccomp: export the filter: cut short");
	if (seccomp_shrink((struct sock_filter *)(void *)b.data, &n) < 0) /* malloc'ed: aligned */
		log_debug("/linux/seccomp: the filter stays as long as it is, ignoring");
	if (n > BPF_MAXINSNS)
		return err_set(err, -E2BIG,
			       "/linux/seccomp: the filter has %zu instructions, the kernel takes "
			       "%d",
			       n, BPF_MAXINSNS);
	out->insns = (struct sock_filter *)(void *)TAKE_PTR(b.data);
	out->n = n;
	return 0;
}

/* The flags of seccomp(2), and whether the combination can work at all. */
static int load_flags(const struct config_seccomp *s, unsigned int *out, struct err *err)
{
	/* Without "flags" at all: no slow-down by speculation fences, as runc and crun. */
	unsigned int flags = s->has_flags ? s->flags : SECCOMP_FILTER_FLAG_SPEC_ALLOW;

	if (s->default_action == SCMP_ACT_NOTIFY)
		return err_set(err, -EINVAL,
			       "/linux/seccomp/defaultAction: SCMP_ACT_NOTIFY cannot be the "
			       "default: the agent would have to answer for its own set-up");
	for (size_t i = 0; i < s->rules.n; i++) {
		if (s->rules.items[i].action == SCMP_ACT_NOTIFY)
			flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
	}
	if (!(flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) &&
	    (flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV))
		return err_set(err, -EINVAL,
			       "/linux/seccomp/flags: SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV needs "
			       "a rule with SCMP_ACT_NOTIFY");
	/* The filter of a listener must not reach the thread that passes it on; and a process of
	 * one thread has no other to synchronise with. */
	flags &= ~(unsigned int)SECCOMP_FILTER_FLAG_TSYNC;
	*out = flags;
	return 0;
}

int seccomp_compile(const struct config_seccomp *s, unsigned int flags, int cache_fd,
		    struct seccomp_program *out, struct err *err)
{
	struct seccomp_program p = SECCOMP_PROGRAM_INIT; /* owns nothing until nothing can fail */
	auto_buf struct buf key = BUF_INIT;
	int rc;

	rc = load_flags(s, &p.flags, err);
	if (rc < 0)
		return rc;
	serialise(s, flags, &key);
	if (buf_failed(&key))
		return err_set(err, -ENOMEM, "/linux/seccomp: out of memory");
	if (cache_fd < 0 || seccomp_cache_get(cache_fd, &key, &p) < 0) {
		rc = compile_program(s, flags, &p, err);
		if (rc < 0)
			return rc;
		rc = cache_fd < 0 ? 0 : seccomp_cache_put(cache_fd, &key, &p);
		if (rc < 0)
			log_debug("keep the compiled filter: %s, ignoring", strerror(-rc));
	}
	*out = p;
	return 0;
}
