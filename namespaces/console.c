// SPDX-License-Identifier: GPL-2.0-or-later
/* The terminal of a process: pseudo-terminals of the container's devpts, by descriptor. */
#include "namespaces/console.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "namespaces/mount.h"
#include "spec/base/path.h"
#include "spec/base/sys.h"

/*
 * "dev/ptmx" is mostly a link to it. In a devpts nobody but the kernel makes files, so a "ptmx"
 * that lies in it and is no mount point is the real one. Not by "/proc/self/fd": that may be the
 * container's.
 */
static int open_ptmx(int root_fd, struct err *err)
{
	const struct open_how how = {
		.flags = O_RDWR | O_NOCTTY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS,
	};
	auto_close int pts_fd = path_open_in_root(root_fd, "dev/pts", O_PATH | O_DIRECTORY, 0);
	struct statfs fs;
	int fd;

	if (pts_fd < 0)
		return err_code(err, pts_fd, "/process/terminal: open '/dev/pts'");
	if (fstatfs(pts_fd, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC)
		return err_set(err, -EPERM, "/process/terminal: '/dev/pts' is not a devpts");
	fd = (int)sys_openat2(pts_fd, "ptmx", &how);
	return fd < 0 ? err_sys(err, "/process/terminal: open '/dev/pts/ptmx'") : fd;
}

int console_open(int root_fd, const struct config_process *p, struct console *out, struct err *err)
{
	auto_console struct console c = CONSOLE_INIT;
	int unlocked = 0;

	if (!p->terminal)
		return 0;
	c.master_fd = open_ptmx(root_fd, err);
	if (c.master_fd < 0)
		return c.master_fd;
	if (ioctl(c.master_fd, TIOCSPTLCK, &unlocked) < 0)
		return err_sys(err, "/process/terminal: unlock");
	c.slave_fd = ioctl(c.master_fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (c.slave_fd < 0)
		return err_sys(err, "/process/terminal: open the slave");
	if (p->console_size.is_set) {
		struct winsize size = {
			.ws_row = p->console_size.height,
			.ws_col = p->console_size.width,
		};

		if (ioctl(c.slave_fd, TIOCSWINSZ, &size) < 0)
			return err_sys(err, "/process/consoleSize: set");
	}
	/* The group stays: it is the devpts mount's "gid". */
	if (p->user.uid != 0 && fchown(c.slave_fd, p->user.uid, (gid_t)-1) < 0)
		return err_sys(err, "/process/terminal: give it to user %u", p->user.uid);
	*out = (struct console){ take_fd(&c.master_fd), take_fd(&c.slave_fd) };
	return 0;
}

/* The folder may be the image's: a link at the name is not followed. */
static int open_target(int root_fd, struct err *err)
{
	auto_close int dev_fd = path_open_in_root(root_fd, "dev", O_PATH | O_DIRECTORY, 0);
	struct stat st;
	int fd;

	if (dev_fd < 0)
		return err_code(err, dev_fd, "/process/terminal: open '/dev'");
	if (mknodat(dev_fd, "console", S_IFREG | 0600, 0) < 0 && errno != EEXIST)
		return err_sys(err, "/process/terminal: make '/dev/console'");
	fd = openat(dev_fd, "console", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "/process/terminal: open '/dev/console'");
	if (fstat(fd, &st) < 0 || S_ISLNK(st.st_mode) || S_ISDIR(st.st_mode)) {
		(void)close(fd);
		return err_set(err, -ELOOP,
			       "/process/terminal: '/dev/console' is a link or folder");
	}
	return fd;
}

int console_bind(int root_fd, const struct console *c, struct err *err)
{
	auto_close int target_fd = -1;
	auto_close int tree_fd = -1;
	int rc;

	if (c->slave_fd < 0)
		return 0;
	target_fd = open_target(root_fd, err);
	if (target_fd < 0)
		return target_fd;
	tree_fd = mount_clone(c->slave_fd, "", 0);
	rc = tree_fd < 0 ? tree_fd : mount_attach(tree_fd, target_fd);
	return rc < 0 ? err_code(err, rc, "/process/terminal: bind it on '/dev/console'") : 0;
}

int console_attach(struct console *c, struct err *err)
{
	if (c->slave_fd < 0)
		return 0;
	if (ioctl(c->slave_fd, TIOCSCTTY, 0) < 0)
		return err_sys(err, "/process/terminal: make it the controlling terminal");
	for (int fd = 0; fd < 3; fd++) {
		if (dup2(c->slave_fd, fd) < 0)
			return err_sys(err, "/process/terminal: set descriptor %d", fd);
	}
	console_fini(c);
	return 0;
}

void console_fini(struct console *c)
{
	cleanup_close(&c->master_fd);
	cleanup_close(&c->slave_fd);
	*c = (struct console)CONSOLE_INIT;
}
