// SPDX-License-Identifier: GPL-2.0-or-later
/* Every table is sorted and finds each of its names; signals in all their spellings. */
#include "spec/tables.h"

#include <errno.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mount.h>

#include "spec/config.h"
#include "tests/unit/test.h"

static const struct {
	const char *name;
	const struct name_table *t;
	size_t n;
} tables[] = {
	{ "capabilities", &table_capabilities, 41 },
	{ "rlimits", &table_rlimits, 16 },
	{ "namespaces", &table_namespaces, NS_KINDS },
	{ "hooks", &table_hooks, HOOK_KINDS },
	{ "propagations", &table_propagations, 8 },
	{ "personalities", &table_personalities, 2 },
	{ "sched_policies", &table_sched_policies, 7 },
	{ "sched_flags", &table_sched_flags, 7 },
	{ "ioprio_classes", &table_ioprio_classes, 3 },
	{ "mpol_modes", &table_mpol_modes, 7 },
	{ "mpol_flags", &table_mpol_flags, 3 },
	{ "seccomp_actions", &table_seccomp_actions, 9 },
	{ "seccomp_ops", &table_seccomp_ops, 7 },
	{ "seccomp_archs", &table_seccomp_archs, 19 },
	{ "seccomp_flags", &table_seccomp_flags, 4 },
};

static void test_sorted(void)
{
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		const struct name_table *t = tables[i].t;

		CHECK_EQ(t->n, tables[i].n);
		for (size_t k = 1; k < t->n; k++) {
			if (strcmp(t->items[k - 1].name, t->items[k].name) >= 0)
				TEST_FAIL("%s: %s is out of order", tables[i].name,
					  t->items[k].name);
		}
	}
}

static void test_find(void)
{
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		const struct name_table *t = tables[i].t;
		uint64_t v = 0;

		for (size_t k = 0; k < t->n; k++) {
			CHECK(name_table_find(t, t->items[k].name, &v));
			CHECK(v == t->items[k].value);
			CHECK(name_table_name(t, v) != NULL);
		}
		v = 77;
		CHECK(!name_table_find(t, "", &v) && !name_table_find(t, "~", &v) && v == 77);
		CHECK_STR(name_table_name(t, UINT64_MAX), NULL);
	}
}

static void test_values(void)
{
	uint64_t v = 0;

	CHECK(name_table_find(&table_capabilities, "CAP_CHECKPOINT_RESTORE", &v));
	CHECK_EQ(v, CAP_LAST_CAP);
	CHECK(!name_table_find(&table_capabilities, "cap_kill", &v));
	CHECK(name_table_find(&table_propagations, "runbindable", &v));
	CHECK_EQ(v, MS_UNBINDABLE | MS_REC);
	CHECK_STR(name_table_name(&table_seccomp_actions, SCMP_ACT_KILL_THREAD), "SCMP_ACT_KILL");
	CHECK_STR(name_table_name(&table_hooks, HOOK_CREATE_CONTAINER), "createContainer");
	CHECK_STR(name_table_name(&table_namespaces, NS_TIME), "time");
}

static void test_signals(void)
{
	const struct {
		const char *text;
		int want; /* 0: refused */
	} cases[] = {
		{ "9", SIGKILL },
		{ "15", SIGTERM },
		{ "KILL", SIGKILL },
		{ "SIGKILL", SIGKILL },
		{ "sigkill", SIGKILL },
		{ "Term", SIGTERM },
		{ "SIGCLD", SIGCHLD },
		{ "iot", SIGABRT },
		{ "STKFLT", SIGSTKFLT },
		{ "RTMIN", SIGRTMIN },
		{ "SIGRTMIN+3", SIGRTMIN + 3 },
		{ "rtmax-1", SIGRTMAX - 1 },
		{ "RTMAX", SIGRTMAX },
		{ "64", 64 },
		{ "65", 0 },
		{ "0", 0 },
		{ "-9", 0 },
		{ "", 0 },
		{ "SIG", 0 },
		{ "SIGSIGKILL", 0 },
		{ "KILLX", 0 },
		{ "RTMIN-1", 0 },
		{ "RTMAX+1", 0 },
		{ "RTMIN+", 0 },
		{ "RTMIN+31", 0 },
		{ "RTMIN 3", 0 },
		{ "9 ", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int sig = 0;
		int rc = signal_from_name(cases[i].text, &sig);

		if (rc != (cases[i].want ? 0 : -EINVAL) || sig != cases[i].want)
			TEST_FAIL("'%s' gives %d, %d", cases[i].text, rc, sig);
	}
}

TEST_MAIN(TEST(test_sorted), TEST(test_find), TEST(test_values), TEST(test_signals))
