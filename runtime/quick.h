/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `run --rootfs DIR`: a config without a bundle. It is the config of `bivalve spec` with what the
 * options say, and from then on a config as any other.
 */
#ifndef BIVALVE_RUNTIME_QUICK_H
#define BIVALVE_RUNTIME_QUICK_H

#include "runtime/app.h"
#include "spec/base/err.h"
#include "spec/base/str.h"
#include "spec/config.h"

struct quick_options {
	const char *rootfs;
	struct strv env; /* NAME=VALUE, or NAME: the caller's value */
	const char *cwd;
	const char *user; /* UID[:GID], numbers or names of the rootfs */
	struct strv volumes;
	const char *memory, *cpus, *pids_limit;
	const char *hostname;
	bool read_only;
	bool tty;
};

/* quick_any - an option is given that only makes sense with --rootfs; gives its name or NULL. */
const char *quick_any(const struct quick_options *o);

/*
 * quick_config - gives @out (config_fini). @args: the program; empty: a shell.
 * Errors name the option.
 */
MUST_CHECK int quick_config(const struct app *app, const struct quick_options *o, const char *id,
			    const struct strv *args, struct config *out, struct err *err);

/*
 * quick_parse_user - "UID[:GID]" with names and primary groups from the /etc/passwd and /etc/group
 * below @root_fd, which are the image's: they are read with bounds, and no link leads out.
 */
MUST_CHECK int quick_parse_user(int root_fd, const char *text, uint32_t *out_uid, uint32_t *out_gid,
				struct err *err);

#endif
