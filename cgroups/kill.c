// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Signals to a whole group, and its end: what is left in it is killed, then it is removed in every
 * hierarchy. The common case, an empty group, is one rmdir per hierarchy and nothing else.
 */
#include "cgroups/cgroup.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include "cgroups/cgroup_internal.h"
#include "cgroups/tree.h"
#include "spec/base/log.h"
#include "spec/base/proc.h"

enum { DELETE_NAP_MAX_MS = 50 };

/* The pids from the first hierarchy that has the group; cgroup2 is the first to ask. */
static int list_pids(const struct cgroup *cg, struct cg_pid_list *out)
{
	const struct cg_hier *v2 = cg_host_v2(&cg->host);
	int rc = -ENOENT;

	if (!cg->has_group)
		return 0;
	if (v2 && !v2->is_denied)
		rc = cg_tree_pids(cg, v2, out);
	for (size_t i = 0; rc == -ENOENT && i < cg->host.n; i++) {
		if (!cg->host.hiers[i].is_denied && !cg->host.hiers[i].is_v2)
			rc = cg_tree_pids(cg, &cg->host.hiers[i], out);
	}
	return rc;
}

int cg_has_process(const struct cgroup *cg)
{
	auto_cleanup(cg_pid_list_fini) struct cg_pid_list l = { 0 };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < cg->host.n; i++) {
		if (!cg->host.hiers[i].is_denied)
			rc = cg_tree_pids(cg, &cg->host.hiers[i], &l);
		if (rc == -ENOENT)
			rc = 0;
	}
	return rc < 0 ? rc : l.n > 0;
}

static int compare_pids(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a;
	pid_t y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

int cg_pids(struct cgroup *cg, pid_t **out, size_t *out_n, struct err *err)
{
	auto_cleanup(cg_pid_list_fini) struct cg_pid_list l = { 0 };
	int rc = list_pids(cg, &l);

	if (rc < 0)
		return err_code(err, rc, "list the processes of cgroup '%s'", cg->path);
	if (l.n > 0)
		qsort(l.items, l.n, sizeof(*l.items), compare_pids);
	*out_n = l.n;
	*out = TAKE_PTR(l.items);
	return 0;
}

/* cgroup.kill: the kernel kills the group and all below, forks included. -ENOENT before 5.14. */
static int kill_by_kernel(const struct cgroup *cg)
{
	const struct cg_hier *v2 = cg_host_v2(&cg->host);

	return v2 && !v2->is_denied ? cg_file_write(cg, v2, "cgroup.kill", "1") : -ENOENT;
}

static int signal_list(const struct cg_pid_list *l, int sig)
{
	int rc = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (kill(l->items[i], sig) < 0 && errno != ESRCH)
			rc = -errno;
	}
	return rc;
}

/* A v1 freezer holds even killed tasks; a v2 one lets them die. */
static void thaw_if_frozen(struct cgroup *cg)
{
	struct err err = ERR_INIT;

	if (cg_is_frozen(cg, NULL) > 0 && cg_thaw(cg, &err) < 0)
		log_debug("%s, ignoring", err.msg);
}

int cg_signal_all(struct cgroup *cg, int sig, struct err *err)
{
	auto_cleanup(cg_pid_list_fini) struct cg_pid_list l = { 0 };
	bool was_frozen, is_frozen;
	int rc;

	if (!cg->has_group)
		return err_set(err, -ENOTSUP,
			       "signal cgroup '%s': the container has no cgroup of its own",
			       cg->path);
	if (sig == SIGKILL && kill_by_kernel(cg) == 0) {
		thaw_if_frozen(cg);
		return 0;
	}
	was_frozen = cg_is_frozen(cg, NULL) > 0;
	is_frozen = was_frozen || cg_freeze(cg, NULL) == 0;
	rc = list_pids(cg, &l);
	if (rc == 0)
		rc = signal_list(&l, sig);
	if (is_frozen && (!was_frozen || sig == SIGKILL))
		thaw_if_frozen(cg);
	return rc < 0 ? err_code(err, rc, "signal the processes of cgroup '%s'", cg->path) : 0;
}

/* ---- delete -------------------------------------------------------------------------------- */

/* Removes the group where it still is. Returns 1 all gone, 0 busy in @busy, or -errno. */
static int remove_round(const struct cgroup *cg, bool busy[CG_HIER_MAX], struct err *err)
{
	bool all = true;

	for (size_t i = 0; i < cg->host.n; i++) {
		int rc;

		if (!busy[i])
			continue;
		rc = cg_tree_remove(cg, &cg->host.hiers[i]);
		if (rc < 0 && rc != -EBUSY && rc != -ENOTEMPTY)
			return err_code(err, rc, "remove cgroup '%s' in '%s'", cg->path,
					cg->host.hiers[i].dir);
		busy[i] = rc < 0;
		all &= !busy[i];
	}
	return all;
}

/* Kills what keeps the group busy: first as a whole, then what sits in single hierarchies only. */
static void kill_leftover(struct cgroup *cg, const bool busy[CG_HIER_MAX])
{
	struct err err = ERR_INIT;

	if (cg_signal_all(cg, SIGKILL, &err) < 0)
		log_debug("%s, ignoring", err.msg);
	for (size_t i = 0; i < cg->host.n; i++) {
		auto_cleanup(cg_pid_list_fini) struct cg_pid_list l = { 0 };

		if (busy[i] && !cg->host.hiers[i].is_v2 &&
		    cg_tree_pids(cg, &cg->host.hiers[i], &l) == 0 && signal_list(&l, SIGKILL) < 0)
			log_debug("cgroup '%s': kill in '%s' refused, ignoring", cg->path,
				  cg->host.hiers[i].dir);
	}
	thaw_if_frozen(cg);
}

int cg_delete(const char *path, int timeout_ms, struct err *err)
{
	auto_cgroup struct cgroup *cg = NULL;
	int64_t deadline = proc_now_ms() + timeout_ms;
	unsigned int nap_ms = 1;
	bool busy[CG_HIER_MAX];
	int rc = cg_handle_new(path, &cg, err);

	if (rc < 0)
		return rc;
	cg->has_group = true;
	memset(busy, true, sizeof(busy));
	for (;;) {
		rc = remove_round(cg, busy, err);
		if (rc != 0)
			return rc < 0 ? rc : 0;
		if (proc_now_ms() >= deadline)
			return err_set(err, -EBUSY, "remove cgroup '%s': its processes do not end",
				       path);
		kill_leftover(cg, busy);
		cg_nap_ms(&nap_ms, DELETE_NAP_MAX_MS);
	}
}
