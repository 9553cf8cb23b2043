// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Groups on this host, as root: made, entered, limited, frozen, killed, removed. Every group has
 * this process's pid in its name and is removed at the end.
 */
#include "tests/unit/cgroup_live.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "cgroups/bpf.h"
#include "cgroups/device_rules.h"
#include "cgroups/events.h"
#include "cgroups/stats.h"
#include "spec/base/fd.h"

static void test_lifecycle(void)
{
	const char *path = group_name("/sub/c1");
	struct cgroup *cg;
	struct cgroup *again = NULL;
	struct err err = ERR_INIT;
	auto_free pid_t *pids = NULL;
	size_t n = 0;
	pid_t pid;

	SKIP_IF_NOT_ROOT();
	CHECK_EQ(cg_exists(path, &err), 0);
	CHECK_EQ(cg_open(path, &again, &err), -ENOENT);
	cg = create(path, NULL);
	if (!cg)
		return;
	CHECK(cg_has_group(cg));
	CHECK_EQ(cg_exists(path, &err), 1);
	CHECK_EQ(cg_create(path, NULL, 0, &again, &err), -EEXIST);
	CHECK_HAS(err.msg, "exists already");
	CHECK_EQ(cg_exists(path, &err), 1);
	pid = spawn(cg, NULL);
	wait_in_group(cg, 1);
	CHECK_EQ(cg_pids(cg, &pids, &n, &err), 0);
	CHECK_EQ(n, 1);
	CHECK_EQ(n ? pids[0] : 0, pid);
	CHECK_EQ(cg_create(path, NULL, CG_MAY_EXIST, &again, &err), -EBUSY);
	CHECK_HAS(err.msg, "holds processes already");
	CHECK_EQ(cg_open(path, &again, &err), 0);
	cg_close(again);
	cg_close(cg);
	remove_group(path); /* kills what is left */
	reap(pid, SIGKILL);
	remove_group(path); /* gone already: no error */
	remove_group(group_name("/sub"));
	remove_group(group_name(""));
}

static void test_idle_group_is_entered(void)
{
	const char *path = group_name("");
	struct cgroup *cg, *again = NULL;
	struct err err = ERR_INIT;

	SKIP_IF_NOT_ROOT();
	cg = create(path, NULL);
	if (!cg)
		return;
	CHECK_EQ(cg_create(path, NULL, CG_MAY_EXIST, &again, &err), 0);
	cg_close(again);
	CHECK_EQ(cg_freeze(cg, &err), 0);
	CHECK_EQ(cg_create(path, NULL, CG_MAY_EXIST, &again, &err), -EBUSY);
	CHECK_HAS(err.msg, "is frozen");
	CHECK_EQ(cg_thaw(cg, &err), 0);
	cg_close(cg);
	remove_group(path);
}

