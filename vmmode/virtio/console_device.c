// SPDX-License-Identifier: GPL-2.0-or-later
/* The virtio console device: configuration, life cycle, the window's size. */
#include <linux/virtio_ids.h>
#include <poll.h>
#include <string.h>
#include <sys/timerfd.h>

#include "spec/base/log.h"
#include "vmmode/virtio/console_internal.h"
#include "vmmode/virtio/ratelimit.h"

#define FEATURE(bit) (UINT64_C(1) << (bit))

enum {
	EMERGENCY_OFF = offsetof(struct virtio_console_config, emerg_wr),
	LAST_WAIT_MS = 1000, /* for what the guest sent last, when the machine ends */
};

static struct console *console_of(struct virtio_device *dev)
{
	return CONTAINER_OF(dev, struct console, dev);
}

/* ---- configuration ------------------------------------------------------------------------------
 */

static void config_read(struct virtio_device *dev, uint32_t off, void *data, uint32_t len)
{
	const struct console *c = console_of(dev);
	const struct virtio_console_config config = {
		.cols = c->cols,
		.rows = c->rows,
		.max_nr_ports = c->n_ports,
	};

	memcpy(data, (const uint8_t *)&config + off, len);
}

/* 5.3.4: an emergency character may come at any time, also before the driver said anything. It goes
 * out at once or not at all. */
static void config_write(struct virtio_device *dev, uint32_t off, const void *data, uint32_t len)
{
	struct console_port *p = &console_of(dev)->ports[0];
	uint8_t byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	ssize_t n;

	if (off != EMERGENCY_OFF || len == 0 || !console_host_takes(p))
		return;
	memcpy(&byte, data, 1);
	n = console_end_write(&p->host.out, &iov, 1);
	if (n < 0 && n != -EAGAIN)
		log_debug("virtio-console: emergency write: %s, ignoring", strerror((int)-n));
}

/* ---- the window's size --------------------------------------------------------------------------
 */

void console_check_size(struct console *c)
{
	uint16_t cols;
	uint16_t rows;

	if (!console_host_size(&c->ports[0], &cols, &rows) || (cols == c->cols && rows == c->rows))
		return;
	c->cols = cols;
	c->rows = rows;
	if (!c->dev.active) {
		/* Nobody is to be told; a driver that is just reading shall read again. */
		atomic_fetch_add(&c->dev.config_generation, 2);
		return;
	}
	if (console_has(c, VIRTIO_CONSOLE_F_SIZE))
		virtio_device_config_changed(&c->dev);
	if (c->ports[0].ready)
		c->ports[0].pending |= CONSOLE_MSG_RESIZE;
	console_ctrl_send(c);
}

static void on_winch(struct loop_source *src, uint32_t events)
{
	struct console *c = CONTAINER_OF(src, struct console, winch);
	char buf[1024]; /* of struct signalfd_siginfo; that there is one is all it says */

	(void)events;
	if (read(src->fd, buf, sizeof(buf)) < 0 && errno != EAGAIN)
		log_debug("virtio-console: read a signalfd: %m, ignoring");
	console_check_size(c);
}

