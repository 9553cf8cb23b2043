// SPDX-License-Identifier: GPL-2.0-or-later
// From a chain of comparisons to a balanced search. Pure: bytes in, bytes out.
//
// The new program is written from its end to its start, for jumps go forward and so every target is
// known when the jump is written: "position" below counts instructions from the end.
#include "namespaces/seccomp_shrink.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "namespaces/seccomp_enosys.h"

enum {
	ARCHS_MAX = 32,
	RETS_MAX = 16,      /* different return values that are remembered */
	EXCEPTIONS_MAX = 4, /* that are tested one after the other */
	NEAR = 200,         /* a return value is shared up to here ... */
	FAR = 250,          /* ... and a target farther than this is reached by a long jump */
	NO_POSITION = -1,   /* of an instruction that was not copied */
};

/* What becomes of a call: a return value, or the code at @value, which looks at its arguments. */
struct fate {
	bool is_return;
	uint32_t value;
};

/* The numbers from @first up to the next range's have this fate; of an exception, @first alone. */
struct range {
	uint32_t first;
	bool is_exception;
	struct fate fate;
};

struct program_view {
	const struct sock_filter *insns;
	size_t n;
	uint32_t *bounds; /* sorted: where the fate of a number may change; the first is 0 */
	size_t n_bounds;
	uint32_t archs[ARCHS_MAX];
	size_t n_archs;
};

struct writer {
	struct sock_filter *out; /* owned; reversed */
	size_t n, max;
	int *copied; /* owned; position of the original's instruction N */
	struct {
		uint32_t value;
		size_t at;
	} rets[RETS_MAX];
	size_t n_rets;
	bool is_full;
};

/* ---- reading -----------------------------------------------------------------------------------
 */

static bool is_same(struct fate a, struct fate b)
{
	return a.is_return == b.is_return && a.value == b.value;
}

static bool is_test(const struct sock_filter *f)
{
	return BPF_CLASS(f->code) == BPF_JMP && BPF_SRC(f->code) == BPF_K &&
	       (BPF_OP(f->code) == BPF_JEQ || BPF_OP(f->code) == BPF_JGT ||
		BPF_OP(f->code) == BPF_JGE || BPF_OP(f->code) == BPF_JSET);
}

static bool holds(const struct sock_filter *f, uint32_t a)
{
	switch (BPF_OP(f->code)) {
	case BPF_JEQ:
		return a == f->k;
	case BPF_JGT:
		return a > f->k;
	case BPF_JGE:
		return a >= f->k;
	default: /* BPF_JSET: is_test() was asked before */
		return a & f->k;
	}
}

/* Runs the program for @nr on @arch until it returns or looks at anything else. */
static int run(const struct sock_filter *insns, size_t n, uint32_t arch, uint32_t nr,
	       struct fate *out)
{
	bool is_loaded = false;
	uint32_t a = 0;

	for (size_t pc = 0; pc < n; pc++) {
		const struct sock_filter *f = &insns[pc];

		if (f->code == (BPF_LD | BPF_W | BPF_ABS)) {
			if (f->k != offsetof(struct seccomp_data, nr) &&
			    f->k != offsetof(struct seccomp_data, arch)) {
				*out = (struct fate){ false, (uint32_t)pc };
				return 0;
			}
			a = f->k == offsetof(struct seccomp_data, nr) ? nr : arch;
			is_loaded = true;
		} else if (f->code == (BPF_RET | BPF_K)) {
			*out = (struct fate){ true, f->k };
			return 0;
		} else if (f->code == (BPF_JMP | BPF_JA)) {
			pc += f->k;
		} else if (is_loaded && is_test(f)) {
			pc += holds(f, a) ? f->jt : f->jf;
		} else {
			return -EOPNOTSUPP;
		}
	}
	return -EOPNOTSUPP;
}

/* What the accumulator has when an instruction is reached. */
enum held { HELD_UNREACHED, HELD_NOTHING, HELD_NR, HELD_ARCH, HELD_OTHER, HELD_UNSURE };

static int flow_to(unsigned char *held, size_t n, uint64_t to, unsigned char what)
{
	if (to >= n)
		return -EOPNOTSUPP;
	if (held[to] == HELD_UNREACHED)
		held[to] = what;
	else if (held[to] != what)
		held[to] = HELD_UNSURE;
	return 0;
}

static int note_arch(struct program_view *v, const struct sock_filter *f)
{
	if (BPF_OP(f->code) != BPF_JEQ || v->n_archs == ARCHS_MAX)
		return -EOPNOTSUPP;
	for (size_t i = 0; i < v->n_archs; i++) {
		if (v->archs[i] == f->k)
			return 0;
	}
	v->archs[v->n_archs++] = f->k;
	return 0;
}

