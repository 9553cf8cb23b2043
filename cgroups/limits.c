// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The list of values for a group's files, and the loop that writes it.
 *
 * Files of one controller constrain each other (v1: memory <= memory+swap, a burst <= its quota),
 * and which order is legal depends on what is set now and whether the limit goes up or down. The
 * kernel refuses a step through an illegal state with EINVAL, so such a write is put back and
 * tried again after the others, as long as something gets written: no reading first, any order.
 */
#include "cgroups/limits.h"

#include <fcntl.h>
#include <string.h>

#include "spec/base/log.h"
#include "spec/base/num.h"

enum { WRITES_MAX = 4096, SET_MAX = 64, FIRST_CAP = 16 };

const char *cg_limits_json(struct cg_limits *l, const char *fmt, ...)
{
	char text[256];
	const char *s;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s = arena_strdup(&l->arena, text);
	return s ? s : "/linux/resources";
}

int cg_limits_add(struct cg_limits *l, struct cg_write w, struct err *err, const char *fmt, ...)
{
	char text[CG_VALUE_MAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(text) || l->n == WRITES_MAX)
		return err_set(err, -E2BIG, "%s: too long", w.json);
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : FIRST_CAP;
		struct cg_write *items = arena_alloc(&l->arena, cap, sizeof(*items));

		if (!items)
			return err_set(err, -ENOMEM, "%s: out of memory", w.json);
		if (l->n > 0)
			memcpy(items, l->items, l->n * sizeof(*items));
		l->items = items;
		l->cap = cap;
	}
	w.value = arena_strndup(&l->arena, text, (size_t)n);
	if (!w.value)
		return err_set(err, -ENOMEM, "%s: out of memory", w.json);
	l->items[l->n++] = w;
	return 0;
}

int cg_not_on(const char *json, bool is_v2, struct err *err)
{
	return err_set(err, -ENOTSUP, "%s: cgroup %s has no such limit", json, is_v2 ? "v2" : "v1");
}

void cg_limits_fini(struct cg_limits *l)
{
	arena_fini(&l->arena);
	memset(l, 0, sizeof(*l));
}

int cg_limits_build(const struct config_resources *res, const struct cg_layout *layout,
		    struct cg_limits *out, struct err *err)
{
	uint32_t v2 = layout->on_v2;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = cg_build_memory(&res->memory, v2 & CTL_BIT(CTL_MEMORY), out, err);
	if (rc == 0)
		rc = cg_build_cpu(&res->cpu, layout, out, err);
	if (rc == 0)
		rc = cg_build_io(&res->block_io, v2 & CTL_BIT(CTL_IO), out, err);
	if (rc == 0)
		rc = cg_build_pids(&res->pids_limit, v2 & CTL_BIT(CTL_PIDS), out, err);
	if (rc == 0)
		rc = cg_build_hugetlb(res, v2 & CTL_BIT(CTL_HUGETLB), out, err);
	if (rc == 0)
		rc = cg_build_rdma(res, v2 & CTL_BIT(CTL_RDMA), out, err);
	if (rc == 0)
		rc = cg_build_net(res, layout, out, err);
	/* Last: what the user wrote for the very file wins over what was converted. */
	if (rc == 0)
		rc = cg_build_unified(res, layout, out, err);
	return rc;
}

int cg_refuse_limits(const struct config_resources *res, struct err *err)
{
	const struct cg_layout v1 = { .on_v2 = 0, .has_v2 = true };
	struct cg_limits l;
	int rc = cg_limits_build(res, &v1, &l, err);

	if (rc == 0 && l.n > 0)
		rc = err_set(err, -ENOTSUP, "%s: there is no cgroup to hold this limit",
			     l.items[0].json);
	cg_limits_fini(&l);
	return rc;
}

/* ---- writing ------------------------------------------------------------------------------- */

static const struct cg_hier *hier_of(const struct cgroup *cg, const struct cg_write *w)
{
	return w->on_v2 ? cg_host_v2(&cg->host) : cg_host_v1(&cg->host, w->ctl);
}

/* The text of @w's value, with the file's present first word in front. */
static int with_first_word(const struct cgroup *cg, const struct cg_write *w, char *out, size_t cap)
{
	char now[128];
	int rc = cg_file_read(cg, hier_of(cg, w), w->file, now, sizeof(now));

	if (rc < 0)
		return rc;
	now[strcspn(now, " \n")] = '\0';
	rc = snprintf(out, cap, "%s %s", now, w->value);
	return rc > 0 && (size_t)rc < cap ? 0 : -E2BIG;
}

