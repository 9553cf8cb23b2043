// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rules of resources. Callers send zeros for "unset" (cpu.shares, blockIO.weight), so 0 passes;
 * what a host's controllers refuse beyond this is told by cgroups/ when it is applied.
 */
#include <stdio.h>
#include <string.h>

#include "spec/base/str.h"
#include "spec/validate.h"
#include "spec/validate_internal.h"

enum {
	MIN_WEIGHT = 10,
	MAX_WEIGHT = 1000,
	MAX_PAGE_SIZES = 64, /* HUGE_MAX_HSTATE is below it on every architecture */
};

static int check_memory(const struct config_memory *m, const char *path, struct err *err)
{
	/* "swap" is memory and swap together; 0 is a caller's way to leave it unset. */
	if (m->swap.is_set && m->swap.v > 0 && m->limit.is_set &&
	    (m->limit.v < 0 || m->swap.v < m->limit.v))
		return err_set(err, -EINVAL, "%s/memory/swap: must not be below the memory limit",
			       path);
	return 0;
}

static int check_cpu(const struct config_cpu *cpu, const char *path, struct err *err)
{
	char full[160];
	int rc = 0;

	if (cpu->burst_us.is_set && cpu->quota_us.is_set && cpu->quota_us.v > 0 &&
	    cpu->burst_us.v > (uint64_t)cpu->quota_us.v)
		return err_set(err, -EINVAL, "%s/cpu/burst: must not be above quota", path);
	if (cpu->cpus) {
		(void)snprintf(full, sizeof(full), "%s/cpu/cpus", path);
		rc = validate_cpu_list(cpu->cpus, full, err);
	}
	if (rc == 0 && cpu->mems) {
		(void)snprintf(full, sizeof(full), "%s/cpu/mems", path);
		rc = validate_cpu_list(cpu->mems, full, err);
	}
	return rc;
}

static bool is_weight(const struct opt_u32 *w)
{
	return !w->is_set || w->v == 0 || (w->v >= MIN_WEIGHT && w->v <= MAX_WEIGHT);
}

static int check_block_io(const struct config_block_io *b, const char *path, struct err *err)
{
	if (!is_weight(&b->weight) || !is_weight(&b->leaf_weight))
		return err_set(err, -EINVAL, "%s/blockIO/%s: must be from %d to %d", path,
			       is_weight(&b->weight) ? "leafWeight" : "weight", MIN_WEIGHT,
			       MAX_WEIGHT);
	for (size_t i = 0; i < b->weight_devices.n; i++) {
		const struct config_weight_device *d = &b->weight_devices.items[i];

		if (!d->weight.is_set && !d->leaf_weight.is_set)
			return err_set(err, -EINVAL,
				       "%s/blockIO/weightDevice/%zu: weight or leafWeight is "
				       "required",
				       path, i);
		if (!is_weight(&d->weight) || !is_weight(&d->leaf_weight))
			return err_set(err, -EINVAL,
				       "%s/blockIO/weightDevice/%zu: weights must be from %d to %d",
				       path, i, MIN_WEIGHT, MAX_WEIGHT);
	}
	return 0;
}

/* "64KB", "2MB", "1GB": it becomes a part of a file's name. */
static bool is_page_size(const char *s)
{
	size_t digits = strspn(s, "0123456789");

	s += digits;
	return digits && digits <= 9 && strchr("KMG", *s) && *s && str_eq(s + 1, "B");
}

static int check_hugepages(const struct config_resources *r, const char *path, struct err *err)
{
	if (r->hugepage_limits.n > MAX_PAGE_SIZES)
		return err_set(err, -EINVAL, "%s/hugepageLimits: has more than %d entries", path,
			       MAX_PAGE_SIZES);
	for (size_t i = 0; i < r->hugepage_limits.n; i++) {
		const char *size = r->hugepage_limits.items[i].page_size;

		if (!is_page_size(size))
			return err_set(err, -EINVAL,
				       "%s/hugepageLimits/%zu/pageSize: '%s' is not a size such as "
				       "\"2MB\"",
				       path, i, size);
		for (size_t k = 0; k < i; k++) {
			if (str_eq(size, r->hugepage_limits.items[k].page_size))
				return err_set(
				    err, -EINVAL,
				    "%s/hugepageLimits/%zu/pageSize: '%s' is given twice", path, i,
				    size);
		}
	}
	return 0;
}

static int check_rdma(const struct config_resources *r, const char *path, struct err *err)
{
	for (size_t i = 0; i < r->rdma.n; i++) {
		const struct config_rdma *d = &r->rdma.items[i];

		/* The name goes into a line "NAME key=value" that the kernel splits. */
		if (!*d->device || strpbrk(d->device, " \t\n"))
			return err_set(err, -EINVAL, "%s/rdma/%s: is not a device's name", path,
				       d->device);
		if (!d->hca_handles.is_set && !d->hca_objects.is_set)
			return err_set(err, -EINVAL,
				       "%s/rdma/%s: hcaHandles or hcaObjects is required", path,
				       d->device);
	}
	return 0;
}

static int check_unified(const struct config_resources *r, const char *path, struct err *err)
{
	for (size_t i = 0; i < r->unified.n; i++) {
		const char *file = r->unified.items[i].file;

		if (!*file || strchr(file, '/') || str_eq(file, ".") || str_eq(file, ".."))
			return err_set(err, -EINVAL, "%s/unified/%s: is not a file's name", path,
				       file);
	}
	return 0;
}

static int check_net_priorities(const struct config_resources *r, const char *path, struct err *err)
{
	for (size_t i = 0; i < r->net_priorities.n; i++) {
		const char *name = r->net_priorities.items[i].name;

		if (strpbrk(name, " \t\n/"))
			return err_set(err, -EINVAL,
				       "%s/network/priorities/%zu/name: '%s' is not a name of an "
				       "interface",
				       path, i, name);
	}
	return 0;
}

int resources_validate(const struct config_resources *r, const char *path, struct err *err)
{
	int rc;

	rc = check_memory(&r->memory, path, err);
	if (rc == 0)
		rc = check_cpu(&r->cpu, path, err);
	if (rc == 0)
		rc = check_block_io(&r->block_io, path, err);
	if (rc == 0)
		rc = check_hugepages(r, path, err);
	if (rc == 0)
		rc = check_net_priorities(r, path, err);
	if (rc == 0)
		rc = check_rdma(r, path, err);
	return rc < 0 ? rc : check_unified(r, path, err);
}
