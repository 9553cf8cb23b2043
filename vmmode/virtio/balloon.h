/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-balloon: memory that the guest does not need goes back to the host. Works in the loop's
 * thread.
 *
 *   inflate            the driver hands over pages until it has as many as
 * virtio_balloon_set_target() asked for; they are dropped at once and read as zeroes from then on
 *   deflate            it takes pages back; the host gives new ones when they are first touched, so
 *                      nothing waits for us and MUST_TELL_HOST is not offered
 *   statistics         the driver's last report is kept; a new one is asked for by
 *                      virtio_balloon_refresh() or every stats_s seconds
 *   free page reporting  ranges that the guest's allocator does not use; dropped in the same way. A
 *                      guest that fills free pages with a pattern says so (PAGE_POISON): then they
 *                      must keep it, and a report of a pattern other than zero changes nothing
 *
 * A page that is given away while a device of the same guest works on it is that guest's own harm:
 * the mapping stays. An address outside RAM, or a list that is none, breaks the device.
 * Source: virtio 1.2, 5.5. FREE_PAGE_HINT serves migration and is not offered.
 */
#ifndef BIVALVE_VMMODE_VIRTIO_BALLOON_H
#define BIVALVE_VMMODE_VIRTIO_BALLOON_H

#include <linux/virtio_balloon.h>

#include "spec/base/err.h"
#include "vmmode/virtio/device.h"
#include "vmmode/virtio/loop.h"

enum {
	BALLOON_PAGE_BYTES = 1 << VIRTIO_BALLOON_PFN_SHIFT,
	BALLOON_QUEUE_SIZE = 128,
	BALLOON_PFNS_MAX = 4096, /* of one request; what is beyond stays with the guest's host */
	BALLOON_STATS_MAX = 64,  /* values of one report that are looked at */
	BALLOON_STATS_S_MAX = 86400,
};

struct virtio_balloon_options {
	uint64_t target_bytes; /* at the start */
	uint32_t stats_s;      /* seconds between statistics; 0: only when asked */
	bool deflate_on_oom;   /* the guest takes pages back rather than kill a process */
	bool reporting;        /* free page reporting */
};

/* What is known of the balloon. The values from the guest are what it says. */
struct virtio_balloon_state {
	uint64_t target_bytes;
	uint64_t actual_bytes;   /* as the driver says */
	uint64_t inflated_bytes; /* dropped since the start, by inflation */
	uint64_t reported_bytes; /* and by reports */
	uint64_t stats_age_ms;   /* of stats[] */
	uint32_t stats_mask;     /* bit i: stats[i] is known; 0: no report came yet */
	uint64_t stats[VIRTIO_BALLOON_S_NR];
};

/*
 * virtio_balloon_new - @loop is borrowed; @opts is copied.
 * Returns 0 and gives *@out (ops->destroy frees); -EINVAL the target is more than 16 TiB or stats_s
 * more than a day; -ENOMEM; or -errno of timerfd_create(2).
 */
MUST_CHECK int virtio_balloon_new(const struct virtio_balloon_options *opts, struct loop *loop,
				  struct virtio_device **out, struct err *err);

/* The functions below are for the loop's thread, @dev is from virtio_balloon_new(). */

/* virtio_balloon_set_target - the size that the balloon shall have; rounded down to whole pages.
 * Returns 0; -ERANGE more than 16 TiB. */
MUST_CHECK int virtio_balloon_set_target(struct virtio_device *dev, uint64_t bytes);

/* virtio_balloon_refresh - asks the driver for statistics; they come later, or never. */
void virtio_balloon_refresh(struct virtio_device *dev);

/* virtio_balloon_get_state - what is known now. */
void virtio_balloon_get_state(const struct virtio_device *dev, struct virtio_balloon_state *out);

/* virtio_balloon_stat_name - of stats[@i]: "free-memory". */
const char *virtio_balloon_stat_name(unsigned int i);

#endif
