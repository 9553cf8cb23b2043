// SPDX-License-Identifier: GPL-2.0-or-later
/* The verbs of the control socket. */
#include "vmmode/vmm/verbs.h"

#include <signal.h>

#include "spec/base/num.h"
#include "vmmode/virtio/balloon.h"

static int do_pause(void *ctx, const char *arg, struct buf *out, struct err *err)
{
	const struct verbs *v = ctx;

	(void)arg;
	(void)out;
	(void)err;
	vcpus_pause(v->vcpus);
	return 0;
}

static int do_resume(void *ctx, const char *arg, struct buf *out, struct err *err)
{
	const struct verbs *v = ctx;

	(void)arg;
	(void)out;
	(void)err;
	vcpus_resume(v->vcpus);
	return 0;
}

static int do_stop(void *ctx, const char *arg, struct buf *out, struct err *err)
{
	const struct verbs *v = ctx;

	(void)arg;
	(void)out;
	(void)err;
	ending_request(v->ending, 128 + SIGTERM);
	return 0;
}

static int do_balloon(void *ctx, const char *arg, struct buf *out, struct err *err)
{
	const struct verbs *v = ctx;
	uint64_t bytes;
	int rc;

	(void)out;
	if (!v->balloon)
		return err_set(err, -ENODEV, "the machine has no balloon");
	if (num_bytes(arg, &bytes) < 0)
		return err_set(err, -EINVAL, "'%s' is no size", arg);
	if (bytes > v->memory_bytes)
		return err_set(err, -ERANGE, "larger than the machine's memory");
	rc = virtio_balloon_set_target(v->balloon, bytes);
	return rc < 0 ? err_code(err, rc, "set the balloon's size") : 0;
}

static void add_number(struct buf *out, const char *prefix, const char *name, uint64_t value)
{
	buf_printf(out, " %s%s=%llu", prefix, name, (unsigned long long)value);
}

static void add_balloon(struct virtio_device *dev, struct buf *out)
{
	struct virtio_balloon_state s;

	virtio_balloon_get_state(dev, &s);
	add_number(out, "balloon-", "target", s.target_bytes);
	add_number(out, "balloon-", "actual", s.actual_bytes);
	add_number(out, "balloon-", "inflated", s.inflated_bytes);
	add_number(out, "balloon-", "reported", s.reported_bytes);
	if (s.stats_mask)
		add_number(out, "stats-", "age-ms", s.stats_age_ms);
	for (unsigned int i = 0; i < VIRTIO_BALLOON_S_NR; i++) {
		if (s.stats_mask & 1U << i)
			add_number(out, "guest-", virtio_balloon_stat_name(i), s.stats[i]);
	}
	virtio_balloon_refresh(dev);
}

static int do_stats(void *ctx, const char *arg, struct buf *out, struct err *err)
{
	const struct verbs *v = ctx;

	(void)arg;
	(void)err;
	add_number(out, "", "vcpus", v->vcpus->n);
	add_number(out, "", "paused", v->vcpus->pause);
	add_number(out, "", "memory", v->memory_bytes);
	if (v->balloon)
		add_balloon(v->balloon, out);
	return 0;
}

static const struct control_verb verbs[] = {
	{ "balloon", true, do_balloon }, { "pause", false, do_pause },
	{ "resume", false, do_resume },  { "stats", false, do_stats },
	{ "stop", false, do_stop },
};

void verbs_attach(struct verbs *v, struct control *c)
{
	control_set_verbs(c, verbs, sizeof(verbs) / sizeof(verbs[0]), v);
}
