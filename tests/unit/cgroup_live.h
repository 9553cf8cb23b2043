/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Helpers of the tests that make real groups: names with this process's pid, processes in them. */
#ifndef BIVALVE_TESTS_UNIT_CGROUP_LIVE_H
#define BIVALVE_TESTS_UNIT_CGROUP_LIVE_H

#include "tests/unit/test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "cgroups/cgroup_internal.h"
#include "spec/base/proc.h"
#include "spec/base/sys.h"

#define MIB (INT64_C(1) << 20)

enum { DELETE_MS = 5000 };

#define SKIP_IF_NOT_ROOT()                                                                         \
	do {                                                                                       \
		if (geteuid() != 0 || access("/sys/fs/cgroup", W_OK) != 0)                         \
			TEST_SKIP("needs root and writable cgroups");                              \
	} while (0)

static inline const char *group_name(const char *suffix)
{
	static char name[64];

	(void)snprintf(name, sizeof(name), "/bivalve-test-%d%s", getpid(), suffix);
	return name;
}

static inline struct cgroup *create(const char *path, const struct config_resources *res)
{
	struct cgroup *cg = NULL;
	struct err err = ERR_INIT;

	if (cg_create(path, res, 0, &cg, &err) < 0)
		TEST_FAIL("%s", err.msg);
	return cg;
}

/* Starts a process in the group the way namespaces/ does; it runs @fn, or sleeps. */
static inline pid_t spawn(struct cgroup *cg, void (*fn)(void))
{
	struct cg_join join;
	struct err err = ERR_INIT;
	struct clone_args args = { .exit_signal = SIGCHLD };
	pid_t pid;

	if (cg_join_plan(cg, &join, &err) < 0) {
		TEST_FAIL("%s", err.msg);
		return -1;
	}
	if (join.v2_dir_fd >= 0) {
		args.flags = CLONE_INTO_CGROUP;
		args.cgroup = (unsigned int)join.v2_dir_fd;
	}
	pid = sys_clone3(&args);
	if (pid == 0) {
		for (size_t i = 0; i < join.n_tasks_fds; i++) {
			if (write(join.tasks_fds[i], "0", 1) != 1)
				_exit(99);
		}
		if (fn)
			fn();
		for (;;)
			(void)pause();
	}
	CHECK(pid > 0);
	return pid;
}

static inline void wait_in_group(struct cgroup *cg, size_t n)
{
	for (int i = 0; i < 2000; i++) {
		auto_free pid_t *pids = NULL;
		size_t got = 0;
		bool is_everywhere = true;

		if (cg_pids(cg, &pids, &got, NULL) < 0 || got != n)
			is_everywhere = false;
		for (size_t k = 0; is_everywhere && k < cg->host.n; k++) {
			char text[256];

			is_everywhere = cg_file_read(cg, &cg->host.hiers[k], "cgroup.procs", text,
						     sizeof(text)) > 0;
		}
		if (is_everywhere)
			return;
		(void)usleep(1000);
	}
	TEST_FAIL("the processes are not in the group");
}

static inline void reap(pid_t pid, int want_signal)
{
	int status = 0;

	CHECK_EQ(proc_reap(pid, &status), 0);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == want_signal);
}

static inline void remove_group(const char *path)
{
	struct err err = ERR_INIT;

	if (cg_delete(path, DELETE_MS, &err) < 0)
		TEST_FAIL("%s", err.msg);
	CHECK_EQ(cg_exists(path, NULL), 0);
}

static inline void read_limit(struct cgroup *cg, enum cg_ctl ctl, const char *v1_file,
			      const char *v2_file, const char *want)
{
	const struct cg_hier *v1 = cg_host_v1(&cg->host, ctl);
	char text[128] = "";

	if (v1)
		CHECK(cg_file_read(cg, v1, v1_file, text, sizeof(text)) >= 0);
	else
		CHECK(cg_file_read(cg, cg_host_v2(&cg->host), v2_file, text, sizeof(text)) >= 0);
	CHECK_STR(text, want);
}

#endif
