/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who the workload is: groups, ids, umask, no_new_privs. The order around it is fixed by the
 * kernel, and is the same for the init and for an exec (see also caps.h):
 *
 *   caps_plan()            what of the wanted capabilities can be had
 *   caps_drop_bounding()   needs CAP_SETPCAP, which the next steps may take away
 *   [seccomp_install()]       here when no_new_privs is off: it then needs CAP_SYS_ADMIN
 *   caps_keep()            when the new uid is not 0: the permitted set survives setresuid
 *   creds_apply()          setgroups and setresgid need CAP_SETGID, so setresuid is last
 *   caps_apply()           the final sets; afterwards there is no way back
 *   creds_no_new_privs()   before seccomp_install(); not before an LSM transition was requested
 *   [seccomp_install()]       here when no_new_privs is on: as late as can be
 */
#ifndef BIVALVE_NAMESPACES_CREDS_H
#define BIVALVE_NAMESPACES_CREDS_H

#include "spec/base/err.h"
#include "spec/config.h"

enum creds_flags {
	CREDS_KEEP_GROUPS =
	    1, /* the caller's supplementary groups stay (run.oci.keep_original_groups)
		*/
	CREDS_IN_USERNS = 2, /* in a user namespace that may deny setgroups: then no group is set,
				and only a config that asks for some is an error */
};

/* creds_keeps_groups - the annotation run.oci.keep_original_groups is given and not "0" / "false".
 */
bool creds_keeps_groups(const struct config *c);

/*
 * creds_apply - umask (when given), supplementary groups, gid, uid.
 * @flags: CREDS_*
 * setresuid clears the dumpable flag and the parent-death signal (prctl(2)).
 * Errors name /process/user/...; -EINVAL: an id is not mapped in this user namespace.
 */
MUST_CHECK int creds_apply(const struct config_user *user, unsigned int flags, struct err *err);

/* creds_no_new_privs - PR_SET_NO_NEW_PRIVS; for good. */
MUST_CHECK int creds_no_new_privs(struct err *err);

#endif
