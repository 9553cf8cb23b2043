/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bivalve-net among its own files: what main() has opened, and the table of verbs. */
#ifndef BIVALVE_NETNS_PROGRAM_PROGRAM_H
#define BIVALVE_NETNS_PROGRAM_PROGRAM_H

#include "netns/net.h"
#include "netns/program/options.h"
#include "spec/base/buf.h"

struct program {
	int root_fd; /* every container's state folder is below it */
	int dir_fd;  /* that of the container at hand; -1: none. See netns/helper.h */
	int sock_fd; /* -1: none */
	struct net_store store;
};

/* main() gives a verb a zeroed struct of options of at most this size. */
enum { VERB_OPTIONS_MAX_BYTES = 8192 };

struct verb {
	const char *name;
	const char *usage, *summary, *examples;
	const struct option_row *rows;
	int min_args, max_args;
	bool answers; /* its result goes to the socket */
	int (*run)(struct program *p, const void *options, char **args, struct err *err);
};

/* What the runtime asks for, and what its user asks for by `bivalve network`. */
extern const struct verb runtime_verbs[];
extern const struct verb network_verbs[];

/* program_answer - the one reply of a verb that answers. @result: 0 or an error that @err tells. */
MUST_CHECK int program_answer(const struct program *p, int result, const struct err *err);

/* program_print - writes @text to stdout. */
MUST_CHECK int program_print(const struct buf *text, struct err *err);

#endif
