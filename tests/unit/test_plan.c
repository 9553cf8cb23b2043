// SPDX-License-Identifier: GPL-2.0-or-later
/* From a config to a plan: what is computed, and what is refused before anything is done. */
#include "namespaces/plan.h"

#include <linux/sched.h>

#include "namespaces/final.h"
#include "spec/parse.h"
#include "tests/unit/test.h"

#define P        "\"process\":{\"cwd\":\"/\",\"args\":[\"a\"]}"
#define R        "\"root\":{\"path\":\"rootfs\"}"
#define NS(list) "\"linux\":{\"namespaces\":[{\"type\":\"mount\"}" list "]}"

static int load(const char *members, struct config *out)
{
	auto_buf struct buf b = BUF_INIT;
	struct err err = ERR_INIT;
	int rc;

	buf_printf(&b, "{\"ociVersion\":\"1.3.0\",%s}", members);
	rc = config_parse(b.data, b.len, out, &err);
	CHECK_STR(err.msg, "");
	return rc;
}

static void test_computed(void)
{
	static const struct {
		const char *members;
		const char *rootfs;
		uint64_t flags;
		bool has_userns;
	} cases[] = {
		{ P "," R "," NS(""), "/b/rootfs", CLONE_NEWNS, false },
		{ P ",\"root\":{\"path\":\"/r\"}," NS(""), "/r", CLONE_NEWNS, false },
		{ P "," R "," NS(",{\"type\":\"pid\"},{\"type\":\"network\",\"path\":\"/x\"},"
				 "{\"type\":\"time\"}"),
		  "/b/rootfs", CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWTIME, false },
		{ P "," R "," NS(",{\"type\":\"user\",\"path\":\"/x\"}"), "/b/rootfs", CLONE_NEWNS,
		  true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config c = { 0 };
		struct ns_plan plan = { 0 };
		struct err err = ERR_INIT;

		if (load(cases[i].members, &c) == 0) {
			CHECK_EQ(ns_plan_from_config(&c, "/b", "id", &plan, &err), 0);
			CHECK_STR(plan.rootfs, cases[i].rootfs);
			CHECK_EQ(plan.new_flags, cases[i].flags);
			CHECK_EQ(plan.has_userns, cases[i].has_userns);
			CHECK_EQ(plan.start_fd, -1);
			CHECK_EQ(plan.cgroup.v2_dir_fd, -1);
			CHECK_EQ(plan.io.stdio_fds[0], -1);
		}
		ns_plan_fini(&plan);
		config_fini(&c);
	}
}

static void test_refused(void)
{
	static const struct {
		const char *members;
		const char *msg;
	} cases[] = {
		{ R "," NS(""), "/process: missing" },
		{ P "," R, "/linux/namespaces: a mount namespace is needed" },
		{ P "," R ",\"hostname\":\"h\"," NS(""), "/hostname: needs a uts namespace" },
		{ P "," R ",\"domainname\":\"h\"," NS(""), "/domainname: needs a uts namespace" },
		{ P "," R "," NS(",{\"type\":\"user\"}"),
		  "/linux/uidMappings: a new user namespace needs it" },
		{ P "," R ",\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"user\"}],"
		    "\"uidMappings\":[{\"containerID\":0,\"hostID\":1,\"size\":1}]}",
		  "/linux/gidMappings: a new user namespace needs it" },
		{ P "," R ",\"linux\":{\"namespaces\":[{\"type\":\"mount\"}],"
		    "\"gidMappings\":[{\"containerID\":0,\"hostID\":1,\"size\":1}]}",
		  "/linux/gidMappings: needs a user namespace" },
		{ P "," R ",\"linux\":{\"namespaces\":[{\"type\":\"mount\"},"
		    "{\"type\":\"time\",\"path\":\"/"
		    "x\"}],\"timeOffsets\":{\"boottime\":{\"secs\":1}}}",
		  "/linux/timeOffsets: needs a new time namespace" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config c = { 0 };
		struct ns_plan plan = { 0 };
		struct err err = ERR_INIT;

		if (load(cases[i].members, &c) == 0) {
			CHECK_EQ(ns_plan_from_config(&c, "/b", "id", &plan, &err), -EINVAL);
			CHECK_STR(err.msg, cases[i].msg);
		}
		config_fini(&c);
	}
}

#define WITH_CAP(set, cap)                                                                         \
	"\"process\":{\"cwd\":\"/\",\"args\":[\"a\"],\"capabilities\":{\"" set "\":[\"" cap "\"]}" \
	"},"
#define NOTIFY                                                                                     \
	"\"linux\":{\"namespaces\":[{\"type\":\"mount\"}],\"seccomp\":{\"defaultAction\":"         \
	"\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"mkdir\"],\"action\":\"SCMP_ACT_NOTIFY\"}]" \
	"}}"

static void test_needs_sealed(void)
{
	static const struct {
		const char *members;
		bool want;
	} cases[] = {
		{ P "," R "," NS(""), false },
		{ WITH_CAP("bounding", "CAP_SYS_ADMIN") R "," NS(""), false },
		{ WITH_CAP("bounding", "CAP_SYS_PTRACE") R "," NS(""), true },
		{ WITH_CAP("permitted", "CAP_SYS_PTRACE") R "," NS(""), true },
		{ WITH_CAP("inheritable", "CAP_SYS_PTRACE") R "," NS(""), true },
		{ WITH_CAP("bounding", "CAP_SYS_PTRACE") R "," NS(",{\"type\":\"user\"}"), false },
		{ P "," R "," NOTIFY, true },
	};
	struct config_caps caps = { .bounding = 1ULL << 19 }; /* CAP_SYS_PTRACE */
	struct config_process other = { .caps = &caps };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config c = { 0 };

		if (load(cases[i].members, &c) == 0)
			CHECK_EQ(final_needs_sealed(&c, c.process), cases[i].want);
		if (i == 0)
			CHECK(final_needs_sealed(&c, &other)); /* an exec with more than the init */
		config_fini(&c);
	}
}

TEST_MAIN(TEST(test_computed), TEST(test_refused), TEST(test_needs_sealed))
