// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bytes between a port's queues and its host side, straight from and to the guest's buffers. A
 * buffer that cannot be finished now goes back into the ring and is looked at anew, bounds and all,
 * when it can; of one that is half written the count of bytes is kept, nothing else.
 */
#include "spec/base/log.h"
#include "vmmode/virtio/console_internal.h"

void console_again(const struct virtio_queue *q)
{
	const uint64_t one = 1;

	if (write(q->kick_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_debug("virtio-console: signal an eventfd: %m, ignoring");
}

/* Takes the next chain. Returns 1; 0 there is none, and the driver will kick; -errno. */
static int pop(struct console *c, struct virtq *vq)
{
	int rc;

	do {
		rc = virtq_pop(vq, &c->chain);
	} while (rc == 0 && virtq_kicks_on(vq));
	return rc;
}

/* ---- host to guest ------------------------------------------------------------------------------
 */

bool console_wants_input(const struct console_port *p)
{
	const struct console_host *h = &p->host;

	return console_go(p->con) && virtq_is_active(&p->rx->vq) && p->exists && p->guest_open &&
	       !p->rx_starved && h->connected && !h->closing && h->in.src.fd >= 0 && !h->in.ended;
}

/* Fills one of the guest's buffers. False: there is no more to do now. */
static bool feed(struct console_port *p)
{
	struct console *c = p->con;
	struct virtq_chain *chain = &c->chain;
	ssize_t n;
	int rc;

	if (!console_wants_input(p))
		return false;
	rc = pop(c, &p->rx->vq);
	if (rc > 0 && (chain->n_read != 0 || chain->write_bytes == 0))
		rc = -EINVAL;
	if (rc < 0)
		virtio_device_broken(&c->dev, rc, "a receive buffer");
	p->rx_starved = rc == 0;
	if (rc <= 0)
		return false;
	n = console_end_read(&p->host.in, chain->iov, chain->n_write);
	if (n > 0) {
		virtq_push(&p->rx->vq, chain->head, (uint32_t)n);
		/* Less than there was room for: that was all. The loop comes back if not. */
		return !p->host.in.can_poll || (size_t)n == chain->write_bytes;
	}
	virtq_unpop(&p->rx->vq);
	if (n != -EAGAIN)
		console_host_input_ended(p, (int)n);
	return false;
}

void console_rx_run(struct console_port *p)
{
	int i = 0;

	while (i < CONSOLE_BATCH && feed(p))
		i++;
	if (virtq_is_active(&p->rx->vq)) {
		virtio_queue_call(p->rx);
		if (i == CONSOLE_BATCH && !p->host.in.can_poll)
			console_again(p->rx);
	}
	console_settle(p);
}

/* ---- guest to host ------------------------------------------------------------------------------
 */

/* The bytes of @chain from @off on, at most CONSOLE_STEP_BYTES, as buffers at @out. */
static size_t slice(const struct virtq_chain *chain, size_t off, struct iovec *out)
{
	size_t left = CONSOLE_STEP_BYTES;
	size_t n = 0;

	for (size_t i = 0; i < chain->n_read && left > 0; i++) {
		size_t len = chain->iov[i].iov_len;

		if (off >= len) {
			off -= len;
			continue;
		}
		len -= off;
		if (len > left)
			len = left;
		out[n++] = (struct iovec){
			.iov_base = (uint8_t *)chain->iov[i].iov_base + off,
			.iov_len = len,
		};
		left -= len;
		off = 0;
	}
	return n;
}

/* Writes from the chain just popped. Returns whether it is done with; if not, it is back. */
static bool write_chain(struct console_port *p)
{
	const struct virtq_chain *chain = &p->con->chain;
	struct iovec iov[CONSOLE_QUEUE_SIZE]; /* a chain is at most a queue long */
	ssize_t n;

	if (p->tx_off >= chain->read_bytes || !console_host_takes(p))
		return true;
	n = console_end_write(&p->host.out, iov, slice(chain, p->tx_off, iov));
	if (n == 0)
		n = -EIO;
	if (n > 0)
		p->tx_off += (uint32_t)n;
	else if (n == -EAGAIN)
		p->tx_full = true;
	else
		console_host_output_ended(p, (int)n);
	if (n < 0 ? n != -EAGAIN : p->tx_off >= chain->read_bytes)
		return true;
	virtq_unpop(&p->tx->vq);
	return false;
}

/* One step. False: there is no more to do now. */
static bool send_some(struct console_port *p)
{
	struct console *c = p->con;
	int rc;

	if (!console_go(c) || p->tx_full)
		return false;
	rc = pop(c, &p->tx->vq);
	if (rc > 0 && c->chain.n_write != 0)
		rc = -EINVAL;
	if (rc < 0)
		virtio_device_broken(&c->dev, rc, "a transmit buffer");
	if (rc <= 0)
		return false;
	if (write_chain(p)) {
		virtq_push(&p->tx->vq, c->chain.head, 0);
		p->tx_off = 0;
	}
	return true;
}

/* Returns whether all that the driver sent is done with. */
static bool send_batch(struct console_port *p)
{
	int i = 0;

	if (!virtq_is_active(&p->tx->vq))
		return true;
	virtq_kicks_off(&p->tx->vq);
	while (i < CONSOLE_BATCH && send_some(p))
		i++;
	virtio_queue_call(p->tx);
	if (i == CONSOLE_BATCH)
		console_again(p->tx);
	return i < CONSOLE_BATCH && !p->tx_full;
}

bool console_tx_run(struct console_port *p)
{
	const bool done = send_batch(p);

	if (p->host.closing && done)
		console_host_disconnect(p);
	console_host_watch(p);
	console_ctrl_send(p->con);
	return done;
}

void console_settle(struct console_port *p)
{
	/* A client that goes gets what the guest sent before. */
	if (p->host.closing) {
		(void)console_tx_run(p);
		return;
	}
	console_host_watch(p);
	console_ctrl_send(p->con);
}
