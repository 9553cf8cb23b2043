// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control queues. Source: virtio 1.2, 5.3.6.2.
 *
 * The driver: DEVICE_READY, then PORT_READY for each port that it was told of, and PORT_OPEN when
 * somebody in the guest opens or closes one. What makes no sense (a port that is not there, a
 * message that only the device sends) is passed over; a buffer that is no message breaks the rules.
 */
#include <string.h>

#include "spec/base/log.h"
#include "vmmode/virtio/console_internal.h"

enum { RECEIVE_BATCH = 64 };

/* The longest message: a header and a name. */
struct message {
	struct virtio_console_control head;
	uint8_t data[CONSOLE_NAME_MAX];
	size_t len; /* of both */
};

_Static_assert(sizeof(struct virtio_console_control) == 8, "virtio 1.2, 5.3.6.2");

/* ---- to the driver ------------------------------------------------------------------------------
 */

/* The first of the messages in @pending, which is not 0. */
static enum console_message first_of(unsigned int pending)
{
	return (enum console_message)(pending & (~pending + 1));
}

static void build(const struct console_port *p, enum console_message m, struct message *out)
{
	const uint16_t size[2] = { p->con->cols, p->con->rows };
	const void *data = NULL;
	size_t bytes = 0;

	out->head = (struct virtio_console_control){ .id = p->id, .value = 1 };
	switch (m) {
	case CONSOLE_MSG_ADD:
		out->head.event = VIRTIO_CONSOLE_PORT_ADD;
		break;
	case CONSOLE_MSG_CONSOLE:
		out->head.event = VIRTIO_CONSOLE_CONSOLE_PORT;
		break;
	case CONSOLE_MSG_RESIZE:
		out->head.event = VIRTIO_CONSOLE_RESIZE;
		data = size;
		bytes = sizeof(size);
		break;
	case CONSOLE_MSG_NAME:
		out->head.event = VIRTIO_CONSOLE_PORT_NAME;
		data = p->name;
		bytes = strlen(p->name);
		break;
	case CONSOLE_MSG_OPEN:
		out->head.event = VIRTIO_CONSOLE_PORT_OPEN;
		out->head.value = console_host_is_open(p);
		break;
	case CONSOLE_MSG_REMOVE:
		out->head.event = VIRTIO_CONSOLE_PORT_REMOVE;
		break;
	}
	if (bytes)
		memcpy(out->data, data, bytes);
	out->len = sizeof(out->head) + bytes;
}

/* Puts @m into the driver's next buffer. 0; -EAGAIN: there is none, and the driver will kick;
 * -errno. */
static int put(struct console *c, const struct message *m)
{
	struct virtq *vq = &c->vqs[CONSOLE_CTRL_RX].vq;
	int rc;

	do {
		rc = virtq_pop(vq, &c->chain);
	} while (rc == 0 && virtq_kicks_on(vq));
	if (rc > 0 && (c->chain.n_read != 0 || c->chain.write_bytes < m->len))
		rc = -EINVAL;
	if (rc <= 0)
		return rc < 0 ? rc : -EAGAIN;
	(void)virtq_chain_write(&c->chain, 0, &m->head, sizeof(m->head));
	(void)virtq_chain_write(&c->chain, sizeof(m->head), m->data, m->len - sizeof(m->head));
	virtq_push(vq, c->chain.head, (uint32_t)m->len);
	return 0;
}

/* The port's next message goes. Returns 1; 0: it has none; as put(). */
static int send_one(struct console_port *p)
{
	enum console_message which;
	struct message m;
	int rc;

	if (p->ready && p->told_open != console_host_is_open(p))
		p->pending |= CONSOLE_MSG_OPEN;
	else
		p->pending &= ~(unsigned int)CONSOLE_MSG_OPEN;
	if (!p->pending)
		return 0;
	which = first_of(p->pending);
	build(p, which, &m);
	rc = put(p->con, &m);
	if (rc < 0)
		return rc;
	p->pending &= ~(unsigned int)which;
	if (which == CONSOLE_MSG_OPEN)
		p->told_open = m.head.value;
	return 1;
}

