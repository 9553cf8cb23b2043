// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * linux.resources.blockIO as values: "blkio" on v1, "io" on v2. Weights live in the files of the
 * scheduler that the kernel has (BFQ, or v2's iocost); where it has both, both are written.
 * Source: OCI config-linux, "Block IO"; kernel block/bfq-iosched.rst, admin-guide/cgroup-v2.rst.
 */
#include "cgroups/limits.h"

#define IO "/linux/resources/blockIO/"

enum { WEIGHT_MIN = 10, WEIGHT_MAX = 1000, IO_WEIGHT_MAX = 10000 };

uint64_t cg_io_weight_from_blkio(uint32_t weight)
{
	if (weight < WEIGHT_MIN)
		return weight ? 1 : 0;
	return 1 +
	       ((uint64_t)weight - WEIGHT_MIN) * (IO_WEIGHT_MAX - 1) / (WEIGHT_MAX - WEIGHT_MIN);
}

static bool is_given(const struct opt_u32 *o)
{
	return o->is_set && o->v != 0;
}

static int check_weight(const struct opt_u32 *o, const char *json, struct err *err)
{
	if (is_given(o) && (o->v < WEIGHT_MIN || o->v > WEIGHT_MAX))
		return err_set(err, -EINVAL, "%s: must be from 10 to 1000", json);
	return 0;
}

static int build_weight(const struct config_block_io *io, bool v2, struct cg_limits *out,
			struct err *err)
{
	struct cg_write w = { .ctl = CTL_IO,
			      .on_v2 = v2,
			      .file = v2 ? "io.bfq.weight" : "blkio.bfq.weight",
			      .json = IO "weight",
			      .flags = CG_WRITE_ALT };
	int rc = check_weight(&io->weight, w.json, err);

	if (rc < 0 || !is_given(&io->weight))
		return rc;
	rc = cg_limits_add(out, w, err, "%u", io->weight.v);
	if (rc < 0)
		return rc;
	w.file = v2 ? "io.weight" : "blkio.weight";
	w.flags = 0;
	return cg_limits_add(
	    out, w, err, "%llu",
	    (unsigned long long)(v2 ? cg_io_weight_from_blkio(io->weight.v) : io->weight.v));
}

static int build_leaf_weight(const struct config_block_io *io, bool v2, struct cg_limits *out,
			     struct err *err)
{
	struct cg_write w = { .ctl = CTL_IO, .file = "blkio.leaf_weight", .json = IO "leafWeight" };
	int rc = check_weight(&io->leaf_weight, w.json, err);

	if (rc < 0 || !is_given(&io->leaf_weight))
		return rc;
	if (v2)
		return cg_not_on(w.json, true, err);
	return cg_limits_add(out, w, err, "%u", io->leaf_weight.v);
}

static int check_device(int64_t major, int64_t minor, const char *json, struct err *err)
{
	if (major < 0 || minor < 0)
		return err_set(err, -EINVAL, "%s: device numbers must not be negative", json);
	return 0;
}

static int build_weight_device(const struct config_weight_device *d, size_t i, bool v2,
			       struct cg_limits *out, struct err *err)
{
	struct cg_write w = { .ctl = CTL_IO,
			      .on_v2 = v2,
			      .file = v2 ? "io.bfq.weight" : "blkio.bfq.weight_device",
			      .json = cg_limits_json(out, IO "weightDevice/%zu", i),
			      .flags = CG_WRITE_ALT };
	long long major = d->major;
	long long minor = d->minor;
	int rc = check_device(d->major, d->minor, w.json, err);

	if (rc == 0)
		rc = check_weight(&d->weight, w.json, err);
	if (rc == 0)
		rc = check_weight(&d->leaf_weight, w.json, err);
	if (rc == 0 && is_given(&d->weight)) {
		rc = cg_limits_add(out, w, err, "%lld:%lld %u", major, minor, d->weight.v);
		w.file = v2 ? "io.weight" : "blkio.weight_device";
		w.flags = 0;
		if (rc == 0)
			rc = cg_limits_add(
			    out, w, err, "%lld:%lld %llu", major, minor,
			    (unsigned long long)(v2 ? cg_io_weight_from_blkio(d->weight.v)
						    : d->weight.v));
	}
	if (rc < 0 || !is_given(&d->leaf_weight))
		return rc;
	if (v2)
		return cg_not_on(cg_limits_json(out, "%s/leafWeight", w.json), true, err);
	w.file = "blkio.leaf_weight_device";
	w.flags = 0;
	return cg_limits_add(out, w, err, "%lld:%lld %u", major, minor, d->leaf_weight.v);
}

/* Rate 0 takes the limit away on v1; v2 spells that "max". */
static int build_throttles(const struct config_throttles *list, bool v2, const char *const name[3],
			   struct cg_limits *out, struct err *err)
{
	const char *json = name[0];

	for (size_t i = 0; i < list->n; i++) {
		const struct config_throttle *t = &list->items[i];
		struct cg_write w = { .ctl = CTL_IO,
				      .on_v2 = v2,
				      .file = v2 ? "io.max" : name[1],
				      .json = cg_limits_json(out, IO "%s/%zu", json, i) };
		int rc = check_device(t->major, t->minor, w.json, err);

		if (rc < 0)
			return rc;
		if (!v2)
			rc = cg_limits_add(out, w, err, "%lld:%lld %llu", (long long)t->major,
					   (long long)t->minor, (unsigned long long)t->rate);
		else if (t->rate == 0)
			rc = cg_limits_add(out, w, err, "%lld:%lld %s=max", (long long)t->major,
					   (long long)t->minor, name[2]);
		else
			rc = cg_limits_add(out, w, err, "%lld:%lld %s=%llu", (long long)t->major,
					   (long long)t->minor, name[2],
					   (unsigned long long)t->rate);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int cg_build_io(const struct config_block_io *io, bool v2, struct cg_limits *out, struct err *err)
{
	/* JSON name, v1 file, v2 key. */
	static const char *const names[4][3] = {
		{ "throttleReadBpsDevice", "blkio.throttle.read_bps_device", "rbps" },
		{ "throttleWriteBpsDevice", "blkio.throttle.write_bps_device", "wbps" },
		{ "throttleReadIOPSDevice", "blkio.throttle.read_iops_device", "riops" },
		{ "throttleWriteIOPSDevice", "blkio.throttle.write_iops_device", "wiops" },
	};
	const struct config_throttles *const lists[4] = { &io->read_bps, &io->write_bps,
							  &io->read_iops, &io->write_iops };
	int rc = build_weight(io, v2, out, err);

	if (rc == 0)
		rc = build_leaf_weight(io, v2, out, err);
	for (size_t i = 0; rc == 0 && i < io->weight_devices.n; i++)
		rc = build_weight_device(&io->weight_devices.items[i], i, v2, out, err);
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(lists); i++)
		rc = build_throttles(lists[i], v2, names[i], out, err);
	return rc;
}
