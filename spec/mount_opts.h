/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options of one mount, read into what mount(2) and mount_setattr(2) take. Options apply in
 * their order: of "ro","rw" the last wins, so set and clear never share a bit. What no table knows
 * is data for the file system, in order, separated by commas.
 * Source: OCI config.md, "Linux mount options"; mount(8); mount_setattr(2).
 */
#ifndef BIVALVE_SPEC_MOUNT_OPTS_H
#define BIVALVE_SPEC_MOUNT_OPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spec/base/err.h"
#include "spec/base/str.h"

/* For struct mount_attr. A change of the atime mode has all of MOUNT_ATTR__ATIME in clear. */
struct mount_attrs {
	uint64_t set, clear; /* MOUNT_ATTR_* */
};

enum mount_idmap { MOUNT_IDMAP_NONE, MOUNT_IDMAP_PLAIN, MOUNT_IDMAP_RECURSIVE };

/* More propagation options than this on one mount are refused. */
enum { MOUNT_PROPAGATIONS_MAX = 8 };

struct mount_opts {
	unsigned long flags_set;   /* MS_*, also MS_REMOUNT; without MS_BIND, MS_REC, propagation */
	unsigned long flags_clear; /* MS_* that were asked to be off ("rw", "suid", ...) */
	struct mount_attrs attrs;  /* the per-mount part of the flags above (for bind mounts) */
	struct mount_attrs rec_attrs; /* "rro", "rnosuid", ...: with AT_RECURSIVE, after attrs */
	/* In order, each one mount(2) call: MS_SHARED ... [| MS_REC]. */
	unsigned long propagations[MOUNT_PROPAGATIONS_MAX];
	size_t n_propagations;
	bool is_bind;
	bool is_rbind; /* is_bind is true as well */
	bool has_tmpcopyup;
	bool has_copy_symlink;  /* the source link itself is made anew, not what it points at */
	bool has_src_nofollow;  /* the source's last part may be a link, which is mounted */
	bool has_dest_nofollow; /* the same for the destination */
	enum mount_idmap idmap; /* "idmap", "ridmap", or "idmap=..." (plain) */
	char *idmap_spec;       /* owned; behind "idmap=": "uids=0-1000-1#...;gids=..."; or NULL */
	char *data;             /* owned; NULL when there is none */
};

/*
 * mount_options_parse - gives @out (mount_opts_fini); on an error @out is left as it was.
 * Returns 0; -EINVAL, the text names the option; -ENOMEM.
 */
MUST_CHECK int mount_options_parse(const struct strv *list, struct mount_opts *out,
				   struct err *err);
void mount_opts_fini(struct mount_opts *o);
#define auto_mount_opts auto_cleanup(mount_opts_fini)

/* mount_option_name - the @i-th known option, sorted; NULL behind the last. */
const char *mount_option_name(size_t i);

#endif
