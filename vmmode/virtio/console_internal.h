/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The console device's state. All of it belongs to the loop's thread.
 *
 *   console_device.c  configuration, life cycle, the window's size
 *   console_ctrl.c    the control queues: messages both ways
 *   console_port.c    bytes between a port's queues and its host side
 *   console_host.c    the host side: descriptors, what they are watched for, who comes and goes
 *
 * Messages to the guest wait as bits per port, not in a list: however many reasons there are to
 * send one, and however few buffers the guest gives, the memory for them is this.
 */
#ifndef BIVALVE_VMMODE_VIRTIO_CONSOLE_INTERNAL_H
#define BIVALVE_VMMODE_VIRTIO_CONSOLE_INTERNAL_H

#include <linux/virtio_console.h>
#include <sys/uio.h>

#include "vmmode/virtio/console.h"

enum {
	CONSOLE_QUEUES_MAX = 2 * (CONSOLE_PORTS_MAX + 1),
	CONSOLE_CTRL_RX = 2, /* the control queues stand between those of port 0 and port 1 */
	CONSOLE_CTRL_TX = 3,
	CONSOLE_BATCH = 16,         /* steps before other sources get their turn */
	CONSOLE_STEP_BYTES = 65536, /* written in one step */
};

/* Messages that a port has for the guest, in the order in which they go. */
enum console_message {
	CONSOLE_MSG_ADD = 1 << 0,
	CONSOLE_MSG_CONSOLE = 1 << 1,
	CONSOLE_MSG_RESIZE = 1 << 2,
	CONSOLE_MSG_NAME = 1 << 3,
	CONSOLE_MSG_OPEN = 1 << 4, /* its value is what holds when it goes */
	CONSOLE_MSG_REMOVE = 1 << 5,
};

/* One direction of a port's host side. */
struct console_end {
	struct loop_source src; /* src.fd is owned; -1: there is none */
	uint32_t events;        /* what src is watched for while it is listed */
	bool is_socket;
	bool is_tty;
	bool can_poll; /* else it is always ready: a file */
	bool may_wait; /* it is not non-blocking: asked before each write, and given little */
	bool ended;    /* the end of the input; the output takes no more */
};

struct console_host {
	enum console_host_kind kind;
	struct console_end in, out;
	struct loop_source wake; /* PTY: watch_fd; LISTENER: the socket. Borrowed */
	int master_fd;           /* PTY; borrowed */
	bool joined;             /* in and out are one: the end of the input is its end */
	bool connected;          /* somebody may be there; always with STREAM */
	bool closing;            /* LISTENER: the client goes once the guest's output is written */
};

struct console;

struct console_port {
	struct console *con;
	uint32_t id;
	char name[CONSOLE_NAME_MAX + 1]; /* "" for the console */
	bool exists;                     /* false: never was, or was removed */
	struct virtio_queue *rx, *tx;    /* rx: to the guest */
	struct loop_source rx_kick, tx_kick;
	struct console_host host;

	/* From here on: of one driver, forgotten at a reset. */
	unsigned int pending; /* CONSOLE_MSG_* */
	bool added, ready;    /* the driver was told of the port, and can use it */
	bool guest_open;
	bool told_open; /* what the driver last heard of the host's side */
	bool rx_starved;
	bool tx_full;
	uint32_t tx_off; /* bytes of the next chain that are written already, or shall not be */
};

struct console {
	struct virtio_device dev;
	struct loop *loop;
	struct virtio_queue vqs[CONSOLE_QUEUES_MAX];
	struct console_port ports[CONSOLE_PORTS_MAX];
	uint32_t n_ports;
	uint16_t cols, rows; /* of the console; 0: not known */
	struct loop_source ctrl_rx_kick, ctrl_tx_kick;
	struct loop_source winch;
	struct loop_source timer; /* a timerfd, owned; -1: none. Looks at the size of an open PTY */
	bool device_ready;
	struct virtq_chain chain; /* the one just popped */
};

static inline bool console_has(const struct console *c, unsigned int feature)
{
	return c->dev.features & (UINT64_C(1) << feature);
}

/* console_go - the driver is there and keeps to the rules. */
static inline bool console_go(struct console *c)
{
	return c->dev.active && !atomic_load(&c->dev.broken);
}

/* console_again - a batch is done and there may be more: as if the driver had kicked. */
void console_again(const struct virtio_queue *q);

/* ---- console_device.c */

/* console_check_size - asks for the console's size; the guest hears of a new one. */
void console_check_size(struct console *c);

/* console_timer_set - whether the size of a pseudo-terminal is looked at every second. */
void console_timer_set(struct console *c, bool on);

/* ---- console_ctrl.c */

/* console_ctrl_receive - the driver's messages. */
void console_ctrl_receive(struct console *c);

/* console_ctrl_send - what is pending, and news of hosts that came and went, as far as there are
 * buffers. */
void console_ctrl_send(struct console *c);

/* ---- console_port.c */

/* console_rx_run, console_tx_run - move bytes until there is nothing to do, or a batch is done.
 * console_tx_run: whether all that the driver sent is done with. */
void console_rx_run(struct console_port *p);
bool console_tx_run(struct console_port *p);

/* console_settle - after anything that concerns the host's side: finishes what is closing, watches
 * what can be used now, tells the guest. */
void console_settle(struct console_port *p);

/* console_wants_input - the guest would take bytes from the host's side now. */
bool console_wants_input(const struct console_port *p);

/* ---- console_host.c */

/* console_host_open - makes the host side of @p. 0 or -errno. */
MUST_CHECK int console_host_open(struct console_port *p, const struct console_port_options *o,
				 struct err *err);

/* console_host_close - all descriptors; safe for one that was never opened. */
void console_host_close(struct console_port *p);

/* console_host_is_open - what PORT_OPEN tells the guest. */
bool console_host_is_open(const struct console_port *p);

/* console_host_is_gone - it is not open, and can never be again. */
bool console_host_is_gone(const struct console_port *p);

/* console_host_takes - there is somebody to write to. */
bool console_host_takes(const struct console_port *p);

/* console_host_watch - watches the descriptors for what the port can use now. */
void console_host_watch(struct console_port *p);

/* console_host_input_ended - the last read gave the end, or the error @rc. */
void console_host_input_ended(struct console_port *p, int rc);

/* console_host_output_ended - the last write gave the error @rc. */
void console_host_output_ended(struct console_port *p, int rc);

/* console_host_disconnect - PTY, LISTENER: whoever was there is gone. */
void console_host_disconnect(struct console_port *p);

/* console_host_size - the terminal's size. False: it is none, or does not know. */
bool console_host_size(const struct console_port *p, uint16_t *out_cols, uint16_t *out_rows);

/* console_host_is_tty - it has a size that may change. */
bool console_host_is_tty(const struct console_port *p);

/* console_end_read, console_end_write - never wait. A count (0: the end); -EAGAIN; -errno. */
MUST_CHECK ssize_t console_end_read(const struct console_end *e, struct iovec *iov, size_t n);
MUST_CHECK ssize_t console_end_write(const struct console_end *e, struct iovec *iov, size_t n);

#endif
