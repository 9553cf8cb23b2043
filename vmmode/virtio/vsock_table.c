// SPDX-License-Identifier: GPL-2.0-or-later
/* All connections: by their ports, and which have packets to send. */
#include "spec/base/log.h"
#include "vmmode/virtio/vsock_internal.h"

void vsock_table_init(struct vsock *v, uint32_t hash_key)
{
	TAILQ_INIT(&v->all);
	TAILQ_INIT(&v->ready);
	v->hash_key = hash_key;
	v->next_port = VSOCK_HOST_PORT;
}

/* Both ports are mixed with the key, so that a guest cannot choose ports of one bucket. */
static uint32_t bucket_of(const struct vsock *v, uint32_t guest_port, uint32_t host_port)
{
	uint64_t h = ((uint64_t)guest_port << 32 | host_port) ^ ((uint64_t)v->hash_key << 17);

	/* Two rounds of multiply and shift (odd constants: 2^64 divided by the golden ratio, and by
	 * the square root of two). */
	h = (h ^ (h >> 32)) * UINT64_C(0x9e3779b97f4a7c15);
	h = (h ^ (h >> 29) ^ v->hash_key) * UINT64_C(0xb504f333f9de6485);
	return (uint32_t)(h >> 40) & (VSOCK_BUCKETS - 1);
}

struct vsock_conn *vsock_table_find(const struct vsock *v, uint32_t guest_port, uint32_t host_port)
{
	struct vsock_conn *c = v->buckets[bucket_of(v, guest_port, host_port)];

	while (c && (c->guest_port != guest_port || c->host_port != host_port))
		c = c->bucket_next;
	return c;
}

void vsock_table_add(struct vsock *v, struct vsock_conn *c)
{
	struct vsock_conn **bucket = &v->buckets[bucket_of(v, c->guest_port, c->host_port)];

	c->bucket_next = *bucket;
	*bucket = c;
	c->is_listed = true;
}

void vsock_table_remove(struct vsock *v, struct vsock_conn *c)
{
	struct vsock_conn **at = &v->buckets[bucket_of(v, c->guest_port, c->host_port)];

	if (!c->is_listed)
		return;
	while (*at != c)
		at = &(*at)->bucket_next;
	*at = c->bucket_next;
	c->is_listed = false;
}

uint32_t vsock_table_free_port(struct vsock *v, uint32_t guest_port)
{
	uint32_t port;

	/* There are more ports than connections: this ends. */
	do {
		port = v->next_port++;
		if (v->next_port == 2 * (uint32_t)VSOCK_HOST_PORT)
			v->next_port = VSOCK_HOST_PORT;
	} while (vsock_table_find(v, guest_port, port));
	return port;
}

void vsock_ready(struct vsock *v, struct vsock_conn *c)
{
	if (c->is_ready)
		return;
	c->is_ready = true;
	TAILQ_INSERT_TAIL(&v->ready, c, ready_entry);
}

void vsock_unready(struct vsock *v, struct vsock_conn *c)
{
	if (!c->is_ready)
		return;
	c->is_ready = false;
	TAILQ_REMOVE(&v->ready, c, ready_entry);
}

void vsock_owe_reset(struct vsock *v, const struct vsock_reset *r)
{
	/* The guest is not heard from VSOCK_RESETS_STALL on, and above it a connection that the
	 * guest knows makes one at most: never full. */
	if (v->n_resets == VSOCK_RESETS_MAX) {
		log_debug("vsock: too many resets wait, dropping one");
		return;
	}
	v->resets[(v->reset_first + v->n_resets++) % VSOCK_RESETS_MAX] = *r;
}
