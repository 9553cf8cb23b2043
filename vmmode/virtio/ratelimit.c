// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Token buckets as times. A bucket is full when its debt was paid burst_ns ago or earlier, empty
 * when it is paid just now, and in debt while it is paid in the future.
 */
#include "vmmode/virtio/ratelimit.h"

#include <sys/timerfd.h>
#include <time.h>

#define NS_PER_S     UINT64_C(1000000000)
#define BURST_NS_MAX (UINT64_C(86400) * NS_PER_S)

/* Times are kept a day ahead, so that "a burst ago" is never before zero. */
static uint64_t shifted(uint64_t now_ns)
{
	return now_ns + BURST_NS_MAX;
}

static int init_bucket(struct ratelimit_bucket *b, uint64_t per_s, uint64_t burst, uint64_t now_ns)
{
	unsigned __int128 burst_ns;

	if (per_s == 0 && burst != 0)
		return -EINVAL;
	burst_ns = per_s ? (unsigned __int128)burst * NS_PER_S / per_s : 0;
	if (burst_ns > BURST_NS_MAX)
		return -ERANGE;
	b->per_s = per_s;
	b->burst_ns = (uint64_t)burst_ns;
	atomic_init(&b->paid_ns, shifted(now_ns) - b->burst_ns);
	return 0;
}

int ratelimit_init(struct ratelimit *r, const struct ratelimit_options *opts, uint64_t now_ns)
{
	int rc = init_bucket(&r->bytes, opts->bytes_per_s, opts->bytes_burst, now_ns);

	return rc < 0 ? rc : init_bucket(&r->ops, opts->ops_per_s, opts->ops_burst, now_ns);
}

static uint64_t bucket_wait(const struct ratelimit_bucket *b, uint64_t now_ns)
{
	uint64_t paid;

	if (b->per_s == 0)
		return 0;
	paid = atomic_load_explicit(&b->paid_ns, memory_order_relaxed);
	return paid > shifted(now_ns) ? paid - shifted(now_ns) : 0;
}

uint64_t ratelimit_wait(const struct ratelimit *r, uint64_t now_ns)
{
	const uint64_t bytes = bucket_wait(&r->bytes, now_ns);
	const uint64_t ops = bucket_wait(&r->ops, now_ns);

	return bytes > ops ? bytes : ops;
}

static void bucket_charge(struct ratelimit_bucket *b, uint32_t units, uint64_t now_ns)
{
	uint64_t paid;
	uint64_t next;

	if (b->per_s == 0)
		return;
	paid = atomic_load_explicit(&b->paid_ns, memory_order_relaxed);
	do {
		const uint64_t full = shifted(now_ns) - b->burst_ns;

		/* UINT32_MAX units times NS_PER_S is below 2^62: no overflow. */
		next = (paid > full ? paid : full) + (uint64_t)units * NS_PER_S / b->per_s;
	} while (!atomic_compare_exchange_weak_explicit(
	    &b->paid_ns, &paid, next, memory_order_relaxed, memory_order_relaxed));
}

void ratelimit_charge(struct ratelimit *r, uint32_t bytes, uint64_t now_ns)
{
	bucket_charge(&r->bytes, bytes, now_ns);
	bucket_charge(&r->ops, 1, now_ns);
}

uint64_t ratelimit_now(void)
{
	struct timespec t = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

int ratelimit_arm(int timer_fd, uint64_t wait_ns)
{
	const struct itimerspec when = {
		.it_value.tv_sec = (time_t)(wait_ns / NS_PER_S),
		.it_value.tv_nsec = (int64_t)(wait_ns % NS_PER_S),
	};

	return timerfd_settime(timer_fd, 0, &when, NULL) < 0 ? -errno : 0;
}
