// SPDX-License-Identifier: GPL-2.0-or-later
/* From --console and --port to the console device: opens what they name. */
#include "vmmode/vmm/devices_console.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>

#include "spec/base/fd.h"
#include "spec/base/str.h"
#include "spec/base/tty.h"
#include "vmmode/virtio/unix_socket.h"

/* One of the options: "console", or "port" with a name. */
struct place {
	const char *option;
	const char *where;
	struct vmm_device_env *env;
};

static int sys_error(const struct place *p, const char *what, struct err *err)
{
	return err_sys(err, "--%s '%s': %s", p->option, p->where, what);
}

static int keep(const struct place *p, int fd, const char *what, struct err *err)
{
	int rc;

	if (fd < 0)
		return sys_error(p, what, err);
	rc = vmm_keep(p->env, fd, err);
	return rc < 0 ? err_wrap(err, rc, "--%s '%s'", p->option, p->where) : rc;
}

/* ---- a terminal, a descriptor, a file -----------------------------------------------------------
 */

static int use_terminal(const struct place *p, int fd, struct err *err)
{
	int rc = terminal_use(p->env->terminal, p->env->loop, fd, err);

	return rc < 0 ? err_wrap(err, rc, "--%s '%s'", p->option, p->where) : 0;
}

static int open_stdio(const struct place *p, struct console_port_options *out, struct err *err)
{
	out->kind = CONSOLE_STREAM;
	out->in_fd = STDIN_FILENO;
	out->out_fd = STDOUT_FILENO;
	return use_terminal(p, STDIN_FILENO, err);
}

static int open_inherited(const struct place *p, struct console_port_options *out, struct err *err)
{
	int fd = vmm_open_kept(p->env, p->option, p->where, 0, err);
	int flags = fd < 0 ? 0 : fcntl(fd, F_GETFL);

	if (fd < 0)
		return fd;
	if (flags < 0)
		return sys_error(p, "descriptor", err);
	out->kind = CONSOLE_STREAM;
	out->in_fd = (flags & O_ACCMODE) == O_WRONLY ? -1 : fd;
	out->out_fd = (flags & O_ACCMODE) == O_RDONLY ? -1 : fd;
	return use_terminal(p, fd, err);
}

static int open_file(const struct place *p, struct console_port_options *out, struct err *err)
{
	out->kind = CONSOLE_STREAM;
	out->out_fd = vmm_open_kept(p->env, p->option, p->where + strlen("file:"),
				    O_WRONLY | O_CREAT | O_APPEND, err);
	return out->out_fd < 0 ? out->out_fd : 0;
}

/* ---- a pseudo-terminal --------------------------------------------------------------------------
 */

/*
 * The slave is raw, or it would send the guest's output back as input; and watched, since a master
 * is not told that it is opened. It is closed again: from then on the master knows whether somebody
 * has it open.
 */
static int prepare_slave(const struct place *p, int master_fd, int watch_fd, struct err *err)
{
	auto_close int slave_fd = ioctl(master_fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct termios before;
	char path[32];

	if (slave_fd < 0)
		return sys_error(p, "open the slave", err);
	if (tty_make_raw(slave_fd, &before) < 0)
		return sys_error(p, "set the slave to raw mode", err);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", slave_fd);
	if (inotify_add_watch(watch_fd, path, IN_OPEN | IN_CLOSE) < 0)
		return sys_error(p, "watch the slave", err);
	return 0;
}

static int open_pty(const struct place *p, struct console_port_options *out, struct err *err)
{
	char name[64];
	int rc;

	out->kind = CONSOLE_PTY;
	out->in_fd = keep(p, posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC),
			  "open /dev/ptmx", err);
	if (out->in_fd < 0)
		return out->in_fd;
	out->watch_fd = keep(p, inotify_init1(IN_NONBLOCK | IN_CLOEXEC), "inotify", err);
	if (out->watch_fd < 0)
		return out->watch_fd;
	if (unlockpt(out->in_fd) < 0 || ptsname_r(out->in_fd, name, sizeof(name)) != 0)
		return sys_error(p, "unlock the slave", err);
	rc = prepare_slave(p, out->in_fd, out->watch_fd, err);
	if (rc < 0)
		return rc;
	/* Not a log line: the caller needs it whatever the log level is. */
	if (out->name)
		(void)fprintf(stderr, "port %s: %s\n", out->name, name);
	else
		(void)fprintf(stderr, "console: %s\n", name);
	return 0;
}

