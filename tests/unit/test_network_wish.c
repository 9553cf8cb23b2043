// SPDX-License-Identifier: GPL-2.0-or-later
/* What a workload asks for: options, annotations, contradictions. */
#include "runtime/network.h"
#include "tests/unit/test.h"

/* One wish per line of a list, as it comes out. */
static void join(const struct strv *v, char *out, size_t size)
{
	out[0] = '\0';
	for (size_t i = 0; i < v->n; i++)
		(void)snprintf(out + strlen(out), size - strlen(out), "%s%s", i ? "|" : "",
			       v->v[i]);
}

static struct config with_namespace(struct config_annotation *annotations, size_t n)
{
	struct config c = { 0 };

	c.linux_.namespaces[NS_NETWORK].is_set = true;
	c.annotations.items = annotations;
	c.annotations.n = n;
	return c;
}

static void test_annotation_lists(void)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "a", "a" },
		{ "a,b", "a|b" },
		{ "a:ip=10.0.0.2,ip6=fd::2,b", "a:ip=10.0.0.2,ip6=fd::2|b" },
		{ "a,b:mac=02:00:00:00:00:01,ifname=x,c", "a|b:mac=02:00:00:00:00:01,ifname=x|c" },
		{ ",a,,b,", "a|b" },
		{ "", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct config_annotation a = { "org.bivalve.network", cases[i].in };
		struct config c = with_namespace(&a, 1);
		const struct network_wish none = { 0 };
		struct network_wish w = { 0 };
		bool is_changed = false;
		char text[128];

		CHECK_EQ(network_read_wish(&none, false, &c, &w, &is_changed, NULL), 0);
		join(&w.networks, text, sizeof(text));
		CHECK_STR(text, cases[i].out);
		CHECK(!is_changed);
		arena_fini(&c.arena);
	}
}

static void test_options_hide_annotations(void)
{
	static char wish[] = "lan";
	static char *list[] = { wish };
	struct config_annotation a[] = { { "org.bivalve.network", "a" },
					 { "org.bivalve.publish", "80:80" } };
	struct config c = with_namespace(a, 2);
	const struct network_wish o = { .networks = { list, 1 } };
	struct network_wish w = { 0 };
	bool is_changed = false;

	CHECK_EQ(network_read_wish(&o, false, &c, &w, &is_changed, NULL), 0);
	CHECK_EQ(w.networks.n, 1);
	CHECK_STR(w.networks.v[0], "lan");
	CHECK_EQ(w.publish.n, 0);
	arena_fini(&c.arena);
}

static void test_contradictions(void)
{
	static const struct {
		const char *network, *publish, *path;
		bool has_ns, is_rootless;
		int rc;
		const char *text;
	} cases[] = {
		{ "a", NULL, NULL, true, false, 0, "" },
		{ "a", "80:80", NULL, true, false, 0, "" },
		{ "none", NULL, NULL, true, false, 0, "" },
		{ "host", NULL, "/x", true, false, 0, "" },
		{ "a", NULL, NULL, false, false, -EINVAL, "has none" },
		{ "a", NULL, "/x", true, false, -EINVAL, "one by path" },
		{ "a", NULL, NULL, true, true, -EPERM, "root's rights" },
		{ "none", NULL, NULL, false, false, -EINVAL, "'none' needs" },
		{ "none,a", NULL, NULL, true, false, -EINVAL, "excludes" },
		{ "a,host", NULL, NULL, true, false, -EINVAL, "excludes" },
		{ "none", "80:80", NULL, true, false, -EINVAL,
		  "annotation 'org.bivalve.publish' needs a network" },
		{ "", "80:80", NULL, true, false, -EINVAL, "needs a network" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct config_annotation a[] = { { "org.bivalve.network", cases[i].network },
						 { "org.bivalve.publish", cases[i].publish } };
		struct config c = with_namespace(a, cases[i].publish ? 2 : 1);
		const struct network_wish none = { 0 };
		struct network_wish w = { 0 };
		struct err err = ERR_INIT;
		bool is_changed = false;

		c.linux_.namespaces[NS_NETWORK] =
		    (struct config_ns){ cases[i].has_ns, cases[i].path };
		CHECK_EQ(network_read_wish(&none, cases[i].is_rootless, &c, &w, &is_changed, &err),
			 cases[i].rc);
		CHECK(strstr(err.msg, cases[i].text));
		CHECK_EQ(is_changed, strcmp(cases[i].network, "host") == 0);
		arena_fini(&c.arena);
	}
}

TEST_MAIN(TEST(test_annotation_lists), TEST(test_options_hide_annotations),
	  TEST(test_contradictions))