static void on_timer(struct loop_source *src, uint32_t events)
{
	struct console *c = CONTAINER_OF(src, struct console, timer);
	uint64_t count;

	(void)events;
	if (read(src->fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		log_debug("virtio-console: read a timerfd: %m, ignoring");
	console_check_size(c);
}

/* A size that is set on the slave is told to the slave's processes alone. */
void console_timer_set(struct console *c, bool on)
{
	const struct itimerspec t = { .it_interval.tv_sec = on, .it_value.tv_sec = on };

	if (c->timer.fd >= 0 && timerfd_settime(c->timer.fd, 0, &t, NULL) < 0)
		log_debug("virtio-console: set a timer: %m, ignoring");
}

/* ---- life cycle ---------------------------------------------------------------------------------
 */

static void on_rx_kick(struct loop_source *src, uint32_t events)
{
	struct console_port *p = CONTAINER_OF(src, struct console_port, rx_kick);

	(void)events;
	virtio_queue_drain_kick(p->rx);
	virtq_kicks_off(&p->rx->vq);
	p->rx_starved = false;
	console_rx_run(p);
}

static void on_tx_kick(struct loop_source *src, uint32_t events)
{
	struct console_port *p = CONTAINER_OF(src, struct console_port, tx_kick);

	(void)events;
	virtio_queue_drain_kick(p->tx);
	(void)console_tx_run(p);
}

static void on_ctrl_rx_kick(struct loop_source *src, uint32_t events)
{
	struct console *c = CONTAINER_OF(src, struct console, ctrl_rx_kick);

	(void)events;
	virtio_queue_drain_kick(&c->vqs[CONSOLE_CTRL_RX]);
	console_ctrl_send(c);
}

static void on_ctrl_tx_kick(struct loop_source *src, uint32_t events)
{
	struct console *c = CONTAINER_OF(src, struct console, ctrl_tx_kick);

	(void)events;
	virtio_queue_drain_kick(&c->vqs[CONSOLE_CTRL_TX]);
	console_ctrl_receive(c);
}

/* Watches the kicks of @q, if the driver uses it. */
static int watch_kick(struct console *c, struct virtio_queue *q, struct loop_source *kick,
		      void (*ready)(struct loop_source *, uint32_t))
{
	if (!virtq_is_active(&q->vq))
		return 0;
	*kick = (struct loop_source){ .fd = q->kick_fd, .ready = ready };
	(void)virtq_kicks_on(&q->vq);
	return loop_add(c->loop, kick, EPOLLIN);
}

static int activate_port(struct console_port *p, bool multiport)
{
	struct console *c = p->con;
	int rc = watch_kick(c, p->rx, &p->rx_kick, on_rx_kick);

	if (rc == 0)
		rc = watch_kick(c, p->tx, &p->tx_kick, on_tx_kick);
	if (rc < 0)
		return rc;
	if (!multiport)
		p->guest_open = true; /* 5.3.5: then port 0 is all there is */
	console_rx_run(p);
	return 0;
}

static int activate(struct virtio_device *dev)
{
	struct console *c = console_of(dev);
	const bool multiport = console_has(c, VIRTIO_CONSOLE_F_MULTIPORT);
	const uint32_t n = multiport ? c->n_ports : 1;
	int rc = 0;

	if (multiport) {
		rc = watch_kick(c, &c->vqs[CONSOLE_CTRL_RX], &c->ctrl_rx_kick, on_ctrl_rx_kick);
		if (rc == 0)
			rc = watch_kick(c, &c->vqs[CONSOLE_CTRL_TX], &c->ctrl_tx_kick,
					on_ctrl_tx_kick);
	}
	for (uint32_t i = 0; i < n && rc == 0; i++)
		rc = activate_port(&c->ports[i], multiport);
	return rc;
}

/* The machine ends: what the guest sent is written, within a time. */
static void write_last(struct console_port *p, uint64_t deadline_ns)
{
	while (!console_tx_run(p)) {
		struct pollfd out = { .fd = p->host.out.src.fd, .events = POLLOUT };
		uint64_t now_ns = ratelimit_now();

		if (now_ns >= deadline_ns ||
		    (p->tx_full && poll(&out, 1, (int)((deadline_ns - now_ns) / 1000000) + 1) <= 0))
			return;
		p->tx_full = false;
	}
}

static void reset_port(struct console_port *p)
{
	const bool was_open = p->guest_open;

	p->pending = 0;
	p->added = p->ready = false;
	p->guest_open = false;
	p->told_open = false;
	p->rx_starved = p->tx_full = false;
	p->tx_off = 0;
	if (was_open && p->host.kind == CONSOLE_LISTENER && p->host.connected)
		console_host_disconnect(p); /* it was connected to who is gone */
}

static void reset(struct virtio_device *dev)
{
	struct console *c = console_of(dev);
	const uint64_t deadline_ns = ratelimit_now() + (uint64_t)LAST_WAIT_MS * 1000000;

	for (uint32_t i = 0; i < c->n_ports && c->loop->stopping; i++)
		write_last(&c->ports[i], deadline_ns);
	c->device_ready = false;
	loop_remove(c->loop, &c->ctrl_rx_kick);
	loop_remove(c->loop, &c->ctrl_tx_kick);
	for (uint32_t i = 0; i < c->n_ports; i++) {
		struct console_port *p = &c->ports[i];

		loop_remove(c->loop, &p->rx_kick);
		loop_remove(c->loop, &p->tx_kick);
		loop_remove(c->loop, &p->host.in.src);
		loop_remove(c->loop, &p->host.out.src);
		reset_port(p);
	}
}

static void destroy(struct virtio_device *dev)
{
	struct console *c = console_of(dev);

	for (uint32_t i = 0; i < c->n_ports; i++)
		console_host_close(&c->ports[i]);
	loop_remove(c->loop, &c->winch);
	loop_remove(c->loop, &c->timer);
	cleanup_close(&c->timer.fd);
	free(c);
}

static const struct virtio_device_ops console_ops = {
	.name = "console",
	.config_read = config_read,
	.config_write = config_write,
	.activate = activate,
	.reset = reset,
	.destroy = destroy,
};

/* ---- making one ---------------------------------------------------------------------------------
 */

/* The receive queue of port @id; its transmit queue is the next one. */
static struct virtio_queue *queue_of(struct console *c, uint32_t id)
{
	return &c->vqs[id == 0 ? 0 : 2 + 2 * id];
}

static int new_port(struct console *c, uint32_t id, const struct console_port_options *o,
		    struct err *err)
{
	struct console_port *p = &c->ports[id];
	const size_t len = o->name ? strlen(o->name) : 0;

	if (id == 0 ? len != 0 : len == 0 || len > CONSOLE_NAME_MAX)
		return err_set(err, -EINVAL, "console: port %u: want a name of 1 to %d bytes", id,
			       CONSOLE_NAME_MAX);
	p->con = c;
	p->id = id;
	p->exists = id != 0 || o->kind != CONSOLE_NONE;
	p->rx = queue_of(c, id);
	p->tx = p->rx + 1;
	if (len)
		memcpy(p->name, o->name, len);
	return console_host_open(p, o, err);
}

static int watch_size(struct console *c, const struct virtio_console_options *opts, struct err *err)
{
	const bool is_pty = opts->ports[0].kind == CONSOLE_PTY;
	int rc = 0;

	if (!console_host_is_tty(&c->ports[0]))
		return 0;
	c->dev.offered |= FEATURE(VIRTIO_CONSOLE_F_SIZE);
	console_check_size(c);
	if (opts->winch_fd >= 0) {
		c->winch = (struct loop_source){ .fd = opts->winch_fd, .ready = on_winch };
		rc = loop_add(c->loop, &c->winch, EPOLLIN);
	}
	if (rc == 0 && is_pty) {
		c->timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
		rc = c->timer.fd < 0 ? -errno : loop_add(c->loop, &c->timer, EPOLLIN);
	}
	return rc < 0 ? err_code(err, rc, "console: watch the terminal's size") : 0;
}

static int init(struct console *c, const struct virtio_console_options *opts, struct err *err)
{
	int rc = 0;

	for (uint32_t i = 0; i < opts->n_ports && rc == 0; i++) {
		c->n_ports = i + 1; /* destroy() closes half a port as well */
		rc = new_port(c, i, &opts->ports[i], err);
	}
	return rc < 0 ? rc : watch_size(c, opts, err);
}

int virtio_console_new(const struct virtio_console_options *opts, struct loop *loop,
		       struct virtio_device **out, struct err *err)
{
	struct console *c;
	int rc;

	if (opts->n_ports == 0 || opts->n_ports > CONSOLE_PORTS_MAX)
		return err_set(err, -EINVAL, "console: the number of ports must be 1 to %d",
			       CONSOLE_PORTS_MAX);
	c = calloc(1, sizeof(*c));
	if (!c)
		return err_set(err, -ENOMEM, "console: no memory");
	c->loop = loop;
	c->timer = (struct loop_source){ .fd = -1, .ready = on_timer };
	c->dev = (struct virtio_device){
		.ops = &console_ops,
		.id = VIRTIO_ID_CONSOLE,
		.offered =
		    FEATURE(VIRTIO_CONSOLE_F_MULTIPORT) | FEATURE(VIRTIO_CONSOLE_F_EMERG_WRITE),
		.config_len = sizeof(struct virtio_console_config),
		.n_queues = (uint16_t)(2 * (opts->n_ports + 1)),
		.queues = c->vqs,
		.config_call_fd = -1,
	};
	for (uint16_t i = 0; i < c->dev.n_queues; i++)
		c->vqs[i] = (struct virtio_queue){ .size_max = CONSOLE_QUEUE_SIZE,
						   .kick_fd = -1,
						   .call_fd = -1 };
	rc = init(c, opts, err);
	if (rc < 0) {
		destroy(&c->dev);
		return rc;
	}
	*out = &c->dev;
	return 0;
}
