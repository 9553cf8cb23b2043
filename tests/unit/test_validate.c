// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rules over configs that were made in memory, where no parser has looked first. Most rules have
 * their cases as files in tests/data/bad, which test_parse runs.
 */
#include "spec/validate.h"

#include <errno.h>

#include "spec/defaults.h"
#include "spec/parse.h"
#include "spec/validate_internal.h"
#include "tests/unit/test.h"

static void test_cpu_list(void)
{
	static const struct {
		const char *list;
		bool ok;
	} cases[] = {
		{ "0", true },         { "0-3,7", true },   { "5-5", true },
		{ "8191", true },      { "0-7:1/2", true }, { "0-7:2/2,9", true },
		{ "", false },         { ",", false },      { "1,", false },
		{ ",1", false },       { "1,,2", false },   { "-1", false },
		{ "1-", false },       { "2-1", false },    { "8192", false },
		{ "99999999", false }, { "1 ", false },     { " 1", false },
		{ "0x1", false },      { "1:1/2", false },  { "0-7:3/2", false },
		{ "0-7:1/0", false },  { "0-7:1", false },  { "0-7/2", false },
		{ "all", false },      { "0-3\n", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;
		int rc = validate_cpu_list(cases[i].list, "/x", &err);

		if (rc != (cases[i].ok ? 0 : -EINVAL))
			TEST_FAIL("'%s' gives %d", cases[i].list, rc);
		if (!cases[i].ok)
			CHECK_HAS(err.msg, "/x: '");
	}
}

/* How each change of a valid config is met. */
static void test_process_path(void)
{
	auto_config struct config c = { 0 };
	struct err err = ERR_INIT;

	CHECK_EQ(config_default(NULL, &c, NULL), 0);
	c.process->cwd = "relative";
	CHECK_EQ(process_validate(c.process, "", &err), -EINVAL);
	CHECK_STR(err.msg, "/cwd: 'relative' must be an absolute path");
	CHECK_EQ(process_validate(c.process, "/process", &err), -EINVAL);
	CHECK_STR(err.msg, "/process/cwd: 'relative' must be an absolute path");
	CHECK_EQ(config_validate(&c, NULL), -EINVAL);
	c.process = NULL; /* only start needs it */
	CHECK_EQ(config_validate(&c, NULL), 0);
}

static void test_namespaced_names(void)
{
	auto_config struct config c = { 0 };

	CHECK_EQ(config_default(NULL, &c, NULL), 0);
	CHECK_EQ(config_validate(&c, NULL), 0);
	c.linux_.namespaces[NS_UTS].is_set = false;
	CHECK_EQ(config_validate(&c, NULL), -EINVAL);
	c.hostname = NULL;
	CHECK_EQ(config_validate(&c, NULL), 0);
	c.domainname = "d";
	CHECK_EQ(config_validate(&c, NULL), -EINVAL);
}

static void test_sysctl_keys(void)
{
	static const struct {
		const char *key;
		bool ok;
	} cases[] = {
		{ "net.ipv4.ip_forward", true },
		{ "net/ipv4/ip_forward", true },
		{ "net.ipv4.conf.eth0/1.forwarding", true },
		{ "net/ipv4/conf/eth0.1/forwarding", true },
		{ "kernel.sem", true },
		{ "kernel/msgmax", true },
		{ "kernel.domainname", true },
		{ "fs.mqueue.msg_max", true },
		{ "fs/mqueue/msg_max", true },
		{ "net", false },
		{ "net.", false },
		{ ".net.x", false },
		{ "", false },
		{ "netx.a", false },
		{ "kernel.core_pattern", false },
		{ "kernel.hostname", false }, /* the config has one already */
		{ "fs.file-max", false },
		{ "user.max_pid_namespaces", false }, /* no user namespace */
		{ "net/./x", false },
		{ "net/..", false },
		{ "net.ipv4\n", false },
		{ "kernel.sem.x", false },
		{ "kernel/shmmax/../panic", false },
	};
	auto_config struct config c = { 0 };
	struct config_sysctl item = { .value = "1" };

	CHECK_EQ(config_default(NULL, &c, NULL), 0);
	c.linux_.sysctl.items = &item;
	c.linux_.sysctl.n = 1;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		item.key = cases[i].key;
		if (validate_sysctls(&c, NULL) != (cases[i].ok ? 0 : -EINVAL))
			TEST_FAIL("'%s' is %s", cases[i].key, cases[i].ok ? "refused" : "taken");
	}
}

static void test_id_maps(void)
{
	static struct config_id_map at_end[] = { { 0, 4294967294U, 1 } };
	static struct config_id_map past_end[] = { { 0, 4294967295U, 1 } };
	static struct config_id_map touching[] = { { 0, 10, 5 }, { 5, 15, 5 } };
	static struct config_id_map one[] = { { 0, 0, 1 } };
	const struct config_id_maps gids = { one, 1 };
	const struct config_id_maps none = { NULL, 0 };
	struct config_id_maps uids = { at_end, 1 };

	CHECK_EQ(validate_id_maps(&uids, &gids, "", NULL), 0);
	uids.items = past_end;
	CHECK_EQ(validate_id_maps(&uids, &gids, "", NULL), -EINVAL);
	uids = (struct config_id_maps){ touching, 2 };
	CHECK_EQ(validate_id_maps(&uids, &gids, "", NULL), 0);
	touching[1].host_id = 14;
	CHECK_EQ(validate_id_maps(&uids, &gids, "", NULL), -EINVAL);
	CHECK_EQ(validate_id_maps(&none, &gids, "", NULL), -EINVAL);
	CHECK_EQ(validate_id_maps(&none, &none, "", NULL), 0);
}

static void test_net_device_limit(void)
{
	static struct config_net_device many[1025];
	auto_config struct config c = { 0 };
	struct err err = ERR_INIT;

	CHECK_EQ(config_default(NULL, &c, NULL), 0);
	c.linux_.net_devices.items = many;
	c.linux_.net_devices.n = ARRAY_LEN(many);
	CHECK_EQ(config_validate(&c, &err), -EINVAL);
	CHECK_STR(err.msg, "/linux/netDevices: has more than 1024 entries");
}

static void test_hugepage_limit(void)
{
	static struct config_hugepage_limit many[65];
	struct config_resources r = { 0 };
	struct err err = ERR_INIT;

	r.hugepage_limits.items = many;
	r.hugepage_limits.n = ARRAY_LEN(many);
	CHECK_EQ(resources_validate(&r, "", &err), -EINVAL);
	CHECK_STR(err.msg, "/hugepageLimits: has more than 64 entries");
}

TEST_MAIN(TEST(test_cpu_list), TEST(test_process_path), TEST(test_namespaced_names),
	  TEST(test_sysctl_keys), TEST(test_id_maps), TEST(test_net_device_limit),
	  TEST(test_hugepage_limit))
