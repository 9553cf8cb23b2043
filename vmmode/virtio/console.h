/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-console: port 0 is the console (hvc0 of a Linux guest), the ports behind it have names
 * (/dev/vport0pN, name in /sys/class/virtio-ports). Works in the loop's thread.
 *
 * Nothing is buffered here: bytes go straight between the guest's buffers and descriptors.
 *   - the host's side takes no more: no buffer is taken from the guest until it does. A Linux guest
 *     waits for its console in its kernel, and for a named port in write(2).
 *   - the guest has no receive buffers, or has not opened the port: the host's side is not read.
 *   - nobody is on the host's side: what the guest sends is dropped, as on a line without a cable.
 *
 * The guest learns by PORT_OPEN whether somebody is there. The end of the input is the end of the
 * connection: virtio has no half-closed ports. A named port whose host's side is gone for good is
 * removed once the guest has closed it as well.
 *
 * RESIZE carries columns before rows, as the specification has it, and Debian's kernels of today;
 * Linux read them the other way round from 2010 to 2025 (and such a guest swaps them).
 * Source: virtio 1.2, 5.3; Linux drivers/char/virtio_console.c.
 */
#ifndef BIVALVE_VMMODE_VIRTIO_CONSOLE_H
#define BIVALVE_VMMODE_VIRTIO_CONSOLE_H

#include "spec/base/err.h"
#include "vmmode/virtio/device.h"
#include "vmmode/virtio/loop.h"

enum {
	CONSOLE_PORTS_MAX = VIRTIO_QUEUES_MAX / 2 - 1, /* two queues each, and the control queues */
	CONSOLE_NAME_MAX = 63,                         /* bytes of a port's name */
	CONSOLE_QUEUE_SIZE = 64,
};

/* What a port's host side is. */
enum console_host_kind {
	CONSOLE_NONE,     /* nothing; of port 0: there is no console */
	CONSOLE_STREAM,   /* descriptors as they are: tty, pipe, socket, file */
	CONSOLE_PTY,      /* the master of a pseudo-terminal that clients open and close */
	CONSOLE_LISTENER, /* a listening stream socket; one client at a time */
};

struct console_port_options {
	const char *name; /* copied; NULL for port 0 */
	enum console_host_kind kind;
	/* STREAM: where the guest's input comes from, -1: nowhere. PTY: the master, non-blocking.
	 * LISTENER: the socket. Borrowed, as all descriptors; a STREAM's are duplicated, and a
	 * pseudo-terminal's master among them is made non-blocking. */
	int in_fd;
	int out_fd;   /* STREAM: where the output goes, may be in_fd; -1: nowhere */
	int watch_fd; /* PTY: an inotify descriptor that tells of opens and closes of the slave */
};

struct virtio_console_options {
	struct console_port_options ports[CONSOLE_PORTS_MAX]; /* ports[0] is the console */
	unsigned int n_ports;                                 /* 1 .. CONSOLE_PORTS_MAX */
	int winch_fd; /* a signalfd of SIGWINCH, borrowed; -1: none */
};

/*
 * virtio_console_new - @loop is borrowed.
 * Returns 0 and gives *@out (ops->destroy frees); -EINVAL a bad number of ports or a bad name;
 * -errno a descriptor that cannot be used.
 */
MUST_CHECK int virtio_console_new(const struct virtio_console_options *opts, struct loop *loop,
				  struct virtio_device **out, struct err *err);

#endif
