// SPDX-License-Identifier: GPL-2.0-or-later
/* Devices of the container. */
#include "namespaces/devices.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "namespaces/mount.h"
#include "spec/base/path.h"
#include "spec/base/str.h"

struct node {
	const char *path; /* on the host and in the container */
	mode_t mode;      /* with S_IFCHR, S_IFBLK or S_IFIFO */
	unsigned int major, minor;
	uid_t uid;
	gid_t gid;
};

/* Numbers: kernel admin-guide/devices.txt. */
static const struct node default_nodes[] = {
	{ "/dev/null", S_IFCHR | 0666, 1, 3, 0, 0 },
	{ "/dev/zero", S_IFCHR | 0666, 1, 5, 0, 0 },
	{ "/dev/full", S_IFCHR | 0666, 1, 7, 0, 0 },
	{ "/dev/random", S_IFCHR | 0666, 1, 8, 0, 0 },
	{ "/dev/urandom", S_IFCHR | 0666, 1, 9, 0, 0 },
	{ "/dev/tty", S_IFCHR | 0666, 5, 0, 0, 0 },
};

static const struct {
	const char *name, *target;
} default_links[] = {
	{ "fd", "/proc/self/fd" },
	{ "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" },
	{ "stderr", "/proc/self/fd/2" },
};

/* ---- one node ------------------------------------------------------------------------------ */

static bool is_node(const struct stat *st, const struct node *n)
{
	if ((st->st_mode & S_IFMT) != (n->mode & S_IFMT))
		return false;
	return S_ISFIFO(n->mode) || st->st_rdev == makedev(n->major, n->minor);
}

/* -EEXIST is no error when the node that is there is the one that is wanted. */
static int accept_existing(int dir_fd, const char *name, const struct node *n)
{
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return is_node(&st, n) ? 0 : -EEXIST;
}

/* A place to bind on: a new file, or a regular one that is there. Gives an O_PATH descriptor. */
static int open_place(int dir_fd, const char *name, const struct node *n, bool *out_is_done)
{
	auto_close int fd = -1;
	struct stat st;

	*out_is_done = false;
	if (mknodat(dir_fd, name, S_IFREG | 0644, 0) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	*out_is_done = is_node(&st, n);
	if (!*out_is_done && !S_ISREG(st.st_mode))
		return -EEXIST;
	return take_fd(&fd);
}

/*
 * Binds the host's node. Read-only, which a device does not feel when it is written to, but which
 * keeps a root that is the host's root from changing the host's node (chmod, chown, times).
 */
static int bind_node(int dir_fd, const char *name, const struct node *n, struct err *err)
{
	static const struct mount_attrs attrs = { .set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
							 MOUNT_ATTR_NOEXEC };
	auto_close int tree_fd = -1;
	auto_close int place_fd = -1;
	struct stat st;
	bool is_done;
	int rc;

	place_fd = open_place(dir_fd, name, n, &is_done);
	if (place_fd < 0)
		return err_code(err, place_fd, "make '%s'", n->path);
	if (is_done)
		return 0;
	tree_fd = mount_clone(AT_FDCWD, n->path, 0);
	if (tree_fd < 0)
		return err_code(err, tree_fd, "open the host's '%s'", n->path);
	if (fstat(tree_fd, &st) < 0)
		return err_sys(err, "look at the host's '%s'", n->path);
	if (!is_node(&st, n))
		return err_set(err, -ENODEV, "the host's '%s' is not device %c %u:%u", n->path,
			       S_ISBLK(n->mode) ? 'b' : 'c', n->major, n->minor);
	rc = mount_set_attrs(tree_fd, &attrs, 0);
	if (rc == 0)
		rc = mount_attach(tree_fd, place_fd);
	return rc < 0 ? err_code(err, rc, "bind the host's '%s'", n->path) : 0;
}

static int make_node(const struct ns_plan *plan, int dir_fd, const char *name, const struct node *n,
		     struct err *err)
{
	int rc = 0;

	if (plan->has_userns && !S_ISFIFO(n->mode))
		return bind_node(dir_fd, name, n, err);
	if (mknodat(dir_fd, name, n->mode, makedev(n->major, n->minor)) < 0)
		rc = errno == EEXIST ? accept_existing(dir_fd, name, n) : -errno;
	if (rc == -EPERM && !S_ISFIFO(n->mode)) /* no CAP_MKNOD: inside another container */
		return bind_node(dir_fd, name, n, err);
	if (rc == -EEXIST)
		return err_set(err, rc, "make '%s': something else is there", n->path);
	if (rc < 0)
		return err_code(err, rc, "make '%s'", n->path);
	if ((n->uid || n->gid) && fchownat(dir_fd, name, n->uid, n->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, "give '%s' to %u:%u", n->path, n->uid, n->gid);
	return 0;
}

/* ---- the default ones ---------------------------------------------------------------------- */

static bool is_overridden(const struct config *config, const char *path)
{
	for (size_t i = 0; i < config->linux_.devices.n; i++) {
		if (mount_is_dest(config->linux_.devices.items[i].path, path))
			return true;
	}
	return false;
}

static int make_link(int dir_fd, const char *name, const char *target, struct err *err)
{
	if (symlinkat(target, dir_fd, name) < 0 && errno != EEXIST)
		return err_sys(err, "make '/dev/%s'", name);
	return 0;
}

/* Whatever the image has there would be the host's multiplexer: only the container's own will do.
 */
static int make_ptmx(int dir_fd, struct err *err)
{
	if (symlinkat("pts/ptmx", dir_fd, "ptmx") == 0)
		return 0;
	if (errno != EEXIST || unlinkat(dir_fd, "ptmx", 0) < 0 ||
	    symlinkat("pts/ptmx", dir_fd, "ptmx") < 0)
		return err_sys(err, "make '/dev/ptmx'");
	return 0;
}

static int make_defaults(const struct ns_plan *plan, const struct rootfs *r, struct err *err)
{
	auto_close int dir_fd = path_mkdirs_in_root(r->root_fd, "/dev", 0755);
	int rc = 0;

	if (dir_fd < 0)
		return err_code(err, dir_fd, "open '/dev'");
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(default_nodes); i++) {
		const struct node *n = &default_nodes[i];

		if (!is_overridden(plan->config, n->path))
			rc = make_node(plan, dir_fd, n->path + strlen("/dev/"), n, err);
	}
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(default_links); i++)
		rc = make_link(dir_fd, default_links[i].name, default_links[i].target, err);
	if (rc == 0 && faccessat(AT_FDCWD, "/proc/kcore", F_OK, 0) == 0)
		rc = make_link(dir_fd, "core", "/proc/kcore", err);
	return rc < 0 ? rc : make_ptmx(dir_fd, err);
}

