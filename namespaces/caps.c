// SPDX-License-Identifier: GPL-2.0-or-later
// Capability sets by libcap, whose only start-up cost is a search for the last capability that the
// kernel knows (six prctl calls). Sets travel as 64-bit masks; libcap's own form is used at the
// edge.
#include "namespaces/caps.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/capability.h>
#include <sys/prctl.h>

#include "spec/base/log.h"

enum { CAP_MAX = 64 };

static void cleanup_cap(const cap_t *c)
{
	int saved = errno;

	if (*c)
		(void)cap_free(*c);
	errno = saved;
}
#define auto_cap auto_cleanup(cleanup_cap)

void caps_clip(const struct config_caps *want, uint64_t permitted, uint64_t inheritable,
	       struct config_caps *out)
{
	struct config_caps c;

	c.bounding = want->bounding;
	c.permitted = want->permitted & permitted;
	c.effective = want->effective & c.permitted;
	/* An addition must be in the permitted set or need CAP_SETPCAP, and be in the bounding set.
	 */
	c.inheritable = want->inheritable & (inheritable | (permitted & want->bounding));
	c.ambient = want->ambient & c.permitted & c.inheritable;
	*out = c;
}

static uint64_t get_set(cap_t c, cap_flag_t set, int n_caps)
{
	uint64_t mask = 0;

	for (int i = 0; i < n_caps; i++) {
		cap_flag_value_t on = CAP_CLEAR;

		if (cap_get_flag(c, i, set, &on) == 0 && on == CAP_SET)
			mask |= UINT64_C(1) << i;
	}
	return mask;
}

static int put_set(cap_t c, cap_flag_t set, uint64_t mask)
{
	cap_value_t list[CAP_MAX];
	int n = 0;

	for (int i = 0; i < CAP_MAX; i++) {
		if (mask & (UINT64_C(1) << i))
			list[n++] = i;
	}
	return n ? cap_set_flag(c, set, n, list, CAP_SET) : 0;
}

static void log_lost(const char *set, uint64_t want, uint64_t got)
{
	uint64_t lost = want & ~got;

	if (lost && log_enabled(LOG_LEVEL_DEBUG))
		log_debug("/process/capabilities/%s: cannot be granted: mask %#llx, ignoring", set,
			  (unsigned long long)lost);
}

int caps_plan(const struct config_caps *want, struct config_caps *out, struct err *err)
{
	auto_cap cap_t c = NULL;
	int n_caps = cap_max_bits();

	if (!want) {
		*out = (struct config_caps){ 0 };
		return 0;
	}
	c = cap_get_proc();
	if (!c)
		return err_sys(err, "/process/capabilities: read the caller's");
	caps_clip(want, get_set(c, CAP_PERMITTED, n_caps), get_set(c, CAP_INHERITABLE, n_caps),
		  out);
	log_lost("effective", want->effective, out->effective);
	log_lost("permitted", want->permitted, out->permitted);
	log_lost("inheritable", want->inheritable, out->inheritable);
	log_lost("ambient", want->ambient, out->ambient);
	return 0;
}

int caps_drop_bounding(const struct config_caps *plan, struct err *err)
{
	int n_caps = cap_max_bits();

	for (int i = 0; i < n_caps; i++) {
		if (plan->bounding & (UINT64_C(1) << i))
			continue;
		/* Not asked first whether it is there: dropping what is gone already succeeds. */
		if (cap_drop_bound(i) < 0)
			return err_sys(err, "/process/capabilities/bounding: drop capability %d",
				       i);
	}
	return 0;
}

int caps_keep(struct err *err)
{
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return err_sys(err, "/process/capabilities: keep over setuid");
	return 0;
}

/* A program that changed its uid has an empty ambient set, one that stayed root may not. */
static int set_ambient(uint64_t mask, struct err *err)
{
	/* Not cap_reset_ambient(): that asks for every single capability first (libcap 2.66). */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return err_sys(err, "/process/capabilities/ambient: clear");
	for (int i = 0; mask; i++, mask >>= 1) {
		if ((mask & 1) && cap_set_ambient(i, CAP_SET) < 0)
			return err_sys(err, "/process/capabilities/ambient: raise capability %d",
				       i);
	}
	return 0;
}

int caps_apply(const struct config_caps *plan, struct err *err)
{
	auto_cap cap_t c = cap_init();

	if (!c || put_set(c, CAP_EFFECTIVE, plan->effective) < 0 ||
	    put_set(c, CAP_PERMITTED, plan->permitted) < 0 ||
	    put_set(c, CAP_INHERITABLE, plan->inheritable) < 0 || cap_set_proc(c) < 0)
		return err_sys(err, "/process/capabilities: set");
	return set_ambient(plan->ambient, err);
}
