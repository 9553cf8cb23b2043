/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-vsock: stream sockets between guest and host, on the host's side Unix sockets.
 *
 *   to the guest:   connect to the Unix socket NAME, write "CONNECT PORT\n", read "OK HOSTPORT\n"
 *                   when a guest's program has accepted; the stream follows. End of file: refused.
 *   from the guest: a connection to port P of CID 2 goes to the Unix socket NAME_P (decimal).
 *
 * The words are those of Firecracker and Cloud Hypervisor. Half closes pass in both directions.
 * Bytes go between guest memory and the Unix socket without a copy; when the host's reader is slow
 * they wait in a buffer of the connection, whose size is the credit that the guest has. What the
 * guest sent before it closed a connection is delivered even when the guest is gone. Stream
 * sockets alone: SEQPACKET is not offered, as the Unix side has no words for it.
 *
 * Bounded: connections (VSOCK_CONNS_MAX, 127 of them for the host alone), bytes of each, clients
 * that have not said CONNECT and their time. Works in the loop's thread.
 *
 * For a sandbox: after construction the device needs its descriptors alone, with accept4(2),
 * openat(2) below dir_fd with O_PATH, socket(2), connect(2), and at its end unlinkat(2) (without
 * rights to the folder the socket stays behind). connect(2) takes no descriptor: it goes through
 * /proc/self/fd, or, in a root without /proc, through the working folder, which must be an opened
 * /proc/self/fd then. unix_socket.c is the single place.
 *
 * Source: virtio 1.2, 5.10.
 */
#ifndef BIVALVE_VMMODE_VIRTIO_VSOCK_H
#define BIVALVE_VMMODE_VIRTIO_VSOCK_H

#include "spec/base/err.h"
#include "vmmode/virtio/device.h"
#include "vmmode/virtio/loop.h"

enum {
	VSOCK_CONNS_MAX = 1023, /* of all kinds together */
	VSOCK_QUEUE_SIZE = 256,
	VSOCK_CID_HOST = 2,
	VSOCK_CID_DEFAULT = 3, /* the first that a guest may have */
	VSOCK_NAME_MAX = 80,   /* bytes of the socket's name: sun_path holds it behind a prefix */
};

struct virtio_vsock_options {
	int dir_fd;       /* the folder of the sockets, O_PATH; borrowed for the device's life */
	const char *name; /* of the socket in it, copied; no '/' */
	uint32_t cid;     /* the guest's: VSOCK_CID_DEFAULT .. UINT32_MAX - 1 */
};

/*
 * virtio_vsock_new - listens on the Unix socket (mode 0600; unlinked by ops->destroy), raises the
 * soft limit of open files by what the connections may need. @loop is borrowed.
 * Returns 0 and gives *@out; -EADDRINUSE somebody listens there; -ENOTSOCK the name is something
 * else; -EINVAL a bad name or cid; others of making files.
 */
MUST_CHECK int virtio_vsock_new(const struct virtio_vsock_options *opts, struct loop *loop,
				struct virtio_device **out, struct err *err);

#endif
