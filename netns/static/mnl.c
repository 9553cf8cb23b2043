// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Those functions of libmnl that netns/ and libnftnl call, for the static release: Debian ships
 * libmnl as a shared library alone. The interface and its rules are those of <libmnl/libmnl.h>;
 * tests/unit/test_mnl.c holds each function against the shared library's. The other variants (asan,
 * ...) are linked with the shared library.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The header's names for parameters are not ours; its functions give out pointers without the const
 * that they take. */
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name,performance-no-int-to-ptr)

/* Both headers are whole words. */
static const size_t msg_head = sizeof(struct nlmsghdr);
static const size_t attr_head = sizeof(struct nlattr);

static size_t align4(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

/* ---- messages ---- */

struct nlmsghdr *mnl_nlmsg_put_header(void *buf)
{
	struct nlmsghdr *h = buf;

	memset(buf, 0, msg_head);
	h->nlmsg_len = (uint32_t)msg_head;
	return h;
}

static char *tail_of(struct nlmsghdr *h)
{
	return (char *)h + align4(h->nlmsg_len);
}

void *mnl_nlmsg_put_extra_header(struct nlmsghdr *h, size_t size)
{
	char *p = (char *)h + h->nlmsg_len;
	size_t len = align4(size);

	h->nlmsg_len += (uint32_t)len;
	memset(p, 0, len);
	return p;
}

void *mnl_nlmsg_get_payload(const struct nlmsghdr *h)
{
	return (char *)(uintptr_t)h + msg_head;
}

size_t mnl_nlmsg_get_payload_len(const struct nlmsghdr *h)
{
	return h->nlmsg_len - msg_head;
}

bool mnl_nlmsg_ok(const struct nlmsghdr *h, int len)
{
	return len >= (int)sizeof(*h) && h->nlmsg_len >= sizeof(*h) && (int)h->nlmsg_len <= len;
}

struct nlmsghdr *mnl_nlmsg_next(const struct nlmsghdr *h, int *len)
{
	int step = (int)align4(h->nlmsg_len);

	*len -= step;
	return (struct nlmsghdr *)((uintptr_t)h + (uintptr_t)step);
}

/* ---- attributes, read ---- */

uint16_t mnl_attr_get_type(const struct nlattr *a)
{
	return a->nla_type & (uint16_t)NLA_TYPE_MASK;
}

uint16_t mnl_attr_get_payload_len(const struct nlattr *a)
{
	return (uint16_t)(a->nla_len - attr_head);
}

void *mnl_attr_get_payload(const struct nlattr *a)
{
	return (char *)(uintptr_t)a + attr_head;
}

uint8_t mnl_attr_get_u8(const struct nlattr *a)
{
	return *(const uint8_t *)mnl_attr_get_payload(a);
}

uint16_t mnl_attr_get_u16(const struct nlattr *a)
{
	uint16_t v;

	memcpy(&v, mnl_attr_get_payload(a), sizeof(v));
	return v;
}

uint32_t mnl_attr_get_u32(const struct nlattr *a)
{
	uint32_t v;

	memcpy(&v, mnl_attr_get_payload(a), sizeof(v));
	return v;
}

uint64_t mnl_attr_get_u64(const struct nlattr *a)
{
	uint64_t v; /* attributes are aligned to 4 bytes */

	memcpy(&v, mnl_attr_get_payload(a), sizeof(v));
	return v;
}

const char *mnl_attr_get_str(const struct nlattr *a)
{
	return mnl_attr_get_payload(a);
}

bool mnl_attr_ok(const struct nlattr *a, int len)
{
	return len >= (int)sizeof(*a) && a->nla_len >= sizeof(*a) && (int)a->nla_len <= len;
}

struct nlattr *mnl_attr_next(const struct nlattr *a)
{
	return (struct nlattr *)((uintptr_t)a + align4(a->nla_len));
}

int mnl_attr_type_valid(const struct nlattr *a, uint16_t max)
{
	if (mnl_attr_get_type(a) <= max)
		return 1;
	errno = EOPNOTSUPP;
	return -1;
}

static int refuse(int error)
{
	errno = error;
	return -1;
}

/* The exact length of a value; 0 = any. */
static size_t length_of(enum mnl_attr_data_type type)
{
	static const size_t bytes[MNL_TYPE_MAX] = {
		[MNL_TYPE_U8] = sizeof(uint8_t),     [MNL_TYPE_U16] = sizeof(uint16_t),
		[MNL_TYPE_U32] = sizeof(uint32_t),   [MNL_TYPE_U64] = sizeof(uint64_t),
		[MNL_TYPE_MSECS] = sizeof(uint64_t),
	};

	return bytes[type];
}

int mnl_attr_validate(const struct nlattr *a, enum mnl_attr_data_type type)
{
	size_t len = mnl_attr_get_payload_len(a);
	const char *text = mnl_attr_get_payload(a);

	if ((unsigned int)type >= MNL_TYPE_MAX)
		return refuse(EINVAL);
	if (length_of(type) && len != length_of(type))
		return refuse(ERANGE);
	if (type == MNL_TYPE_FLAG && len > 0)
		return refuse(ERANGE);
	if (type == MNL_TYPE_NUL_STRING && len == 0)
		return refuse(ERANGE);
	if (type == MNL_TYPE_NUL_STRING && text[len - 1] != '\0')
		return refuse(EINVAL);
	if (type == MNL_TYPE_STRING && len == 0)
		return refuse(ERANGE);
	if (type == MNL_TYPE_NESTED && len > 0 && len < attr_head)
		return refuse(ERANGE);
	return 0;
}

static int parse(const void *from, const char *end, mnl_attr_cb_t fn, void *data)
{
	int rc = MNL_CB_OK;

	for (const struct nlattr *a = from; mnl_attr_ok(a, (int)(end - (const char *)a));
	     a = mnl_attr_next(a)) {
		rc = fn(a, data);
		if (rc <= MNL_CB_STOP)
			break;
	}
	return rc;
}

int mnl_attr_parse(const struct nlmsghdr *h, unsigned int offset, mnl_attr_cb_t fn, void *data)
{
	const char *p = mnl_nlmsg_get_payload(h);

	return parse(p + align4(offset), (const char *)h + align4(h->nlmsg_len), fn, data);
}

int mnl_attr_parse_nested(const struct nlattr *nest, mnl_attr_cb_t fn, void *data)
{
	const char *p = mnl_attr_get_payload(nest);

	return parse(p, p + mnl_attr_get_payload_len(nest), fn, data);
}

/* ---- attributes, written; the caller has seen to the room ---- */

void mnl_attr_put(struct nlmsghdr *h, uint16_t type, size_t len, const void *data)
{
	struct nlattr *a = (struct nlattr *)(void *)tail_of(h);
	char *p = mnl_attr_get_payload(a);

	a->nla_type = type;
	a->nla_len = (uint16_t)(attr_head + len);
	if (len)
		memcpy(p, data, len);
	memset(p + len, 0, align4(len) - len);
	h->nlmsg_len += (uint32_t)align4(a->nla_len);
}

void mnl_attr_put_u8(struct nlmsghdr *h, uint16_t type, uint8_t data)
{
	mnl_attr_put(h, type, sizeof(data), &data);
}

void mnl_attr_put_u16(struct nlmsghdr *h, uint16_t type, uint16_t data)
{
	mnl_attr_put(h, type, sizeof(data), &data);
}

void mnl_attr_put_u32(struct nlmsghdr *h, uint16_t type, uint32_t data)
{
	mnl_attr_put(h, type, sizeof(data), &data);
}

void mnl_attr_put_u64(struct nlmsghdr *h, uint16_t type, uint64_t data)
{
	mnl_attr_put(h, type, sizeof(data), &data);
}

void mnl_attr_put_str(struct nlmsghdr *h, uint16_t type, const char *data)
{
	mnl_attr_put(h, type, strlen(data), data);
}

void mnl_attr_put_strz(struct nlmsghdr *h, uint16_t type, const char *data)
{
	mnl_attr_put(h, type, strlen(data) + 1, data);
}

struct nlattr *mnl_attr_nest_start(struct nlmsghdr *h, uint16_t type)
{
	struct nlattr *a = (struct nlattr *)(void *)tail_of(h);

	a->nla_type = NLA_F_NESTED | type;
	h->nlmsg_len += (uint32_t)align4(sizeof(*a));
	return a;
}

void mnl_attr_nest_end(struct nlmsghdr *h, struct nlattr *start)
{
	start->nla_len = (uint16_t)(tail_of(h) - (char *)start);
}

/* ---- sockets ---- */

struct mnl_socket {
	int fd;
};

struct mnl_socket *mnl_socket_open2(int bus, int flags)
{
	struct mnl_socket *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->fd = socket(AF_NETLINK, SOCK_RAW | flags, bus);
	if (s->fd < 0) {
		int saved = errno;

		free(s);
		errno = saved;
		return NULL;
	}
	return s;
}

int mnl_socket_get_fd(const struct mnl_socket *s)
{
	return s->fd;
}

ssize_t mnl_socket_sendto(const struct mnl_socket *s, const void *data, size_t len)
{
	static const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	return sendto(s->fd, data, len, 0, (const struct sockaddr *)&kernel, sizeof(kernel));
}

int mnl_socket_close(struct mnl_socket *s)
{
	int rc = close(s->fd);

	free(s);
	return rc;
}

// NOLINTEND(readability-inconsistent-declaration-parameter-name,performance-no-int-to-ptr)