/* ---- a socket -----------------------------------------------------------------------------------
 */

/* Its folder stays open, without a way out: the socket is removed at the end, from whatever root.
 */
static int open_listener(const struct place *p, struct console_port_options *out, struct err *err)
{
	struct vmm_device_env *env = p->env;
	struct vmm_socket_file *s = &env->sockets[env->n_sockets];
	int rc;

	out->kind = CONSOLE_LISTENER;
	s->dir_fd = unix_socket_folder(p->where + strlen("unix:"), &s->name, err);
	rc = s->dir_fd < 0 ? s->dir_fd : vmm_keep(env, s->dir_fd, err);
	if (rc >= 0)
		rc = sandbox_confine_dir(env->sandbox, s->dir_fd, false, false, err);
	if (rc >= 0)
		rc = unix_socket_listen(s->dir_fd, s->name, &s->id, err);
	if (rc >= 0) {
		env->n_sockets++;
		rc = vmm_keep(env, rc, err);
		out->in_fd = rc;
	}
	return rc < 0 ? err_wrap(err, rc, "--%s '%s'", p->option, p->where) : 0;
}

/* ---- the device ---------------------------------------------------------------------------------
 */

static int open_place(const struct place *p, struct console_port_options *out, struct err *err)
{
	static const struct {
		const char *prefix;
		int (*open)(const struct place *p, struct console_port_options *out,
			    struct err *err);
	} forms[] = {
		{ "stdio", open_stdio }, { "pty", open_pty },        { "fd:", open_inherited },
		{ "file:", open_file },  { "unix:", open_listener },
	};

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		if (str_starts(p->where, forms[i].prefix))
			return forms[i].open(p, out, err);
	}
	return err_set(err, -EINVAL, "--%s '%s': unknown", p->option, p->where); /* cmdline.c */
}

static int open_port(const char *text, struct vmm_device_env *env, char *name,
		     struct console_port_options *out, struct err *err)
{
	const size_t len = strcspn(text, "=");
	const struct place p = { "port", text + len + 1, env };

	memcpy(name, text, len); /* cmdline.c saw to its length */
	name[len] = '\0';
	out->name = name;
	return open_place(&p, out, err);
}

static int watch_winch(struct vmm_device_env *env, struct err *err)
{
	sigset_t set;
	int fd;
	int rc;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGWINCH); /* blocked: terminal_signals() */
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err_sys(err, "--console: create a signalfd");
	rc = vmm_keep(env, fd, err);
	return rc < 0 ? err_wrap(err, rc, "--console") : rc;
}

int vmm_make_console(const char *text, struct vmm_device_env *env, struct virtio_device **out,
		     struct err *err)
{
	const struct place console = { "console", text, env };
	struct virtio_console_options o = { .n_ports = 1 + env->opts->n_ports };
	char names[VMM_PORTS_MAX][CONSOLE_NAME_MAX + 1];
	int rc = 0;

	for (unsigned int i = 0; i < o.n_ports; i++)
		o.ports[i] = (struct console_port_options){
			.kind = CONSOLE_NONE, .in_fd = -1, .out_fd = -1, .watch_fd = -1
		};
	if (*text)
		rc = open_place(&console, &o.ports[0], err);
	for (unsigned int i = 0; i < env->opts->n_ports && rc == 0; i++)
		rc = open_port(env->opts->ports[i], env, names[i], &o.ports[i + 1], err);
	if (rc < 0)
		return rc;
	o.winch_fd = watch_winch(env, err);
	return o.winch_fd < 0 ? o.winch_fd : virtio_console_new(&o, env->loop, out, err);
}
