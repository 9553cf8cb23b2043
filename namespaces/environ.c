// SPDX-License-Identifier: GPL-2.0-or-later
/* The program's arguments and environment, copied where they outlive our own code. */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "namespaces/workload.h"
#include "spec/base/fd.h"
#include "spec/base/num.h"
#include "spec/base/path.h"
#include "spec/base/str.h"

/* HOME and the end of the vector. */
enum { ENV_ROOM = 2, PASSWD_MAX_BYTES = 1 << 20 };

/* Strings that are appended to a block; pointers follow once it does not grow any more. */
struct block {
	struct buf text;
	size_t n;
};

static void add(struct block *b, const char *s)
{
	buf_add(&b->text, s, strlen(s) + 1);
	b->n++;
}

static void add_env(struct block *b, const struct workload *w)
{
	const struct strv *env = &w->process->env;
	const char *const *extra = w->io->extra_env;

	for (size_t i = 0; i < env->n; i++)
		add(b, env->v[i]);
	for (size_t i = 0; extra && extra[i]; i++)
		add(b, extra[i]);
	if (w->io->listen_fds) {
		char listen[48];

		(void)snprintf(listen, sizeof(listen), "LISTEN_FDS=%u", w->io->listen_fds);
		add(b, listen);
		add(b, "LISTEN_PID=1");
	}
	if (w->process->terminal && !strv_env(env, "TERM"))
		add(b, "TERM=xterm");
}

/* Fills @v with the @n strings at @s; returns what follows them. */
static char *point(char **v, size_t n, char *s)
{
	assert(s || n == 0);
	for (size_t i = 0; i < n; i++) {
		v[i] = s;
		s += strlen(s) + 1;
	}
	v[n] = NULL;
	return s;
}

int workload_copy_strings(struct workload *w, struct err *err)
{
	struct block b = { BUF_INIT, 0 };
	size_t n_args = w->process->args.n;

	if (n_args == 0)
		return err_set(err, -EINVAL, "/process/args: empty");
	for (size_t i = 0; i < n_args; i++)
		add(&b, w->process->args.v[i]);
	add_env(&b, w);
	w->n_env = b.n - n_args;
	w->argv = calloc(n_args + 1, sizeof(*w->argv));
	w->env = calloc(w->n_env + ENV_ROOM, sizeof(*w->env));
	w->strings = b.text.data;
	if (!w->argv || !w->env || buf_failed(&b.text))
		return err_set(err, -ENOMEM, "out of memory");
	(void)point(w->env, w->n_env, point(w->argv, n_args, w->strings));
	return 0;
}

const char *passwd_home(const char *text, uint32_t uid, size_t *out_len)
{
	/* name:password:uid:gid:gecos:home:shell */
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *field[7] = { line };
		size_t len[7] = { 0 };
		char number[16];
		uint64_t v;
		size_t n = 0;

		for (const char *p = line; n < ARRAY_LEN(field); p++) {
			len[n] = strcspn(p, ":\n");
			field[n++] = p;
			p += len[n - 1];
			if (*p != ':')
				break;
		}
		if (n < 6 || len[2] >= sizeof(number))
			continue;
		memcpy(number, field[2], len[2]);
		number[len[2]] = '\0';
		if (num_u64(number, 0, UINT32_MAX, &v) < 0 || v != uid)
			continue;
		*out_len = len[5];
		return field[5];
	}
	return NULL;
}

/* The container's passwd(5), or an empty buf: a container need not have one. */
static void read_passwd(struct buf *out)
{
	auto_close int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_close int fd = -1;
	struct stat st;

	if (root_fd < 0)
		return;
	/* Non-blocking: the image may have a FIFO there. */
	fd = path_open_in_root(root_fd, "etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	if (fd_read_all(fd, PASSWD_MAX_BYTES, out) < 0)
		buf_clear(out);
}

int workload_add_home(struct workload *w, struct err *err)
{
	auto_buf struct buf text = BUF_INIT;
	const struct strv env = { w->env, w->n_env };
	const char *home = NULL;
	size_t len = 0;
	char *entry = NULL;

	if (strv_env(&env, "HOME"))
		return 0;
	read_passwd(&text);
	home = passwd_home(buf_str(&text), w->process->user.uid, &len);
	if (!home || len == 0 || *home != '/') {
		home = "/";
		len = 1;
	}
	if (asprintf(&entry, "HOME=%.*s", (int)len, home) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	w->env[w->n_env++] = entry;
	w->env[w->n_env] = NULL;
	return 0;
}
