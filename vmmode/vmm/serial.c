// SPDX-License-Identifier: GPL-2.0-or-later
/* The 8250. Registers are touched by vCPUs, the descriptors by the loop's thread alone. */
#include "vmmode/vmm/serial.h"

#include <linux/serial_reg.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

#include "spec/base/fd.h"
#include "spec/base/log.h"

enum { LINE_NS = 1000000 };

static void signal_eventfd(int fd)
{
	const uint64_t one = 1;

	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_debug("serial: signal an eventfd: %m, ignoring");
}

/* The cause that the interrupt identification register shows. Input goes before output. */
static uint8_t pending_cause(const struct serial *s)
{
	if ((s->ier & UART_IER_RDI) && s->in_len)
		return UART_IIR_RDI;
	if ((s->ier & UART_IER_THRI) && s->thr_empty)
		return UART_IIR_THRI;
	return UART_IIR_NO_INT;
}

/* OUT2 gates the line on a PC. The line is edge triggered: each new cause is an edge. */
static void update_irq(const struct serial *s)
{
	if (pending_cause(s) != UART_IIR_NO_INT && (s->mcr & UART_MCR_OUT2))
		signal_eventfd(s->opts.irq_fd);
}

/* Waking the loop for each byte costs more than the byte's exit: for a line it is woken once. */
static void put_out(struct serial *s, uint8_t byte)
{
	bool now;

	if (s->opts.out_fd < 0)
		return;
	if (!s->out)
		s->out = malloc(SERIAL_OUT_BYTES);
	if (!s->out || s->out_len == SERIAL_OUT_BYTES) {
		s->lost++;
		return;
	}
	s->out[(s->out_head + s->out_len++) % SERIAL_OUT_BYTES] = byte;
	now = byte == '\n' || s->out_len == SERIAL_OUT_BYTES / 2;
	if (s->out_now || (!now && (s->out_waits || s->out_len > 1)))
		return;
	s->out_now = now;
	signal_eventfd(s->wake.fd);
}

static void put_in(struct serial *s, uint8_t byte)
{
	if (s->in_len == SERIAL_IN_BYTES)
		return;
	s->in[(s->in_head + s->in_len++) % SERIAL_IN_BYTES] = byte;
}

static uint8_t take_in(struct serial *s)
{
	uint8_t byte;

	if (s->in_len == 0)
		return 0;
	byte = s->in[s->in_head];
	s->in_head = (s->in_head + 1) % SERIAL_IN_BYTES;
	if (--s->in_len == 0 && s->reader.listed && loop_change(s->loop, &s->reader, EPOLLIN) < 0)
		log_debug("serial: watch the input: %m, ignoring");
	return byte;
}

static uint8_t read_register(struct serial *s, uint64_t reg)
{
	uint8_t cause;

	switch (reg) {
	case UART_RX:
		if (s->lcr & UART_LCR_DLAB)
			return s->divisor[0];
		return take_in(s);
	case UART_IER:
		return (s->lcr & UART_LCR_DLAB) ? s->divisor[1] : s->ier;
	case UART_IIR:
		cause = pending_cause(s);
		if (cause == UART_IIR_THRI)
			s->thr_empty = false; /* reading it is the acknowledgement */
		return (uint8_t)(cause | ((s->fcr & UART_FCR_ENABLE_FIFO) ? 0xc0 : 0));
	case UART_LCR:
		return s->lcr;
	case UART_MCR:
		return s->mcr;
	case UART_LSR:
		return (uint8_t)(UART_LSR_THRE | UART_LSR_TEMT | (s->in_len ? UART_LSR_DR : 0));
	case UART_MSR:
		return UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS;
	default:
		return s->scr;
	}
}

static void transmit(struct serial *s, uint8_t byte)
{
	/* MCR LOOP: drivers probe the chip by sending to themselves. */
	if (s->mcr & UART_MCR_LOOP)
		put_in(s, byte);
	else
		put_out(s, byte);
	s->thr_empty = true;
	update_irq(s);
}

