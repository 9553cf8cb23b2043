// SPDX-License-Identifier: GPL-2.0-or-later
// Scheduling attributes. The C library has neither sched_setattr nor ioprio_set nor (without
// libnuma) set_mempolicy, so they are called by number.
#include "namespaces/sched.h"

#include <errno.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

/* uapi linux/sched/types.h; that header cannot be included beside <sched.h>. */
struct attr {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns, deadline_ns, period_ns;
};
_Static_assert(sizeof(struct attr) == 48, "SCHED_ATTR_SIZE_VER0");

int sched_apply(const struct config_scheduler *s, struct err *err)
{
	struct attr a = { .size = sizeof(a) };

	if (!s)
		return 0;
	a.policy = s->policy;
	a.flags = s->flags;
	a.nice = s->nice;
	a.priority = (uint32_t)s->priority;
	a.runtime_ns = s->runtime_ns;
	a.deadline_ns = s->deadline_ns;
	a.period_ns = s->period_ns;
	if (syscall(SYS_sched_setattr, 0, &a, 0) < 0)
		return err_sys(err, "/process/scheduler: set policy %u", s->policy);
	return 0;
}

int sched_io_priority(const struct config_io_priority *p, struct err *err)
{
	if (!p)
		return 0;
	if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
		    IOPRIO_PRIO_VALUE(p->class, p->priority)) < 0)
		return err_sys(err, "/process/ioPriority: set class %d, priority %d", p->class,
			       p->priority);
	return 0;
}

int sched_personality(const struct config_personality *p, struct err *err)
{
	if (!p)
		return 0;
	if (personality(p->domain) < 0)
		return err_sys(err, "/linux/personality: set domain %#lx", p->domain);
	return 0;
}

/* ---- lists of CPUs and nodes ------------------------------------------------------------------
 */

/* Reads a decimal number at *@p and moves behind it. */
static int read_number(const char **p, unsigned int *out)
{
	unsigned int v = 0;

	if (**p < '0' || **p > '9')
		return -EINVAL;
	for (; **p >= '0' && **p <= '9'; (*p)++) {
		v = v * 10 + (unsigned int)(**p - '0');
		if (v >= SCHED_MASK_BITS)
			return -ERANGE;
	}
	*out = v;
	return 0;
}

static void mask_add(struct sched_mask *m, unsigned int bit)
{
	m->words[bit / SCHED_MASK_WORD_BITS] |= 1UL << (bit % SCHED_MASK_WORD_BITS);
	if (m->n_bits <= bit)
		m->n_bits = (size_t)bit + 1;
}

/* One "A", "A-B" or "A-B:USED/GROUP" (the first USED of every GROUP numbers). */
static int read_range(const char **p, struct sched_mask *m)
{
	unsigned int first, last, used = 1, group = 1;
	int rc;

	rc = read_number(p, &first);
	if (rc < 0)
		return rc;
	last = first;
	if (**p == '-') {
		(*p)++;
		rc = read_number(p, &last);
		if (rc < 0)
			return rc;
		if (**p == ':') {
			(*p)++;
			rc = read_number(p, &used);
			if (rc < 0 || *(*p)++ != '/')
				return rc < 0 ? rc : -EINVAL;
			rc = read_number(p, &group);
			if (rc < 0)
				return rc;
		}
	}
	if (last < first || used == 0 || group == 0 || used > group)
		return -EINVAL;
	for (unsigned int i = first; i <= last; i++) {
		if ((i - first) % group < used)
			mask_add(m, i);
	}
	return 0;
}

int sched_mask_parse(const char *list, struct sched_mask *out)
{
	struct sched_mask m = { .n_bits = 0 };

	for (const char *p = list;;) {
		int rc = read_range(&p, &m);

		if (rc < 0)
			return rc;
		if (!*p)
			break;
		if (*p++ != ',')
			return -EINVAL;
	}
	*out = m;
	return 0;
}

int sched_affinity(pid_t pid, const char *list, const char *json_path, struct err *err)
{
	struct sched_mask m;
	int rc;

	if (!list || !*list)
		return 0;
	rc = sched_mask_parse(list, &m);
	if (rc < 0)
		return err_set(err, rc, "%s: '%s' is not a list of CPUs", json_path, list);
	/* A mask longer than the kernel's is cut there; one that names no CPU of the host is
	 * EINVAL.
	 */
	if (syscall(SYS_sched_setaffinity, pid, sizeof(m.words), m.words) < 0)
		return err_sys(err, "%s: set to CPUs '%s'", json_path, list);
	return 0;
}

int sched_memory_policy(const struct config_memory_policy *p, struct err *err)
{
	struct sched_mask m = { .n_bits = 0 };
	unsigned long max = 0;

	if (!p)
		return 0;
	if (p->nodes && *p->nodes) {
		int rc = sched_mask_parse(p->nodes, &m);

		if (rc < 0)
			return err_set(err, rc,
				       "/linux/memoryPolicy/nodes: '%s' is not a list of nodes",
				       p->nodes);
		/* The kernel reads one bit less than maxnode says (set_mempolicy(2), BUGS). */
		max = m.n_bits + 1;
	}
	if (syscall(SYS_set_mempolicy, p->mode | (int)p->flags, max ? m.words : NULL, max) < 0)
		return err_sys(err, "/linux/memoryPolicy: set mode %d, nodes '%s'", p->mode,
			       p->nodes ? p->nodes : "");
	return 0;
}
