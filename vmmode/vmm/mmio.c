// SPDX-License-Identifier: GPL-2.0-or-later
/* The virtio-mmio transport. */
#include "vmmode/vmm/mmio.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <string.h>
#include <sys/eventfd.h>

#include "spec/base/log.h"
#include "vmmode/vmm/irq.h"

enum { PAGE_BYTES = 0x1000, VERSION = 2 };
static const uint32_t magic = 0x74726976;  /* "virt" */
static const uint32_t vendor = 0x4c564942; /* "BIVL" */

/* The queue that the driver selected, or NULL. */
static struct virtio_queue *selected(struct mmio *m)
{
	return m->queue_sel < m->dev->n_queues ? &m->dev->queues[m->queue_sel] : NULL;
}

static bool can_write_queue(const struct mmio *m)
{
	return (m->status & VIRTIO_CONFIG_S_FEATURES_OK) &&
	       !(m->status & (VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_FAILED));
}

/* ---- the device's operations, in the loop's thread ----------------------------------------------
 */

/* Wires a queue's notifications. Its eventfd stays for the next time. */
static int connect_queue(struct mmio *m, uint32_t i)
{
	struct virtio_queue *q = &m->dev->queues[i];

	if (q->kick_fd < 0)
		q->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (q->kick_fd < 0)
		return -errno;
	if (!m->opts.kvm)
		return 0;
	return irq_notify_on(m->opts.kvm, m->opts.base + VIRTIO_MMIO_QUEUE_NOTIFY, i, q->kick_fd);
}

static void do_activate(void *arg)
{
	struct mmio *m = arg;

	for (uint32_t i = 0; i < m->dev->n_queues; i++) {
		int rc = m->dev->queues[i].config.ready ? connect_queue(m, i) : 0;

		if (rc < 0) {
			virtio_device_broken(m->dev, rc, "wiring a queue");
			return;
		}
	}
	if (virtio_device_activate(m->dev, m->opts.mem) < 0)
		log_debug("virtio-%s: not activated", m->dev->ops->name);
}

static void do_reset(void *arg)
{
	struct mmio *m = arg;

	for (uint32_t i = 0; i < m->dev->n_queues; i++) {
		struct virtio_queue *q = &m->dev->queues[i];

		if (m->opts.kvm && q->config.ready && q->kick_fd >= 0 &&
		    (m->status & VIRTIO_CONFIG_S_DRIVER_OK))
			irq_notify_off(m->opts.kvm, m->opts.base + VIRTIO_MMIO_QUEUE_NOTIFY, i,
				       q->kick_fd);
	}
	virtio_device_reset(m->dev);
	for (uint32_t i = 0; i < m->dev->n_queues; i++) {
		if (m->dev->queues[i].kick_fd >= 0)
			virtio_queue_drain_kick(&m->dev->queues[i]);
	}
}

/* A config access: the vCPU's registers, handed over. */
struct config_access {
	struct mmio *m;
	uint32_t off, len;
	void *in;
	const void *out;
};

static void do_config(void *arg)
{
	const struct config_access *a = arg;
	struct virtio_device *dev = a->m->dev;

	if (a->in)
		dev->ops->config_read(dev, a->off, a->in, a->len);
	else
		dev->ops->config_write(dev, a->off, a->out, a->len);
}

static void run_in_loop(struct mmio *m, void (*run)(void *arg), void *arg)
{
	if (m->opts.handoff)
		handoff_run(m->opts.handoff, run, arg);
	else
		run(arg);
}

/* ---- the status register: virtio 1.2, 3.1.1
 * ------------------------------------------------------ */

static void reset(struct mmio *m)
{
	run_in_loop(m, do_reset, m);
	m->status = 0;
	m->device_features_sel = 0;
	m->driver_features_sel = 0;
	m->queue_sel = 0;
	m->driver_features = 0;
	m->seen_generation = atomic_load(&m->dev->config_generation);
	m->seen_broken = false;
}

