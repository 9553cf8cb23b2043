/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rate limits for disk and net: a token bucket for bytes and one for operations. A request passes
 * while neither bucket is in debt, and is charged in full: a large one leaves a debt that the next
 * one waits for. So no request is too large for a bucket, and the average never exceeds the rate.
 *
 * A bucket is kept as a time: the moment at which its debt is paid. Any number of threads may use
 * one limit at once; they may then overdraw by one request each, which the debt evens out.
 * Waiting is the caller's: ratelimit_arm() sets a timerfd, or any timeout of its own.
 */
#ifndef BIVALVE_VMMODE_VIRTIO_RATELIMIT_H
#define BIVALVE_VMMODE_VIRTIO_RATELIMIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "spec/base/cleanup.h"

/* What the user asks for. All zero: no limit. */
struct ratelimit_options {
	uint64_t bytes_per_s; /* 0: bytes are not limited */
	uint64_t bytes_burst; /* bytes that may pass at once after a pause */
	uint64_t ops_per_s;   /* 0: operations are not limited */
	uint64_t ops_burst;
};

struct ratelimit_bucket {
	uint64_t per_s;           /* units per second; 0: no limit */
	uint64_t burst_ns;        /* the burst, as the time that earns it */
	_Atomic uint64_t paid_ns; /* the debt is paid at this time (CLOCK_MONOTONIC) */
};

struct ratelimit {
	struct ratelimit_bucket bytes;
	struct ratelimit_bucket ops;
};

/*
 * ratelimit_init - full buckets.
 * Returns 0; -EINVAL a burst without a rate; -ERANGE a burst that takes more than a day to earn.
 */
MUST_CHECK int ratelimit_init(struct ratelimit *r, const struct ratelimit_options *opts,
			      uint64_t now_ns);

/* ratelimit_is_on - there is a limit at all. */
static inline bool ratelimit_is_on(const struct ratelimit *r)
{
	return r->bytes.per_s || r->ops.per_s;
}

/* ratelimit_wait - nanoseconds until the next request may pass; 0 = now. */
uint64_t ratelimit_wait(const struct ratelimit *r, uint64_t now_ns);

/* ratelimit_charge - one operation of @bytes has passed. */
void ratelimit_charge(struct ratelimit *r, uint32_t bytes, uint64_t now_ns);

/* ratelimit_now - CLOCK_MONOTONIC in nanoseconds. */
uint64_t ratelimit_now(void);

/* ratelimit_arm - makes the timerfd @timer_fd readable once, in @wait_ns (> 0). Returns 0, -errno.
 */
MUST_CHECK int ratelimit_arm(int timer_fd, uint64_t wait_ns);

#endif