static void test_limits(void)
{
	const char *path = group_name("");
	struct config_resources res = {
		.memory = { .limit = { true, 64 * MIB }, .reservation = { true, 32 * MIB } },
		.cpu = { .quota_us = { true, 20000 },
			 .period_us = { true, 50000 },
			 .burst_us = { true, 5000 },
			 .shares = { true, 1024 },
			 .cpus = "0" },
		.pids_limit = { true, 10 },
	};
	struct cgroup *cg;
	struct err err = ERR_INIT;

	SKIP_IF_NOT_ROOT();
	cg = create(path, &res);
	if (!cg)
		return;
	read_limit(cg, CTL_MEMORY, "memory.limit_in_bytes", "memory.max", "67108864");
	read_limit(cg, CTL_PIDS, "pids.max", "pids.max", "10");
	read_limit(cg, CTL_CPUSET, "cpuset.cpus", "cpuset.cpus", "0");
	read_limit(cg, CTL_CPU, "cpu.cfs_burst_us", "cpu.max.burst", "5000");

	/* Up and down again, with the sum of memory and swap above and below the old limit. */
	static const struct {
		int64_t limit, swap;
	} steps[] = { { 128 * MIB, 256 * MIB }, { 512 * MIB, 512 * MIB },
		      { 16 * MIB, 32 * MIB },   { -1, -1 },
		      { 32 * MIB, 64 * MIB },   { 64 * MIB, 64 * MIB } };

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		res = (struct config_resources){ .memory = { .limit = { true, steps[i].limit },
							     .swap = { true, steps[i].swap } } };
		CHECK_EQ(cg_update(cg, &res, &err), 0);
		CHECK_STR(err.msg, "");
	}
	read_limit(cg, CTL_MEMORY, "memory.limit_in_bytes", "memory.max", "67108864");
	/* The burst must follow the quota down, and lead it up. */
	res = (struct config_resources){ .cpu = { .quota_us = { true, 2000 },
						  .burst_us = { true, 2000 } } };
	CHECK_EQ(cg_update(cg, &res, &err), 0);
	res = (struct config_resources){ .cpu = { .quota_us = { true, 40000 },
						  .burst_us = { true, 30000 } } };
	CHECK_EQ(cg_update(cg, &res, &err), 0);
	CHECK_STR(err.msg, "");
	read_limit(cg, CTL_CPU, "cpu.cfs_burst_us", "cpu.max.burst", "30000");
	res = (struct config_resources){ .cpu = { .cpus = "0-4095" } };
	CHECK(cg_update(cg, &res, &err) < 0);
	CHECK_HAS(err.msg, "/linux/resources/cpu/cpus: write '0-4095' to 'cpuset.cpus'");
	cg_close(cg);
	remove_group(path);
}

static void test_failure_leaves_nothing(void)
{
	const char *path = group_name("/a/b");
	struct config_resources res = { .cpu = { .cpus = "no list" } };
	struct cgroup *cg = NULL;
	struct err err = ERR_INIT;

	SKIP_IF_NOT_ROOT();
	CHECK(cg_create(path, &res, 0, &cg, &err) < 0);
	CHECK_HAS(err.msg, "/linux/resources/cpu/cpus: ");
	CHECK(cg == NULL);
	CHECK_EQ(cg_exists(path, NULL), 0);
	CHECK_EQ(cg_exists(group_name("/a"), NULL), 0);
	CHECK_EQ(cg_exists(group_name(""), NULL), 0);
}

static void test_freeze(void)
{
	const char *path = group_name("");
	struct cgroup *cg;
	struct err err = ERR_INIT;
	pid_t pid;

	SKIP_IF_NOT_ROOT();
	cg = create(path, NULL);
	if (!cg)
		return;
	pid = spawn(cg, NULL);
	wait_in_group(cg, 1);
	CHECK_EQ(cg_is_frozen(cg, &err), 0);
	CHECK_EQ(cg_freeze(cg, &err), 0);
	CHECK_EQ(cg_is_frozen(cg, &err), 1);
	CHECK_EQ(cg_signal_all(cg, SIGUSR1, &err), 0);
	CHECK_EQ(cg_is_frozen(cg, &err), 1); /* a pause outlives a signal */
	/* v2's freezer lets a task die of a deadly signal, v1's does not. */
	if (cg_host_v1(&cg->host, CTL_FREEZER))
		CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
	CHECK_EQ(cg_thaw(cg, &err), 0);
	reap(pid, SIGUSR1);
	pid = spawn(cg, NULL);
	wait_in_group(cg, 1);
	CHECK_EQ(cg_freeze(cg, &err), 0);
	CHECK_EQ(cg_signal_all(cg, SIGKILL, &err), 0); /* thaws */
	reap(pid, SIGKILL);
	CHECK_EQ(cg_signal_all(cg, SIGKILL, &err), 0); /* nobody there: no error */
	cg_close(cg);
	remove_group(path);
}

