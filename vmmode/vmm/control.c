// SPDX-License-Identifier: GPL-2.0-or-later
/* The control socket's protocol; what the verbs do is verbs.c. */
#include "vmmode/vmm/control.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "spec/base/log.h"
#include "spec/base/str.h"
#include "vmmode/virtio/unix_socket.h"
#include "vmmode/vmm/devices.h"

static void drop(struct control_client *k)
{
	loop_remove(k->c->loop, &k->source);
	cleanup_close(&k->source.fd);
	k->source.fd = -1;
}

/* One line: an error's text has no newline (err.h), what verbs add has none. Returns false: the
 * client takes no more, or is gone. */
static bool answer(const struct control_client *k, const char *kind, const char *text)
{
	auto_buf struct buf out = BUF_INIT;

	buf_add_str(&out, kind);
	buf_add_str(&out, text);
	buf_add_char(&out, '\n');
	if (buf_failed(&out))
		return false;
	return send(k->source.fd, out.data, out.len, MSG_DONTWAIT | MSG_NOSIGNAL) ==
	       (ssize_t)out.len;
}

static const struct control_verb *find_verb(const struct control *c, const char *name)
{
	for (size_t i = 0; i < c->n_verbs; i++) {
		if (str_eq(c->verbs[i].name, name))
			return &c->verbs[i];
	}
	return NULL;
}

/* One line, without its end. */
static bool obey(struct control_client *k, char *line)
{
	auto_buf struct buf out = BUF_INIT;
	struct err err = ERR_INIT;
	char *arg = strchr(line, ' ');
	const struct control_verb *v;
	int rc;

	if (arg)
		*arg++ = '\0';
	v = find_verb(k->c, line);
	if (!v)
		rc = err_set(&err, -EINVAL, "no such verb");
	else if (v->has_argument != (arg != NULL))
		rc = err_set(&err, -EINVAL, "'%s' takes %s argument", v->name,
			     v->has_argument ? "one" : "no");
	else
		rc = v->run(k->c->ctx, arg ? arg : "", &out, &err);
	if (rc == 0 && buf_failed(&out))
		rc = err_code(&err, -ENOMEM, "answer");
	return rc == 0 ? answer(k, "ok", buf_str(&out)) : answer(k, "error ", err.msg);
}

/* Every whole line of what is there. Returns false: the client must go. */
static bool obey_lines(struct control_client *k)
{
	char *line = k->line;
	const char *end = k->line + k->len;
	char *nl;

	while ((nl = memchr(line, '\n', (size_t)(end - line)))) {
		*nl = '\0';
		if (strlen(line) != (size_t)(nl - line)) {
			(void)answer(k, "error ", "a line with a NUL byte");
			return false;
		}
		if (!obey(k, line))
			return false;
		line = nl + 1;
	}
	k->len = (size_t)(end - line);
	memmove(k->line, line, k->len);
	if (k->len < sizeof(k->line))
		return true;
	(void)answer(k, "error ", "a line that is too long");
	return false;
}

static void on_client(struct loop_source *src, uint32_t events)
{
	struct control_client *k = CONTAINER_OF(src, struct control_client, source);
	ssize_t n = recv(src->fd, k->line + k->len, sizeof(k->line) - k->len, MSG_DONTWAIT);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		k->len += (size_t)n;
		if (obey_lines(k))
			return;
	}
	drop(k);
}

/* Takes @fd. */
static int add_client(struct control *c, int fd)
{
	int rc;

	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		struct control_client *k = &c->clients[i];

		if (k->source.fd >= 0)
			continue;
		k->source = (struct loop_source){ .fd = fd, .ready = on_client };
		k->len = 0;
		rc = loop_add(c->loop, &k->source, EPOLLIN);
		if (rc < 0)
			drop(k);
		return rc;
	}
	(void)close(fd);
	return -EUSERS;
}

static void on_connection(struct loop_source *src, uint32_t events)
{
	struct control *c = CONTAINER_OF(src, struct control, listener);
	int fd = accept4(src->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int rc;

	(void)events;
	if (fd < 0) {
		/* Above all EMFILE: it would come again at once, and for ever. */
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
			log_warn("--control: accept: %m, no more connections");
			loop_remove(c->loop, src);
		}
		return;
	}
	rc = add_client(c, fd);
	if (rc < 0)
		log_debug("--control: a connection too many, closed");
}

/* Makes the socket. Returns its descriptor or -errno. */
static int listen_at(const char *path, struct err *err)
{
	const char *name;
	auto_close int dir_fd = unix_socket_folder(path, &name, err);
	struct stat id;

	if (dir_fd < 0)
		return dir_fd;
	return unix_socket_listen(dir_fd, name, &id, err);
}

static int open_socket(const char *where, bool *out_listens, struct err *err)
{
	socklen_t len = sizeof(int);
	int listens;
	int fd;

	*out_listens = true;
	if (!str_starts(where, "fd:")) {
		fd = listen_at(where, err);
		return fd < 0 ? err_wrap(err, fd, "--control '%s'", where) : fd;
	}
	fd = vmm_open("control", where, 0, err);
	if (fd < 0)
		return fd;
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0)
		return err_sys(err, "--control '%s'", where);
	/* An inherited one blocks, and a connection may be gone before it is accepted. */
	if (listens && fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return err_sys(err, "--control '%s'", where);
	*out_listens = listens;
	return fd;
}

int control_init(struct control *c, struct loop *loop, const char *where, struct err *err)
{
	bool listens;
	int rc;

	c->loop = loop;
	c->listener = (struct loop_source){ .fd = -1, .ready = on_connection };
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		c->clients[i] = (struct control_client){ .c = c, .source.fd = -1 };
	rc = open_socket(where, &listens, err);
	if (rc < 0)
		return rc;
	if (!listens) {
		rc = add_client(c, rc);
	} else {
		c->listener.fd = rc;
		rc = loop_add(loop, &c->listener, EPOLLIN);
	}
	return rc < 0 ? err_code(err, rc, "--control '%s': watch the socket", where) : 0;
}

void control_set_verbs(struct control *c, const struct control_verb *verbs, size_t n, void *ctx)
{
	c->verbs = verbs;
	c->n_verbs = n;
	c->ctx = ctx;
}

void control_fini(struct control *c)
{
	if (!c->loop)
		return;
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		if (c->clients[i].source.fd >= 0)
			drop(&c->clients[i]);
	}
	loop_remove(c->loop, &c->listener);
	cleanup_close(&c->listener.fd);
	c->loop = NULL;
}
