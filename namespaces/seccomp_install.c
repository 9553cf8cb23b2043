// SPDX-License-Identifier: GPL-2.0-or-later
// Loading a compiled filter, and handing its notify listener to the agent.
//
// With a listener there is a knot: the descriptor exists only once the filter does, and the filter
// may notify or deny the very call that passes the descriptor on. So a thread is made before: the
// filter binds the thread that loads it alone, the other shares the descriptors, passes the
// listener on and ends. The loading thread waits on memory, without a system call. It is the one
// place with a second thread; no lock can be held by the first when it starts, for there was only
// one.
#include "namespaces/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "spec/base/fd.h"
#include "spec/base/path.h"
#include "spec/json_write.h"

enum {
	STACK_BYTES = 256 * 1024,
	LISTENER_NONE = -1, /* the filter was refused */
	LISTENER_PENDING = -2,
};

bool seccomp_wants_listener(const struct seccomp_program *p)
{
	return p->flags & SECCOMP_FILTER_FLAG_NEW_LISTENER;
}

static int load(const struct seccomp_program *p, struct err *err)
{
	struct sock_fprog prog = { .len = (unsigned short)p->n, .filter = p->insns };
	long rc = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, p->flags, &prog);

	_Static_assert(BPF_MAXINSNS <= USHRT_MAX, "len cannot be cut");
	if (rc >= 0)
		return (int)rc;
	if (errno == EACCES)
		return err_set(err, -EACCES,
			       "/linux/seccomp: load the filter: needs noNewPrivileges or "
			       "CAP_SYS_ADMIN");
	if (errno == EBUSY)
		return err_set(err, -EBUSY,
			       "/linux/seccomp: load the filter: a filter with a listener is in "
			       "force already");
	return err_sys(err, "/linux/seccomp: load the filter");
}

static void cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield" ::: "memory");
#endif
}

/* Shared by the two threads; @listener_fd is written by the loading one, the rest by the other. */
struct handover {
	_Atomic int listener_fd;
	_Atomic pid_t is_alive; /* cleared by the kernel when the thread has ended */
	seccomp_listener_fn *fn;
	void *arg;
	struct err *err;
	int rc;
};

static int handover_main(void *p)
{
	struct handover *h = p;
	int fd;

	while ((fd = atomic_load(&h->listener_fd)) == LISTENER_PENDING)
		(void)sched_yield(); /* for as long as one seccomp(2) takes */
	if (fd >= 0) {
		h->rc = h->fn(h->arg, fd, h->err);
		(void)close(fd);
	}
	return 0;
}

static int install_with_listener(const struct seccomp_program *p, struct handover *h,
				 struct err *err)
{
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			  CLONE_SYSVSEM | CLONE_CHILD_CLEARTID;
	char *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	int fd;

	if (stack == MAP_FAILED)
		return err_sys(err, "/linux/seccomp: make a stack");
	atomic_store(&h->listener_fd, LISTENER_PENDING);
	atomic_store(&h->is_alive, 1);
	if (clone(handover_main, stack + STACK_BYTES, flags, h, NULL, NULL, &h->is_alive) < 0) {
		int rc = err_sys(err, "/linux/seccomp: make a thread");

		(void)munmap(stack, STACK_BYTES);
		return rc;
	}
	fd = load(p, err);
	atomic_store(&h->listener_fd, fd < 0 ? LISTENER_NONE : fd);
	/* The stack is left to execve: from here on any system call may be the agent's to answer.
	 */
	while (atomic_load(&h->is_alive))
		cpu_relax();
	return fd < 0 ? fd : h->rc;
}

int seccomp_install(const struct seccomp_program *p, seccomp_listener_fn *hand_on, void *arg,
		    struct err *err)
{
	struct handover h = { .fn = hand_on, .arg = arg, .err = err };
	int rc;

	if (seccomp_wants_listener(p))
		return hand_on
			   ? install_with_listener(p, &h, err)
			   : err_set(err, -EINVAL, "/linux/seccomp: no way to pass the listener");
	rc = load(p, err);
	return rc < 0 ? rc : 0;
}

/* ---- the agent's side --------------------------------------------------------------------------
 */

/* One ContainerProcessState. @l->state_json is an object already: it is put in as it is. */
static int write_state(const struct seccomp_listener *l, struct buf *out)
{
	struct json_writer w;
	int rc;

	json_writer_init(&w, out, JSON_COMPACT);
	json_write_object(&w, NULL);
	json_write_str(&w, "ociVersion", "1.3.0");
	json_write_array(&w, "fds");
	json_write_str(&w, NULL, "seccompFd");
	json_write_end(&w);
	json_write_i64(&w, "pid", l->pid);
	if (l->metadata)
		json_write_str(&w, "metadata", l->metadata);
	json_write_end(&w);
	rc = json_writer_finish(&w);
	if (rc < 0)
		return rc;
	out->len--; /* the closing brace */
	buf_printf(out, ",\"state\":%s}", l->state_json);
	return buf_failed(out) ? -ENOMEM : 0;
}

/* By a descriptor of the socket's file: sun_path has 108 bytes, a path of the config may have more.
 */
static int connect_to(const char *path, int *out_fd)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	auto_close int sock_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	auto_close int file_fd = open(path, O_PATH | O_CLOEXEC);

	_Static_assert(PATH_PROC_FD_MAX <= sizeof(addr.sun_path), "fits");
	if (sock_fd < 0 || file_fd < 0)
		return -errno;
	(void)path_proc_fd(addr.sun_path, file_fd);
	if (connect(sock_fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	*out_fd = take_fd(&sock_fd);
	return 0;
}

int seccomp_send_listener(const struct seccomp_listener *l, int fd, struct err *err)
{
	auto_buf struct buf text = BUF_INIT;
	auto_close int sock_fd = -1;
	int rc;

	if (!l->path)
		return err_set(err, -EINVAL,
			       "/linux/seccomp/listenerPath: is needed by SCMP_ACT_NOTIFY");
	rc = write_state(l, &text);
	if (rc < 0)
		return err_code(err, rc, "/linux/seccomp/listenerPath: write the process state");
	rc = connect_to(l->path, &sock_fd);
	if (rc < 0)
		return err_code(err, rc, "/linux/seccomp/listenerPath: connect to '%s'", l->path);
	/* One message: agents read the descriptor and the text at once. */
	rc = fd_send(sock_fd, text.data, text.len, &fd, 1);
	if (rc < 0)
		return err_code(err, rc, "/linux/seccomp/listenerPath: send to '%s'", l->path);
	return 0;
}