static int write_lines(const struct cgroup *cg, const struct cg_write *w)
{
	const char *line = w->value;

	do {
		char text[CG_VALUE_MAX];
		size_t len = strcspn(line, "\n");
		int rc;

		memcpy(text, line, len); /* values are shorter: cg_limits_add() */
		text[len] = '\0';
		rc = cg_file_write(cg, hier_of(cg, w), w->file, text);
		if (rc < 0)
			return rc;
		line += len;
		line += *line == '\n';
	} while (*line);
	return 0;
}

static int write_one(const struct cgroup *cg, const struct cg_write *w)
{
	char text[256];
	int rc;

	if (w->flags & CG_WRITE_LINES)
		return write_lines(cg, w);
	if (!(w->flags & CG_WRITE_KEEP_FIRST))
		return cg_file_write(cg, hier_of(cg, w), w->file, w->value);
	rc = with_first_word(cg, w, text, sizeof(text));
	return rc < 0 ? rc : cg_file_write(cg, hier_of(cg, w), w->file, text);
}

static int refuse(const struct cgroup *cg, const struct cg_write *w, int rc, struct err *err)
{
	if (rc == -ENOENT)
		return err_set(err, rc, "%s: the group '%s' has no file '%s' on this host", w->json,
			       cg->path, w->file);
	return err_code(err, rc, "%s: write '%s' to '%s'", w->json, w->value, w->file);
}

/*
 * Tries each write of @set that is not done. Returns 1 all done, 0 some were refused with EINVAL
 * (*@first is the first of them), or -errno.
 */
static int write_round(const struct cgroup *cg, const struct cg_write *set, size_t n, bool *done,
		       struct err *err)
{
	bool alt_written = false; /* an alternative before this one exists */
	bool all = true;

	for (size_t i = 0; i < n; i++) {
		const struct cg_write *w = &set[i];
		bool is_tail = i > 0 && (set[i - 1].flags & CG_WRITE_ALT);
		int rc = done[i] ? 0 : write_one(cg, w);

		if (!is_tail)
			alt_written = false;
		if (rc == -ENOENT &&
		    ((w->flags & (CG_WRITE_ALT | CG_WRITE_OPTIONAL)) || (is_tail && alt_written)))
			rc = 0;
		else if (rc == 0)
			alt_written = true;
		if (rc < 0 && (w->flags & CG_WRITE_ADVICE)) {
			log_warn("%s: the kernel refuses '%s' (%s), ignoring", w->json, w->file,
				 strerror(-rc));
			rc = 0;
		}
		if (rc < 0 && rc != -EINVAL)
			return refuse(cg, w, rc, err);
		done[i] = rc == 0;
		all &= done[i];
	}
	return all;
}

/* Writes of one controller: as many rounds as something new is taken. */
static int write_set(const struct cgroup *cg, const struct cg_write *set, size_t n, struct err *err)
{
	bool done[SET_MAX] = { false };
	size_t n_done = 0;

	for (;;) {
		int rc = write_round(cg, set, n, done, err);
		size_t now = 0;
		size_t open = n;

		if (rc != 0)
			return rc < 0 ? rc : 0;
		for (size_t i = 0; i < n; i++) {
			now += done[i];
			if (!done[i] && open == n)
				open = i;
		}
		if (now == n_done)
			return refuse(cg, &set[open], -EINVAL, err);
		n_done = now;
	}
}

/* The controller of @w is there; enables it on v2. */
static int check_controller(struct cgroup *cg, const struct cg_write *w, struct err *err)
{
	const struct cg_hier *hier = hier_of(cg, w);
	const char *name = cg_ctl_name(w->ctl, w->on_v2);
	uint32_t have;
	int rc;

	if (!hier)
		return err_set(err, -ENOTSUP, "%s: no cgroup controller '%s' on this host", w->json,
			       name);
	if (!cg->has_group || hier->is_denied)
		return err_set(err, -EACCES,
			       "%s: no right to make a cgroup in '%s' for it (rootless)", w->json,
			       hier->dir);
	if (!w->on_v2 || w->ctl == CTL_NONE)
		return 0;
	rc = cg_controllers_enable(cg, CTL_BIT(w->ctl), &have);
	if (rc < 0)
		return err_code(err, rc, "%s: read 'cgroup.controllers'", w->json);
	if (have & CTL_BIT(w->ctl))
		return 0;
	if (cg->enable_code == 0)
		return err_set(err, -ENOTSUP, "%s: no cgroup v2 controller '%s' on this host",
			       w->json, name);
	return err_code(err, cg->enable_code, "%s: enable controller '%s' in cgroup '%.*s/'%s",
			w->json, name, (int)cg->enable_at, cg->path,
			cg->enable_code == -EBUSY ? ", which holds processes" : "");
}

