/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * COM1: an 8250 (as 16550A) for the early messages and the panics of a kernel, and for a login on
 * ttyS0. Output goes through a bounded FIFO that the loop's thread empties at the end of each line,
 * or a millisecond after a line's first byte: a slow reader costs bytes (counted, and said), never
 * memory or the guest's time.
 * Source: 16550A data sheet; Linux drivers/tty/serial/8250 asks for no more than is here.
 */
#ifndef BIVALVE_VMMODE_VMM_SERIAL_H
#define BIVALVE_VMMODE_VMM_SERIAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "spec/base/err.h"
#include "vmmode/virtio/loop.h"
#include "vmmode/vmm/bus.h"

enum { SERIAL_PORT = 0x3f8, SERIAL_OUT_BYTES = 65536, SERIAL_IN_BYTES = 64 };

struct serial_options {
	int out_fd; /* borrowed; -1: output is dropped */
	int in_fd;  /* borrowed; -1: no input */
	int irq_fd; /* eventfd that raises the line; takes; -1: none */
};

struct serial {
	struct bus_range range;
	struct serial_options opts;
	struct loop *loop;
	struct loop_source wake;   /* an eventfd, owned: there is output */
	struct loop_source timer;  /* a timerfd, owned: a line's end did not come in time */
	struct loop_source writer; /* listed while out_fd is full */
	struct loop_source reader;
	bool can_poll_out; /* out_fd is no regular file */

	pthread_mutex_t lock; /* of all below */
	uint8_t ier, fcr, lcr, mcr, scr, divisor[2];
	bool thr_empty; /* the interrupt for an empty transmitter is pending */
	uint8_t in[SERIAL_IN_BYTES];
	uint32_t in_head, in_len;
	uint8_t *out; /* owned, SERIAL_OUT_BYTES; made with the first byte */
	uint32_t out_head, out_len;
	bool out_now;   /* the loop is woken to write at once */
	bool out_waits; /* the timer runs: it need not be woken for less */
	uint64_t lost;  /* bytes dropped since the last report */
};

MUST_CHECK int serial_init(struct serial *s, struct loop *loop, const struct serial_options *opts,
			   struct err *err);

/* serial_flush - writes what the FIFO holds, as far as the reader takes it without waiting. */
void serial_flush(struct serial *s);
void serial_fini(struct serial *s);

#endif
