// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line of bivalve-vmm. */
#include "vmmode/vmm/cmdline.h"

#include "tests/unit/test.h"
#include "vmmode/vmm/mem.h"

enum { WORDS = 12 };

/* Parses "a b c" behind the program's name. */
static int parse(const char *words, struct vmm_options *o, struct err *err)
{
	static char text[512];
	char *argv[WORDS] = { text };
	int argc = 1;
	char *save = NULL;

	(void)snprintf(text, sizeof(text), "%s", words);
	for (char *w = strtok_r(text, " ", &save); w && argc < WORDS;
	     w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	*err = (struct err)ERR_INIT;
	return vmm_options_parse(argc, argv, o, err);
}

static void test_good(void)
{
	struct vmm_options o;
	struct err err;

	CHECK_EQ(parse("--kernel k", &o, &err), 0);
	CHECK_EQ(o.memory_bytes, 256 << 20);
	CHECK_EQ(o.cpus, 1);
	CHECK_STR(o.append, "");
	CHECK_EQ(
	    parse("--kernel=k --append=a=b,c --cpus=4 --memory 33m,shared --no-acpi", &o, &err), 0);
	CHECK_STR(o.kernel, "k");
	CHECK_STR(o.append, "a=b,c");
	CHECK_EQ(o.cpus, 4);
	CHECK_EQ(o.memory_bytes, 34 << 20); /* whole huge pages */
	CHECK_EQ(o.memory_flags, MEM_SHARED);
	CHECK(o.no_acpi);
	CHECK_EQ(parse("--kernel k --disk a --disk a,ro --fs x=/a --fs xy=/b --rng", &o, &err), 0);
	CHECK_EQ(o.n_devices, 5);
	CHECK_EQ(o.devices[1].kind, VMM_DISK);
	CHECK_STR(o.devices[1].text, "a,ro");
	CHECK_EQ(parse("--kernel k --user 5:6", &o, &err), 0);
	CHECK(o.has_user && o.uid == 5 && o.gid == 6);
	CHECK_EQ(parse("--kernel k --user 7", &o, &err), 0);
	CHECK(o.has_user && o.uid == 7 && o.gid == 7);
	CHECK_EQ(parse("--kernel k --balloon --rng --control c", &o, &err), 0);
	CHECK_STR(o.devices[0].text, "");
	CHECK_STR(o.control, "c");
	CHECK_EQ(parse("--kernel k --balloon size=1m,stats=1 --rng", &o, &err), 0);
	CHECK_STR(o.devices[0].text, "size=1m,stats=1");
	CHECK_EQ(o.n_devices, 2);
	CHECK_EQ(parse("--balloon=reporting --kernel k --balloon", &o, &err), -EEXIST);
	CHECK_EQ(parse("--kernel k --balloon", &o, &err), 0);
	CHECK_EQ(parse("--self-test", &o, &err), 0);
	CHECK_EQ(parse("--help", &o, &err), 0);
}

static void test_bad(void)
{
	static const struct {
		const char *words;
		int rc;
		const char *text;
	} cases[] = {
		{ "--cpus 1", -EINVAL, "option '--kernel' is missing" },
		{ "k", -EINVAL, "'k' is no option" },
		{ "--kern k", -EINVAL, "unknown option '--kern'" },
		{ "--", -EINVAL, "unknown option '--'" },
		{ "--kernel", -EINVAL, "option '--kernel' wants a value" },
		{ "--rng=1", -EINVAL, "option '--rng' takes no value" },
		{ "--cpus 0", -EINVAL, "want 1 to 64" },
		{ "--cpus 65", -EINVAL, "want 1 to 64" },
		{ "--memory x", -EINVAL, "'x' is no size" },
		{ "--memory 3m", -EINVAL, "want 4 MiB to 1 TiB" },
		{ "--memory 2t", -EINVAL, "want 4 MiB to 1 TiB" },
		{ "--memory 64m,huge", -EINVAL, "want SIZE or SIZE,shared" },
		{ "--kernel k --mergeable --memory 64m,shared", -EINVAL, "cannot be mergeable" },
		{ "--serial tcp", -EINVAL, "--serial 'tcp'" },
		{ "--log-level loud", -EINVAL, "--log-level 'loud'" },
		{ "--fs /x", -EINVAL, "want TAG=FOLDER" },
		{ "--fs =/x", -EINVAL, "want TAG=FOLDER" },
		{ "--fs a=", -EINVAL, "want TAG=FOLDER" },
		{ "--fs a=/x --fs a=/y", -EEXIST, "the tag 'a' was given twice" },
		{ "--vsock a --vsock b", -EEXIST, "--vsock was given twice" },
		{ "--user x", -EINVAL, "--user 'x'" },
		{ "--user 5:", -EINVAL, "want UID:GID" },
		{ "--user 5:-1", -EINVAL, "want UID:GID" },
		{ "--user nobody", -EINVAL, "want UID:GID" },
		{ "--user 4294967295", -EINVAL, "want UID:GID" },
		{ "--kernel k --user 5 --no-sandbox", -EINVAL, "of no use" },
		{ "--console tty", -EINVAL, "--console 'tty': want 'stdio'" },
		{ "--console fd:", -EINVAL, "--console 'fd:'" },
		{ "--console pty --console stdio", -EEXIST, "--console was given twice" },
		{ "--port pty", -EINVAL, "--port 'pty': want NAME=WHERE" },
		{ "--port =pty", -EINVAL, "want NAME=WHERE" },
		{ "--port a=stdio", -EINVAL, "want NAME=WHERE" },
		{ "--port a=unix:", -EINVAL, "want NAME=WHERE" },
		{ "--port "
		  "a123456789012345678901234567890123456789012345678901234567890123=pty",
		  -EINVAL, "a name of up to 63 bytes" },
		{ "--port a=pty --port a=fd:3", -EEXIST, "the name was given twice" },
		{ "--kernel k --console stdio --serial stdio", -EINVAL, "the console has it" },
		{ "--balloon --balloon", -EEXIST, "--balloon was given twice" },
	};
	struct vmm_options o;
	struct err err;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CHECK_EQ(parse(cases[i].words, &o, &err), cases[i].rc);
		CHECK_HAS(err.msg, cases[i].text);
	}
}

