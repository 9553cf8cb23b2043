// SPDX-License-Identifier: GPL-2.0-or-later
/* The features document: what callers look up in it. */
#include "spec/features.h"

#include "spec/json.h"
#include "tests/unit/test.h"

static bool has(const struct json *list, const char *name, struct json_reader *r)
{
	for (const struct json *e = json_first(list); e; e = json_next(e)) {
		const char *s;

		if (json_as_str(r, e, &s) && strcmp(s, name) == 0)
			return true;
	}
	return false;
}

static void check_lists(const struct json *root, struct json_reader *r)
{
	const struct json *linux_ = json_get_object(r, root, "linux");
	const struct json *options = json_get_array(r, root, "mountOptions");
	const struct json *seccomp = json_get_object(r, linux_, "seccomp");
	const struct json *unsafe = json_get_array(r, root, "potentiallyUnsafeConfigAnnotations");

	CHECK_EQ(json_count(json_get_array(r, root, "hooks")), 6);
	CHECK(has(options, "rro", r) && has(options, "idmap", r) && has(options, "tmpcopyup", r));
	CHECK(has(json_get_array(r, linux_, "namespaces"), "time", r));
	CHECK_EQ(json_count(json_get_array(r, linux_, "capabilities")), 41);
	CHECK(has(json_get_array(r, seccomp, "actions"), "SCMP_ACT_NOTIFY", r));
	CHECK(has(json_get_array(r, seccomp, "supportedFlags"), "SECCOMP_FILTER_FLAG_LOG", r));
	CHECK(has(unsafe, "org.bivalve.", r) && has(unsafe, "run.oci.", r));
	CHECK_EQ(json_count(json_get_object(r, linux_, "memoryPolicy")), 2);
}

static void check_switches(const struct json *root, struct json_reader *r)
{
	const struct json *linux_ = json_get_object(r, root, "linux");
	const struct json *cgroup = json_get_object(r, linux_, "cgroup");
	const struct json *idmap =
	    json_get_object(r, json_get_object(r, linux_, "mountExtensions"), "idmap");
	bool v1 = false;
	bool systemd = true;
	bool enabled = false;

	CHECK(json_get_bool(r, cgroup, "v1", &v1) && v1);
	CHECK(json_get_bool(r, cgroup, "systemd", &systemd) && !systemd);
	CHECK(json_get_bool(r, idmap, "enabled", &enabled) && enabled);
	enabled = false;
	CHECK(json_get_bool(r, json_get_object(r, linux_, "netDevices"), "enabled", &enabled) &&
	      enabled);
}

static void test_document(void)
{
	auto_buf struct buf b = BUF_INIT;
	struct arena arena = ARENA_INIT;
	struct err err = ERR_INIT;
	struct json_reader r = { .arena = &arena, .err = &err };
	struct json_doc *doc;
	const struct json *annotations;
	const char *text = NULL;

	CHECK_EQ(features_write("1.2.3", "abc", &b, &err), 0);
	doc = json_doc_parse(&r, b.data, b.len);
	CHECK(json_get_str(&r, json_doc_root(doc), "ociVersionMin", &text));
	CHECK_STR(text, "1.0.0");
	CHECK(json_get_str(&r, json_doc_root(doc), "ociVersionMax", &text));
	CHECK_STR(text, "1.3.0");
	annotations = json_get_object(&r, json_doc_root(doc), "annotations");
	CHECK(json_get_str(&r, annotations, "org.bivalve.version", &text));
	CHECK_STR(text, "1.2.3");
	CHECK(json_get_str(&r, annotations, "org.bivalve.commit", &text));
	CHECK_STR(text, "abc");
	check_lists(json_doc_root(doc), &r);
	check_switches(json_doc_root(doc), &r);
	CHECK_EQ(r.rc, 0);
	CHECK_STR(err.msg, "");
	json_doc_free(doc);
	arena_fini(&arena);
}

TEST_MAIN(TEST(test_document))