/* Room: two per instruction and four more (view_init). */
static int note_number(struct program_view *v, const struct sock_filter *f)
{
	switch (BPF_OP(f->code)) {
	case BPF_JEQ:
		v->bounds[v->n_bounds++] = f->k;
		v->bounds[v->n_bounds++] = f->k + 1; /* past the last one: 0, which is there */
		return 0;
	case BPF_JGT:
		v->bounds[v->n_bounds++] = f->k + 1;
		return 0;
	case BPF_JGE:
		v->bounds[v->n_bounds++] = f->k;
		return 0;
	default: /* the bit alternates at the multiples of it, which view_init() adds */
		return f->k == SECCOMP_X32_BIT ? 0 : -EOPNOTSUPP;
	}
}

/* Follows what is held from instruction @pc on to those that can come next. */
static int scan_one(struct program_view *v, unsigned char *held, size_t pc)
{
	const struct sock_filter *f = &v->insns[pc];
	unsigned char now = held[pc];

	if (f->code == (BPF_RET | BPF_K))
		return 0;
	if (f->code == (BPF_JMP | BPF_JA))
		return flow_to(held, v->n, (uint64_t)pc + 1 + f->k, now);
	if (is_test(f)) {
		int rc = 0;

		if (now == HELD_NR)
			rc = note_number(v, f);
		else if (now == HELD_ARCH)
			rc = note_arch(v, f);
		else if (now != HELD_OTHER)
			rc = -EOPNOTSUPP;
		if (rc == 0)
			rc = flow_to(held, v->n, (uint64_t)pc + 1 + f->jt, now);
		return rc < 0 ? rc : flow_to(held, v->n, (uint64_t)pc + 1 + f->jf, now);
	}
	if (f->code == (BPF_LD | BPF_W | BPF_ABS))
		now = f->k == offsetof(struct seccomp_data, nr)     ? HELD_NR
		      : f->k == offsetof(struct seccomp_data, arch) ? HELD_ARCH
								    : HELD_OTHER;
	else if (f->code == (BPF_ALU | BPF_AND | BPF_K) && now == HELD_OTHER)
		now = HELD_OTHER; /* a masked argument */
	else
		return -EOPNOTSUPP;
	return flow_to(held, v->n, (uint64_t)pc + 1, now);
}

static int compare_u32(const void *a, const void *b)
{
	uint32_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

static int view_init(struct program_view *v)
{
	auto_free unsigned char *held = calloc(v->n, 1);
	size_t n = 0;

	v->bounds = malloc((2 * v->n + 4) * sizeof(*v->bounds));
	if (!held || !v->bounds)
		return -ENOMEM;
	for (uint32_t i = 0; i < 4; i++)
		v->bounds[v->n_bounds++] = i * SECCOMP_X32_BIT;
	held[0] = HELD_NOTHING;
	for (size_t pc = 0; pc < v->n; pc++) {
		int rc = held[pc] == HELD_UNREACHED ? 0 : scan_one(v, held, pc);

		if (rc < 0)
			return rc;
	}
	qsort(v->bounds, v->n_bounds, sizeof(*v->bounds), compare_u32);
	for (size_t i = 0; i < v->n_bounds; i++) {
		if (i == 0 || v->bounds[i] != v->bounds[n - 1])
			v->bounds[n++] = v->bounds[i];
	}
	v->n_bounds = n;
	return v->n_archs ? 0 : -EOPNOTSUPP;
}

/* An architecture that the program does not know; there are more numbers than it can name. */
static uint32_t other_arch(const struct program_view *v)
{
	uint32_t arch = 0;

	for (size_t i = 0; i < v->n_archs; i++) {
		if (v->archs[i] == arch) {
			arch++;
			i = (size_t)-1; /* and look from the start again */
		}
	}
	return arch;
}

/* ---- writing, from the end ---------------------------------------------------------------------
 */

static size_t put(struct writer *w, struct sock_filter f)
{
	if (w->n == w->max) {
		w->is_full = true;
		return 0;
	}
	w->out[w->n] = f;
	return w->n++;
}

/* A position from which a jump written next can reach @to. */
static size_t reach(struct writer *w, size_t to)
{
	if (w->n - to <= FAR)
		return to;
	if (w->out[to].code == (BPF_RET | BPF_K))
		return put(w, w->out[to]);
	return put(
	    w, (struct sock_filter){ .code = BPF_JMP | BPF_JA, .k = (uint32_t)(w->n - to - 1) });
}

static size_t put_test(struct writer *w, uint16_t op, uint32_t k, size_t yes, size_t no)
{
	yes = reach(w, yes);
	no = reach(w, no);
	return put(w, (struct sock_filter){ .code = BPF_JMP | op | BPF_K,
					    .k = k,
					    .jt = (uint8_t)(w->n - yes - 1),
					    .jf = (uint8_t)(w->n - no - 1) });
}

static size_t put_load(struct writer *w, size_t offset)
{
	return put(w,
		   (struct sock_filter){ .code = BPF_LD | BPF_W | BPF_ABS, .k = (uint32_t)offset });
}

static size_t put_fate(struct writer *w, struct fate f)
{
	size_t i = 0;

	if (!f.is_return)
		return (size_t)w->copied[f.value];
	while (i < w->n_rets && w->rets[i].value != f.value)
		i++;
	if (i < w->n_rets && w->n - w->rets[i].at < NEAR)
		return w->rets[i].at;
	if (i == RETS_MAX)
		i--;
	w->rets[i].value = f.value;
	w->rets[i].at = put(w, (struct sock_filter){ .code = BPF_RET | BPF_K, .k = f.value });
	if (i == w->n_rets)
		w->n_rets++;
	return w->rets[i].at;
}

static size_t put_exceptions(struct writer *w, const struct range *r, size_t n, struct fate base)
{
	size_t at = put_fate(w, base);

	while (n-- > 0)
		at = put_test(w, BPF_JEQ, r[n].first, put_fate(w, r[n].fate), at);
	return at;
}

/* Whether the search ends here, for nothing but few exceptions is left. */
static bool is_leaf(const struct range *r, size_t n)
{
	if (n > EXCEPTIONS_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!r[i].is_exception)
			return false;
	}
	return true;
}

