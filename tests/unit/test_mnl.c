// SPDX-License-Identifier: GPL-2.0-or-later
/* Our functions of libmnl against those of the shared library: the same bytes, the same answers. */
#include <dlfcn.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <string.h>
#include <unistd.h>

#include "spec/base/str.h"
#include "tests/unit/test.h"

/* Both sides of every function that is compared. */
#define FUNCTIONS(X)                                                                               \
	X(mnl_nlmsg_put_header)                                                                    \
	X(mnl_nlmsg_put_extra_header)                                                              \
	X(mnl_nlmsg_get_payload)                                                                   \
	X(mnl_nlmsg_get_payload_len)                                                               \
	X(mnl_nlmsg_ok)                                                                            \
	X(mnl_nlmsg_next)                                                                          \
	X(mnl_attr_get_type)                                                                       \
	X(mnl_attr_get_payload_len)                                                                \
	X(mnl_attr_get_payload)                                                                    \
	X(mnl_attr_get_u8)                                                                         \
	X(mnl_attr_get_u16)                                                                        \
	X(mnl_attr_get_u32)                                                                        \
	X(mnl_attr_get_u64)                                                                        \
	X(mnl_attr_get_str)                                                                        \
	X(mnl_attr_ok)                                                                             \
	X(mnl_attr_next)                                                                           \
	X(mnl_attr_type_valid)                                                                     \
	X(mnl_attr_validate)                                                                       \
	X(mnl_attr_parse)                                                                          \
	X(mnl_attr_parse_nested)                                                                   \
	X(mnl_attr_put)                                                                            \
	X(mnl_attr_put_u8)                                                                         \
	X(mnl_attr_put_u16)                                                                        \
	X(mnl_attr_put_u32)                                                                        \
	X(mnl_attr_put_u64)                                                                        \
	X(mnl_attr_put_str)                                                                        \
	X(mnl_attr_put_strz)                                                                       \
	X(mnl_attr_nest_start)                                                                     \
	X(mnl_attr_nest_end)

struct functions {
#define MEMBER(name) __typeof__(&(name)) name;
	FUNCTIONS(MEMBER)
};

#define OURS(name) .name = (name),
static const struct functions ours = { FUNCTIONS(OURS) };

