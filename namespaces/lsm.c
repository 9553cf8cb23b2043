// SPDX-License-Identifier: GPL-2.0-or-later
// AppArmor and SELinux by their files in procfs; no library of either is needed for that.
#include "namespaces/lsm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

#include "namespaces/procfs.h"
#include "spec/base/fd.h"
#include "spec/base/str.h"

bool lsm_has_apparmor(void)
{
	char on = 'N';
	auto_close int fd = open("/sys/module/apparmor/parameters/enabled", O_RDONLY | O_CLOEXEC);

	return fd >= 0 && read(fd, &on, 1) == 1 && on == 'Y';
}

bool lsm_has_selinux(void)
{
	struct statfs fs;

	return statfs("/sys/fs/selinux", &fs) == 0 && fs.f_type == SELINUX_MAGIC;
}

static bool is_given(const char *s)
{
	return s && *s;
}

static int open_apparmor(int proc_fd, const char *profile, int *out_fd, struct err *err)
{
	int fd;

	if (!is_given(profile))
		return 0;
	if (!lsm_has_apparmor()) {
		if (str_eq(profile, "unconfined"))
			return 0;
		return err_set(err, -ENOTSUP,
			       "/process/apparmorProfile: '%s': AppArmor is not enabled on this "
			       "host",
			       profile);
	}
	/* attr/apparmor/ came with Linux 5.1; before, attr/exec belongs to the only major LSM. */
	fd = procfs_open_task(proc_fd, 0, "attr/apparmor/exec", O_WRONLY);
	if (fd == -ENOENT)
		fd = procfs_open_task(proc_fd, 0, "attr/exec", O_WRONLY);
	if (fd < 0)
		return err_code(err, fd, "/process/apparmorProfile: open '/proc/self/attr/exec'");
	*out_fd = fd;
	return 0;
}

static int open_selinux(int proc_fd, const char *label, int *out_fd, struct err *err)
{
	int fd;

	if (!is_given(label))
		return 0;
	if (!lsm_has_selinux())
		return err_set(err, -ENOTSUP,
			       "/process/selinuxLabel: '%s': SELinux is not enabled on this host",
			       label);
	fd = procfs_open_task(proc_fd, 0, "attr/exec", O_WRONLY);
	if (fd < 0)
		return err_code(err, fd, "/process/selinuxLabel: open '/proc/self/attr/exec'");
	*out_fd = fd;
	return 0;
}

int lsm_open(int proc_fd, const struct config_process *p, struct lsm *out, struct err *err)
{
	struct lsm l = { -1, -1, p->apparmor_profile, p->selinux_label };
	int rc;

	rc = open_apparmor(proc_fd, l.profile, &l.apparmor_fd, err);
	if (rc == 0)
		rc = open_selinux(proc_fd, l.label, &l.selinux_fd, err);
	if (rc < 0) {
		lsm_close(&l);
		return rc;
	}
	*out = l;
	return 0;
}

int lsm_apply(const struct lsm *l, struct err *err)
{
	int rc;

	if (l->apparmor_fd >= 0) {
		auto_buf struct buf b = BUF_INIT;

		buf_printf(&b, "exec %s", l->profile);
		rc = buf_failed(&b) ? -ENOMEM : fd_write_all(l->apparmor_fd, b.data, b.len);
		if (rc < 0)
			return err_code(err, rc,
					"/process/apparmorProfile: apply profile '%s' by "
					"/proc/self/attr/exec",
					l->profile);
	}
	if (l->selinux_fd >= 0) {
		/* The kernel accepts a label with and without its NUL. */
		rc = fd_write_all(l->selinux_fd, l->label, strlen(l->label));
		if (rc < 0)
			return err_code(err, rc,
					"/process/selinuxLabel: apply label '%s' by "
					"/proc/self/attr/exec",
					l->label);
	}
	return 0;
}

void lsm_close(struct lsm *l)
{
	cleanup_close(&l->apparmor_fd);
	cleanup_close(&l->selinux_fd);
	*l = (struct lsm)LSM_INIT;
}

int lsm_label_keyring(int proc_fd, const char *label, struct err *err)
{
	auto_close int fd = -1;
	int rc;

	if (!lsm_has_selinux())
		return 0;
	fd = procfs_open_task(proc_fd, 0, "attr/keycreate", O_WRONLY);
	if (fd < 0)
		return err_code(err, fd, "/process/selinuxLabel: open '/proc/self/attr/keycreate'");
	/* An empty write of one NUL gives back the default (setkeycreatecon(3)). */
	rc = is_given(label) ? fd_write_all(fd, label, strlen(label)) : fd_write_all(fd, "", 1);
	if (rc < 0)
		return err_code(err, rc, "/process/selinuxLabel: label the keyring '%s'",
				label ? label : "");
	return 0;
}

static bool is_label(const char *label)
{
	for (const char *p = label; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == '"' || *p == 0x7f)
			return false;
	}
	return true;
}

int lsm_mount_data(const char *data, const char *label, struct buf *out, struct err *err)
{
	if (is_given(label)) {
		if (!is_label(label))
			return err_set(err, -EINVAL, "/linux/mountLabel: not a label");
		if (!lsm_has_selinux())
			return err_set(
			    err, -ENOTSUP,
			    "/linux/mountLabel: '%s': SELinux is not enabled on this host", label);
	}
	buf_add_str(out, data ? data : "");
	/* Quoted, for a label's categories are separated by commas. */
	if (is_given(label))
		buf_printf(out, "%scontext=\"%s\"", is_given(data) ? "," : "", label);
	if (buf_failed(out))
		return err_set(err, -ENOMEM, "/linux/mountLabel: out of memory");
	return 0;
}