/* Near the middle, better where a range begins: to divide between exceptions is a test more. */
static size_t find_middle(const struct range *r, size_t n)
{
	for (size_t d = 0; d < n / 4; d++) {
		if (!r[n / 2 + d].is_exception)
			return n / 2 + d;
		if (!r[n / 2 - d].is_exception)
			return n / 2 - d;
	}
	return n / 2;
}

/* @base: the fate of the numbers before the first range, and of those behind an exception. */
static size_t put_search(struct writer *w, const struct range *r, size_t n, struct fate base)
{
	struct fate base_above = base;
	size_t mid, above, below;

	if (is_leaf(r, n) || w->is_full)
		return put_exceptions(w, r, is_leaf(r, n) ? n : 0, base);
	mid = find_middle(r, n);
	for (size_t i = 0; i <= mid; i++) {
		if (!r[i].is_exception)
			base_above = r[i].fate;
	}
	if (r[mid].is_exception)
		above = put_search(w, r + mid, n - mid, base_above);
	else
		above = put_search(w, r + mid + 1, n - mid - 1, base_above);
	below = put_search(w, r, mid, base);
	return put_test(w, BPF_JGE, r[mid].first, above, below);
}

/*
 * Copies what can be reached from the marked instructions, in its order: instructions between two
 * copied ones may be missing, so a jump gets shorter or stays as it is.
 */
static void put_copies(struct writer *w, const struct program_view *v, unsigned char *marked)
{
	for (size_t pc = 0; pc < v->n; pc++) {
		const struct sock_filter *f = &v->insns[pc];

		if (!marked[pc] || f->code == (BPF_RET | BPF_K))
			continue;
		if (f->code == (BPF_JMP | BPF_JA)) {
			marked[pc + 1 + f->k] = 1;
			continue;
		}
		marked[pc + 1 + (is_test(f) ? f->jt : 0)] = 1;
		marked[pc + 1 + (is_test(f) ? f->jf : 0)] = 1;
	}
	for (size_t pc = v->n; pc-- > 0;) {
		struct sock_filter f = v->insns[pc];

		if (!marked[pc])
			continue;
		if (f.code == (BPF_JMP | BPF_JA)) {
			f.k = (uint32_t)(w->n - (size_t)w->copied[pc + 1 + f.k] - 1);
		} else if (is_test(&f)) {
			f.jt = (uint8_t)(w->n - (size_t)w->copied[pc + 1 + f.jt] - 1);
			f.jf = (uint8_t)(w->n - (size_t)w->copied[pc + 1 + f.jf] - 1);
		}
		w->copied[pc] = (int)put(w, f);
	}
}

/* ---- both --------------------------------------------------------------------------------------
 */

/* The merged ranges of @arch; @out has room for every bound. */
static int find_ranges(const struct program_view *v, uint32_t arch, struct range *out,
		       size_t *out_n)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n_bounds; i++) {
		struct range r = { .first = v->bounds[i] };
		int rc = run(v->insns, v->n, arch, r.first, &r.fate);

		if (rc < 0)
			return rc;
		if (n == 0 || !is_same(out[n - 1].fate, r.fate))
			out[n++] = r;
	}
	*out_n = n;
	return 0;
}