/* FEATURES_OK stays unset if the driver wants what was not offered, or no VERSION_1. */
static bool accept_features(struct mmio *m)
{
	const uint64_t offered = m->dev->offered | VIRTIO_COMMON_FEATURES;

	if (m->driver_features & ~offered)
		return false;
	if (!(m->driver_features & (UINT64_C(1) << VIRTIO_F_VERSION_1)))
		return false;
	m->dev->features = m->driver_features;
	return true;
}

static void write_status(struct mmio *m, uint32_t value)
{
	const uint32_t known = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
			       VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK |
			       VIRTIO_CONFIG_S_FAILED;
	uint32_t added;

	if (value == 0) {
		reset(m);
		return;
	}
	/* 2.1.1: a driver does not clear bits; after FAILED it resets. */
	if ((value & m->status) != m->status || (m->status & VIRTIO_CONFIG_S_FAILED))
		return;
	added = value & known & ~m->status;
	if ((added & VIRTIO_CONFIG_S_DRIVER) && !(value & VIRTIO_CONFIG_S_ACKNOWLEDGE))
		return;
	if ((added & VIRTIO_CONFIG_S_FEATURES_OK) &&
	    (!(m->status & VIRTIO_CONFIG_S_DRIVER) || !accept_features(m)))
		added &= ~(uint32_t)VIRTIO_CONFIG_S_FEATURES_OK;
	if ((added & VIRTIO_CONFIG_S_DRIVER_OK) && !(m->status & VIRTIO_CONFIG_S_FEATURES_OK))
		added &= ~(uint32_t)VIRTIO_CONFIG_S_DRIVER_OK;
	if (added & VIRTIO_CONFIG_S_DRIVER_OK)
		run_in_loop(m, do_activate, m);
	m->status |= added;
}

/* ---- reading -----------------------------------------------------------------------------------
 */

static uint32_t interrupt_status(struct mmio *m)
{
	uint32_t bits = 0;

	m->reported_generation = atomic_load(&m->dev->config_generation);
	m->reported_broken = atomic_load(&m->dev->broken);
	if (m->status & VIRTIO_CONFIG_S_DRIVER_OK)
		bits |= VIRTIO_MMIO_INT_VRING;
	if (m->reported_generation != m->seen_generation || m->reported_broken != m->seen_broken)
		bits |= VIRTIO_MMIO_INT_CONFIG;
	return bits;
}

static uint32_t read_queue(struct mmio *m, uint64_t off)
{
	const struct virtio_queue *q = selected(m);

	if (!q)
		return 0;
	return off == VIRTIO_MMIO_QUEUE_NUM_MAX ? q->size_max : q->config.ready;
}

static uint32_t read_register(struct mmio *m, uint64_t off)
{
	const uint64_t offered = m->dev->offered | VIRTIO_COMMON_FEATURES;

	switch (off) {
	case VIRTIO_MMIO_MAGIC_VALUE:
		return magic;
	case VIRTIO_MMIO_VERSION:
		return VERSION;
	case VIRTIO_MMIO_DEVICE_ID:
		return m->dev->id;
	case VIRTIO_MMIO_VENDOR_ID:
		return vendor;
	case VIRTIO_MMIO_DEVICE_FEATURES:
		if (m->device_features_sel > 1)
			return 0;
		return (uint32_t)(offered >> (m->device_features_sel * 32));
	case VIRTIO_MMIO_QUEUE_NUM_MAX:
	case VIRTIO_MMIO_QUEUE_READY:
		return read_queue(m, off);
	case VIRTIO_MMIO_INTERRUPT_STATUS:
		return interrupt_status(m);
	case VIRTIO_MMIO_STATUS:
		return m->status |
		       (atomic_load(&m->dev->broken) ? VIRTIO_CONFIG_S_NEEDS_RESET : 0U);
	case VIRTIO_MMIO_CONFIG_GENERATION:
		return atomic_load(&m->dev->config_generation);
	case VIRTIO_MMIO_SHM_LEN_LOW: /* all ones: there is no such region */
	case VIRTIO_MMIO_SHM_LEN_HIGH:
	case VIRTIO_MMIO_SHM_BASE_LOW:
	case VIRTIO_MMIO_SHM_BASE_HIGH:
		return UINT32_MAX;
	default:
		return 0;
	}
}