static bool load(struct functions *out)
{
	void *lib = dlopen("libmnl.so.0", RTLD_NOW | RTLD_LOCAL);
	bool ok = lib;

#define FIND(name)                                                                                 \
	if (ok) {                                                                                  \
		void *p = dlsym(lib, #name);                                                       \
		ok = p;                                                                            \
		memcpy(&out->name, &p, sizeof(p));                                                 \
	}
	FUNCTIONS(FIND)
	return ok;
}

static const struct functions *shared_library(void)
{
	static struct functions f;
	static bool is_loaded;

	if (!is_loaded && !load(&f)) {
		printf("Bail out! libmnl.so.0: %s\n", dlerror());
		exit(1);
	}
	is_loaded = true;
	return &f;
}

enum { MESSAGE_MAX = 512 };

union message {
	char bytes[MESSAGE_MAX];
	struct nlmsghdr head;
};

static void build(const struct functions *f, union message *out)
{
	struct nlmsghdr *h;
	struct nlattr *nest;
	struct nlattr *inner;
	char *extra;

	memset(out, 0, sizeof(*out));
	h = f->mnl_nlmsg_put_header(out);
	h->nlmsg_type = 16;
	extra = f->mnl_nlmsg_put_extra_header(h, 5);
	memcpy(extra, "hello", 5);
	f->mnl_attr_put(h, 1, 0, NULL);
	f->mnl_attr_put(h, 2, 7, "7 bytes");
	nest = f->mnl_attr_nest_start(h, 3);
	f->mnl_attr_put_u8(h, 4, 0x12);
	f->mnl_attr_put_u16(h, 5, 0x1234);
	inner = f->mnl_attr_nest_start(h, 6);
	f->mnl_attr_put_u32(h, 7, 0x12345678);
	f->mnl_attr_put_u64(h, 8, 0x123456789abcdef0);
	f->mnl_attr_nest_end(h, inner);
	f->mnl_attr_nest_end(h, nest);
	f->mnl_attr_put_str(h, 9, "text");
	f->mnl_attr_put_strz(h, 10, "text");
}

static void test_build(void)
{
	const struct functions *theirs = shared_library();
	union message a;
	union message b;

	build(&ours, &a);
	build(theirs, &b);
	CHECK_EQ(a.head.nlmsg_len, b.head.nlmsg_len);
	CHECK(memcmp(&a, &b, sizeof(a)) == 0);
}

struct seen {
	const struct functions *f;
	char text[1024];
	size_t len;
	int stop_at; /* a type; 0 = none */
};

static void note(struct seen *s, int type, int len, unsigned long long value)
{
	int n =
	    snprintf(s->text + s->len, sizeof(s->text) - s->len, "%d:%d:%llx ", type, len, value);

	s->len += n > 0 ? (size_t)n : 0;
}

static int see(const struct nlattr *a, void *data)
{
	struct seen *s = data;
	uint16_t type = s->f->mnl_attr_get_type(a);
	uint16_t len = s->f->mnl_attr_get_payload_len(a);
	unsigned long long value = 0;

	if (len == 1)
		value = s->f->mnl_attr_get_u8(a);
	else if (len == 2)
		value = s->f->mnl_attr_get_u16(a);
	else if (len == 4)
		value = s->f->mnl_attr_get_u32(a);
	else if (len == 8 && type == 8)
		value = s->f->mnl_attr_get_u64(a);
	note(s, type, len, value);
	if (type == 10)
		CHECK_STR(s->f->mnl_attr_get_str(a), "text");
	if (type == 3 || type == 6)
		return s->f->mnl_attr_parse_nested(a, see, data);
	return type == s->stop_at ? MNL_CB_STOP : MNL_CB_OK;
}

static void test_parse(void)
{
	const struct functions *theirs = shared_library();
	union message m;

	build(theirs, &m);
	for (int stop_at = 0; stop_at <= 10; stop_at++) {
		struct seen a = { .f = &ours, .stop_at = stop_at };
		struct seen b = { .f = theirs, .stop_at = stop_at };

		CHECK_EQ(ours.mnl_attr_parse(&m.head, 5, see, &a),
			 theirs->mnl_attr_parse(&m.head, 5, see, &b));
		CHECK_STR(a.text, b.text);
	}
}

/* Messages and attributes of every length that is claimed and that is there. */
static void test_bounds(void)
{
	const struct functions *theirs = shared_library();
	union message m = { { 0 } };
	struct nlattr a = { 0 };

	for (int claimed = 0; claimed < 40; claimed++) {
		for (int there = -4; there < 40; there++) {
			m.head.nlmsg_len = (uint32_t)claimed;
			a.nla_len = (uint16_t)claimed;
			CHECK_EQ(ours.mnl_nlmsg_ok(&m.head, there),
				 theirs->mnl_nlmsg_ok(&m.head, there));
			CHECK_EQ(ours.mnl_attr_ok(&a, there), theirs->mnl_attr_ok(&a, there));
		}
		int x = 100;
		int y = 100;

		CHECK(ours.mnl_nlmsg_next(&m.head, &x) == theirs->mnl_nlmsg_next(&m.head, &y));
		CHECK_EQ(x, y);
		CHECK(ours.mnl_attr_next(&a) == theirs->mnl_attr_next(&a));
		CHECK_EQ(ours.mnl_nlmsg_get_payload_len(&m.head),
			 theirs->mnl_nlmsg_get_payload_len(&m.head));
		CHECK(ours.mnl_nlmsg_get_payload(&m.head) ==
		      theirs->mnl_nlmsg_get_payload(&m.head));
		CHECK(ours.mnl_attr_get_payload(&a) == theirs->mnl_attr_get_payload(&a));
	}
}

static void test_validate(void)
{
	const struct functions *theirs = shared_library();
	for (int type = 0; type <= MNL_TYPE_MAX + 1; type++) {
		for (int len = 0; len < 20; len++) {
			for (int last = 0; last < 2; last++) {
				union message m = { { 0 } };
				struct nlattr *a = (struct nlattr *)(void *)m.bytes;
				int rc;
				int error;

				a->nla_len = (uint16_t)(sizeof(*a) + (size_t)len);
				memset(a + 1, 'x', (size_t)len);
				if (len)
					((char *)(a + 1))[len - 1] = (char)(last * 'x');
				errno = 0;
				rc = ours.mnl_attr_validate(a, (enum mnl_attr_data_type)type);
				error = errno;
				errno = 0;
				CHECK_EQ(rc, theirs->mnl_attr_validate(
						 a, (enum mnl_attr_data_type)type));
				CHECK_EQ(error, errno);
				a->nla_type = (uint16_t)len;
				CHECK_EQ(ours.mnl_attr_type_valid(a, 7),
					 theirs->mnl_attr_type_valid(a, 7));
			}
		}
	}
}

static void test_socket(void)
{
	struct nlmsghdr done = { .nlmsg_len = sizeof(done), .nlmsg_type = NLMSG_NOOP };
	struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

	CHECK(s != NULL);
	if (!s)
		return;
	CHECK(mnl_socket_get_fd(s) >= 0);
	CHECK_EQ(mnl_socket_sendto(s, &done, sizeof(done)), (ssize_t)sizeof(done));
	CHECK_EQ(mnl_socket_close(s), 0);
	errno = 0;
	CHECK(mnl_socket_open2(9999, 0) == NULL);
	CHECK(errno != 0);
}

TEST_MAIN(TEST(test_build), TEST(test_parse), TEST(test_bounds), TEST(test_validate),
	  TEST(test_socket))
