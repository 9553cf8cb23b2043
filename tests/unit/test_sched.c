// SPDX-License-Identifier: GPL-2.0-or-later
// Lists of CPUs; scheduling attributes in children, where this host permits them.
#include "namespaces/sched.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "tests/unit/child.h"
#include "tests/unit/test.h"

static void test_mask(void)
{
	static const struct {
		const char *list;
		int rc;
		unsigned long low; /* CPUs 0 to 63 */
		size_t n_bits;
	} table[] = {
		{ "0", 0, 0x1, 1 },
		{ "3", 0, 0x8, 4 },
		{ "0-3,7", 0, 0x8f, 8 },
		{ "7,0-3", 0, 0x8f, 8 },
		{ "1,1,1", 0, 0x2, 2 },
		{ "0-7:2/4", 0, 0x33, 6 },
		{ "1-9:1/3", 0, 0x92, 8 },
		{ "63-64", 0, 0x8000000000000000, 65 },
		{ "8191", 0, 0, 8192 },
		{ "8192", -ERANGE, 0, 0 },
		{ "99999999999999999999", -ERANGE, 0, 0 },
		{ "", -EINVAL, 0, 0 },
		{ ",", -EINVAL, 0, 0 },
		{ "1,", -EINVAL, 0, 0 },
		{ ",1", -EINVAL, 0, 0 },
		{ "1-", -EINVAL, 0, 0 },
		{ "-1", -EINVAL, 0, 0 },
		{ "2-1", -EINVAL, 0, 0 },
		{ "1 2", -EINVAL, 0, 0 },
		{ "1\n", -EINVAL, 0, 0 },
		{ "a", -EINVAL, 0, 0 },
		{ "0x1", -EINVAL, 0, 0 },
		{ "0-7:0/4", -EINVAL, 0, 0 },
		{ "0-7:4/0", -EINVAL, 0, 0 },
		{ "0-7:5/4", -EINVAL, 0, 0 },
		{ "0-7:2", -EINVAL, 0, 0 },
		{ "0-7:", -EINVAL, 0, 0 },
		{ "1:2/3", -EINVAL, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct sched_mask m = { .n_bits = 0 };
		int rc = sched_mask_parse(table[i].list, &m);

		if (rc != table[i].rc || m.n_bits != table[i].n_bits || m.words[0] != table[i].low)
			TEST_FAIL("'%s': %d, %zu bits, %#lx", table[i].list, rc, m.n_bits,
				  m.words[0]);
	}
}

static void child_affinity(void *arg)
{
	struct err err = ERR_INIT;
	cpu_set_t set;

	(void)arg;
	CHECK_EQ(sched_affinity(0, NULL, "/x", &err), 0);
	CHECK_EQ(sched_affinity(0, "", "/x", &err), 0);
	CHECK_EQ(sched_affinity(0, "0", "/x", &err), 0);
	CHECK_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
	CHECK(CPU_COUNT(&set) == 1 && CPU_ISSET(0, &set));
	CHECK_EQ(sched_affinity(0, "0-", "/process/execCPUAffinity/initial", &err), -EINVAL);
	CHECK_STR(err.msg, "/process/execCPUAffinity/initial: '0-' is not a list of CPUs");
	CHECK_EQ(sched_affinity(0, "8000", "/x", &err), -EINVAL);
	CHECK_HAS(err.msg, "/x: set to CPUs '8000': ");
}

static void child_attributes(void *arg)
{
	struct config_scheduler batch = { .policy = SCHED_BATCH, .nice = 5 };
	struct config_scheduler odd = { .policy = 77 };
	struct config_io_priority be = { 2, 6 }, bad = { 5, 0 };
	struct config_memory_policy bind = { MPOL_BIND, "0", 0 }, no_node = { MPOL_BIND, "x", 0 };
	struct config_memory_policy fallback = { MPOL_DEFAULT, NULL, 0 }, odd_mode = { 99, "0", 0 };
	struct config_personality p32 = { PER_LINUX32 };
	struct utsname u;
	struct err err = ERR_INIT;
	int mode = -1;

	(void)arg;
	CHECK_EQ(sched_apply(NULL, &err), 0);
	CHECK_EQ(sched_apply(&batch, &err), 0);
	CHECK_EQ(sched_getscheduler(0), SCHED_BATCH);
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), 5);
	CHECK_EQ(sched_apply(&odd, &err), -EINVAL);
	CHECK_HAS(err.msg, "/process/scheduler: set policy 77: ");
	CHECK_EQ(sched_io_priority(NULL, &err), 0);
	CHECK_EQ(sched_io_priority(&be, &err), 0);
	CHECK_EQ(syscall(SYS_ioprio_get, 1, 0), 2 << 13 | 6);
	CHECK_EQ(sched_io_priority(&bad, &err), -EINVAL);
	CHECK_HAS(err.msg, "/process/ioPriority: set class 5, priority 0: ");
	CHECK_EQ(sched_memory_policy(NULL, &err), 0);
	CHECK_EQ(sched_memory_policy(&no_node, &err), -EINVAL);
	CHECK_STR(err.msg, "/linux/memoryPolicy/nodes: 'x' is not a list of nodes");
	CHECK_EQ(sched_memory_policy(&odd_mode, &err), -EINVAL);
	CHECK_HAS(err.msg, "/linux/memoryPolicy: set mode 99, nodes '0': ");
	if (sched_memory_policy(&bind, &err) != -ENOSYS) { /* a kernel without NUMA */
		CHECK_EQ(syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL, 0), 0);
		CHECK_EQ(mode, MPOL_BIND);
		CHECK_EQ(sched_memory_policy(&fallback, &err), 0);
		CHECK_EQ(syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL, 0), 0);
		CHECK_EQ(mode, MPOL_DEFAULT);
	}
	CHECK_EQ(sched_personality(NULL, &err), 0);
	CHECK_EQ(sched_personality(&p32, &err), 0);
	CHECK_EQ(uname(&u), 0);
	CHECK(strcmp(u.machine, "x86_64") != 0);
}

static void test_in_kernel(void)
{
	IN_CHILD(child_affinity, NULL);
	IN_CHILD(child_attributes, NULL);
}

TEST_MAIN(TEST(test_mask), TEST(test_in_kernel))