static void on_read(struct bus_range *r, uint64_t off, void *data, uint32_t len)
{
	struct mmio *m = CONTAINER_OF(r, struct mmio, range);
	uint32_t value;

	memset(data, 0, len);
	if (off < VIRTIO_MMIO_CONFIG) {
		if (len != sizeof(value) || off % sizeof(value))
			return; /* 4.2.2.2: registers are 32 bits wide and aligned */
		pthread_mutex_lock(&m->lock);
		value = read_register(m, off);
		pthread_mutex_unlock(&m->lock);
		memcpy(data, &value, sizeof(value));
		return;
	}
	off -= VIRTIO_MMIO_CONFIG;
	if (off < m->dev->config_len && len <= m->dev->config_len - off) {
		struct config_access a = { .m = m, .off = (uint32_t)off, .len = len, .in = data };

		pthread_mutex_lock(&m->lock);
		run_in_loop(m, do_config, &a);
		pthread_mutex_unlock(&m->lock);
	}
}

/* ---- writing -----------------------------------------------------------------------------------
 */

static void set_half(uint64_t *value, bool high, uint32_t half)
{
	*value = high ? (*value & UINT32_MAX) | (uint64_t)half << 32
		      : (*value & ~(uint64_t)UINT32_MAX) | half;
}

static void write_queue(struct mmio *m, uint64_t off, uint32_t value)
{
	struct virtio_queue *q = selected(m);

	if (!q || !can_write_queue(m))
		return;
	switch (off) {
	case VIRTIO_MMIO_QUEUE_NUM:
		/* Too large for the field is too large for any queue: 0 is refused as well. */
		q->config.size = value <= UINT16_MAX ? (uint16_t)value : 0;
		break;
	case VIRTIO_MMIO_QUEUE_READY:
		q->config.ready = value & 1;
		break;
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
	case VIRTIO_MMIO_QUEUE_DESC_HIGH:
		set_half(&q->config.desc, off == VIRTIO_MMIO_QUEUE_DESC_HIGH, value);
		break;
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
	case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
		set_half(&q->config.avail, off == VIRTIO_MMIO_QUEUE_AVAIL_HIGH, value);
		break;
	default:
		set_half(&q->config.used, off == VIRTIO_MMIO_QUEUE_USED_HIGH, value);
		break;
	}
}

