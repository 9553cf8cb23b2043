// SPDX-License-Identifier: GPL-2.0-or-later
// Capability sets: the clipping table, and the steps of creds.h in children as the kernel sees
// them.
#include "namespaces/caps.h"

#include <fcntl.h>
#include <sys/capability.h>
#include <sys/prctl.h>

#include "namespaces/creds.h"
#include "spec/base/fd.h"
#include "tests/unit/child.h"
#include "tests/unit/test.h"

#define BIT(c) (UINT64_C(1) << (c))
#define ALL    UINT64_MAX
#define USUAL  (BIT(CAP_KILL) | BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_AUDIT_WRITE))

static void test_clip(void)
{
	/* effective, bounding, inheritable, permitted, ambient; and what the caller has */
	static const struct {
		struct config_caps want;
		uint64_t permitted, inheritable;
		struct config_caps out;
	} table[] = {
		{ { 3, 3, 3, 3, 3 }, ALL, 0, { 3, 3, 3, 3, 3 } },
		{ { 3, 3, 3, 3, 3 }, 1, 0, { 1, 3, 1, 1, 1 } },
		{ { 3, 3, 3, 3, 3 }, 0, 0, { 0, 3, 0, 0, 0 } },
		/* effective must be permitted, ambient both permitted and inheritable */
		{ { 7, 7, 0, 3, 7 }, ALL, 0, { 3, 7, 0, 3, 0 } },
		{ { 0, 7, 2, 3, 7 }, ALL, 0, { 0, 7, 2, 3, 2 } },
		{ { 0, 7, 7, 1, 7 }, ALL, 0, { 0, 7, 7, 1, 1 } },
		/* inheritable: what is there may stay, an addition must be in the bounding set */
		{ { 0, 0, 7, 0, 0 }, ALL, 0, { 0, 0, 0, 0, 0 } },
		{ { 0, 0, 7, 0, 0 }, ALL, 4, { 0, 0, 4, 0, 0 } },
		{ { 0, 2, 7, 0, 0 }, ALL, 0, { 0, 2, 2, 0, 0 } },
		{ { 0, 0, 0, 0, 0 }, ALL, ALL, { 0, 0, 0, 0, 0 } },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct config_caps got;

		caps_clip(&table[i].want, table[i].permitted, table[i].inheritable, &got);
		if (memcmp(&got, &table[i].out, sizeof(got)) != 0)
			TEST_FAIL("case %zu", i);
	}
}

/* The line of /proc/self/status that starts with @key, in hexadecimal. */
static uint64_t status(const char *key)
{
	auto_buf struct buf b = BUF_INIT;
	const char *line;

	CHECK_EQ(file_read_at(AT_FDCWD, "/proc/self/status", 1 << 16, &b), 0);
	line = strstr(buf_str(&b), key);
	CHECK(line);
	return line ? strtoull(line + strlen(key), NULL, 16) : 0;
}

static void check_sets(uint64_t eff, uint64_t bnd, uint64_t inh, uint64_t prm, uint64_t amb)
{
	CHECK_EQ(status("\nCapEff:"), eff);
	CHECK_EQ(status("\nCapBnd:"), bnd);
	CHECK_EQ(status("\nCapInh:"), inh);
	CHECK_EQ(status("\nCapPrm:"), prm);
	CHECK_EQ(status("\nCapAmb:"), amb);
}

struct way {
	const struct config_caps *want;
	uint32_t uid;
};

/* The whole order of creds.h. */
static void apply(const struct way *w)
{
	struct config_user user = { .uid = w->uid, .gid = w->uid };
	struct config_caps plan;
	struct err err = ERR_INIT;

	CHECK_EQ(caps_plan(w->want, &plan, &err), 0);
	CHECK_EQ(caps_drop_bounding(&plan, &err), 0);
	if (w->uid)
		CHECK_EQ(caps_keep(&err), 0);
	CHECK_EQ(creds_apply(&user, 0, &err), 0);
	CHECK_EQ(caps_apply(&plan, &err), 0);
	CHECK_STR(err.msg, "");
}

static const struct config_caps usual = { USUAL, USUAL, 0, USUAL, 0 };
static const struct config_caps with_ambient = { USUAL, USUAL, USUAL, USUAL, BIT(CAP_KILL) };
static const struct config_caps wide = { 0, USUAL | BIT(CAP_CHOWN), 0, USUAL, 0 };
static const struct config_caps all = { ALL, ALL, ALL, ALL, ALL };

static void child_usual(void *arg)
{
	const struct way *w = arg;

	apply(w);
	check_sets(USUAL, USUAL, w->want->inheritable, USUAL, w->want->ambient);
}

static void child_wide(void *arg)
{
	apply(arg);
	check_sets(0, USUAL | BIT(CAP_CHOWN), 0, USUAL, 0);
}

static void child_none(void *arg)
{
	apply(arg);
	check_sets(0, 0, 0, 0, 0);
}

/* "All capabilities" on a host that lacks one is all that the host has. */
static void child_all(void *arg)
{
	uint64_t had = status("\nCapPrm:");

	apply(arg);
	check_sets(had, had, had, had, had);
}

static void test_apply(void)
{
	const uint32_t uids[] = { 0, 1000 };

	if (!is_root())
		TEST_SKIP("needs root");
	for (size_t i = 0; i < ARRAY_LEN(uids); i++) {
		IN_CHILD(child_usual, (&(struct way){ &usual, uids[i] }));
		IN_CHILD(child_usual, (&(struct way){ &with_ambient, uids[i] }));
		IN_CHILD(child_wide, (&(struct way){ &wide, uids[i] }));
		IN_CHILD(child_none, (&(struct way){ NULL, uids[i] }));
		IN_CHILD(child_all, (&(struct way){ &all, uids[i] }));
	}
}

/* After execve a user's program has the ambient set alone, and root's what is in the bounding set.
 */
static void child_executes(void *arg)
{
	const struct way *w = arg;
	char cmd[128];

	apply(w);
	(void)snprintf(cmd, sizeof(cmd), "grep -q '^CapEff:\t%016llx$' /proc/self/status",
		       (unsigned long long)(w->uid ? w->want->ambient : USUAL));
	CHECK_EQ(system(cmd), 0);
}

static void test_after_execve(void)
{
	if (!is_root())
		TEST_SKIP("needs root");
	IN_CHILD(child_executes, (&(struct way){ &with_ambient, 1000 }));
	IN_CHILD(child_executes, (&(struct way){ &usual, 0 }));
	IN_CHILD(child_executes, (&(struct way){ &usual, 1000 }));
}

static void child_cannot_drop(void *arg)
{
	struct config_caps none = { 0 };
	struct err err = ERR_INIT;

	(void)arg;
	CHECK_EQ(setresuid(1000, 1000, 1000), 0);
	CHECK_EQ(caps_drop_bounding(&none, &err), -EPERM);
	CHECK_HAS(err.msg, "/process/capabilities/bounding: drop capability 0: ");
	CHECK_EQ(caps_apply(&usual, &err), -EPERM);
	CHECK_HAS(err.msg, "/process/capabilities: set: ");
}

static void test_without_rights(void)
{
	if (!is_root())
		TEST_SKIP("needs root");
	IN_CHILD(child_cannot_drop, NULL);
}

TEST_MAIN(TEST(test_clip), TEST(test_apply), TEST(test_after_execve), TEST(test_without_rights))
