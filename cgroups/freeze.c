// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Making a group stand still: the v1 freezer where it is mounted (other programs look there), else
 * cgroup.freeze of cgroup2, which a hybrid host has too.
 */
#include "cgroups/cgroup.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "cgroups/cgroup_internal.h"
#include "spec/base/proc.h"

enum { FREEZE_TIMEOUT_MS = 10000, FREEZE_NAP_MAX_MS = 20 };

/* The hierarchy that freezes, or NULL. */
static const struct cg_hier *freezer(const struct cgroup *cg)
{
	const struct cg_hier *v1 = cg_host_v1(&cg->host, CTL_FREEZER);
	const struct cg_hier *v2 = cg_host_v2(&cg->host);

	if (!cg->has_group)
		return NULL;
	if (v1 && !v1->is_denied)
		return v1;
	return v2 && !v2->is_denied ? v2 : NULL;
}

static int no_freezer(const struct cgroup *cg, struct err *err)
{
	return err_set(err, -ENOTSUP, "freeze cgroup '%s': %s", cg->path,
		       cg->has_group ? "this host has no freezer"
				     : "the container has no cgroup of its own");
}

/* v1 reports "FREEZING" while a task has not stopped yet, and a fork may slip through meanwhile:
 * writing the state again freezes the newcomer. There is nothing to wait on, hence the naps. */
static int freeze_v1(struct cgroup *cg, const struct cg_hier *hier)
{
	int64_t deadline = proc_now_ms() + FREEZE_TIMEOUT_MS;
	unsigned int nap_ms = 1;

	for (;;) {
		char state[32];
		int rc = cg_file_write(cg, hier, "freezer.state", "FROZEN");

		if (rc == 0)
			rc = cg_file_read(cg, hier, "freezer.state", state, sizeof(state));
		if (rc < 0)
			return rc;
		if (str_eq(state, "FROZEN"))
			return 0;
		if (proc_now_ms() > deadline)
			return -ETIMEDOUT;
		cg_nap_ms(&nap_ms, FREEZE_NAP_MAX_MS);
	}
}

/* kernfs wakes pollers of cgroup.events with POLLPRI when "frozen" changes. */
static int freeze_v2(struct cgroup *cg, const struct cg_hier *hier)
{
	auto_close int events_fd = cg_file_open(cg, hier, "cgroup.events", O_RDONLY);
	int64_t deadline = proc_now_ms() + FREEZE_TIMEOUT_MS;
	int rc;

	if (events_fd < 0)
		return events_fd;
	rc = cg_file_write(cg, hier, "cgroup.freeze", "1");
	if (rc < 0)
		return rc;
	for (;;) {
		struct pollfd p = { .fd = events_fd, .events = POLLPRI };
		int64_t left = deadline - proc_now_ms();
		uint64_t frozen = 0;
		char text[256];
		/* Reading from the start re-arms the poll: a change after it is not lost. */
		ssize_t n = pread(events_fd, text, sizeof(text) - 1, 0);

		if (n < 0)
			return -errno;
		text[n] = '\0';
		if (cg_text_key_u64(text, "frozen", &frozen) == 0 && frozen)
			return 0;
		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)left) < 0 && errno != EINTR)
			return -errno;
	}
}

static int thaw_in(struct cgroup *cg, const struct cg_hier *hier)
{
	return hier->is_v2 ? cg_file_write(cg, hier, "cgroup.freeze", "0")
			   : cg_file_write(cg, hier, "freezer.state", "THAWED");
}

int cg_freeze(struct cgroup *cg, struct err *err)
{
	const struct cg_hier *hier = freezer(cg);
	int rc;

	if (!hier)
		return no_freezer(cg, err);
	rc = hier->is_v2 ? freeze_v2(cg, hier) : freeze_v1(cg, hier);
	if (rc < 0) {
		rc = err_code(err, rc, "freeze cgroup '%s'", cg->path);
		if (thaw_in(cg, hier) < 0)
			return rc; /* the first failure is the one to report */
	}
	return rc;
}

int cg_thaw(struct cgroup *cg, struct err *err)
{
	const struct cg_hier *hier = freezer(cg);
	int rc;

	if (!hier)
		return no_freezer(cg, err);
	rc = thaw_in(cg, hier);
	return rc < 0 ? err_code(err, rc, "thaw cgroup '%s'", cg->path) : 0;
}

int cg_is_frozen(struct cgroup *cg, struct err *err)
{
	const struct cg_hier *hier = freezer(cg);
	char state[32];
	int rc;

	if (!hier)
		return 0;
	rc = cg_file_read(cg, hier, hier->is_v2 ? "cgroup.freeze" : "freezer.state", state,
			  sizeof(state));
	if (rc < 0)
		return err_code(err, rc, "read the freezer of cgroup '%s'", cg->path);
	return !str_eq(state, hier->is_v2 ? "0" : "THAWED");
}