static void write_register(struct serial *s, uint64_t reg, uint8_t byte)
{
	switch (reg) {
	case UART_TX:
		if (s->lcr & UART_LCR_DLAB)
			s->divisor[0] = byte;
		else
			transmit(s, byte);
		break;
	case UART_IER:
		if (s->lcr & UART_LCR_DLAB) {
			s->divisor[1] = byte;
			break;
		}
		/* Turning the transmitter's interrupt on with it idle raises it at once. */
		if ((byte & UART_IER_THRI) && !(s->ier & UART_IER_THRI))
			s->thr_empty = true;
		s->ier = byte & 0x0f;
		update_irq(s);
		break;
	case UART_FCR:
		s->fcr = byte;
		if (byte & UART_FCR_CLEAR_RCVR)
			s->in_len = 0;
		break;
	case UART_LCR:
		s->lcr = byte;
		break;
	case UART_MCR:
		s->mcr = byte & 0x1f;
		update_irq(s);
		break;
	case UART_SCR:
		s->scr = byte;
		break;
	default: /* LSR and MSR are read-only */
		break;
	}
}

static void on_read(struct bus_range *r, uint64_t off, void *data, uint32_t len)
{
	struct serial *s = CONTAINER_OF(r, struct serial, range);
	uint8_t *bytes = data;

	pthread_mutex_lock(&s->lock);
	for (uint32_t i = 0; i < len; i++)
		bytes[i] = read_register(s, off + i);
	pthread_mutex_unlock(&s->lock);
}

static void on_write(struct bus_range *r, uint64_t off, const void *data, uint32_t len)
{
	struct serial *s = CONTAINER_OF(r, struct serial, range);
	const uint8_t *bytes = data;

	pthread_mutex_lock(&s->lock);
	for (uint32_t i = 0; i < len; i++)
		write_register(s, off + i, bytes[i]);
	pthread_mutex_unlock(&s->lock);
}

/* out_fd takes a write of up to PIPE_BUF bytes without waiting. The descriptor may be shared with
 * other processes, so it is not made non-blocking. */
static bool is_writable(const struct serial *s)
{
	struct pollfd p = { .fd = s->opts.out_fd, .events = POLLOUT };

	return poll(&p, 1, 0) == 1;
}

/* Up to PIPE_BUF bytes from the FIFO, or a note of what was lost; 0 when there is nothing. */
static uint32_t take_out(struct serial *s, uint8_t *data, uint32_t max)
{
	uint32_t n = 0;

	pthread_mutex_lock(&s->lock);
	if (s->out_len == 0 && s->lost) {
		n = (uint32_t)snprintf((char *)data, max, "[serial: %llu bytes lost]\n",
				       (unsigned long long)s->lost);
		s->lost = 0;
	}
	while (n < max && s->out_len) {
		data[n++] = s->out[s->out_head];
		s->out_head = (s->out_head + 1) % SERIAL_OUT_BYTES;
		s->out_len--;
	}
	pthread_mutex_unlock(&s->lock);
	return n;
}

void serial_flush(struct serial *s)
{
	uint8_t data[4096]; /* PIPE_BUF */

	while (s->opts.out_fd >= 0) {
		uint32_t n;

		if (!is_writable(s)) {
			if (s->can_poll_out && !s->writer.listed &&
			    loop_add(s->loop, &s->writer, EPOLLOUT) < 0)
				log_debug("serial: watch the output: %m, ignoring");
			return;
		}
		n = take_out(s, data, sizeof(data));
		if (n == 0)
			break;
		if (fd_write_all(s->opts.out_fd, data, n) < 0) {
			log_warn("serial: write the output: %m, dropping what follows");
			s->can_poll_out = false;
			s->opts.out_fd = -1;
		}
	}
	loop_remove(s->loop, &s->writer);
}