/* Finds the single numbers between two ranges of one fate, and makes these one range. */
static size_t find_exceptions(struct range *r, size_t n)
{
	struct fate base = r[0].fate;
	size_t kept = 1;

	for (size_t i = 1; i < n; i++) {
		struct range now = r[i];

		if (is_same(now.fate, base))
			continue;
		now.is_exception =
		    i + 1 < n && r[i + 1].first == now.first + 1 && is_same(r[i + 1].fate, base);
		if (!now.is_exception)
			base = now.fate;
		r[kept++] = now;
	}
	return kept;
}

/* Marks where the argument code of @arch begins. */
static int mark_entries(const struct program_view *v, uint32_t arch, struct range *room,
			unsigned char *marked)
{
	size_t n = 0;
	int rc = find_ranges(v, arch, room, &n);

	for (size_t i = 0; i < n && rc == 0; i++) {
		if (!room[i].fate.is_return)
			marked[room[i].fate.value] = 1;
	}
	return rc;
}

static int write_program(struct writer *w, const struct program_view *v, struct range *room,
			 unsigned char *marked)
{
	size_t sections[ARCHS_MAX], n = 0, at;
	int rc = 0;

	for (size_t i = 0; i < v->n_archs && rc == 0; i++)
		rc = mark_entries(v, v->archs[i], room, marked);
	if (rc < 0)
		return rc;
	put_copies(w, v, marked);
	for (size_t i = v->n_archs; i-- > 0;) {
		rc = find_ranges(v, v->archs[i], room, &n);
		if (rc < 0)
			return rc;
		n = find_exceptions(room, n);
		sections[i] = put_search(w, room + 1, n - 1, room[0].fate);
		if (n > 1)
			sections[i] = put_load(w, offsetof(struct seccomp_data, nr));
	}
	rc = find_ranges(v, other_arch(v), room, &n);
	if (rc < 0 || n != 1 || !room[0].fate.is_return)
		return rc < 0 ? rc : -EOPNOTSUPP;
	at = put_fate(w, room[0].fate);
	for (size_t i = v->n_archs; i-- > 0;)
		at = put_test(w, BPF_JEQ, v->archs[i], sections[i], at);
	(void)put_load(w, offsetof(struct seccomp_data, arch));
	return w->is_full ? -EOPNOTSUPP : 0;
}

/* Every interval of every architecture has its old fate. */
static bool is_equivalent(const struct program_view *v, const struct writer *w,
			  const struct sock_filter *insns)
{
	for (size_t i = 0; i <= v->n_archs; i++) {
		uint32_t arch = i < v->n_archs ? v->archs[i] : other_arch(v);

		for (size_t j = 0; j < v->n_bounds; j++) {
			struct fate old, new;

			if (run(v->insns, v->n, arch, v->bounds[j], &old) < 0 ||
			    run(insns, w->n, arch, v->bounds[j], &new) < 0)
				return false;
			if (!old.is_return) /* where the copy of that code is now */
				old.value = (uint32_t)(w->n - 1 - (size_t)w->copied[old.value]);
			if (!is_same(old, new))
				return false;
		}
	}
	return true;
}

static int shrink(const struct program_view *v, struct writer *w, struct sock_filter *insns)
{
	auto_free struct range *room = malloc(v->n_bounds * sizeof(*room));
	auto_free unsigned char *marked = calloc(v->n, 1);
	auto_free struct sock_filter *forward = malloc(v->n * sizeof(*forward));
	int rc;

	if (!room || !marked || !forward)
		return -ENOMEM;
	rc = write_program(w, v, room, marked);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < w->n; i++)
		forward[i] = w->out[w->n - 1 - i];
	if (!is_equivalent(v, w, forward))
		return -EOPNOTSUPP;
	memcpy(insns, forward, w->n * sizeof(*insns));
	return 0;
}

int seccomp_shrink(struct sock_filter *insns, size_t *n)
{
	struct program_view v = { .insns = insns, .n = *n };
	struct writer w = { .max = *n ? *n - 1 : 0 }; /* else it is not worth it */
	int rc = -EOPNOTSUPP;

	if (*n == 0 || *n > SECCOMP_SHRINK_INSNS_MAX)
		return rc;
	w.out = malloc(*n * sizeof(*w.out));
	w.copied = malloc(*n * sizeof(*w.copied));
	for (size_t i = 0; w.copied && i < *n; i++)
		w.copied[i] = NO_POSITION;
	rc = w.out && w.copied ? view_init(&v) : -ENOMEM;
	if (rc == 0)
		rc = shrink(&v, &w, insns);
	if (rc == 0)
		*n = w.n;
	free(v.bounds);
	free(w.out);
	free(w.copied);
	return rc;
}