/* ---- linux.devices ------------------------------------------------------------------------- */

static int read_device(const struct config_device *d, struct node *out, struct err *err)
{
	mode_t type = d->type == 'b' ? S_IFBLK : d->type == 'p' ? S_IFIFO : S_IFCHR;

	*out = (struct node){ .path = d->path,
			      .mode = type | (d->file_mode.is_set ? d->file_mode.v & 07777 : 0666),
			      .uid = d->uid.is_set ? d->uid.v : 0,
			      .gid = d->gid.is_set ? d->gid.v : 0 };
	if (type == S_IFIFO)
		return 0;
	/* The kernel has 12 bits of major and 20 of minor numbers. */
	if (d->major < 0 || d->major > 0xfff || d->minor < 0 || d->minor > 0xfffff)
		return err_set(err, -EINVAL, "major %lld, minor %lld: out of range",
			       (long long)d->major, (long long)d->minor);
	out->major = (unsigned int)d->major;
	out->minor = (unsigned int)d->minor;
	return 0;
}

static int make_device(const struct ns_plan *plan, const struct rootfs *r,
		       const struct config_device *d, struct err *err)
{
	auto_close int dir_fd = -1;
	char dir[PATH_MAX];
	struct node node;
	const char *name = strrchr(d->path, '/');
	int rc;

	name = name ? name + 1 : d->path;
	if (*name == '\0' || str_eq(name, ".") || str_eq(name, "..") ||
	    (size_t)(name - d->path) >= sizeof(dir))
		return err_set(err, -EINVAL, "path: '%s' names no file", d->path);
	memcpy(dir, d->path, (size_t)(name - d->path));
	dir[name - d->path] = '\0';
	rc = read_device(d, &node, err);
	if (rc < 0)
		return rc;
	dir_fd = path_mkdirs_in_root(r->root_fd, dir, 0755);
	if (dir_fd < 0)
		return err_code(err, dir_fd, "make the folder of '%s'", d->path);
	return make_node(plan, dir_fd, name, &node, err);
}

int devices_make(const struct ns_plan *plan, const struct rootfs *r, struct err *err)
{
	const struct config *config = plan->config;
	int rc;

	if (mounts_has_host_dev(r))
		return 0;
	rc = make_defaults(plan, r, err);
	for (size_t i = 0; rc == 0 && i < config->linux_.devices.n; i++) {
		const struct config_device *d = &config->linux_.devices.items[i];

		if (mount_is_dest(d->path, "/dev/ptmx")) /* always the container's own */
			continue;
		rc = make_device(plan, r, d, err);
		if (rc < 0)
			return err_wrap(err, rc, "/linux/devices/%zu", i);
	}
	return rc;
}

/* ---- standard streams ---------------------------------------------------------------------- */

static bool is_null(int fd, dev_t *out_dev)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return false;
	*out_dev = st.st_dev;
	return true;
}

static int replace_null(int root_fd, int fd, dev_t host_dev, struct err *err)
{
	auto_close int null_fd = path_open_in_root(root_fd, "/dev/null", O_PATH | O_NOFOLLOW, 0);
	int flags = fcntl(fd, F_GETFD);
	dev_t dev;

	/* Looked at before it is opened for real: opening a FIFO or a tape drive does something. */
	if (null_fd < 0 || !is_null(null_fd, &dev) || dev == host_dev)
		return 0;
	cleanup_close(&null_fd);
	null_fd = path_open_in_root(root_fd, "/dev/null", O_RDWR | O_NOFOLLOW | O_NOCTTY, 0);
	if (null_fd < 0 || !is_null(null_fd, &dev))
		return 0;
	if (dup3(null_fd, fd, (flags & FD_CLOEXEC) ? O_CLOEXEC : 0) < 0)
		return err_sys(err, "replace the host's '/dev/null'");
	return 0;
}

int devices_own_null(int root_fd, const int stdio_fds[3], struct err *err)
{
	for (int i = 0; i < 3; i++) {
		int fd = stdio_fds[i] >= 0 ? stdio_fds[i] : i;
		dev_t dev;
		int rc = is_null(fd, &dev) ? replace_null(root_fd, fd, dev, err) : 0;

		if (rc < 0)
			return rc;
	}
	return 0;
}
