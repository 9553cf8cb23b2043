// SPDX-License-Identifier: GPL-2.0-or-later
/* Device rules: the configured list, the defaults, and the form that cgroup v1 keeps. */
#include "cgroups/device_rules.h"

#include <string.h>

#include "cgroups/cgroup.h"
#include "spec/base/num.h"

#define RULE(t, maj, min, r, w, m)                                                                 \
	{                                                                                          \
		.allow = true, .type = (t), .major = { (maj) >= 0, (maj) },                        \
		.minor = { (min) >= 0, (min) }, .read = (r), .write = (w), .mknod = (m),           \
	}

/* Source: OCI config-linux, "Default Devices"; numbers: kernel admin-guide/devices.txt. */
static const struct config_device_rule default_rules[] = {
	RULE('c', -1, -1, false, false, true), /* mknod of anything: opening it is another right */
	RULE('b', -1, -1, false, false, true), RULE('c', 1, 3, true, true, true), /* null */
	RULE('c', 1, 5, true, true, true),                                        /* zero */
	RULE('c', 1, 7, true, true, true),                                        /* full */
	RULE('c', 1, 8, true, true, true),                                        /* random */
	RULE('c', 1, 9, true, true, true),                                        /* urandom */
	RULE('c', 5, 0, true, true, true),                                        /* tty */
	RULE('c', 5, 1, true, true, true),                                        /* console */
	RULE('c', 5, 2, true, true, true),                                        /* ptmx */
	RULE('c', 136, -1, true, true, true),                                     /* pts/N */
};

const struct config_device_rule *cg_default_device_rules(size_t *out_n)
{
	*out_n = ARRAY_LEN(default_rules);
	return default_rules;
}

void cg_dev_rules_fini(struct cg_dev_rules *r)
{
	free(r->items);
	memset(r, 0, sizeof(*r));
}

int cg_dev_rules_add(struct cg_dev_rules *r, const struct cg_dev_rule *rule)
{
	if (r->n == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 32;
		struct cg_dev_rule *items = reallocarray(r->items, cap, sizeof(*items));

		if (!items)
			return -ENOMEM;
		r->items = items;
		r->cap = cap;
	}
	r->items[r->n++] = *rule;
	return 0;
}

static int number(const struct opt_i64 *o, int64_t *out)
{
	/* -1 is how older callers spell "all". */
	*out = o->is_set ? o->v : CG_DEV_ANY;
	return *out < CG_DEV_ANY || *out > UINT32_MAX ? -EINVAL : 0;
}

static int convert(const struct config_device_rule *in, size_t index, struct cg_dev_rule *out)
{
	*out = (struct cg_dev_rule){ .allow = in->allow, .type = in->type, .index = index };
	if (!out->type)
		out->type = 'a';
	if (in->read)
		out->rights |= BPF_DEVCG_ACC_READ;
	if (in->write)
		out->rights |= BPF_DEVCG_ACC_WRITE;
	if (in->mknod)
		out->rights |= BPF_DEVCG_ACC_MKNOD;
	if (!out->rights)
		out->rights = CG_DEV_ALL_RIGHTS;
	if (!strchr("abc", out->type))
		return -EINVAL;
	return number(&in->major, &out->major) < 0 || number(&in->minor, &out->minor) < 0 ? -EINVAL
											  : 0;
}

int cg_dev_rules_build(const struct config_resources *res, struct cg_dev_rules *out,
		       struct err *err)
{
	const struct cg_dev_rule deny_all = {
		.type = 'a', .major = CG_DEV_ANY, .minor = CG_DEV_ANY, .rights = CG_DEV_ALL_RIGHTS
	};
	size_t n_own = res ? res->devices.n : 0;
	int rc = cg_dev_rules_add(out, &deny_all);

	for (size_t i = 0; rc == 0 && i < n_own + ARRAY_LEN(default_rules); i++) {
		const struct config_device_rule *in =
		    i < n_own ? &res->devices.items[i] : &default_rules[i - n_own];
		struct cg_dev_rule rule;

		if (convert(in, i, &rule) < 0)
			return err_set(err, -EINVAL,
				       "/linux/resources/devices/%zu: not a device rule", i);
		rc = cg_dev_rules_add(out, &rule);
	}
	return rc < 0 ? err_code(err, rc, "/linux/resources/devices") : 0;
}

static bool is_everything(const struct cg_dev_rule *r)
{
	return r->type == 'a' && r->major == CG_DEV_ANY && r->minor == CG_DEV_ANY &&
	       r->rights == CG_DEV_ALL_RIGHTS;
}

bool cg_dev_rules_allow_all(const struct cg_dev_rules *r)
{
	for (size_t i = r->n; i > 0; i--) {
		if (!r->items[i - 1].allow)
			return false;
		if (is_everything(&r->items[i - 1]))
			return true;
	}
	return false;
}

/* ---- v1 ------------------------------------------------------------------------------------ */

static bool covers_number(int64_t wide, int64_t narrow)
{
	return wide == CG_DEV_ANY || wide == narrow;
}

static bool covers(const struct cg_dev_rule *wide, const struct cg_dev_rule *narrow)
{
	return wide->type == narrow->type && covers_number(wide->major, narrow->major) &&
	       covers_number(wide->minor, narrow->minor);
}

