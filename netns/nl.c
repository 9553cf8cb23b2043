// SPDX-License-Identifier: GPL-2.0-or-later
/* Netlink sockets and batches: knows framing, acknowledgements and error texts, no family. */
#include "netns/nl.h"

#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/netfilter/nfnetlink.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

enum { BATCH_MIN = 2 * NL_MSG_MAX, ENTRIES_MIN = 16, RECV_MAX = 65536 };

struct nl_entry {
	size_t off;
	struct nl_note note;
};

/* What is known of the answer to a batch. */
struct outcome {
	const struct nl_batch *batch;
	uint32_t first_seq, last_seq;
	int code; /* the first failure */
	bool done;
	struct err *err;
};

static size_t align4(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

/* The attribute at @p, or NULL when it does not fit before @end. */
static const struct nlattr *attr_at(const char *p, const char *end)
{
	const struct nlattr *a = (const struct nlattr *)(const void *)p;

	return p < end && mnl_attr_ok(a, (int)(end - p)) ? a : NULL;
}

static const char *tail_of(const struct nlmsghdr *msg)
{
	return (const char *)msg + msg->nlmsg_len;
}

static const char *behind(const struct nlattr *a)
{
	return (const char *)a + align4(a->nla_len);
}

const struct nlattr *nl_attr_first(const struct nlmsghdr *msg, size_t skip)
{
	return attr_at((const char *)msg + sizeof(*msg) + align4(skip), tail_of(msg));
}

const struct nlattr *nl_attr_next(const struct nlmsghdr *msg, const struct nlattr *a)
{
	return attr_at(behind(a), tail_of(msg));
}

const struct nlattr *nl_nested_first(const struct nlattr *nest)
{
	return attr_at(mnl_attr_get_payload(nest), (const char *)nest + nest->nla_len);
}

const struct nlattr *nl_nested_next(const struct nlattr *nest, const struct nlattr *a)
{
	return attr_at(behind(a), (const char *)nest + nest->nla_len);
}

static int socket_in(int netns_fd, int protocol, struct mnl_socket **out, struct err *err)
{
	auto_close int self_fd = -1;
	struct mnl_socket *s;
	int saved;

	if (netns_fd >= 0) {
		self_fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
		if (self_fd < 0)
			return err_sys(err, "open '/proc/thread-self/ns/net'");
		if (setns(netns_fd, CLONE_NEWNET) < 0)
			return err_sys(err, "enter network namespace");
	}
	s = mnl_socket_open2(protocol, SOCK_CLOEXEC);
	saved = errno;
	if (netns_fd >= 0 && setns(self_fd, CLONE_NEWNET) < 0)
		abort();
	errno = saved;
	if (!s)
		return err_sys(err, "open netlink socket");
	*out = s;
	return 0;
}

int nl_open(int netns_fd, int protocol, struct nl *out, struct err *err)
{
	static const int options[] = {
		NETLINK_EXT_ACK,        /* the kernel's own words about an error */
		NETLINK_CAP_ACK,        /* do not send the request back */
		NETLINK_GET_STRICT_CHK, /* filter dumps by interface */
	};
	struct mnl_socket *s = NULL;
	int one = 1;
	int rc;

	rc = socket_in(netns_fd, protocol, &s, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		(void)setsockopt(mnl_socket_get_fd(s), SOL_NETLINK, options[i], &one, sizeof(one));
	out->sock = s;
	out->seq = 1;
	return 0;
}

void nl_close(struct nl *nl)
{
	int saved = errno;

	if (nl->sock)
		(void)mnl_socket_close(nl->sock);
	nl->sock = NULL;
	errno = saved;
}

void nl_close_later(struct nl *nl)
{
	struct io_uring_params params = { 0 };
	int saved = errno;
	int ring_fd;
	int fd;

	if (!nl->sock)
		return;
	/* The ring becomes the last owner of the socket, and a worker of the kernel's frees a ring:
	 * neither this process nor its exit waits. */
	fd = mnl_socket_get_fd(nl->sock);
	ring_fd = (int)syscall(SYS_io_uring_setup, 1, &params);
	if (ring_fd >= 0) {
		(void)syscall(SYS_io_uring_register, ring_fd, IORING_REGISTER_FILES, &fd, 1);
		nl_close(nl);
		(void)close(ring_fd);
	}
	nl_close(nl);
	errno = saved;
}

int nl_batch_init(struct nl_batch *b, struct err *err)
{
	*b = (struct nl_batch)NL_BATCH_INIT;
	b->data = calloc(1, BATCH_MIN);
	b->entries = malloc(ENTRIES_MIN * sizeof(*b->entries));
	if (!b->data || !b->entries) {
		nl_batch_fini(b);
		return err_code(err, -ENOMEM, "prepare netlink messages");
	}
	b->cap = BATCH_MIN;
	b->cap_entries = ENTRIES_MIN;
	return 0;
}

void nl_batch_fini(struct nl_batch *b)
{
	int saved = errno;

	free(b->data);
	free(b->entries);
	*b = (struct nl_batch)NL_BATCH_INIT;
	errno = saved;
}

/* Counts in the message that was begun last. */
static void finish_last(struct nl_batch *b)
{
	if (b->n && b->last == b->len) {
		const struct nlmsghdr *h = (const struct nlmsghdr *)(void *)(b->data + b->last);

		b->len += align4(h->nlmsg_len);
	}
}

void nl_batch_clear(struct nl_batch *b)
{
	finish_last(b);
	if (b->data)
		memset(b->data, 0, b->len);
	b->len = b->n = b->last = 0;
	b->failed = false;
}

static bool make_room(struct nl_batch *b)
{
	if (b->cap - b->len < NL_MSG_MAX) {
		char *p = realloc(b->data, b->cap * 2);

		if (!p)
			return false;
		memset(p + b->cap, 0, b->cap);
		b->data = p;
		b->cap *= 2;
	}
	if (b->n == b->cap_entries) {
		size_t cap = b->cap_entries ? b->cap_entries * 2 : ENTRIES_MIN;
		struct nl_entry *p = realloc(b->entries, cap * sizeof(*b->entries));

		if (!p)
			return false;
		b->entries = p;
		b->cap_entries = cap;
	}
	return true;
}

struct nlmsghdr *nl_add(struct nl_batch *b, uint16_t type, uint16_t flags,
			const struct nl_note *note)
{
	struct nlmsghdr *h;

	finish_last(b);
	if (!make_room(b)) {
		b->failed = true;
		b->len = b->n = 0; /* what was built is lost; nl_talk() will say why */
	}
	b->last = b->len;
	b->entries[b->n++] = (struct nl_entry){ .off = b->len, .note = *note };
	h = mnl_nlmsg_put_header(b->data + b->len);
	h->nlmsg_type = type;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	return h;
}

const void *nl_bytes(struct nl_batch *b, size_t *out_len)
{
	finish_last(b);
	*out_len = b->len;
	return b->data;
}

static struct nlmsghdr *message_at(const struct nl_batch *b, size_t i)
{
	return (struct nlmsghdr *)(void *)(b->data + b->entries[i].off);
}

/* Numbers the messages and asks for an acknowledgement of the last one. */
static void stamp(struct nl *nl, const struct nl_batch *b, struct outcome *o)
{
	o->first_seq = nl->seq;
	o->last_seq = nl->seq;
	for (size_t i = 0; i < b->n; i++) {
		struct nlmsghdr *h = message_at(b, i);

		h->nlmsg_seq = nl->seq++;
		/* The end of an nf_tables batch is not a request that is answered. */
		if (h->nlmsg_type != NFNL_MSG_BATCH_END)
			o->last_seq = h->nlmsg_seq;
	}
	message_at(b, o->last_seq - o->first_seq)->nlmsg_flags |= NLM_F_ACK;
}

static int send_batch(struct nl *nl, struct nl_batch *b, struct err *err)
{
	int fd = mnl_socket_get_fd(nl->sock);
	size_t len;
	const void *data = nl_bytes(b, &len);

	if (b->failed)
		return err_code(err, -ENOMEM, "prepare netlink messages");
	if (len > 131072) {
		/* A message lives in one buffer of the kernel's; the default is 208 KiB. */
		int size = len > INT32_MAX / 4 ? INT32_MAX : (int)len * 2;

		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	}
	if (mnl_socket_sendto(nl->sock, data, len) < 0)
		return err_sys(err, "%s '%s'", b->entries[0].note.verb, b->entries[0].note.object);
	return 0;
}

/* One datagram from the kernel; others' are dropped. Returns its length or -errno. */
static ssize_t receive(struct nl *nl, void *buf, size_t len)
{
	for (;;) {
		struct sockaddr_nl from = { 0 };
		struct iovec iov = { .iov_base = buf, .iov_len = len };
		struct msghdr msg = {
			.msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &iov,
			.msg_iovlen = 1,
		};
		ssize_t n = recvmsg(mnl_socket_get_fd(nl->sock), &msg, MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -EPROTO : -errno;
		if (msg.msg_flags & MSG_TRUNC)
			return -ENOSPC;
		if (from.nl_pid == 0)
			return n;
	}
}

/* The kernel's words in an error message, or NULL. */
static const char *extack_text(const struct nlmsghdr *h)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);
	size_t skip = sizeof(*e);
	const struct nlattr *a;

	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
		return NULL;
	if (!(h->nlmsg_flags & NLM_F_CAPPED)) {
		if (e->msg.nlmsg_len < sizeof(e->msg) || e->msg.nlmsg_len > h->nlmsg_len)
			return NULL;
		skip += align4(e->msg.nlmsg_len) - sizeof(e->msg);
	}
	if (skip > mnl_nlmsg_get_payload_len(h))
		return NULL;
	for (a = nl_attr_first(h, skip); a; a = nl_attr_next(h, a)) {
		if (mnl_attr_get_type(a) == NLMSGERR_ATTR_MSG &&
		    mnl_attr_validate(a, MNL_TYPE_NUL_STRING) == 0)
			return mnl_attr_get_str(a);
	}
	return NULL;
}

static int note_error(struct err *err, const struct nl_note *note, int code,
		      const struct nlmsghdr *h)
{
	const char *text = h ? extack_text(h) : NULL;

	errno = -code;
	if (text)
		return err_set(err, code, "%s '%s': %m (%s)", note->verb, note->object, text);
	return err_set(err, code, "%s '%s': %m", note->verb, note->object);
}

/* Takes one acknowledgement into account. */
static void take_ack(struct outcome *o, const struct nlmsghdr *h)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);
	size_t i = h->nlmsg_seq - o->first_seq;
	const struct nl_note *note;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*e) || i >= o->batch->n)
		return;
	note = &o->batch->entries[i].note;
	if (h->nlmsg_seq == o->last_seq)
		o->done = true;
	/* The answer to the opening of an nf_tables batch is about the whole of it, and may be the
	 * only one. */
	if (e->error && message_at(o->batch, i)->nlmsg_type == NFNL_MSG_BATCH_BEGIN)
		o->done = true;
	if (e->error && e->error != note->tolerate && !o->code)
		o->code = note_error(o->err, note, e->error, h);
}