/* A notification that no ioeventfd took: before DRIVER_OK, of no queue, or without KVM. */
static void notify(struct mmio *m, uint32_t value)
{
	const uint64_t one = 1;

	if (!(m->status & VIRTIO_CONFIG_S_DRIVER_OK) || value >= m->dev->n_queues ||
	    !m->dev->queues[value].config.ready || m->dev->queues[value].kick_fd < 0)
		return;
	if (write(m->dev->queues[value].kick_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_debug("virtio-%s: kick a queue: %m, ignoring", m->dev->ops->name);
}

static void acknowledge(struct mmio *m, uint32_t value)
{
	if (!(value & VIRTIO_MMIO_INT_CONFIG))
		return;
	m->seen_generation = m->reported_generation;
	m->seen_broken = m->reported_broken;
}

static void write_driver_features(struct mmio *m, uint32_t value)
{
	if (!(m->status & VIRTIO_CONFIG_S_DRIVER) || (m->status & VIRTIO_CONFIG_S_FEATURES_OK) ||
	    m->driver_features_sel > 1)
		return;
	set_half(&m->driver_features, m->driver_features_sel == 1, value);
}

static void write_register(struct mmio *m, uint64_t off, uint32_t value)
{
	switch (off) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		m->device_features_sel = value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
		m->driver_features_sel = value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		write_driver_features(m, value);
		break;
	case VIRTIO_MMIO_QUEUE_SEL:
		m->queue_sel = value;
		break;
	case VIRTIO_MMIO_QUEUE_NOTIFY:
		notify(m, value);
		break;
	case VIRTIO_MMIO_INTERRUPT_ACK:
		acknowledge(m, value);
		break;
	case VIRTIO_MMIO_STATUS:
		write_status(m, value);
		break;
	case VIRTIO_MMIO_QUEUE_NUM:
	case VIRTIO_MMIO_QUEUE_READY:
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
	case VIRTIO_MMIO_QUEUE_DESC_HIGH:
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
	case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
	case VIRTIO_MMIO_QUEUE_USED_LOW:
	case VIRTIO_MMIO_QUEUE_USED_HIGH:
		write_queue(m, off, value);
		break;
	default:
		break;
	}
}

static void on_write(struct bus_range *r, uint64_t off, const void *data, uint32_t len)
{
	struct mmio *m = CONTAINER_OF(r, struct mmio, range);
	uint32_t value;

	if (off < VIRTIO_MMIO_CONFIG) {
		if (len != sizeof(value) || off % sizeof(value))
			return;
		memcpy(&value, data, sizeof(value));
		pthread_mutex_lock(&m->lock);
		write_register(m, off, value);
		pthread_mutex_unlock(&m->lock);
		return;
	}
	off -= VIRTIO_MMIO_CONFIG;
	if (m->dev->ops->config_write && off < m->dev->config_len &&
	    len <= m->dev->config_len - off) {
		struct config_access a = { .m = m, .off = (uint32_t)off, .len = len, .out = data };

		pthread_mutex_lock(&m->lock);
		run_in_loop(m, do_config, &a);
		pthread_mutex_unlock(&m->lock);
	}
}

/* ---- life ---------------------------------------------------------------------------------------
 */

int mmio_init(struct mmio *m, struct virtio_device *dev, const struct mmio_options *opts,
	      struct err *err)
{
	int rc;

	*m = (struct mmio){
		.range = { .base = opts->base,
			   .size = PAGE_BYTES,
			   .read = on_read,
			   .write = on_write },
		.opts = *opts,
		.dev = dev,
	};
	(void)pthread_mutex_init(&m->lock, NULL);
	for (uint16_t i = 0; i < dev->n_queues; i++)
		dev->queues[i].kick_fd = -1;
	m->call_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->call_fd < 0) {
		rc = err_sys(err, "virtio-%s: create an eventfd", dev->ops->name);
		mmio_fini(m);
		return rc;
	}
	for (uint16_t i = 0; i < dev->n_queues; i++)
		dev->queues[i].call_fd = m->call_fd;
	dev->config_call_fd = m->call_fd;
	rc = opts->kvm ? irq_connect(opts->kvm, opts->gsi, m->call_fd) : 0;
	if (rc < 0) {
		rc =
		    err_code(err, rc, "virtio-%s: connect interrupt %u", dev->ops->name, opts->gsi);
		mmio_fini(m);
	}
	return rc;
}

void mmio_fini(struct mmio *m)
{
	int kicks[VIRTIO_QUEUES_MAX];
	uint16_t n = 0;

	if (!m->dev)
		return;
	virtio_device_reset(m->dev);
	for (uint16_t i = 0; i < m->dev->n_queues && n < VIRTIO_QUEUES_MAX; i++)
		kicks[n++] = m->dev->queues[i].kick_fd;
	m->dev->ops->destroy(m->dev); /* frees the queues */
	while (n)
		cleanup_close(&kicks[--n]);
	cleanup_close(&m->call_fd);
	(void)pthread_mutex_destroy(&m->lock);
	m->dev = NULL;
}