static bool overlaps(const struct cg_dev_rule *a, const struct cg_dev_rule *b)
{
	return a->type == b->type &&
	       (covers_number(a->major, b->major) || covers_number(b->major, a->major)) &&
	       (covers_number(a->minor, b->minor) || covers_number(b->minor, a->minor));
}

static int add_exception(struct cg_dev_rules *list, struct cg_dev_rule rule)
{
	bool is_known = false;

	/* The kernel grants an access by one exception that has all its rights, so what a wider
	 * exception grants is repeated in the narrower ones. */
	for (size_t i = 0; i < list->n; i++) {
		if (covers(&list->items[i], &rule))
			rule.rights |= list->items[i].rights;
	}
	for (size_t i = 0; i < list->n; i++) {
		if (!covers(&rule, &list->items[i]))
			continue;
		list->items[i].rights |= rule.rights;
		is_known |= covers(&list->items[i], &rule);
	}
	return is_known ? 0 : cg_dev_rules_add(list, &rule);
}

static int remove_exception(struct cg_dev_rules *list, const struct cg_dev_rule *rule,
			    struct err *err)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->n; i++) {
		struct cg_dev_rule *e = &list->items[i];

		if (overlaps(e, rule) && (e->rights & rule->rights)) {
			if (!covers(rule, e))
				return err_set(
				    err, -EINVAL,
				    "/linux/resources/devices/%zu: cgroup v1 cannot take "
				    "a part out of a wider rule",
				    rule->index);
			e->rights &= ~rule->rights;
		}
		if (e->rights)
			list->items[kept++] = *e;
	}
	list->n = kept;
	return 0;
}

static int apply_rule(struct cg_dev_v1 *v1, struct cg_dev_rule rule, struct err *err)
{
	const char *types = rule.type == 'a' ? "bc" : rule.type == 'b' ? "b" : "c";
	int rc = 0;

	if (is_everything(&rule)) {
		v1->allow_default = rule.allow;
		v1->except.n = 0;
		return 0;
	}
	for (; rc == 0 && *types; types++) {
		rule.type = *types;
		if (rule.allow == v1->allow_default) {
			rc = remove_exception(&v1->except, &rule, err);
		} else {
			rc = add_exception(&v1->except, rule);
			if (rc < 0)
				rc = err_code(err, rc, "/linux/resources/devices");
		}
	}
	return rc;
}

int cg_dev_v1_build(const struct cg_dev_rules *rules, struct cg_dev_v1 *out, struct err *err)
{
	int rc = 0;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; rc == 0 && i < rules->n; i++)
		rc = apply_rule(out, rules->items[i], err);
	return rc;
}

void cg_dev_v1_fini(struct cg_dev_v1 *v1)
{
	cg_dev_rules_fini(&v1->except);
}

static const char *number_text(int64_t v, char buf[16])
{
	if (v == CG_DEV_ANY)
		return "*";
	(void)snprintf(buf, 16, "%lld", (long long)v);
	return buf;
}

void cg_dev_v1_line(const struct cg_dev_rule *rule, unsigned int rights, char out[64])
{
	char major[16], minor[16];

	(void)snprintf(out, 64, "%c %s:%s %s%s%s", rule->type, number_text(rule->major, major),
		       number_text(rule->minor, minor), rights & BPF_DEVCG_ACC_READ ? "r" : "",
		       rights & BPF_DEVCG_ACC_WRITE ? "w" : "",
		       rights & BPF_DEVCG_ACC_MKNOD ? "m" : "");
}

static int parse_number(const char *text, int64_t *out)
{
	if (str_eq(text, "*")) {
		*out = CG_DEV_ANY;
		return 0;
	}
	return num_i64(text, 0, UINT32_MAX, out);
}

static int parse_line(char *line, struct cg_dev_rule *out)
{
	char *save = NULL;
	const char *type = strtok_r(line, " ", &save);
	const char *major = strtok_r(NULL, ":", &save);
	const char *minor = strtok_r(NULL, " ", &save);
	const char *rights = strtok_r(NULL, "", &save);

	*out = (struct cg_dev_rule){ .allow = true };
	if (!type || !major || !minor || !rights || strlen(type) != 1 || !strchr("abc", *type) ||
	    parse_number(major, &out->major) < 0 || parse_number(minor, &out->minor) < 0)
		return -EPROTO;
	out->type = *type;
	out->rights = (strchr(rights, 'r') ? BPF_DEVCG_ACC_READ : 0U) |
		      (strchr(rights, 'w') ? BPF_DEVCG_ACC_WRITE : 0U) |
		      (strchr(rights, 'm') ? BPF_DEVCG_ACC_MKNOD : 0U);
	return 0;
}

int cg_dev_v1_parse(char *text, struct cg_dev_v1 *out)
{
	char *save = NULL;

	memset(out, 0, sizeof(*out));
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		struct cg_dev_rule rule;
		int rc = parse_line(l, &rule);

		if (rc == 0 && is_everything(&rule))
			out->allow_default = true;
		else if (rc == 0)
			rc = cg_dev_rules_add(&out->except, &rule);
		if (rc < 0)
			return rc;
	}
	return 0;
}
