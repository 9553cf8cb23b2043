// SPDX-License-Identifier: GPL-2.0-or-later
/* Users and groups by name, from files of an image that nobody vouches for. */
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "runtime/quick.h"
#include "spec/base/buf.h"
#include "spec/base/fd.h"
#include "spec/base/num.h"
#include "spec/base/path.h"

enum {
	ACCOUNTS_MAX_BYTES = 4 << 20,
	ACCOUNT_NAME_MAX = 256,
	/* -1 means "unchanged" to setresuid(2). */
	ID_LIMIT = UINT32_MAX - 1,
};

/*
 * Reads a file of accounts; one that is not there is empty. It is looked at before it is opened for
 * real: to open a FIFO, or a device that an image brings along, does something.
 */
static int read_accounts(int root_fd, const char *path, struct buf *out, struct err *err)
{
	auto_close int place_fd = path_open_in_root(root_fd, path, O_PATH, 0);
	auto_close int fd = -1;
	char link[PATH_PROC_FD_MAX];
	struct stat st;
	int rc;

	if (place_fd == -ENOENT)
		return 0;
	if (place_fd < 0)
		return err_code(err, place_fd, "open '%s' of the rootfs", path);
	if (fstat(place_fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "'%s' of the rootfs is not a regular file", path);
	fd = open(path_proc_fd(link, place_fd), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open '%s' of the rootfs", path);
	rc = fd_read_all(fd, ACCOUNTS_MAX_BYTES, out);
	return rc < 0 ? err_code(err, rc, "read '%s' of the rootfs", path) : 0;
}

/* Field @n of the line at @line, as a copy; false when it lacks it or it does not fit. */
static bool get_field(const char *line, unsigned int n, char out[ACCOUNT_NAME_MAX])
{
	size_t len;

	for (; n > 0; n--) {
		line += strcspn(line, ":\n");
		if (*line != ':')
			return false;
		line++;
	}
	len = strcspn(line, ":\n");
	if (len >= ACCOUNT_NAME_MAX)
		return false;
	memcpy(out, line, len);
	out[len] = '\0';
	return true;
}

/* The line whose field @n is @value, or NULL. */
static const char *find_line(const char *text, unsigned int n, const char *value)
{
	char field[ACCOUNT_NAME_MAX];

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		if (get_field(line, n, field) && str_eq(field, value))
			return line;
	}
	return NULL;
}

static bool get_id(const char *line, unsigned int n, uint32_t *out)
{
	char field[ACCOUNT_NAME_MAX];
	uint64_t v;

	if (!get_field(line, n, field) || num_u64(field, 0, ID_LIMIT, &v) < 0)
		return false;
	*out = (uint32_t)v;
	return true;
}

/* name:password:uid:gid:... */
static int find_user(int root_fd, const char *name, uint32_t *out_uid, uint32_t *out_gid,
		     struct err *err)
{
	auto_buf struct buf text = BUF_INIT;
	const char *line;
	uint64_t v;
	int rc = read_accounts(root_fd, "etc/passwd", &text, err);

	if (rc < 0)
		return rc;
	if (num_u64(name, 0, ID_LIMIT, &v) == 0) {
		*out_uid = (uint32_t)v;
		line = find_line(buf_str(&text), 2, name);
		if (!line || !get_id(line, 3, out_gid))
			*out_gid = 0;
		return 0;
	}
	line = find_line(buf_str(&text), 0, name);
	if (!line || !get_id(line, 2, out_uid) || !get_id(line, 3, out_gid))
		return err_set(err, -EINVAL,
			       "option '--user': no user '%s' in the rootfs's /etc/passwd", name);
	return 0;
}

/* name:password:gid:... */
static int find_group(int root_fd, const char *name, uint32_t *out_gid, struct err *err)
{
	auto_buf struct buf text = BUF_INIT;
	const char *line;
	uint64_t v;
	int rc;

	if (num_u64(name, 0, ID_LIMIT, &v) == 0) {
		*out_gid = (uint32_t)v;
		return 0;
	}
	rc = read_accounts(root_fd, "etc/group", &text, err);
	if (rc < 0)
		return rc;
	line = find_line(buf_str(&text), 0, name);
	if (!line || !get_id(line, 2, out_gid))
		return err_set(err, -EINVAL,
			       "option '--user': no group '%s' in the rootfs's /etc/group", name);
	return 0;
}

int quick_parse_user(int root_fd, const char *text, uint32_t *out_uid, uint32_t *out_gid,
		     struct err *err)
{
	char user[ACCOUNT_NAME_MAX];
	const char *colon = strchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : strlen(text);
	uint32_t uid = 0;
	uint32_t gid = 0;
	int rc;

	if (len == 0 || len >= sizeof(user) || (colon && colon[1] == '\0'))
		return err_set(err, -EINVAL, "option '--user': '%s' is not UID[:GID]", text);
	memcpy(user, text, len);
	user[len] = '\0';
	rc = find_user(root_fd, user, &uid, &gid, err);
	if (rc == 0 && colon)
		rc = find_group(root_fd, colon + 1, &gid, err);
	if (rc < 0)
		return rc;
	*out_uid = uid;
	*out_gid = gid;
	return 0;
}
