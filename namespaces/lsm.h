/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AppArmor profile and SELinux label of the next execve, in two steps:
 *
 *   lsm_open()   opens the attribute files through the host's procfs, before the container's tree
 * is in view; on a host without that LSM a wanted profile or label is an error here lsm_apply()
 * writes them, before no_new_privs is set and the last privileges are gone
 *
 * The attribute file belongs to the task that opened it: the same process calls both.
 */
#ifndef BIVALVE_NAMESPACES_LSM_H
#define BIVALVE_NAMESPACES_LSM_H

#include "spec/base/buf.h"
#include "spec/base/err.h"
#include "spec/config.h"

struct lsm {
	int apparmor_fd, selinux_fd; /* owned; -1: nothing to do */
	const char *profile, *label; /* borrowed from the process */
};

#define LSM_INIT                                                                                   \
	{                                                                                          \
		-1, -1, NULL, NULL                                                                 \
	}

/*
 * lsm_open - @proc_fd: from procfs_open(). No profile, "" and, where there is no AppArmor,
 * "unconfined" ask for nothing. -ENOTSUP names /process/apparmorProfile or /process/selinuxLabel.
 */
MUST_CHECK int lsm_open(int proc_fd, const struct config_process *p, struct lsm *out,
			struct err *err);
MUST_CHECK int lsm_apply(const struct lsm *l, struct err *err);
void lsm_close(struct lsm *l);
#define auto_lsm auto_cleanup(lsm_close)

/*
 * lsm_label_keyring - keys made by this process get @label (NULL or "": the default again).
 * Nothing is done on a host without SELinux.
 */
MUST_CHECK int lsm_label_keyring(int proc_fd, const char *label, struct err *err);

/*
 * lsm_mount_data - the data string of a mount that gets linux.mountLabel.
 * @data:  the mount's own data, may be NULL
 * @label: NULL or "": @data is given as it is
 * Gives @out: data,context="label". -ENOTSUP (naming /linux/mountLabel): no SELinux here;
 * -EINVAL: a quote or a control character in the label.
 */
MUST_CHECK int lsm_mount_data(const char *data, const char *label, struct buf *out,
			      struct err *err);

bool lsm_has_apparmor(void);
bool lsm_has_selinux(void);

#endif
