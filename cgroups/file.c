// SPDX-License-Identifier: GPL-2.0-or-later
/* One file of a group: its path, a read, a write. Knows no meaning of any file. */
#include "cgroups/cgroup_internal.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "spec/base/fd.h"
#include "spec/base/num.h"

int cg_file_path(const struct cg_hier *hier, const char *path, const char *file,
		 char out[CG_FILE_MAX])
{
	size_t dir_len = strlen(hier->dir);
	size_t path_len = strlen(path);
	size_t file_len = file ? strlen(file) + 1 : 0;

	if (dir_len + path_len + file_len >= CG_FILE_MAX)
		return -ENAMETOOLONG;
	memcpy(out, hier->dir, dir_len);
	memcpy(out + dir_len, path, path_len);
	out += dir_len + path_len;
	if (file) {
		*out++ = '/';
		memcpy(out, file, file_len - 1);
		out += file_len - 1;
	}
	*out = '\0';
	return 0;
}

int cg_file_open(const struct cgroup *cg, const struct cg_hier *hier, const char *file, int flags)
{
	char path[CG_FILE_MAX];
	int rc = cg_file_path(hier, cg->path, file, path);
	int fd;

	if (rc < 0)
		return rc;
	fd = openat(cg->host.root_fd, path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int cg_file_write(const struct cgroup *cg, const struct cg_hier *hier, const char *file,
		  const char *text)
{
	auto_close int fd = cg_file_open(cg, hier, file, O_WRONLY);
	size_t len = strlen(text);
	ssize_t n;

	if (fd < 0)
		return fd;
	/* Never in two pieces: kernfs takes each write as a value of its own. */
	do
		n = write(fd, text, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

int cg_file_read(const struct cgroup *cg, const struct cg_hier *hier, const char *file, char *out,
		 size_t cap)
{
	auto_close int fd = cg_file_open(cg, hier, file, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return fd;
	/* One read: kernfs gives such a file whole, and an end-of-file read would be a call more.
	 */
	do
		n = read(fd, out, cap - 1);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	while (n > 0 && out[n - 1] == '\n')
		n--;
	out[n] = '\0';
	return (int)n;
}

int cg_file_read_u64(const struct cgroup *cg, const struct cg_hier *hier, const char *file,
		     uint64_t *out)
{
	char text[64];
	int rc = cg_file_read(cg, hier, file, text, sizeof(text));

	if (rc < 0)
		return rc;
	if (str_eq(text, "max") || str_eq(text, "-1")) {
		*out = UINT64_MAX;
		return 0;
	}
	return num_u64(text, 0, UINT64_MAX, out);
}

int cg_text_key_u64(const char *text, const char *key, uint64_t *out)
{
	size_t len = strlen(key);

	for (const char *line = text; line && *line;) {
		if (strncmp(line, key, len) == 0 && line[len] == ' ') {
			char digits[24];
			size_t n = strcspn(line + len + 1, "\n");

			if (n >= sizeof(digits))
				return -ERANGE;
			memcpy(digits, line + len + 1, n);
			digits[n] = '\0';
			return num_u64(digits, 0, UINT64_MAX, out);
		}
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return -ENOENT;
}

uint64_t cg_text_key_or(const char *text, const char *key, uint64_t missing)
{
	uint64_t v;

	return cg_text_key_u64(text, key, &v) == 0 ? v : missing;
}

void cg_nap_ms(unsigned int *ms, unsigned int max_ms)
{
	struct timespec t = { *ms / 1000, (long)(*ms % 1000) * 1000000 };

	(void)nanosleep(&t, NULL);
	*ms = *ms * 2 < max_ms ? *ms * 2 : max_ms;
}
