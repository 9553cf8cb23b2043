// SPDX-License-Identifier: GPL-2.0-or-later
// Groups, ids, umask. The raw effect is on one thread, which is the only one.
#include "namespaces/creds.h"

#include <errno.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spec/base/log.h"

bool creds_keeps_groups(const struct config *c)
{
	const char *v = config_annotation(c, "run.oci.keep_original_groups");

	return v && !str_eq(v, "0") && !str_eq(v, "false");
}

static int set_groups(const struct config_user *user, unsigned int flags, struct err *err)
{
	_Static_assert(sizeof(gid_t) == sizeof(user->additional_gids.items[0]), "gid_t is 32 bits");
	size_t n = user->additional_gids.n;

	if (flags & CREDS_KEEP_GROUPS)
		return 0;
	if (setgroups(n, user->additional_gids.items) == 0)
		return 0;
	if (errno == EPERM && (flags & CREDS_IN_USERNS)) {
		if (n > 0)
			return err_set(err, -EPERM,
				       "/process/user/additionalGids: setgroups is denied in this "
				       "user namespace");
		log_debug("set groups: denied in this user namespace, the caller's stay, ignoring");
		return 0;
	}
	if (errno == EINVAL && n > 0)
		return err_set(err, -EINVAL,
			       "/process/user/additionalGids: a group is not mapped in the user "
			       "namespace, or there are too many");
	return err_sys(err, "/process/user/additionalGids: set groups");
}

static int id_error(struct err *err, const char *what, uint32_t id)
{
	if (errno == EINVAL)
		return err_set(err, -EINVAL,
			       "/process/user/%s: %u is not mapped in the user namespace", what,
			       id);
	return err_sys(err, "/process/user/%s: set to %u", what, id);
}

int creds_apply(const struct config_user *user, unsigned int flags, struct err *err)
{
	int rc;

	if (user->umask.is_set)
		(void)umask((mode_t)(user->umask.v & 0777));
	rc = set_groups(user, flags, err);
	if (rc < 0)
		return rc;
	/* The uid goes last: it takes CAP_SETGID with it. */
	if (setresgid(user->gid, user->gid, user->gid) < 0)
		return id_error(err, "gid", user->gid);
	if (setresuid(user->uid, user->uid, user->uid) < 0)
		return id_error(err, "uid", user->uid);
	return 0;
}

int creds_no_new_privs(struct err *err)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(err, "/process/noNewPrivileges: set");
	return 0;
}