static void read_count(const struct loop_source *src)
{
	uint64_t count;

	if (read(src->fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		log_debug("serial: read an eventfd or a timerfd: %m, ignoring");
}

static void on_wake(struct loop_source *src, uint32_t events)
{
	static const struct itimerspec once = { .it_value = { .tv_nsec = LINE_NS } };
	struct serial *s = CONTAINER_OF(src, struct serial, wake);
	bool now;

	(void)events;
	read_count(src);
	pthread_mutex_lock(&s->lock);
	now = s->out_now;
	s->out_now = false;
	if (!now && !s->out_waits) {
		s->out_waits = timerfd_settime(s->timer.fd, 0, &once, NULL) == 0;
		now = !s->out_waits;
	}
	pthread_mutex_unlock(&s->lock);
	if (now)
		serial_flush(s);
}

static void on_timer(struct loop_source *src, uint32_t events)
{
	struct serial *s = CONTAINER_OF(src, struct serial, timer);

	(void)events;
	read_count(src);
	pthread_mutex_lock(&s->lock);
	s->out_waits = false;
	pthread_mutex_unlock(&s->lock);
	serial_flush(s);
}

static void on_writable(struct loop_source *src, uint32_t events)
{
	(void)events;
	serial_flush(CONTAINER_OF(src, struct serial, writer));
}

static void on_input(struct loop_source *src, uint32_t events)
{
	struct serial *s = CONTAINER_OF(src, struct serial, reader);
	uint8_t data[SERIAL_IN_BYTES];
	ssize_t n;

	(void)events;
	pthread_mutex_lock(&s->lock);
	if (s->in_len) { /* wait until the guest took it all */
		if (loop_change(s->loop, src, 0) < 0)
			log_debug("serial: leave the input: %m, ignoring");
		pthread_mutex_unlock(&s->lock);
		return;
	}
	n = read(src->fd, data, sizeof(data));
	for (ssize_t i = 0; i < n; i++)
		put_in(s, data[i]);
	if (n > 0)
		update_irq(s);
	pthread_mutex_unlock(&s->lock);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		loop_remove(s->loop, src);
}

int serial_init(struct serial *s, struct loop *loop, const struct serial_options *opts,
		struct err *err)
{
	struct stat st;
	int rc;

	*s = (struct serial){
		.range = { .base = SERIAL_PORT, .size = 8, .read = on_read, .write = on_write },
		.opts = *opts,
		.loop = loop,
		.wake = { .ready = on_wake },
		.timer = { .ready = on_timer },
		.writer = { .fd = opts->out_fd, .ready = on_writable },
		.reader = { .fd = opts->in_fd, .ready = on_input },
	};
	(void)pthread_mutex_init(&s->lock, NULL);
	s->can_poll_out =
	    opts->out_fd >= 0 && fstat(opts->out_fd, &st) == 0 && !S_ISREG(st.st_mode);
	s->wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (s->wake.fd < 0 || s->timer.fd < 0)
		return err_sys(err, "create an eventfd and a timerfd");
	rc = loop_add(loop, &s->wake, EPOLLIN);
	if (rc == 0)
		rc = loop_add(loop, &s->timer, EPOLLIN);
	/* EPERM: input from a regular file or /dev/null; there is nothing to wait for. */
	if (rc == 0 && opts->in_fd >= 0 && loop_add(loop, &s->reader, EPOLLIN) == -EPERM)
		log_debug("serial: the input cannot be waited for, ignoring");
	return rc < 0 ? err_code(err, rc, "watch the serial port") : 0;
}

void serial_fini(struct serial *s)
{
	if (!s->loop)
		return;
	serial_flush(s);
	loop_remove(s->loop, &s->writer);
	loop_remove(s->loop, &s->reader);
	loop_remove(s->loop, &s->wake);
	loop_remove(s->loop, &s->timer);
	cleanup_close(&s->wake.fd);
	cleanup_close(&s->timer.fd);
	cleanup_close(&s->opts.irq_fd);
	free(s->out);
	(void)pthread_mutex_destroy(&s->lock);
	s->loop = NULL;
}
