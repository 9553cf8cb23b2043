/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The vsock device's state. All of it belongs to the loop's thread.
 *
 *   vsock.c        the device: life cycle, configuration, event queue, deadlines
 *   vsock_conn.c   one connection: its life, credit, the Unix socket and the buffer before it
 *   vsock_table.c  all connections: by their ports, and which have packets to send
 *   vsock_host.c   clients of the host: accept, "CONNECT PORT", "OK HOSTPORT"
 *   vsock_tx.c     packets from the guest
 *   vsock_rx.c     packets to the guest
 *   unix_socket.c  Unix sockets by folder and name
 *
 * Nothing is queued towards the guest but resets (struct vsock_reset): a connection remembers which
 * kinds of packets it owes (VSOCK_OWE_*), and data stays in the Unix socket until there is a buffer
 * of the guest for it. A connection's socket is watched for edges: what is readable and cannot be
 * passed on now wakes nobody.
 *
 * A connection ends by vsock_conn_free() alone. Functions that may free theirs say so and return
 * whether it is still there.
 */
#ifndef BIVALVE_VMMODE_VIRTIO_VSOCK_INTERNAL_H
#define BIVALVE_VMMODE_VIRTIO_VSOCK_INTERNAL_H

#include <linux/virtio_vsock.h>
#include <sys/queue.h>

#include "vmmode/virtio/unix_socket.h"
#include "vmmode/virtio/vsock.h"

enum { VSOCK_RX, VSOCK_TX, VSOCK_EVENT, VSOCK_QUEUES };

enum {
	VSOCK_BUF_LARGE = 256 << 10, /* bytes; also the credit that the guest has */
	VSOCK_BUF_SMALL = 64 << 10,
	VSOCK_LARGE_MAX = 128, /* connections with a large buffer; more get a small one */
	/* Of VSOCK_CONNS_MAX; the rest is for those who want to reach the guest, whatever a program
	 * in it does. */
	VSOCK_FROM_GUEST_MAX = 896,
	VSOCK_HANDSHAKES_MAX = 120, /* clients that have not said CONNECT */
	VSOCK_LINE_MAX = 32,        /* "CONNECT 4294967294\n" is shorter */
	VSOCK_HOST_PORT = 1 << 30,  /* the ports of the host's clients: this one to twice it */
	VSOCK_RETRIES = 32,         /* attempts to connect at once, of all that wait for a server */
	VSOCK_TURN_BYTES = 64 << 10, /* of one connection, before the others have their turn */
	VSOCK_BATCH = 64,            /* turns or packets before the loop's other sources */
	VSOCK_IOV_MAX = 1024,        /* IOV_MAX, of one recvmsg(2) */
	VSOCK_STOCK_CHAINS = 64,
	VSOCK_STOCK_IOV = VSOCK_IOV_MAX + VSOCK_QUEUE_SIZE, /* one chain more: always room */
	VSOCK_RESETS_STALL = 1024, /* resets that wait, from which on the guest is not heard */
	VSOCK_RESETS_MAX = VSOCK_RESETS_STALL + VSOCK_CONNS_MAX + 1,
	VSOCK_BUCKETS = 1024,          /* a power of two */
	VSOCK_IN_FLIGHT_MAX = 1 << 30, /* bytes, whatever the guest says: counters wrap at 2^32 */
};

/* Milliseconds. */
enum {
	VSOCK_HANDSHAKE_MS = 5000, /* for "CONNECT PORT\n" */
	VSOCK_ANSWER_MS = 10000,   /* for the guest's answer to REQUEST */
	VSOCK_CONNECT_MS = 2000,   /* for a host's server with a full backlog */
	VSOCK_CLOSE_MS = 8000,     /* for the guest's reset at the end */
	VSOCK_STALL_MS = 100,      /* without credit, before the guest is asked */
	VSOCK_DEAF_MS = 1000,      /* VSOCK_RESETS_STALL reached and no buffer to send one */
	VSOCK_RETRY_MS = 10,       /* between attempts to connect */
	VSOCK_PAUSE_MS = 100,      /* after a failure to accept */
	VSOCK_DRAIN_MS = 100,      /* at the end: per step of a reader that still takes data */
	VSOCK_DRAIN_STEPS = 20,
};

