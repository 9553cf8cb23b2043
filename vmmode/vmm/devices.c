// SPDX-License-Identifier: GPL-2.0-or-later
/* Opens what the device options name and makes the devices. */
#include "vmmode/vmm/devices.h"

#include <fcntl.h>

#include "spec/base/fd.h"
#include "spec/base/num.h"
#include "spec/base/str.h"
#include "vmmode/virtio/rng.h"
#include "vmmode/vmm/devices_io.h"

int vmm_open(const char *option, const char *name, int flags, struct err *err)
{
	uint64_t n;
	int rc;
	int fd;

	if (!str_starts(name, "fd:")) {
		fd = open(name, flags | O_CLOEXEC | O_NOCTTY, 0600);
		return fd < 0 ? err_sys(err, "--%s '%s'", option, name) : fd;
	}
	if (num_u64(name + 3, 0, INT32_MAX, &n) < 0)
		return err_set(err, -EINVAL, "--%s '%s': want fd:NUMBER", option, name);
	rc = fd_set_cloexec((int)n, 1);
	if (rc < 0)
		return err_code(err, rc, "--%s '%s'", option, name);
	return (int)n;
}

static int make_rng(const char *text, struct loop *loop, struct virtio_device **out,
		    struct err *err)
{
	(void)text;
	return virtio_rng_new(loop, out, err);
}

struct kind {
	const char *option;
	int (*make)(const char *text, struct loop *loop, struct virtio_device **out,
		    struct err *err);
};

static const struct kind kinds[] = {
	[VMM_DISK] = { "disk", vmm_make_disk },
	[VMM_NET] = { "net", vmm_make_net },
	[VMM_FS] = { "fs", NULL },
	[VMM_VSOCK] = { "vsock", NULL },
	[VMM_CONSOLE] = { "console", NULL },
	[VMM_RNG] = { "rng", make_rng },
	[VMM_BALLOON] = { "balloon", NULL },
};

int vmm_device_new(const struct vmm_device_option *opt, struct loop *loop,
		   struct virtio_device **out, struct err *err)
{
	const struct kind *k = &kinds[opt->kind];

	if (!k->make)
		return err_set(err, -ENOTSUP, "--%s: this program has no such device", k->option);
	return k->make(opt->text, loop, out, err);
}
