// SPDX-License-Identifier: GPL-2.0-or-later
/* Ends as `state` and `list` show them. */
#include "runtime/network_view.h"

#include "tests/unit/test.h"

static void add_end(struct net_ends *e, const char *network, const char *ip, const char *ip6)
{
	struct net_end *end = &e->end[e->n++];

	*end =
	    (struct net_end){ .if_name = "eth0", .port = "bvp1", .mac = { { 2, 0, 0, 0, 0, 1 } } };
	(void)snprintf(end->network, sizeof(end->network), "%s", network);
	CHECK_EQ(ip ? ip_prefix_parse(ip, &end->ip) : 0, 0);
	CHECK_EQ(ip6 ? ip_prefix_parse(ip6, &end->ip6) : 0, 0);
}

static void test_text(void)
{
	static const struct {
		const char *ip, *ip6, *want;
	} cases[] = {
		{ NULL, NULL, "-" }, /* a LAN, whose addresses others lease */
		{ "10.0.0.2/24", NULL, "10.0.0.2" },
		{ NULL, "fd00::2/64", "fd00::2" },
		{ "10.0.0.2/24", "fd00::2/64", "10.0.0.2,fd00::2" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_buf struct buf out = BUF_INIT;
		struct net_ends e = { .n = 0 };

		add_end(&e, "a", cases[i].ip, cases[i].ip6);
		network_view_text(&e, &out);
		CHECK_STR(buf_str(&out), cases[i].want);
	}
}

static void write_all(const struct net_ends *e, struct buf *out)
{
	struct json_writer w;

	json_writer_init(&w, out, JSON_COMPACT);
	json_write_object(&w, NULL);
	network_view_write(&w, e);
	json_write_end(&w);
	CHECK_EQ(json_writer_finish(&w), 0);
}

static void test_write(void)
{
	static const char *const ports[] = { "8080:80", "127.0.0.1:53:5353/udp",
					     "[::1]:90-91:9-10" };
	auto_buf struct buf none = BUF_INIT;
	auto_buf struct buf out = BUF_INIT;
	struct net_ends e = { .n = 0 };
	struct err err = ERR_INIT;

	write_all(&e, &none);
	CHECK_STR(buf_str(&none), "{}");
	add_end(&e, "a", "10.0.0.2/24", "fd00::2/64");
	add_end(&e, "b", NULL, NULL);
	e.end[0].is_published = true;
	for (size_t i = 0; i < ARRAY_LEN(ports); i++)
		CHECK_EQ(net_port_parse(ports[i], &e.ports[e.n_ports++], &err), 0);
	write_all(&e, &out);
	CHECK_STR(buf_str(&out),
		  "{\"networks\":[{\"network\":\"a\",\"interface\":\"eth0\",\"mac\":\"02:00:00:00:"
		  "00:01\","
		  "\"addresses\":[\"10.0.0.2/24\",\"fd00::2/64\"],\"ports\":[\"8080:80/tcp\","
		  "\"127.0.0.1:53:5353/udp\",\"[::1]:90-91:9-10/tcp\"]},{\"network\":\"b\","
		  "\"interface\":\"eth0\",\"mac\":\"02:00:00:00:00:01\",\"addresses\":[]}]}");
}

TEST_MAIN(TEST(test_text), TEST(test_write))
