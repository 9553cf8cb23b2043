// SPDX-License-Identifier: GPL-2.0-or-later
/* Ids and capabilities of one thread: raw calls, for glibc's wrappers change all threads. */
#include "vmmode/virtio/fs/creds.h"

#include <linux/capability.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "spec/base/log.h"

#define CAP_BIT(cap) (UINT64_C(1) << (cap))

/* What the kernel takes from a thread whose fsuid leaves 0: capabilities(7), CAP_FS_SET. */
static const uint64_t file_caps = CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_DAC_OVERRIDE) |
				  CAP_BIT(CAP_DAC_READ_SEARCH) | CAP_BIT(CAP_FOWNER) |
				  CAP_BIT(CAP_FSETID) | CAP_BIT(CAP_MKNOD) |
				  CAP_BIT(CAP_LINUX_IMMUTABLE) | CAP_BIT(CAP_MAC_OVERRIDE);

static int get_effective(uint64_t *out)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data) < 0)
		return -errno;
	*out = (uint64_t)data[1].effective << 32 | data[0].effective;
	return 0;
}

/* Sets the thread's effective set; permitted and inheritable stay what they are. */
static int set_effective(uint64_t caps)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data) < 0)
		return -errno;
	data[0].effective = (uint32_t)caps & data[0].permitted;
	data[1].effective = (uint32_t)(caps >> 32) & data[1].permitted;
	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

int fs_creds_init(struct fs_creds *c)
{
	int rc;

	*c = (struct fs_creds){ .uid = geteuid(), .gid = getegid() };
	/* The umask and the working folder of a process belong to all threads that share them. */
	if (unshare(CLONE_FS) < 0)
		return -errno;
	(void)umask(0);
	rc = get_effective(&c->caps);
	if (rc < 0)
		return rc;
	c->is_privileged =
	    (c->caps & CAP_BIT(CAP_SETUID)) != 0 && (c->caps & CAP_BIT(CAP_SETGID)) != 0;
	/* EPERM: a user namespace that denies setgroups; its groups are the starter's own. */
	if (c->is_privileged && syscall(SYS_setgroups, 0, NULL) < 0)
		log_debug("drop supplementary groups: %m, ignoring");
	return 0;
}

void fs_creds_umask(struct fs_creds *c, mode_t mask)
{
	if (c->umask == mask)
		return;
	(void)umask(mask);
	c->umask = mask;
}

/* setfsuid(2) and setfsgid(2) report no error: the id is read back. */
static bool take_fsgid(gid_t gid)
{
	(void)setfsgid(gid);
	return (gid_t)setfsgid((gid_t)-1) == gid;
}

static bool take_fsuid(uid_t uid)
{
	(void)setfsuid(uid);
	return (uid_t)setfsuid((uid_t)-1) == uid;
}

int fs_creds_become(const struct fs_creds *c, const struct fs_caller *who)
{
	bool ok;

	if (!c->is_privileged)
		return 0;
	/* Groups first: without the user id the thread still may change them. */
	ok = !who->has_group || syscall(SYS_setgroups, 1, &who->group) == 0;
	ok = ok && (who->gid == c->gid || take_fsgid(who->gid));
	if (ok && who->uid != c->uid) {
		/* Leaving fsuid 0 takes the file capabilities away; one of them comes back. A
		 * guest's root has all that this process has, also where that runs as another user.
		 */
		const uint64_t lost = who->uid == 0 ? 0 : file_caps & ~CAP_BIT(CAP_DAC_OVERRIDE);

		ok = take_fsuid(who->uid) && set_effective(c->caps & ~lost) == 0;
	}
	if (ok)
		return 0;
	fs_creds_return(c, who);
	return -EPERM;
}

void fs_creds_return(const struct fs_creds *c, const struct fs_caller *who)
{
	if (!c->is_privileged)
		return;
	if (who->uid != c->uid) {
		(void)setfsuid(c->uid);
		fs_creds_restore(c);
	}
	if (who->gid != c->gid)
		(void)setfsgid(c->gid);
	if (who->has_group && syscall(SYS_setgroups, 0, NULL) < 0)
		log_debug("drop supplementary groups: %m, ignoring");
}

int fs_creds_drop_fsetid(const struct fs_creds *c)
{
	if (!(c->caps & CAP_BIT(CAP_FSETID)))
		return 0;
	return set_effective(c->caps & ~CAP_BIT(CAP_FSETID));
}

void fs_creds_restore(const struct fs_creds *c)
{
	if (set_effective(c->caps) < 0)
		log_debug("restore capabilities: %m, ignoring");
}