enum vsock_state {
	VSOCK_HANDSHAKE,  /* a host's client that has not said CONNECT; no ports */
	VSOCK_REQUESTED,  /* it has: REQUEST is owed, or was sent */
	VSOCK_CONNECTING, /* the guest asked; the host's server is busy; no socket */
	VSOCK_OPEN,
	VSOCK_CLOSING, /* SHUTDOWN of both is owed or was sent, a reset awaited; no socket */
	VSOCK_LINGER,  /* the guest is done; what it sent goes on to the host; no ports */
};

/* Packets that a connection owes the guest. */
enum {
	VSOCK_OWE_REQUEST = 1,
	VSOCK_OWE_RESPONSE = 2,
	VSOCK_OWE_SHUTDOWN = 4,
	VSOCK_OWE_CREDIT = 8, /* CREDIT_UPDATE */
	VSOCK_OWE_ASK = 16,   /* CREDIT_REQUEST */
};

enum { VSOCK_BOTH = VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND };

struct vsock;

struct vsock_conn {
	struct vsock *v;
	enum vsock_state state;
	uint32_t guest_port, host_port;
	struct loop_source source; /* the Unix socket; its descriptor is owned, -1: none */
	unsigned int owed;         /* VSOCK_OWE_* */
	uint32_t guest_shut;       /* VIRTIO_VSOCK_SHUTDOWN_*, as the guest told */
	uint32_t host_shut;        /* the same, as we owe or told the guest */
	bool readable;             /* the socket may have data, or its end */
	bool at_end;               /* the host's program sends no more: reading finds the end */
	bool hung_up;              /* it neither sends nor reads */
	bool wrote_end;            /* shutdown(SHUT_WR) was done */
	bool asked;                /* CREDIT_REQUEST was owed since credit ran out */
	bool is_large;             /* counts in n_large */
	bool is_from_guest;        /* counts in n_from_guest */
	/* To the guest: bytes that ever were sent, that the guest's program took, its buffer. */
	uint32_t sent, peer_taken, peer_buf;
	/* From the guest: bytes that went to the socket, what of it the guest was told. */
	uint32_t taken, told_taken;
	uint8_t *buf; /* owned: a ring of buf_size bytes, NULL while empty */
	uint32_t buf_size, buf_first, buf_len;
	uint64_t deadline_ns; /* 0: none */
	uint8_t line_len;
	char line[VSOCK_LINE_MAX + 1];
	bool is_listed, is_ready; /* in the table, in the list of those with something to send */
	struct vsock_conn *bucket_next;
	TAILQ_ENTRY(vsock_conn) all_entry, ready_entry;
};

TAILQ_HEAD(vsock_conns, vsock_conn);

/* A packet that must not be answered with silence and has no connection. */
struct vsock_reset {
	uint64_t src_cid;
	uint32_t src_port, dst_port;
	uint16_t type;
};

/* Receive buffers that were popped and not used yet, oldest first. */
struct vsock_stock {
	struct iovec iov[VSOCK_STOCK_IOV];
	uint32_t iov_first, iov_end;
	struct vsock_chain {
		uint16_t head, n_iov;
		uint32_t bytes;
	} chains[VSOCK_STOCK_CHAINS]; /* a ring */
	uint32_t first, n;
	uint64_t room; /* bytes of payload */
};

