/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kinds of namespaces: their names and clone flags, and joining existing ones. Index
 * everywhere: enum config_ns_kind, whose order is that of joining.
 */
#ifndef BIVALVE_NAMESPACES_NS_H
#define BIVALVE_NAMESPACES_NS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "spec/base/err.h"
#include "spec/config.h"

struct ns_kind_info {
	const char *type; /* linux.namespaces[].type */
	const char *file; /* below /proc/PID/ns */
	uint64_t clone_flag;
};

const struct ns_kind_info *ns_kind_info(enum config_ns_kind kind);

/* Descriptors of the namespaces that linux.namespaces gives by path; -1: not joined. */
struct ns_joins {
	int fds[NS_KINDS]; /* owned */
};

#define NS_JOINS_INIT                                                                              \
	{                                                                                          \
		{                                                                                  \
			-1, -1, -1, -1, -1, -1, -1, -1                                             \
		}                                                                                  \
	}

/*
 * ns_joins_open - opens every given path and checks that it is a namespace of its type.
 * A user namespace that the caller is in already is left out: it cannot be joined (setns(2)).
 * Errors name /linux/namespaces (by type: the model keeps no index); -EINVAL: not such a namespace.
 */
MUST_CHECK int ns_joins_open(const struct config *c, struct ns_joins *out, struct err *err);
void ns_joins_close(struct ns_joins *j);
#define auto_ns_joins auto_cleanup(ns_joins_close)

/* ns_join - setns(2) into joined namespace @kind; nothing when there is none. */
MUST_CHECK int ns_join(const struct config *c, const struct ns_joins *j, enum config_ns_kind kind,
		       struct err *err);

/* ns_flags - CLONE_NEW* of the namespaces that @c makes. */
uint64_t ns_flags(const struct config *c);

/*
 * ns_enter_flags - CLONE_NEW* of the namespaces in which @c's init, process @pid, differs from the
 * caller. A user namespace that the caller is in already is left out: it cannot be entered.
 */
uint64_t ns_enter_flags(const struct config *c, pid_t pid);

/*
 * ns_set_time_offsets - writes the offsets of the time namespace that the caller's children will be
 * in. @proc_fd: from procfs_open(). Errors name /linux/timeOffsets. Source: time_namespaces(7).
 */
MUST_CHECK int ns_set_time_offsets(int proc_fd, const struct config *c, struct err *err);

/* ns_has_time_offsets - the config asks for some. */
bool ns_has_time_offsets(const struct config *c);

/* ns_loopback_up - brings up `lo` of the caller's (new) network namespace. */
MUST_CHECK int ns_loopback_up(struct err *err);

/* ns_set_names - hostname and domainname of the caller's UTS namespace. */
MUST_CHECK int ns_set_names(const struct config *c, struct err *err);

#endif
