// SPDX-License-Identifier: GPL-2.0-or-later
/* The session keyring, by the raw system call: libkeyutils is not needed for two operations. */
#include "namespaces/keyring.h"

#include <linux/keyctl.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "spec/base/log.h"

/*
 * The kernel's own rights for a session keyring, and that its owner may search it: without this a
 * later exec could not join it by name. Source: linux/key.h; keyrings(7), "Access rights".
 */
enum {
	POSSESSOR_ALL = 0x3f000000,
	USER_VIEW = 0x00010000,
	USER_READ = 0x00020000,
	USER_SEARCH = 0x00080000,
	USER_LINK = 0x00100000,
};

/* Errors that leave the container with its caller's keyring. */
static bool is_tolerated(int error)
{
	return error == ENOSYS || error == EPERM || error == EACCES || error == EDQUOT;
}

int keyring_join(const char *id, bool is_new, struct err *err)
{
	long rights = POSSESSOR_ALL | USER_VIEW | USER_READ | USER_SEARCH | USER_LINK;
	char name[256];
	long key;

	(void)snprintf(name, sizeof(name), "_ses.%s", id);
	key = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name);
	if (key >= 0 && (!is_new || syscall(SYS_keyctl, KEYCTL_SETPERM, key, rights) == 0))
		return 0;
	if (!is_tolerated(errno))
		return err_sys(err, "join session keyring '%s'", name);
	log_debug("%s: join session keyring: %m, ignoring", id);
	return 0;
}