struct vsock {
	struct virtio_device dev;
	struct loop *loop;
	struct virtio_queue vqs[VSOCK_QUEUES];
	int dir_fd; /* borrowed */
	char name[VSOCK_NAME_MAX + 1];
	struct stat id; /* of the listening socket's file */
	uint32_t cid;
	bool running;       /* between activate and reset, and not broken */
	bool event_owed;    /* TRANSPORT_RESET */
	bool rx_starved;    /* no receive buffer: a kick goes on */
	bool tx_stalled;    /* too many resets wait */
	bool accept_paused; /* too many clients or connections */
	bool accept_failed; /* no descriptor: until the timer comes */
	uint64_t stalled_ns;
	uint64_t timer_ns;                  /* when the timer comes; 0: it is not set */
	struct loop_source listener, timer; /* descriptors owned */
	struct loop_source rx_kick, tx_kick, event_kick;
	struct vsock_conns all, ready;
	struct vsock_conn *buckets[VSOCK_BUCKETS];
	uint32_t hash_key; /* random: ports are the guest's choice */
	uint32_t next_port;
	unsigned int n_conns, n_large, n_from_guest, n_handshakes, n_connecting, n_timed;
	uint8_t *spare_buf;                          /* owned: VSOCK_BUF_LARGE bytes, or NULL */
	struct vsock_reset resets[VSOCK_RESETS_MAX]; /* a ring */
	uint32_t reset_first, n_resets;
	struct vsock_stock stock;
	struct virtq_chain chain;        /* the one just popped */
	struct iovec iov[VSOCK_IOV_MAX]; /* of one call */
	uint8_t trash[16384];
};

/* ---- vsock.c ---- */

/* vsock_now - CLOCK_MONOTONIC, nanoseconds. vsock_in - that many milliseconds from now. */
uint64_t vsock_now(void);
uint64_t vsock_in(unsigned int ms);

/* vsock_set_timer - the timer comes at @at_ns at the latest. */
void vsock_set_timer(struct vsock *v, uint64_t at_ns);

/* vsock_broken - the driver broke the rules: vsock_finish() ends all connections. */
void vsock_broken(struct vsock *v, int code, const char *what);

/* vsock_finish - the end of every callback: sends what is owed, interrupts the driver. May free any
 * connection. */
void vsock_finish(struct vsock *v);

/* vsock_again - a batch is done and there may be more: as if the driver had kicked. */
void vsock_again(struct virtio_queue *q);

/* ---- vsock_table.c ---- */

void vsock_table_init(struct vsock *v, uint32_t hash_key);

/* vsock_table_find - the connection with these ports, or NULL. */
struct vsock_conn *vsock_table_find(const struct vsock *v, uint32_t guest_port, uint32_t host_port);

/* vsock_table_add - @c is found by its ports; vsock_table_remove - it is not; safe if it was not.
 */
void vsock_table_add(struct vsock *v, struct vsock_conn *c);
void vsock_table_remove(struct vsock *v, struct vsock_conn *c);

/* vsock_table_free_port - a port of the host's that no connection to @guest_port has. */
uint32_t vsock_table_free_port(struct vsock *v, uint32_t guest_port);

/* vsock_ready - @c has something to send: it gets its turn. vsock_unready - it has not. */
void vsock_ready(struct vsock *v, struct vsock_conn *c);
void vsock_unready(struct vsock *v, struct vsock_conn *c);

/* vsock_owe_reset - the guest is told that there is no such connection. */
void vsock_owe_reset(struct vsock *v, const struct vsock_reset *r);

/* ---- vsock_conn.c ---- */

/*
 * vsock_conn_new - a connection without ports.
 * @fd: its Unix socket, taken (also on failure); -1: none yet
 * Returns NULL: there are VSOCK_CONNS_MAX, or no memory, or the socket cannot be watched.
 */
struct vsock_conn *vsock_conn_new(struct vsock *v, enum vsock_state state, int fd);

/* vsock_conn_attach - the socket of a connection that had none, taken. Returns 0 or -errno. */
MUST_CHECK int vsock_conn_attach(struct vsock_conn *c, int fd);

void vsock_conn_free(struct vsock_conn *c);

/* vsock_conn_deadline - at @at_ns (0: never) vsock_conn_timeout() is called. */
void vsock_conn_deadline(struct vsock_conn *c, uint64_t at_ns);