/* One device, whatever the order. */
static void test_console(void)
{
	struct vmm_options o;
	struct err err;

	CHECK_EQ(parse("--kernel k --rng", &o, &err), 0);
	CHECK_STR(vmm_options_console(&o), NULL);
	CHECK_EQ(parse("--kernel k --port a=pty --port ab=fd:3", &o, &err), 0);
	CHECK_EQ(o.n_devices, 1);
	CHECK_EQ(o.n_ports, 2);
	CHECK_STR(o.ports[1], "ab=fd:3");
	CHECK_STR(vmm_options_console(&o), NULL);
	CHECK_EQ(parse("--kernel k --port a=pty --console file:x --rng", &o, &err), 0);
	CHECK_EQ(o.n_devices, 2);
	CHECK_STR(vmm_options_console(&o), "file:x");
	CHECK_EQ(parse("--kernel k --console unix:/a --port a=file:b", &o, &err), 0);
	CHECK_EQ(o.n_devices, 1);
	CHECK_STR(vmm_options_console(&o), "unix:/a");
}

static void test_many_devices(void)
{
	char *argv[VMM_DEVICES_MAX * 2 + 3];
	char disk[] = "--disk=d";
	struct vmm_options o;
	int n = 1;

	for (; n <= VMM_DEVICES_MAX + 1; n++)
		argv[n] = disk;
	CHECK_EQ(vmm_options_parse(n, argv, &o, NULL), -EINVAL);
	CHECK_EQ(o.n_devices, VMM_DEVICES_MAX);
}

TEST_MAIN(TEST(test_good), TEST(test_bad), TEST(test_console), TEST(test_many_devices))