int nl_talk(struct nl *nl, struct nl_batch *b, struct err *err)
{
	struct outcome o = { .batch = b, .err = err };
	char answer[4096] __attribute__((aligned(NLMSG_ALIGNTO)));
	int rc;

	if (b->n == 0)
		return 0;
	finish_last(b);
	stamp(nl, b, &o);
	rc = send_batch(nl, b, err);
	if (rc < 0)
		return rc;
	while (!o.done) {
		ssize_t n = receive(nl, answer, sizeof(answer));
		int left = (int)n;

		if (n < 0)
			return o.code ? o.code
				      : note_error(err, &b->entries[b->n - 1].note, (int)n, NULL);
		for (const struct nlmsghdr *h = (const void *)answer; mnl_nlmsg_ok(h, left);
		     h = mnl_nlmsg_next(h, &left)) {
			if (h->nlmsg_type == NLMSG_ERROR)
				take_ack(&o, h);
		}
	}
	return o.code;
}

/* One message of a query's answer. Returns 1 to go on, 0 when it was the last, or -errno. */
static int take_answer(const struct nlmsghdr *h, nl_message_fn fn, void *data)
{
	int rc;

	if (h->nlmsg_flags & NLM_F_DUMP_INTR)
		return -EAGAIN;
	if (h->nlmsg_type == NLMSG_DONE)
		return 0;
	if (h->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

		return mnl_nlmsg_get_payload_len(h) < sizeof(*e) ? -EPROTO : e->error;
	}
	rc = fn(h, data);
	if (rc < 0)
		return rc;
	return (h->nlmsg_flags & NLM_F_MULTI) ? 1 : 0;
}

int nl_query(struct nl *nl, struct nl_batch *b, nl_message_fn fn, void *data, struct err *err)
{
	auto_free char *answer = malloc(RECV_MAX);
	uint32_t seq = nl->seq++;
	int rc;

	if (!answer)
		return err_code(err, -ENOMEM, "read netlink answer");
	message_at(b, 0)->nlmsg_seq = seq;
	rc = send_batch(nl, b, err);
	if (rc < 0)
		return rc;
	for (rc = 1; rc > 0;) {
		ssize_t n = receive(nl, answer, RECV_MAX);
		int left = (int)n;

		if (n < 0) {
			rc = (int)n;
			break;
		}
		for (const struct nlmsghdr *h = (const void *)answer;
		     rc > 0 && mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
			if (h->nlmsg_seq == seq)
				rc = take_answer(h, fn, data);
		}
	}
	if (rc < 0)
		return note_error(err, &b->entries[0].note, rc, NULL);
	return 0;
}