/* vsock_conn_abort - frees @c; the guest, if it knows of it, is told by a reset. */
void vsock_conn_abort(struct vsock_conn *c);

/* vsock_conn_detach - the guest is done with @c: frees it, or lets it linger until what the guest
 * sent is with the host. */
void vsock_conn_detach(struct vsock_conn *c);

/* vsock_conn_timeout - its deadline has come. May free @c. */
void vsock_conn_timeout(struct vsock_conn *c);

/* vsock_conn_retry - CONNECTING: tries again, and goes to the end of v->all. May free @c. */
void vsock_conn_retry(struct vsock_conn *c);

/*
 * vsock_conn_connect - the guest asked for @c: connects to NAME_PORT.
 * Returns 0: it is open, or waits for a busy server; or -errno: nobody is there.
 */
MUST_CHECK int vsock_conn_connect(struct vsock_conn *c);

/* vsock_conn_request - a client of the host wants the guest's port: asks it. */
void vsock_conn_request(struct vsock_conn *c);

/* vsock_conn_open - both sides have agreed. @text: what the socket gets first. */
void vsock_conn_open(struct vsock_conn *c, const char *text);

/* vsock_conn_credit - takes the credit that a packet of the guest brings. Returns 0; -EPROTO it
 * took more than it was sent. */
MUST_CHECK int vsock_conn_credit(struct vsock_conn *c, uint32_t peer_buf, uint32_t peer_taken);

/* vsock_conn_room - bytes that the guest has room for. */
uint32_t vsock_conn_room(const struct vsock_conn *c);

/*
 * vsock_conn_take - data from the guest, @len bytes in the @n buffers at @iov: to the socket, what
 * it does not take into the buffer. Returns 0; -EDQUOT more than the guest had credit for; -ENOMEM.
 */
MUST_CHECK int vsock_conn_take(struct vsock_conn *c, const struct iovec *iov, size_t n,
			       uint32_t len);

/* vsock_conn_shut_by_guest - the guest sends (SHUTDOWN_SEND) or takes (_RCV) no more. */
void vsock_conn_shut_by_guest(struct vsock_conn *c, uint32_t flags);

/*
 * vsock_conn_settle - after anything happened: ends what has come to its end, puts @c on the list
 * of those with something to send. Returns false: @c is freed.
 */
bool vsock_conn_settle(struct vsock_conn *c);

/* vsock_conn_can_read - data of the host's can go to the guest. */
bool vsock_conn_can_read(const struct vsock_conn *c);

/* vsock_conn_found_end - reading found the end, or (@error) a failure. */
void vsock_conn_found_end(struct vsock_conn *c, bool error);

/* vsock_conn_flush - buffered data to the socket, as much as it takes. */
void vsock_conn_flush(struct vsock_conn *c);

/* ---- vsock_host.c ---- */

/* vsock_host_accept - clients wait at the listening socket. */
void vsock_host_accept(struct vsock *v);

/* vsock_host_resume - accepts again if it was paused and there is room. */
void vsock_host_resume(struct vsock *v);

/* vsock_host_read_line - HANDSHAKE: reads what there is of CONNECT. Returns false: @c is freed. */
bool vsock_host_read_line(struct vsock_conn *c);

/* vsock_host_parse_line - the port of "CONNECT PORT" (without the newline). 0 or -EINVAL. */
MUST_CHECK int vsock_host_parse_line(const char *line, uint32_t *out_port);

/* vsock_host_accepted - the guest answered RESPONSE: tells the client. */
void vsock_host_accepted(struct vsock_conn *c);

/* ---- vsock_tx.c, vsock_rx.c ---- */

/* vsock_tx_run - takes at most @max packets from the guest. Returns their number. */
unsigned int vsock_tx_run(struct vsock *v, unsigned int max);

/* vsock_rx_run - sends what is owed until there is no buffer, or a batch is done. */
void vsock_rx_run(struct vsock *v);

/* vsock_rx_forget - the stock is empty: at a reset. */
void vsock_rx_forget(struct vsock *v);

#endif
