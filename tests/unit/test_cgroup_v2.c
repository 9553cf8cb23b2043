// SPDX-License-Identifier: GPL-2.0-or-later
/* What only a cgroup2 tree has, on this host's, as root: also where v1 is mounted beside it. */
#include "tests/unit/cgroup_live.h"

#include <sys/stat.h>

#include "spec/base/fd.h"

/* The same handle with the cgroup2 tree alone, as on a host that has nothing else. */
static struct cgroup *create_v2_only(const char *path)
{
	struct cgroup *cg = create(path, NULL);
	const struct cg_hier *v2 = cg ? cg_host_v2(&cg->host) : NULL;

	if (!v2) {
		cg_close(cg);
		remove_group(path);
		return NULL;
	}
	cg->host.hiers[0] = *v2;
	cg->host.n = 1;
	cg->host.mode = CG_MODE_V2;
	return cg;
}

static void test_v2_alone(void)
{
	const char *path = group_name("");
	struct cgroup *cg;
	struct cg_join join;
	struct err err = ERR_INIT;
	pid_t pid;

	SKIP_IF_NOT_ROOT();
	cg = create_v2_only(path);
	if (!cg)
		TEST_SKIP("no cgroup v2 here");
	CHECK_EQ(cg_join_plan(cg, &join, &err), 0);
	CHECK(join.v2_dir_fd >= 0);
	CHECK_EQ(join.n_tasks_fds, 0);
	CHECK_EQ(cg_freeze(cg, &err), 0); /* an empty group too */
	CHECK_EQ(cg_thaw(cg, &err), 0);
	pid = spawn(cg, NULL);
	wait_in_group(cg, 1);
	CHECK_EQ(cg_freeze(cg, &err), 0);
	CHECK_EQ(cg_is_frozen(cg, &err), 1);
	/* Unlike v1's freezer, v2's lets a task die of a deadly signal. */
	CHECK_EQ(cg_signal_all(cg, SIGTERM, &err), 0);
	CHECK_EQ(cg_thaw(cg, &err), 0);
	CHECK_EQ(cg_is_frozen(cg, &err), 0);
	reap(pid, SIGTERM);
	cg->enter_by_procs = true; /* as with pids.limit 0 */
	CHECK_EQ(cg_join_plan(cg, &join, &err), 0);
	CHECK_EQ(join.v2_dir_fd, -1);
	CHECK_EQ(join.n_tasks_fds, 1);
	pid = spawn(cg, NULL);
	wait_in_group(cg, 1);
	CHECK_EQ(cg_delegate(cg, 12345, &err), 0);
	struct stat st;
	char name[CG_FILE_MAX];

	CHECK_EQ(cg_file_path(&cg->host.hiers[0], path, "cgroup.procs", name), 0);
	CHECK_EQ(fstatat(cg->host.root_fd, name, &st, 0), 0);
	CHECK_EQ(st.st_uid, 12345);
	CHECK_EQ(cg_file_path(&cg->host.hiers[0], path, "cgroup.freeze", name), 0);
	CHECK_EQ(fstatat(cg->host.root_fd, name, &st, 0), 0);
	CHECK_EQ(st.st_uid, 0);
	cg_close(cg);
	remove_group(path);
	reap(pid, SIGKILL);
}

/* Takes back what a test had passed on at the root of a hybrid host's cgroup2 tree. */
static void restore_root_control(bool had_hugetlb)
{
	static const char file[] = "/sys/fs/cgroup/unified/cgroup.subtree_control";

	if (!had_hugetlb && access(file, W_OK) == 0)
		CHECK_EQ(file_write_at(AT_FDCWD, file, "-hugetlb"), 0);
}

static bool root_passes_hugetlb(void)
{
	auto_buf struct buf b = BUF_INIT;

	return file_read_at(AT_FDCWD, "/sys/fs/cgroup/unified/cgroup.subtree_control", 4096, &b) ==
		   0 &&
	       strstr(buf_str(&b), "hugetlb");
}

/* v2: the container's init moved down and passed a controller on; an exec must follow it. */
static void test_exec_follows_init(void)
{
	const char *path = group_name("");
	struct cg_exec_target to = { 0 };
	struct cg_join join;
	struct cgroup *cg;
	struct err err = ERR_INIT;
	uint32_t have = 0;
	char name[CG_FILE_MAX], text[64];
	bool had_hugetlb = root_passes_hugetlb();
	pid_t pid;
	int status = 0;

	SKIP_IF_NOT_ROOT();
	cg = create_v2_only(path);
	if (!cg)
		TEST_SKIP("no cgroup v2 here");
	CHECK_EQ(cg_controllers_enable(cg, UINT32_MAX, &have), 0);
	pid = spawn(cg, NULL);
	CHECK_EQ(cg_file_path(&cg->host.hiers[0], path, "init.scope", name), 0);
	CHECK_EQ(mkdirat(cg->host.root_fd, name, 0755), 0);
	(void)snprintf(text, sizeof(text), "%d", pid);
	CHECK_EQ(cg_file_write(cg, &cg->host.hiers[0], "init.scope/cgroup.procs", text), 0);
	if (have == 0 || cg_file_write(cg, &cg->host.hiers[0], "cgroup.subtree_control",
				       have & CTL_BIT(CTL_HUGETLB) ? "+hugetlb" : "+pids") < 0) {
		cg_close(cg);
		remove_group(path);
		reap(pid, SIGKILL);
		restore_root_control(had_hugetlb);
		TEST_SKIP("cgroup v2 has no controller to pass on");
	}
	to.init_pid = pid;
	CHECK_EQ(cg_join_plan_exec(cg, &to, &join, &err), 0);
	struct clone_args args = { .flags = CLONE_INTO_CGROUP,
				   .exit_signal = SIGCHLD,
				   .cgroup = (unsigned int)join.v2_dir_fd };
	pid_t second = sys_clone3(&args);

	if (second == 0)
		_exit(7);
	CHECK(second > 0);
	if (second > 0) {
		CHECK_EQ(proc_reap(second, &status), 0);
		CHECK_EQ(proc_exit_code(status), 7);
	}
	cg_close(cg);
	remove_group(path);
	reap(pid, SIGKILL);
	restore_root_control(had_hugetlb);
}

/* A hybrid host's cgroup2 tree often has hugetlb and nothing else. */
static void test_hugetlb(void)
{
	const char *path = group_name("");
	struct config_hugepage_limit limit = { "2MB", 2 * MIB };
	struct config_resources res = { .hugepage_limits = { &limit, 1 } };
	struct cgroup *cg = NULL;
	struct err err = ERR_INIT;
	bool had_hugetlb = root_passes_hugetlb();

	SKIP_IF_NOT_ROOT();
	if (cg_create(path, &res, 0, &cg, &err) < 0) {
		CHECK_HAS(err.msg, "/linux/resources/hugepageLimits/0: ");
		CHECK_EQ(cg_exists(path, NULL), 0);
		restore_root_control(had_hugetlb);
		TEST_SKIP("no hugetlb controller here");
	}
	read_limit(cg, CTL_HUGETLB, "hugetlb.2MB.limit_in_bytes", "hugetlb.2MB.max", "2097152");
	read_limit(cg, CTL_HUGETLB, "hugetlb.2MB.rsvd.limit_in_bytes", "hugetlb.2MB.rsvd.max",
		   "2097152");
	cg_close(cg);
	remove_group(path);
	restore_root_control(had_hugetlb);
}

TEST_MAIN(TEST(test_v2_alone), TEST(test_exec_follows_init), TEST(test_hugetlb))