void console_ctrl_send(struct console *c)
{
	struct virtio_queue *q = &c->vqs[CONSOLE_CTRL_RX];
	int rc = 0;

	if (!console_go(c) || !console_has(c, VIRTIO_CONSOLE_F_MULTIPORT) ||
	    !virtq_is_active(&q->vq))
		return;
	/* The first that finds no buffer is the last: one that came meanwhile is not for a later
	 * port. */
	for (uint32_t i = 0; i < c->n_ports && rc >= 0; i++) {
		do {
			rc = send_one(&c->ports[i]);
		} while (rc > 0);
	}
	if (rc < 0 && rc != -EAGAIN)
		virtio_device_broken(&c->dev, rc, "a control buffer");
	virtio_queue_call(q);
}

/* ---- from the driver ----------------------------------------------------------------------------
 */

static void on_device_ready(struct console *c, bool ok)
{
	if (!ok)
		log_warn("virtio-console: the guest's driver gave up, ignoring");
	if (!ok || c->device_ready)
		return;
	c->device_ready = true;
	for (uint32_t i = 0; i < c->n_ports; i++) {
		struct console_port *p = &c->ports[i];

		if (!p->exists)
			continue;
		p->added = true;
		p->pending |= CONSOLE_MSG_ADD;
	}
}

static void on_port_ready(struct console_port *p, bool ok)
{
	if (!ok)
		log_warn("virtio-console: the guest cannot use port %u, ignoring", p->id);
	if (!ok || p->ready)
		return;
	p->ready = true;
	if (p->id == 0) {
		p->pending |= CONSOLE_MSG_CONSOLE;
		if (p->con->cols)
			p->pending |= CONSOLE_MSG_RESIZE;
	}
	if (p->name[0])
		p->pending |= CONSOLE_MSG_NAME;
}

/* Somebody in the guest opened or closed the port. */
static void on_port_open(struct console_port *p, bool open)
{
	const bool was_open = p->guest_open;

	p->guest_open = open;
	if (open && !was_open) {
		console_rx_run(p);
	} else if (!open && was_open) {
		/* The client's connection was to who closed now. */
		p->host.closing = p->host.kind == CONSOLE_LISTENER && p->host.connected;
		if (p->id != 0 && console_host_is_gone(p)) {
			p->exists = false;
			p->ready = false;
			p->pending = CONSOLE_MSG_REMOVE;
		}
		console_settle(p);
	}
}

static void receive(struct console *c, const struct virtio_console_control *m)
{
	struct console_port *p = m->id < c->n_ports ? &c->ports[m->id] : NULL;

	if (m->event == VIRTIO_CONSOLE_DEVICE_READY) {
		on_device_ready(c, m->value);
		return;
	}
	if (!p || !p->exists || !p->added) {
		log_debug("virtio-console: message %u for port %u, ignoring", m->event, m->id);
		return;
	}
	if (m->event == VIRTIO_CONSOLE_PORT_READY)
		on_port_ready(p, m->value);
	else if (m->event == VIRTIO_CONSOLE_PORT_OPEN)
		on_port_open(p, m->value);
	else
		log_debug("virtio-console: message %u, ignoring", m->event);
}

/* One message. Returns 1; 0 there is none; -errno. */
static int take(struct console *c)
{
	struct virtq *vq = &c->vqs[CONSOLE_CTRL_TX].vq;
	struct virtio_console_control m;
	int rc;

	do {
		rc = virtq_pop(vq, &c->chain);
	} while (rc == 0 && virtq_kicks_on(vq));
	if (rc > 0 && (c->chain.n_write != 0 || c->chain.read_bytes < sizeof(m)))
		rc = -EINVAL;
	if (rc <= 0)
		return rc;
	(void)virtq_chain_read(&c->chain, 0, &m, sizeof(m));
	/* Before it is acted on: that uses the chain for other things. */
	virtq_push(vq, c->chain.head, 0);
	receive(c, &m);
	return 1;
}

void console_ctrl_receive(struct console *c)
{
	struct virtio_queue *q = &c->vqs[CONSOLE_CTRL_TX];
	int rc = 0;
	int i;

	virtq_kicks_off(&q->vq);
	for (i = 0; i < RECEIVE_BATCH && console_go(c); i++) {
		rc = take(c);
		if (rc <= 0)
			break;
	}
	if (rc < 0)
		virtio_device_broken(&c->dev, rc, "a control message's buffers");
	virtio_queue_call(q);
	if (i == RECEIVE_BATCH)
		console_again(q);
	console_ctrl_send(c);
}
