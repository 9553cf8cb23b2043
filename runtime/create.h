/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The making of a container: config, state folder, backend, hooks. `create` stops when its process
 * waits for `start`; `run` goes on until the program runs.
 *
 * Every step leaves enough on disk for `delete --force` after a SIGKILL: the state that names a
 * resource is written before the resource is made.
 */
#ifndef BIVALVE_RUNTIME_CREATE_H
#define BIVALVE_RUNTIME_CREATE_H

#include <stdbool.h>

#include "namespaces/launch.h"
#include "runtime/cli.h"
#include "runtime/container.h"
#include "runtime/network.h"
#include "spec/base/buf.h"

/* The options that create and run share. */
struct create_options {
	const char *bundle;
	const char *config_file;
	const char *console_socket;
	const char *pid_file;
	const char *pidfd_socket;
	const char *isolation;
	bool no_pivot;
	bool no_new_keyring;
	unsigned int preserve_fds;
	struct network_wish network;
};

enum { CREATE_OPTION_COUNT = 14 };
extern const struct cli_option create_option_rows[CREATE_OPTION_COUNT];

struct creation {
	const struct create_options *options; /* borrowed */
	bool is_run;                          /* go on until the program runs */
	bool is_foreground;                   /* the caller will wait: it gets a terminal itself */

	struct container c; /* owned; its config is the one of the new container */
	struct buf config_text;
	int bundle_fd; /* owned; -1: no bundle (run --rootfs) */
	struct network_wish network;
	struct network_job *network_job; /* owned; NULL: nothing to connect */
	struct ns_plan plan;
	bool has_plan;
	struct ns_child child;
	int start_fd;   /* owned: listening socket; -1 for run */
	int console_fd; /* owned: the pty's master, for a foreground run; -1: none */
	int notify_fd;  /* owned: the container's NOTIFY_SOCKET, for run; -1: none */
	bool has_notify;
	bool is_launched;
	bool is_sealed; /* final_self_protect() */
};

void creation_init(struct creation *cr, const struct app *app,
		   const struct create_options *options);
/* program_exit_code - 126 or 127, as a shell says that a program cannot be executed. */
int program_exit_code(int rc);

void creation_fini(struct creation *cr);
#define auto_creation auto_cleanup(creation_fini)

/* create_precheck - the descriptors of --preserve-fds and LISTEN_FDS are there. */
MUST_CHECK int create_check_fds(unsigned int preserve_fds, struct err *err);

/* listen_fds_count - LISTEN_FDS when it is meant for this process, else 0. sd_listen_fds(3). */
unsigned int listen_fds_count(void);

/*
 * create_load_bundle - reads the bundle's config into cr->c.config.
 * create_container   - makes container @id from it. On failure nothing is left.
 */
MUST_CHECK int create_load_bundle(struct creation *cr, struct err *err);
MUST_CHECK int create_container(struct creation *cr, const char *id, struct err *err);

#endif
