// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A hostile driver of a vsock device, with servers and clients on the host that take part: HOST n b
 * does one of: a server takes and answers, or closes; a client comes, says what it may or may not.
 */
#include <fcntl.h>
#include <linux/virtio_vsock.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/fuzz/device.h"
#include "vmmode/virtio/vsock_internal.h"

enum { CID = 3, STEPS_MAX = 200, PEERS = 16, ROUNDS_MAX = 10000 };

static struct fuzz_device m = { .n_queues = VSOCK_QUEUES };

static struct {
	struct vsock *v;
	int dir_fd, server_fd;
	int peers[PEERS]; /* the host's ends; -1: none */
	struct sockaddr_un address;
} world;

static char dir[] = "/tmp/fuzz_vsock.XXXXXX";

static void remove_files(void)
{
	(void)unlinkat(world.dir_fd, "v", 0);
	(void)unlinkat(world.dir_fd, "v_1", 0);
	(void)rmdir(dir);
}

/* The device's socket is "v", a server listens at port 1. */
static void setup(void)
{
	struct virtio_vsock_options o = { .name = "v", .cid = CID };
	struct sockaddr_un server = { .sun_family = AF_UNIX };

	fuzz_setup(&m);
	m.features = UINT64_C(1) << 32 | UINT64_C(1) << 28;
	for (int i = 0; i < PEERS; i++)
		world.peers[i] = -1;
	if (!mkdtemp(dir) || atexit(remove_files) != 0)
		abort();
	o.dir_fd = world.dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (virtio_vsock_new(&o, &m.loop, &m.dev, NULL) < 0)
		abort();
	world.v = CONTAINER_OF(m.dev, struct vsock, dev);
	world.address.sun_family = AF_UNIX;
	(void)snprintf(world.address.sun_path, sizeof(world.address.sun_path), "%s/v", dir);
	(void)snprintf(server.sun_path, sizeof(server.sun_path), "%s/v_1", dir);
	world.server_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (bind(world.server_fd, (struct sockaddr *)&server, sizeof(server)) < 0 ||
	    listen(world.server_fd, 4) < 0)
		abort();
	fuzz_add_eventfds(&m);
}

/* Until nothing is ready: the device must come to rest. */
static void rest(void)
{
	struct epoll_event events[32];
	int n;

	for (int i = 0; (n = epoll_wait(m.loop.epoll_fd, events, 32, 0)) > 0; i++) {
		if (i > ROUNDS_MAX)
			abort();
		m.loop.batch = events;
		m.loop.batch_len = n;
		for (int j = 0; j < n; j++) {
			struct loop_source *src = events[j].data.ptr;

			if (src)
				src->ready(src, events[j].events);
		}
		m.loop.batch = NULL;
		m.loop.batch_len = 0;
	}
	if (world.v->n_conns > VSOCK_CONNS_MAX || world.v->n_resets > VSOCK_RESETS_MAX)
		abort();
}

static void fresh(void)
{
	fuzz_activate(&m, VSOCK_QUEUES);
}

static void run(size_t queue)
{
	if (eventfd_write(m.dev->queues[queue].kick_fd, 1) < 0)
		abort();
	rest();
}

static void close_peer(int i)
{
	if (world.peers[i] >= 0)
		(void)close(world.peers[i]);
	world.peers[i] = -1;
}

static void new_client(int i, const char *says)
{
	close_peer(i);
	world.peers[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (connect(world.peers[i], (struct sockaddr *)&world.address, sizeof(world.address)) < 0)
		close_peer(i);
	else
		(void)send(world.peers[i], says, strlen(says), MSG_NOSIGNAL);
}

static void expire(void)
{
	struct vsock_conn *c;

	TAILQ_FOREACH(c, &world.v->all, all_entry)
	{
		if (c->deadline_ns != 0)
			c->deadline_ns = 1;
	}
	world.v->stalled_ns = 0;
	world.v->timer.ready(&world.v->timer, EPOLLIN);
}

static void host(struct vq_input *in)
{
	static uint8_t data[65536];
	const size_t n = vq_take(in, 2);
	const uint32_t what = vq_take(in, 1);
	const int i = (int)(what >> 4) % PEERS;

	switch (what % 10) {
	case 0:
		close_peer(i);
		world.peers[i] = accept4(world.server_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		break;
	case 1:
		new_client(i, "CONNECT 1\n");
		break;
	case 2:
		new_client(i, "CONNECT 2\nwith data behind it");
		break;
	case 3:
		new_client(i, n % 2 ? "CON" : "\n");
		break;
	case 4:
		memset(data, (int)n, n);
		(void)send(world.peers[i], data, n, MSG_NOSIGNAL);
		break;
	case 5:
		(void)recv(world.peers[i], data, n, 0);
		break;
	case 6:
		(void)shutdown(world.peers[i], (int)(n % 3));
		break;
	case 7:
		close_peer(i);
		break;
	case 8:
		expire();
		break;
	default:
		break;
	}
	rest();
}

/* A packet that is right but for what the input says, in one buffer: the fuzzer need not find out
 * how to make a header. */
static void packet(struct vq_input *in)
{
	struct virtio_vsock_hdr h = {
		.src_cid = CID,
		.dst_cid = VSOCK_CID_HOST,
		.type = VIRTIO_VSOCK_TYPE_STREAM,
	};
	struct vqd_buf buf = { VQD_DATA + 0x40000, 0, false };

	h.op = (uint16_t)vq_take(in, 1);
	h.src_port = vq_take(in, 1);
	h.dst_port = vq_take(in, 1);
	if (h.dst_port > 1) /* of a client */
		h.dst_port += VSOCK_HOST_PORT - 2;
	h.flags = vq_take(in, 1);
	h.len = vq_take(in, 2);
	h.buf_alloc = vq_take(in, 3);
	h.fwd_cnt = vq_take(in, 4);
	memcpy(m.ram + buf.off, &h, sizeof(h));
	buf.len = (uint32_t)sizeof(h) + h.len;
	(void)vqd_add(&m.d[VSOCK_TX], &buf, 1);
}

/* Receive buffers. */
static void offer(struct vq_input *in)
{
	for (uint32_t n = vq_take(in, 1) % FUZZ_QUEUE_SIZE; n > 0; n--) {
		const struct vqd_buf buf = { VQD_DATA + n * 4200, 4200, true };

		(void)vqd_add(&m.d[VSOCK_RX], &buf, 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fuzz_ops ops = { run, host, fresh };
	struct vq_input in = { data, size };

	if (!m.ram)
		setup();
	memset(m.ram, 0, VQD_BYTES);
	world.v->next_port = VSOCK_HOST_PORT; /* the same input does the same */
	fresh();
	for (int i = 0; i < STEPS_MAX && in.left > 0; i++) {
		/* Two kinds more than vq_step() knows. */
		const uint8_t kind = *in.p % 16;

		if (kind != 14 && kind != 15) {
			fuzz_step(&m, &in, &ops);
			continue;
		}
		(void)vq_take(&in, 1);
		if (kind == 14)
			packet(&in);
		else
			offer(&in);
	}
	/* Nothing is left for the next input. */
	virtio_device_reset(m.dev);
	for (int i = 0; i < PEERS; i++)
		close_peer(i);
	for (int fd; (fd = accept4(world.server_fd, NULL, NULL, SOCK_CLOEXEC)) >= 0;)
		(void)close(fd);
	rest();
	if (world.v->n_conns != 0)
		abort();
	return 0;
}