/* What a container may leave: groups below its own, deep, in some hierarchies, with processes. */
static void test_nested(void)
{
	const char *path = group_name("");
	struct cgroup *cg;
	struct err err = ERR_INIT;
	pid_t pid;

	SKIP_IF_NOT_ROOT();
	cg = create(path, NULL);
	if (!cg)
		return;
	pid = spawn(cg, NULL);
	wait_in_group(cg, 1);
	for (size_t i = 0; i < cg->host.n; i += 2) {
		const struct cg_hier *h = &cg->host.hiers[i];
		auto_close int fd = cg_file_open(cg, h, ".", O_RDONLY | O_DIRECTORY);
		char text[16];

		CHECK_EQ(mkdirat(fd, "x", 0755), 0);
		CHECK_EQ(mkdirat(fd, "y", 0755), 0);
		for (int depth = 0; depth < 20; depth++) {
			int next = openat(fd, "y", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

			(void)close(fd);
			fd = next;
			CHECK_EQ(mkdirat(fd, "y", 0755), 0);
		}
		(void)snprintf(text, sizeof(text), "%d", pid);
		if (!(h->ctls & CTL_BIT(CTL_CPUSET))) /* an empty cpuset takes nobody */
			CHECK_EQ(file_write_at(fd, "y/cgroup.procs", text), 0);
	}
	CHECK_EQ(cg_freeze(cg, &err), 0);
	cg_close(cg);
	remove_group(path);
	reap(pid, SIGKILL);
}

static void test_exec_sub_group(void)
{
	const char *path = group_name("");
	char sub[] = "inner", bad[] = "../..", unknown[] = "nonsense:inner", missing[] = "none";
	char *names[1] = { sub };
	struct strv subs = { names, 1 };
	const struct cg_exec_target to = { .subs = &subs };
	struct cg_join join = { .v2_dir_fd = -1 };
	struct cgroup *cg;
	struct err err = ERR_INIT;

	SKIP_IF_NOT_ROOT();
	cg = create(path, NULL);
	if (!cg)
		return;
	for (size_t i = 0; i < cg->host.n; i++) {
		char name[CG_FILE_MAX];

		CHECK_EQ(cg_file_path(&cg->host.hiers[i], path, "inner", name), 0);
		CHECK_EQ(mkdirat(cg->host.root_fd, name, 0755), 0);
	}
	CHECK_EQ(cg_join_plan_exec(cg, &to, &join, &err), 0);
	CHECK_EQ(join.n_tasks_fds + (join.v2_dir_fd >= 0), cg->host.n);
	names[0] = bad;
	CHECK_EQ(cg_join_plan_exec(cg, &to, &join, &err), -EINVAL);
	names[0] = unknown;
	CHECK_EQ(cg_join_plan_exec(cg, &to, &join, &err), -EINVAL);
	CHECK_HAS(err.msg, "no such controller");
	names[0] = missing;
	CHECK_EQ(cg_join_plan_exec(cg, &to, &join, &err), -ENOENT);
	cg_close(cg);
	remove_group(path);
}

static void test_attach(void)
{
	const char *path = group_name("");
	struct cgroup *cg;
	struct err err = ERR_INIT;
	pid_t pid;

	SKIP_IF_NOT_ROOT();
	cg = create(path, NULL);
	if (!cg)
		return;
	pid = fork();
	if (pid == 0) {
		for (;;)
			(void)pause();
	}
	CHECK_EQ(cg_attach(cg, pid, &err), 0);
	wait_in_group(cg, 1);
	CHECK(cg_attach(cg, 0x3fffff, &err) < 0);
	cg_close(cg);
	remove_group(path);
	reap(pid, SIGKILL);
}

/* Opens a device that no default rule allows; the exit code is the errno. */
static void open_kmsg(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		_exit(0);
	_exit(errno);
}

static void open_null(void)
{
	_exit(open("/dev/null", O_RDWR | O_CLOEXEC) >= 0 ? 0 : errno);
}

static int run(struct cgroup *cg, void (*fn)(void))
{
	int status = -1;
	pid_t pid = spawn(cg, fn);

	CHECK_EQ(proc_reap(pid, &status), 0);
	return proc_exit_code(status);
}

static void test_devices(void)
{
	const char *path = group_name("");
	struct config_device_rule rules[] = {
		{ .type = 'a' },
		{ .allow = true,
		  .type = 'c',
		  .major = { true, 1 },
		  .minor = { true, 11 },
		  .read = true },
	};
	struct config_resources res = { 0 };
	struct cgroup *cg;
	struct err err = ERR_INIT;
	int outside = open("/dev/kmsg", O_RDONLY | O_CLOEXEC);

	SKIP_IF_NOT_ROOT();
	cg = create(path, NULL);
	if (!cg)
		return;
	CHECK_EQ(run(cg, open_null), 0);
	CHECK_EQ(run(cg, open_kmsg), EPERM);
	res.devices.items = rules;
	res.devices.n = ARRAY_LEN(rules);
	CHECK_EQ(cg_update(cg, &res, &err), 0);
	if (outside >= 0)
		CHECK_EQ(run(cg, open_kmsg), 0);
	CHECK_EQ(run(cg, open_null), 0);
	res.devices.n = 1;
	CHECK_EQ(cg_update(cg, &res, &err), 0);
	CHECK_EQ(run(cg, open_kmsg), EPERM);
	CHECK_EQ(run(cg, open_null), 0);
	cg_close(cg);
	remove_group(path);
	cleanup_close(&outside);
}

/* The kernel's verifier takes the programs, and the newest replaces the one before. */
static void test_device_program(void)
{
	const char *path = group_name("");
	auto_cleanup(cg_dev_rules_fini) struct cg_dev_rules rules = { 0 };
	auto_buf struct buf prog = BUF_INIT;
	struct cgroup *cg;
	struct err err = ERR_INIT;
	const struct cg_dev_rule all = { .allow = true,
					 .type = 'a',
					 .major = CG_DEV_ANY,
					 .minor = CG_DEV_ANY,
					 .rights = CG_DEV_ALL_RIGHTS };
	int outside = open("/dev/kmsg", O_RDONLY | O_CLOEXEC);

	SKIP_IF_NOT_ROOT();
	cg = NULL;
	if (cg_create(path, NULL, CG_NO_DEVICES, &cg, &err) < 0 || !cg_host_v2(&cg->host)) {
		cg_close(cg);
		remove_group(path);
		TEST_SKIP("no cgroup v2 here");
	}
	auto_close int dir_fd =
	    cg_file_open(cg, cg_host_v2(&cg->host), ".", O_RDONLY | O_DIRECTORY);
	int rc;

	CHECK_EQ(cg_dev_rules_build(NULL, &rules, &err), 0);
	CHECK_EQ(cg_dev_bpf_build(&rules, &prog), 0);
	rc = bpf_device_set(dir_fd, &prog, true, &err);
	if (rc == 0) {
		CHECK_EQ(run(cg, open_null), 0);
		CHECK_EQ(run(cg, open_kmsg), EPERM);
		CHECK_EQ(cg_dev_rules_add(&rules, &all), 0);
		buf_clear(&prog);
		CHECK_EQ(cg_dev_bpf_build(&rules, &prog), 0);
		CHECK_EQ(bpf_device_set(dir_fd, &prog, false, &err), 0);
		CHECK_STR(err.msg, "");
		if (outside >= 0)
			CHECK_EQ(run(cg, open_kmsg), 0);
	}
	cg_close(cg);
	remove_group(path);
	cleanup_close(&outside);
	if (rc < 0)
		TEST_SKIP("this kernel takes no device programs");
}

static void eat_memory(void)
{
	for (;;) {
		char *p =
		    mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			_exit(1);
		memset(p, 1, MIB);
	}
}

static void test_oom_and_stats(void)
{
	const char *path = group_name("");
	struct config_resources res = { .memory = { .limit = { true, 8 * MIB } },
					.pids_limit = { true, 5 } };
	struct cg_watch w = CG_WATCH_INIT;
	struct cg_stats s;
	struct cgroup *cg;
	struct err err = ERR_INIT;
	pid_t pid;

	SKIP_IF_NOT_ROOT();
	cg = create(path, &res);
	if (!cg)
		return;
	CHECK_EQ(cg_watch_open(cg, &w, &err), 0);
	CHECK_EQ(cg_watch_read(&w, &err), 0);
	pid = spawn(cg, eat_memory);
	struct pollfd p = { .fd = w.fd, .events = POLLIN };
	int n = 0;

	while (n == 0 && poll(&p, 1, 10000) > 0)
		n = cg_watch_read(&w, &err);
	CHECK(n >= 1);
	reap(pid, SIGKILL);
	CHECK_EQ(cg_stats_read(cg, &s, &err), 0);
	CHECK_STR(err.msg, "");
	CHECK(s.cpu.has_usage);
	CHECK(s.cpu.total_ns > 0);
	CHECK(s.memory.is_set);
	CHECK_EQ(s.memory.usage.limit, 8 * MIB);
	CHECK(s.memory.usage.failcnt > 0);
	CHECK(s.memory.raw.n > 10);
	CHECK(s.pids.is_set);
	CHECK_EQ(s.pids.limit, 5);
	CHECK_EQ(s.pids.current, 0);
	cg_stats_fini(&s);
	remove_group(path);
	CHECK_EQ(cg_stats_read(cg, &s, NULL) == 0 && s.memory.is_set, 0);
	cg_stats_fini(&s);
	/* The removal wakes the watcher, who is told so. */
	if (!w.is_v2) {
		CHECK_EQ(poll(&p, 1, 5000), 1);
		CHECK_EQ(cg_watch_read(&w, &err), -ENODEV);
	}
	cg_watch_fini(&w);
	cg_close(cg);
}

static void test_pids_zero(void)
{
	const char *path = group_name("");
	const struct config_resources res = { .pids_limit = { true, 0 } };
	struct cgroup *cg;
	pid_t pid;

	SKIP_IF_NOT_ROOT();
	cg = create(path, &res);
	if (!cg)
		return;
	pid = spawn(cg, NULL); /* gets in all the same */
	wait_in_group(cg, 1);
	cg_close(cg);
	remove_group(path);
	reap(pid, SIGKILL);
}

/* A creator that dies at any moment leaves nothing that cg_delete() does not find by the path. */
static void test_killed_creator(void)
{
	const char *path = group_name("/k");
	const struct config_resources res = { .pids_limit = { true, 9 } };

	SKIP_IF_NOT_ROOT();
	for (unsigned int us = 0; us < 600 && !test_failed; us += 15) {
		pid_t pid = fork();

		if (pid == 0) {
			struct cgroup *cg = NULL;

			if (cg_create(path, &res, 0, &cg, NULL) == 0)
				(void)spawn(cg, NULL);
			for (;;)
				(void)pause();
		}
		(void)usleep(us);
		(void)kill(pid, SIGKILL);
		reap(pid, SIGKILL);
		remove_group(path);
	}
	remove_group(group_name(""));
}

/* Without rights: no group and no error, but for a limit, which is named. */
static void test_rootless(void)
{
	const char *path = group_name("");
	const struct config_resources res = { .pids_limit = { true, 9 } };
	pid_t pid;
	int status = 0;

	SKIP_IF_NOT_ROOT();
	pid = fork();
	if (pid == 0) {
		struct cgroup *cg = NULL;
		struct cg_join join;
		struct err err = ERR_INIT;
		bool ok;

		if (setuid(65534) < 0)
			_exit(2);
		ok = cg_create(path, NULL, 0, &cg, NULL) < 0 &&
		     cg_create(path, &res, CG_ROOTLESS, &cg, &err) == -EACCES &&
		     str_starts(err.msg, "/linux/resources/pids/limit: no right") &&
		     cg_create(path, NULL, CG_ROOTLESS, &cg, &err) == 0 && !cg_has_group(cg) &&
		     cg_join_plan(cg, &join, &err) == 0 && join.v2_dir_fd == -1 &&
		     join.n_tasks_fds == 0 && cg_freeze(cg, &err) == -ENOTSUP &&
		     cg_delete(path, 0, &err) == 0;
		_exit(ok ? 0 : 1);
	}
	CHECK_EQ(proc_reap(pid, &status), 0);
	CHECK_EQ(proc_exit_code(status), 0);
}

TEST_MAIN(TEST(test_lifecycle), TEST(test_idle_group_is_entered), TEST(test_limits),
	  TEST(test_failure_leaves_nothing), TEST(test_freeze), TEST(test_nested),
	  TEST(test_exec_sub_group), TEST(test_attach), TEST(test_devices),
	  TEST(test_device_program), TEST(test_oom_and_stats), TEST(test_pids_zero),
	  TEST(test_killed_creator), TEST(test_rootless))
