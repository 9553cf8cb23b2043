// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Configs as files: each of tests/data/good is read, checked, written and read again with the same
 * outcome, which is NAME.out where that is there; each of tests/data/bad fails with the line in its
 * .err. What full.json holds is compared member by member. Run from the top of the tree.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/resource.h>

#include "spec/base/fd.h"
#include "spec/parse.h"
#include "spec/validate.h"
#include "spec/write.h"
#include "tests/unit/test.h"

#define GOOD "tests/data/good"
#define BAD  "tests/data/bad"

/* Calls @run for each name in @dir that ends in ".json". Returns how many there were. */
static int each_json(const char *dir, void (*run)(const char *path))
{
	struct dirent **names;
	int n = scandir(dir, &names, NULL, alphasort);
	int count = 0;

	for (int i = 0; i < n; i++) {
		size_t len = strlen(names[i]->d_name);
		char path[512];

		if (len > 5 && strcmp(names[i]->d_name + len - 5, ".json") == 0) {
			(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
			run(path);
			count++;
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return count;
}

static int load_and_check(const char *path, struct config *c, struct buf *text, struct err *err)
{
	int rc;

	if (file_read_at(AT_FDCWD, path, CONFIG_MAX_BYTES, text) < 0) {
		TEST_FAIL("cannot read %s", path);
		return -EIO;
	}
	rc = config_parse(buf_str(text), text->len, c, err);
	return rc < 0 ? rc : config_validate(c, err);
}

/* Compares with the .out file beside @path, if there is one. */
static void check_written(const char *path, const struct buf *written)
{
	auto_buf struct buf want = BUF_INIT;
	char out_path[512];

	(void)snprintf(out_path, sizeof(out_path), "%.*s.out", (int)(strlen(path) - 5), path);
	if (file_read_at(AT_FDCWD, out_path, CONFIG_MAX_BYTES, &want) < 0)
		return;
	if (strcmp(buf_str(written), buf_str(&want)) != 0)
		TEST_FAIL("%s: what is written is not %s", path, out_path);
}

static void check_good(const char *path)
{
	auto_config struct config c = { 0 };
	auto_config struct config again = { 0 };
	auto_buf struct buf text = BUF_INIT;
	auto_buf struct buf first = BUF_INIT;
	auto_buf struct buf second = BUF_INIT;
	struct err err = ERR_INIT;

	if (load_and_check(path, &c, &text, &err) < 0) {
		TEST_FAIL("%s: %s", path, err.msg);
		return;
	}
	CHECK_EQ(config_write_json(&c, JSON_PRETTY, &first, &err), 0);
	if (config_parse(buf_str(&first), first.len, &again, &err) < 0) {
		TEST_FAIL("%s, written: %s", path, err.msg);
		return;
	}
	CHECK_EQ(config_validate(&again, &err), 0);
	CHECK_EQ(config_write_json(&again, JSON_PRETTY, &second, &err), 0);
	if (strcmp(buf_str(&first), buf_str(&second)) != 0)
		TEST_FAIL("%s: differs after a round trip", path);
	check_written(path, &first);
}

static void check_bad(const char *path)
{
	auto_config struct config c = { 0 };
	auto_buf struct buf text = BUF_INIT;
	auto_buf struct buf want = BUF_INIT;
	struct err err = ERR_INIT;
	char err_path[512];
	int rc;

	(void)snprintf(err_path, sizeof(err_path), "%.*s.err", (int)(strlen(path) - 5), path);
	CHECK_EQ(file_read_at(AT_FDCWD, err_path, 4096, &want), 0);
	rc = load_and_check(path, &c, &text, &err);
	if (rc != -EINVAL || err.code != rc)
		TEST_FAIL("%s: is %d", path, rc);
	if (want.len)
		want.data[want.len - 1] = '\0'; /* the newline */
	if (strcmp(err.msg, buf_str(&want)) != 0)
		TEST_FAIL("%s: \"%s\", wanted \"%s\"", path, err.msg, buf_str(&want));
}

static void test_good(void)
{
	CHECK(each_json(GOOD, check_good) > 15);
}

static void test_bad(void)
{
	CHECK(each_json(BAD, check_bad) > 150);
}

/* ---- what is read ---------------------------------------------------------------------------- */

static void load_full(struct config *c)
{
	struct err err = ERR_INIT;

	CHECK_EQ(config_load(AT_FDCWD, GOOD "/full.json", c, NULL, &err), 0);
	if (err.code)
		TEST_FAIL("%s", err.msg);
}

static void test_full_process(void)
{
	auto_config struct config c = { 0 };
	const struct config_process *p;

	load_full(&c);
	p = c.process;
	CHECK_STR(c.oci_version, "1.3.0+dev");
	CHECK(p->terminal && p->no_new_privileges && p->console_size.is_set);
	CHECK_EQ(p->console_size.height, 25);
	CHECK_EQ(p->console_size.width, 80);
	CHECK_EQ(p->user.uid, 1);
	CHECK_EQ(p->user.gid, 2);
	CHECK_EQ(p->user.umask.v, 077);
	CHECK_EQ(p->user.additional_gids.n, 2);
	CHECK_EQ(p->user.additional_gids.items[1], 6);
	CHECK_EQ(p->args.n, 3);
	CHECK_STR(p->args.v[2], "echo \xc3\xbc \xf0\x9f\x98\x80");
	CHECK(p->args.v[3] == NULL);
	CHECK_STR(p->env.v[1], "EMPTY=");
	CHECK_STR(p->cwd, "/root");
	CHECK_EQ(p->caps->bounding, 1ULL << CAP_KILL | 1ULL << CAP_CHECKPOINT_RESTORE);
	CHECK_EQ(p->caps->ambient, 1ULL << CAP_CHOWN); /* the unknown name is dropped */
	CHECK_EQ(p->rlimits.items[0].resource, RLIMIT_NOFILE);
	CHECK_EQ(p->rlimits.items[0].soft, 1024);
	CHECK(p->rlimits.items[0].hard == UINT64_MAX);
	CHECK_STR(p->apparmor_profile, "p");
	CHECK_STR(p->selinux_label, "l");
	CHECK_EQ(p->oom_score_adj.v, -999);
	CHECK_EQ(p->scheduler->policy, SCHED_DEADLINE);
	CHECK_EQ(p->scheduler->flags, SCHED_FLAG_RESET_ON_FORK | SCHED_FLAG_RECLAIM);
	CHECK_EQ(p->scheduler->period_ns, 30000000);
	CHECK_EQ(p->io_priority->class, IOPRIO_CLASS_BE);
	CHECK_EQ(p->io_priority->priority, 7);
	CHECK_STR(p->exec_cpu_initial, "7");
	CHECK_STR(p->exec_cpu_final, "0-3,7");
}

static void test_full_root(void)
{
	auto_config struct config c = { 0 };

	load_full(&c);
	CHECK_STR(c.root.path, "/abs/rootfs");
	CHECK(c.root.readonly);
	CHECK_STR(c.hostname, "h");
	CHECK_STR(c.domainname, "d.test");
	CHECK_EQ(c.mounts.n, 3);
	CHECK_STR(c.mounts.items[1].destination, "rel");
	CHECK_STR(c.mounts.items[1].options.v[3], "size=64k");
	CHECK(c.mounts.items[2].type == NULL);
	CHECK_EQ(c.mounts.items[2].gid_mappings.items[0].host_id, 6000);
	CHECK_STR(c.hooks[HOOK_START_CONTAINER].items[0].path, "/bin/startContainer");
	CHECK_STR(c.hooks[HOOK_POSTSTOP].items[0].env.v[0], "K=v");
	CHECK_EQ(c.hooks[HOOK_PRESTART].items[0].timeout_s.v, 5);
	CHECK(!c.hooks[HOOK_PRESTART].items[1].timeout_s.is_set);
	CHECK_STR(config_annotation(&c, "org.example.key"), "value");
	CHECK_STR(config_annotation(&c, "empty"), "");
	CHECK_STR(config_annotation(&c, "org.example"), NULL);
	CHECK_STR(c.vm->kernel_path, "/k");
	CHECK_STR(c.vm->kernel_parameters.v[1], "quiet");
	CHECK_EQ(c.vm->vcpus.v, 2);
	CHECK_EQ(c.vm->memory_bytes.v, 1 << 30);
}

static void test_full_linux(void)
{
	auto_config struct config c = { 0 };
	const struct config_linux *l = &c.linux_;

	load_full(&c);
	for (int i = 0; i < NS_KINDS; i++)
		CHECK(l->namespaces[i].is_set && !l->namespaces[i].path);
	CHECK_EQ(l->uid_mappings.items[1].size, 65535);
	CHECK_EQ(l->monotonic.secs, -172800);
	CHECK_EQ(l->monotonic.nanosecs, 999999999);
	CHECK(l->boottime.is_set);
	CHECK_EQ(l->devices.items[0].file_mode.v, 0666);
	CHECK_EQ(l->devices.items[1].file_mode.v, 0660); /* the type's bits are cut off */
	CHECK_EQ(l->devices.items[2].type, 'p');
	CHECK_EQ(l->devices.items[3].type, 'c');
	CHECK_STR(l->net_devices.items[0].name, "container_eth0");
	CHECK_STR(l->net_devices.items[1].host_name, "ens4");
	CHECK_STR(l->net_devices.items[1].name, NULL);
	CHECK_STR(l->cgroups_path, "/a/b");
	CHECK_STR(l->intel_rdt->schemata.v[1], "L3:0=7f0");
	CHECK(l->intel_rdt->enable_monitoring);
	CHECK_EQ(l->memory_policy->mode, MPOL_INTERLEAVE);
	CHECK_EQ(l->memory_policy->flags, MPOL_F_STATIC_NODES);
	CHECK_STR(l->sysctl.items[0].key, "net.ipv4.ip_forward");
	CHECK_EQ(l->rootfs_propagation, MS_SLAVE | MS_REC);
	CHECK_STR(l->masked_paths.v[0], "/proc/kcore");
	CHECK_EQ(l->personality->domain, PER_LINUX32);
}

static void test_full_seccomp(void)
{
	auto_config struct config c = { 0 };
	const struct config_seccomp *s;

	load_full(&c);
	s = c.linux_.seccomp;
	CHECK_EQ(s->default_action, SCMP_ACT_ERRNO(38));
	CHECK_EQ(s->archs.items[2], SCMP_ARCH_X32);
	CHECK_EQ(s->flags, 2);
	CHECK_EQ(s->rules.items[1].action, SCMP_ACT_NOTIFY);
	CHECK_EQ(s->rules.items[2].args.items[0].op, SCMP_CMP_MASKED_EQ);
	CHECK_EQ(s->rules.items[2].args.items[0].value, 2114060288);
	CHECK_EQ(s->rules.items[2].args.items[0].value_two, 7);
	CHECK(s->rules.items[2].args.items[1].value == UINT64_MAX);
	CHECK_EQ(s->rules.items[3].action, SCMP_ACT_TRACE(65535));
}

static void test_full_resources(void)
{
	auto_config struct config c = { 0 };
	const struct config_resources *r = &c.linux_.resources;

	load_full(&c);
	CHECK_EQ(r->devices.n, 4);
	CHECK_EQ(r->devices.items[0].type, 'a');
	CHECK(!r->devices.items[0].allow && r->devices.items[0].mknod);
	CHECK(r->devices.items[2].major.is_set && !r->devices.items[2].minor.is_set);
	CHECK(!r->devices.items[3].major.is_set && r->devices.items[3].minor.is_set);
	CHECK(!r->devices.items[3].read && r->devices.items[3].mknod);
	CHECK_EQ(r->memory.reservation.v, -1);
	CHECK(r->memory.disable_oom_killer.is_set && !r->memory.disable_oom_killer.v);
	CHECK(r->memory.check_before_update.v);
	CHECK_EQ(r->cpu.quota_us.v, 1000000);
	CHECK_STR(r->cpu.mems, "0");
	CHECK(r->cpu.idle.is_set && r->cpu.idle.v == 0);
	CHECK(r->pids_limit.is_set && r->pids_limit.v == 0);
	CHECK_EQ(r->block_io.weight_devices.items[1].minor, 16);
	CHECK(!r->block_io.weight_devices.items[1].leaf_weight.is_set);
	CHECK_EQ(r->block_io.write_bps.items[0].rate, 601);
	CHECK_EQ(r->block_io.read_iops.items[0].rate, 602);
	CHECK(r->block_io.write_iops.items[0].rate == UINT64_MAX);
	CHECK_STR(r->hugepage_limits.items[1].page_size, "64KB");
	CHECK_EQ(r->net_class_id.v, 1048577);
	CHECK_EQ(r->net_priorities.items[1].priority, UINT32_MAX);
	CHECK_STR(r->rdma.items[1].device, "rxe3");
	CHECK(!r->rdma.items[1].hca_handles.is_set && r->rdma.items[1].hca_objects.is_set);
	CHECK_STR(r->unified.items[1].file, "hugetlb.1GB.max");
}

/* ---- the other entry points ------------------------------------------------------------------ */

static void test_truncated(void)
{
	auto_buf struct buf text = BUF_INIT;
	struct config c;

	CHECK_EQ(file_read_at(AT_FDCWD, GOOD "/full.json", CONFIG_MAX_BYTES, &text), 0);
	for (size_t len = 0; len + 2 < text.len; len += 5)
		CHECK_EQ(config_parse(text.data, len, &c, NULL), -EINVAL);
}

static void test_load(void)
{
	auto_config struct config c = { 0 };
	auto_buf struct buf text = BUF_INIT;
	struct err err = ERR_INIT;

	CHECK_EQ(config_load(AT_FDCWD, "tests/data/none.json", &c, NULL, &err), -ENOENT);
	CHECK_STR(err.msg, "read 'tests/data/none.json': No such file or directory");
	CHECK_EQ(config_load(AT_FDCWD, BAD "/root_array.json", &c, NULL, &err), -EINVAL);
	CHECK_STR(err.msg, "config 'tests/data/bad/root_array.json': /: must be an object");
	buf_add_str(&text, "before");
	CHECK_EQ(config_load(AT_FDCWD, GOOD "/minimal.json", &c, &text, &err), 0);
	CHECK_STR(text.data, "before{\"ociVersion\": \"1.0.0\", \"root\": {\"path\": \"r\"}}");
	CHECK(c.process == NULL);
}

static void test_process(void)
{
	static const char good[] =
	    "{\"args\":[\"id\"],\"cwd\":\"/\",\"user\":{\"uid\":3,\"gid\":4}}";
	static const struct {
		const char *text, *msg;
	} bad[] = {
		{ "[]", "/: must be an object" },
		{ "{\"args\":[\"a\"]}", "/cwd: is required" },
		{ "{\"args\":[\"a\",0],\"cwd\":\"/\"}", "/args/1: must be a string" },
		{ "{\"cwd\":\"/\"}", "/args: at least one entry is required" },
		{ "{\"args\":[\"a\"],\"cwd\":\"x\"}", "/cwd: 'x' must be an absolute path" },
	};
	struct err err = ERR_INIT;

	{
		auto_process_doc struct process_doc p = { 0 };

		CHECK_EQ(process_parse(good, strlen(good), &p, &err), 0);
		CHECK_EQ(process_validate(&p.process, "", &err), 0);
		CHECK_EQ(p.process.user.gid, 4);
		CHECK_STR(p.process.args.v[0], "id");
		CHECK(p.process.caps == NULL);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		auto_process_doc struct process_doc p = { 0 };
		int rc = process_parse(bad[i].text, strlen(bad[i].text), &p, &err);

		if (rc == 0)
			rc = process_validate(&p.process, "", &err);
		CHECK_EQ(rc, -EINVAL);
		CHECK_STR(err.msg, bad[i].msg);
	}
}

static void test_resources(void)
{
	static const char good[] = "{\"memory\":{\"limit\":7},\"pids\":{},\"cpu\":{\"idle\":1}}";
	static const char bad[] = "{\"memory\":{\"limit\":7.5}}";
	static const char odd[] = "{\"cpu\":{\"cpus\":\"x\"}}";
	auto_resources_doc struct resources_doc d = { 0 };
	auto_resources_doc struct resources_doc e = { 0 };
	struct err err = ERR_INIT;

	CHECK_EQ(resources_parse(good, strlen(good), &d, &err), 0);
	CHECK_EQ(resources_validate(&d.resources, "", &err), 0);
	CHECK_EQ(d.resources.memory.limit.v, 7);
	CHECK(!d.resources.pids_limit.is_set && !d.resources.cpu.shares.is_set);
	CHECK_EQ(resources_parse(bad, strlen(bad), &e, &err), -EINVAL);
	CHECK_STR(err.msg,
		  "/memory/limit: must be written without fraction or exponent, not as 7.5");
	CHECK_EQ(resources_parse(odd, strlen(odd), &e, &err), 0);
	CHECK_EQ(resources_validate(&e.resources, "", &err), -EINVAL);
	CHECK_STR(err.msg, "/cpu/cpus: 'x' is not a list such as \"0-3,7\"");
}

TEST_MAIN(TEST(test_good), TEST(test_bad), TEST(test_full_process), TEST(test_full_root),
	  TEST(test_full_linux), TEST(test_full_seccomp), TEST(test_full_resources),
	  TEST(test_truncated), TEST(test_load), TEST(test_process), TEST(test_resources))
