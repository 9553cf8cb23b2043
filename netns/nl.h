/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Netlink: a socket in a chosen network namespace, and batches of requests that go out in one
 * sendto(2) and come back in one answer.
 *
 *   nl_batch_init(&b); nl_add(&b, RTM_NEWLINK, ...); mnl_attr_put...(); nl_add(...); ...
 *   nl_talk(&nl, &b, err);
 *
 * Only the last message asks for an acknowledgement: the kernel works through a batch in order, and
 * reports failures of earlier ones without being asked. rtnetlink goes on after a failed message
 * (so the caller undoes the whole step); nf_tables commits all of a batch or nothing. The kernel
 * answers before sendto(2) returns, so no call here ever waits.
 */
#ifndef BIVALVE_NETNS_NL_H
#define BIVALVE_NETNS_NL_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spec/base/err.h"

struct nl {
	struct mnl_socket *sock; /* owned */
	uint32_t seq;
};

#define NL_INIT                                                                                    \
	{                                                                                          \
		NULL, 0                                                                            \
	}

/*
 * nl_open - a netlink socket.
 * @netns_fd: the network namespace that it speaks for; -1 = the caller's
 * @protocol: NETLINK_ROUTE or NETLINK_NETFILTER
 *
 * With @netns_fd the calling thread enters that namespace and comes back; if it cannot come back
 * the process ends, for everything that it would do next would hit the wrong network.
 */
MUST_CHECK int nl_open(int netns_fd, int protocol, struct nl *out, struct err *err);
void nl_close(struct nl *nl);

#define auto_nl auto_cleanup(nl_close)

/*
 * nl_close_later - closes the socket without waiting. Closing an nf_tables socket waits until the
 * objects of earlier deletions, anybody's, are freed: an RCU grace period, some 15 milliseconds
 * (nft_rcv_nl_event()). Where io_uring may not be used this is nl_close().
 */
void nl_close_later(struct nl *nl);

#define auto_nl_later auto_cleanup(nl_close_later)

/* What a message does, for the error text: "VERB 'OBJECT'". Both are borrowed until nl_talk(). */
struct nl_note {
	const char *verb;
	const char *object;
	int tolerate; /* a negative errno that counts as success; 0 = none */
};

/* The most bytes that one message may grow to. Every page of a batch is a page fault of its user,
 * so it is not generous: 64 published ports take some 4.5 KiB. */
enum { NL_MSG_MAX = 8192 };

struct nl_batch {
	char *data; /* owned; zero behind the messages, for libmnl does not clear the padding */
	size_t len, cap;
	size_t last;              /* where the last message starts */
	struct nl_entry *entries; /* owned */
	size_t n, cap_entries;
	bool failed; /* out of memory; nl_talk() reports it */
};

#define NL_BATCH_INIT                                                                              \
	{                                                                                          \
		NULL, 0, 0, 0, NULL, 0, 0, false                                                   \
	}

MUST_CHECK int nl_batch_init(struct nl_batch *b, struct err *err);
void nl_batch_fini(struct nl_batch *b);

#define auto_nl_batch auto_cleanup(nl_batch_fini)

/* nl_batch_clear - no messages, memory kept. */
void nl_batch_clear(struct nl_batch *b);

/*
 * nl_add - begins a message; NLM_F_REQUEST is added to @flags.
 * Returns it for mnl_nlmsg_put_extra_header() and mnl_attr_put...(), valid until the next nl_add().
 * Never NULL: without memory the batch is marked as failed and scratch space is returned.
 */
struct nlmsghdr *nl_add(struct nl_batch *b, uint16_t type, uint16_t flags,
			const struct nl_note *note);

/* nl_bytes - the finished messages, for tests and for counting. Borrowed. */
const void *nl_bytes(struct nl_batch *b, size_t *out_len);

/*
 * nl_talk - sends the batch and collects the outcome.
 * Returns 0, or the first failure that its note does not tolerate, as "verb 'object': cause
 * (kernel's text)".
 */
MUST_CHECK int nl_talk(struct nl *nl, struct nl_batch *b, struct err *err);

/*
 * Walking through attributes, bounds checked; NULL at the end:
 *   for (a = nl_attr_first(msg, sizeof(family header)); a; a = nl_attr_next(msg, a))
 * and the same with nl_nested_...() for those inside an attribute.
 */
const struct nlattr *nl_attr_first(const struct nlmsghdr *msg, size_t skip);
const struct nlattr *nl_attr_next(const struct nlmsghdr *msg, const struct nlattr *a);
const struct nlattr *nl_nested_first(const struct nlattr *nest);
const struct nlattr *nl_nested_next(const struct nlattr *nest, const struct nlattr *a);

/* nl_message_fn - one message of an answer. Returns 0, or a negative errno that ends the query. */
typedef int (*nl_message_fn)(const struct nlmsghdr *msg, void *data);

/*
 * nl_query - sends the batch's single message and hands every message of the answer to @fn.
 * Returns 0; -EAGAIN when the kernel changed its tables meanwhile (dumps; ask again); or what the
 * kernel or @fn answered, e.g. -ENODEV.
 */
MUST_CHECK int nl_query(struct nl *nl, struct nl_batch *b, nl_message_fn fn, void *data,
			struct err *err);

#endif
