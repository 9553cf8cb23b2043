/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose rights a worker thread uses. The guest's kernel has checked permissions (the driver sets
 * default_permissions), so most requests run with the rights of this process. What is created takes
 * the caller's ids; and where the kernel would clear set-user-id bits for an unprivileged writer,
 * the thread gives up CAP_FSETID for that call.
 *
 * All of it is per thread: raw system calls and a struct of the thread's own.
 * Source: credentials(7), capabilities(7) "Effect of user ID changes on capabilities".
 */
#ifndef BIVALVE_VMMODE_VIRTIO_FS_CREDS_H
#define BIVALVE_VMMODE_VIRTIO_FS_CREDS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "spec/base/cleanup.h"

struct fs_creds {
	uint64_t caps;      /* effective, as the thread began */
	bool is_privileged; /* CAP_SETUID and CAP_SETGID: may take the guest's ids */
	uid_t uid;          /* of the process */
	gid_t gid;
	mode_t umask; /* of the thread alone */
};

/* Whom to be. */
struct fs_caller {
	uid_t uid;
	gid_t gid;
	bool has_group; /* one supplementary group: that of the folder, when the caller is in it */
	gid_t group;
};

/*
 * fs_creds_init - makes the calling thread's umask its own (0) and drops supplementary groups.
 * Returns 0 or -errno of unshare(2) or capget(2).
 */
MUST_CHECK int fs_creds_init(struct fs_creds *c);

/* fs_creds_umask - sets the thread's umask; folders with default ACLs ignore it (acl(5)). */
void fs_creds_umask(struct fs_creds *c, mode_t umask);

/*
 * fs_creds_become - takes the ids of @who until fs_creds_return(); CAP_DAC_OVERRIDE is kept, as the
 * guest has checked the folder's permissions. Without privilege it does nothing.
 * Returns 0; -EPERM the ids cannot be taken (not mapped in this user namespace).
 */
MUST_CHECK int fs_creds_become(const struct fs_creds *c, const struct fs_caller *who);
void fs_creds_return(const struct fs_creds *c, const struct fs_caller *who);

/* fs_creds_drop_fsetid - gives up CAP_FSETID until fs_creds_restore(). Returns 0 or -errno. */
MUST_CHECK int fs_creds_drop_fsetid(const struct fs_creds *c);
void fs_creds_restore(const struct fs_creds *c);

#endif
