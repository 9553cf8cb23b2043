// SPDX-License-Identifier: GPL-2.0-or-later
/* The default config is valid, survives its own JSON, and holds what makes it safe. */
#include "spec/defaults.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>

#include "spec/parse.h"
#include "spec/validate.h"
#include "spec/write.h"
#include "tests/unit/test.h"

static const struct config_default_opts rootless = { .is_rootless = true,
						     .uid = 1000,
						     .gid = 1001 };

static void check_round_trip(const struct config_default_opts *opts, enum json_style style)
{
	auto_config struct config c = { 0 };
	auto_config struct config d = { 0 };
	auto_buf struct buf first = BUF_INIT;
	auto_buf struct buf second = BUF_INIT;
	struct err err = ERR_INIT;

	CHECK_EQ(config_default(opts, &c, &err), 0);
	CHECK_EQ(config_validate(&c, &err), 0);
	CHECK_EQ(config_write_json(&c, style, &first, &err), 0);
	CHECK_EQ(config_parse(first.data, first.len, &d, &err), 0);
	CHECK_EQ(config_validate(&d, &err), 0);
	CHECK_EQ(config_write_json(&d, style, &second, &err), 0);
	CHECK_STR(second.data, first.data);
	CHECK_STR(err.msg, "");
}

static void test_round_trip(void)
{
	check_round_trip(NULL, JSON_PRETTY);
	check_round_trip(NULL, JSON_COMPACT);
	check_round_trip(&rootless, JSON_PRETTY);
}

static void test_for_root(void)
{
	const uint64_t caps =
	    1ULL << CAP_AUDIT_WRITE | 1ULL << CAP_KILL | 1ULL << CAP_NET_BIND_SERVICE;
	auto_config struct config c = { 0 };
	const struct config_linux *l = &c.linux_;

	CHECK_EQ(config_default(NULL, &c, NULL), 0);
	CHECK_STR(c.oci_version, "1.3.0");
	CHECK_STR(c.hostname, "bivalve");
	CHECK_STR(c.process->args.v[0], "sh");
	CHECK(c.process->terminal && c.process->no_new_privileges && c.root.readonly);
	CHECK_EQ(c.process->caps->bounding, caps);
	CHECK_EQ(c.process->caps->effective, caps);
	CHECK_EQ(c.process->caps->permitted, caps);
	CHECK_EQ(c.process->caps->inheritable | c.process->caps->ambient, 0);
	CHECK_EQ(c.mounts.n, 7);
	CHECK_STR(c.mounts.items[2].options.v[5], "gid=5");
	CHECK(!l->namespaces[NS_USER].is_set && !l->namespaces[NS_TIME].is_set);
	CHECK(l->namespaces[NS_NETWORK].is_set && l->namespaces[NS_CGROUP].is_set);
	CHECK_EQ(l->resources.devices.n, 1);
	CHECK(!l->resources.devices.items[0].allow);
	CHECK_EQ(l->masked_paths.n, 10);
	CHECK_EQ(l->readonly_paths.n, 5);
	CHECK_STR(l->masked_paths.v[2], "/proc/kcore");
}

static void test_rootless(void)
{
	auto_config struct config c = { 0 };
	const struct config_linux *l = &c.linux_;

	CHECK_EQ(config_default(&rootless, &c, NULL), 0);
	CHECK(l->namespaces[NS_USER].is_set && !l->namespaces[NS_NETWORK].is_set);
	CHECK_EQ(l->uid_mappings.items[0].host_id, 1000);
	CHECK_EQ(l->gid_mappings.items[0].host_id, 1001);
	CHECK_EQ(l->gid_mappings.items[0].size, 1);
	CHECK_EQ(l->resources.devices.n, 0);
	for (size_t i = 0; i < c.mounts.n; i++) {
		const struct config_mount *m = &c.mounts.items[i];

		CHECK(strcmp(m->destination, "/sys/fs/cgroup") != 0);
		for (size_t k = 0; k < m->options.n; k++)
			CHECK(strncmp(m->options.v[k], "gid=", 4) != 0);
	}
}

/* The action for @name without conditions, or that of the first rule with one. */
static const struct config_seccomp_rule *rule_of(const struct config_seccomp *s, const char *name)
{
	for (size_t i = 0; i < s->rules.n; i++) {
		for (size_t k = 0; k < s->rules.items[i].names.n; k++) {
			if (strcmp(s->rules.items[i].names.v[k], name) == 0)
				return &s->rules.items[i];
		}
	}
	return NULL;
}

static void test_seccomp(void)
{
	static const char *const denied[] = {
		"mount",
		"umount2",
		"unshare",
		"setns",
		"bpf",
		"io_uring_setup",
		"keyctl",
		"add_key",
		"reboot",
		"kexec_load",
		"init_module",
		"finit_module",
		"userfaultfd",
		"perf_event_open",
		"open_by_handle_at",
		"move_mount",
		"open_tree",
		"fsopen",
		"pivot_root",
		"chroot",
		"swapon",
		"settimeofday",
		"clock_settime",
		"syslog",
		"pidfd_getfd",
	};
	static const char *const allowed[] = { "read",  "execve", "openat2", "futex",
					       "wait4", "ioctl",  "prctl",   "mmap" };
	auto_config struct config c = { 0 };
	const struct config_seccomp *s;

	CHECK_EQ(config_default(NULL, &c, NULL), 0);
	s = c.linux_.seccomp;
	CHECK_EQ(s->default_action, SCMP_ACT_ERRNO(EPERM));
	for (size_t i = 0; i < ARRAY_LEN(denied); i++) {
		if (rule_of(s, denied[i]))
			TEST_FAIL("%s has a rule", denied[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(allowed); i++) {
		const struct config_seccomp_rule *rule = rule_of(s, allowed[i]);

		CHECK(rule && rule->action == SCMP_ACT_ALLOW && rule->args.n == 0);
	}
	CHECK_EQ(rule_of(s, "clone3")->action, SCMP_ACT_ERRNO(ENOSYS));
	CHECK_EQ(rule_of(s, "clone")->args.items[0].op, SCMP_CMP_MASKED_EQ);
	CHECK_EQ(rule_of(s, "clone")->args.items[0].value & CLONE_NEWUSER, CLONE_NEWUSER);
	CHECK_EQ(rule_of(s, "socket")->args.items[0].op, SCMP_CMP_LT);
}

/* One rule for the many: every name once, in order. */
static void test_seccomp_sorted(void)
{
	auto_config struct config c = { 0 };
	const struct strv *names;

	CHECK_EQ(config_default(NULL, &c, NULL), 0);
	names = &c.linux_.seccomp->rules.items[0].names;
	CHECK(names->n > 300);
	for (size_t i = 1; i < names->n; i++) {
		if (strcmp(names->v[i - 1], names->v[i]) >= 0)
			TEST_FAIL("%s is out of order", names->v[i]);
	}
}

TEST_MAIN(TEST(test_round_trip), TEST(test_for_root), TEST(test_rootless), TEST(test_seccomp),
	  TEST(test_seccomp_sorted))