/* memory.checkBeforeUpdate: v2 would kill, v1 refuses late. Source: OCI config-linux, "Memory". */
static int check_usage(const struct cgroup *cg, const struct cg_limits *l, const struct cg_write *w,
		       struct err *err)
{
	uint64_t usage;
	int rc;

	if (!l->usage_below.is_set)
		return 0;
	rc = cg_file_read_u64(cg, hier_of(cg, w),
			      w->on_v2 ? "memory.current" : "memory.usage_in_bytes", &usage);
	if (rc < 0)
		return err_code(err, rc, "/linux/resources/memory/checkBeforeUpdate: read usage");
	if (usage >= l->usage_below.v)
		return err_set(err, -EBUSY,
			       "/linux/resources/memory/limit: %llu is not above the usage, %llu",
			       (unsigned long long)l->usage_below.v, (unsigned long long)usage);
	return 0;
}

/* v2, an update of memory+swap alone: the swap part is what the present memory limit leaves. */
static int write_swap_total(struct cgroup *cg, uint64_t total, struct err *err)
{
	static const char json[] = "/linux/resources/memory/swap";
	char text[24] = "";
	const struct cg_write w = { .ctl = CTL_MEMORY,
				    .on_v2 = true,
				    .file = "memory.swap.max",
				    .value = text,
				    .json = json };
	uint64_t limit;
	int rc = check_controller(cg, &w, err);

	if (rc < 0)
		return rc;
	rc = cg_file_read_u64(cg, hier_of(cg, &w), "memory.max", &limit);
	if (rc < 0)
		return err_code(err, rc, "%s: read 'memory.max'", json);
	if (limit == UINT64_MAX)
		return err_set(err, -EINVAL, "%s: needs a memory limit", json);
	if (total < limit)
		return err_set(err, -EINVAL, "%s: below the memory limit, %llu", json,
			       (unsigned long long)limit);
	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)(total - limit));
	rc = cg_file_write(cg, hier_of(cg, &w), w.file, text);
	return rc < 0 ? refuse(cg, &w, rc, err) : 0;
}

int cg_limits_write(struct cgroup *cg, const struct cg_limits *l, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < l->n;) {
		const struct cg_write *set = &l->items[i];
		size_t n = 1;

		/* A set may be cut anywhere but between alternatives. */
		while (i + n < l->n && set[n].ctl == set->ctl && set[n].on_v2 == set->on_v2 &&
		       (n < SET_MAX / 2 || (n < SET_MAX && (set[n - 1].flags & CG_WRITE_ALT))))
			n++;
		rc = check_controller(cg, set, err);
		if (rc == 0 && set->ctl == CTL_MEMORY)
			rc = check_usage(cg, l, set, err);
		if (rc == 0)
			rc = write_set(cg, set, n, err);
		i += n;
	}
	if (rc == 0 && l->swap_total.is_set)
		rc = write_swap_total(cg, l->swap_total.v, err);
	return rc;
}

/* What @res may ask of controllers that a hybrid host can have on either side. */
static uint32_t wanted_controllers(const struct config_resources *res)
{
	uint32_t bits = CTL_BIT(CTL_CPU) | CTL_BIT(CTL_CPUSET) | CTL_BIT(CTL_MEMORY) |
			CTL_BIT(CTL_IO) | CTL_BIT(CTL_PIDS);

	if (res->hugepage_limits.n > 0)
		bits |= CTL_BIT(CTL_HUGETLB);
	if (res->rdma.n > 0)
		bits |= CTL_BIT(CTL_RDMA);
	return bits;
}

static int layout_of(struct cgroup *cg, const struct config_resources *res, struct cg_layout *out)
{
	uint32_t on_v1 = 0;
	uint32_t free_ctls = 0;
	int rc = 0;

	*out = (struct cg_layout){ .on_v2 = 0, .has_v2 = cg_host_v2(&cg->host) != NULL };
	for (size_t i = 0; i < cg->host.n; i++)
		on_v1 |= cg->host.hiers[i].ctls;
	if (cg->host.mode == CG_MODE_V2)
		out->on_v2 = UINT32_MAX;
	else if (out->has_v2 && (wanted_controllers(res) & ~on_v1))
		rc = cg_controllers_of(cg, "", &free_ctls);
	out->on_v2 |= free_ctls & ~on_v1;
	return rc;
}

int cg_limits_apply(struct cgroup *cg, const struct config_resources *res, struct err *err)
{
	auto_cleanup(cg_limits_fini) struct cg_limits l = { 0 };
	struct cg_layout layout;
	int rc = layout_of(cg, res, &layout);

	if (rc < 0)
		return err_code(err, rc, "read the controllers of cgroup v2");
	rc = cg_limits_build(res, &layout, &l, err);
	return rc < 0 ? rc : cg_limits_write(cg, &l, err);
}
