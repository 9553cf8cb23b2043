// SPDX-License-Identifier: GPL-2.0-or-later
/* Opens what the device options name and makes the devices. */
#include "vmmode/vmm/devices.h"

#include <fcntl.h>

#include "spec/base/fd.h"
#include "spec/base/num.h"
#include "spec/base/str.h"
#include "vmmode/virtio/rng.h"
#include "vmmode/virtio/unix_socket.h"
#include "vmmode/vmm/devices_console.h"
#include "vmmode/vmm/devices_io.h"

int vmm_open(const char *option, const char *name, int flags, struct err *err)
{
	uint64_t n;
	int rc;

	if (!str_starts(name, "fd:")) {
		int fd = open(name, flags | O_CLOEXEC | O_NOCTTY, 0600);

		return fd < 0 ? err_sys(err, "--%s '%s'", option, name) : fd;
	}
	if (num_u64(name + 3, 0, INT32_MAX, &n) < 0)
		return err_set(err, -EINVAL, "--%s '%s': want fd:NUMBER", option, name);
	rc = fd_set_cloexec((int)n, 1);
	if (rc < 0)
		return err_code(err, rc, "--%s '%s'", option, name);
	return (int)n;
}

int vmm_keep(struct vmm_device_env *env, int fd, struct err *err)
{
	if (env->n_fds == ARRAY_LEN(env->fds)) {
		(void)close(fd);
		return err_set(err, -EMFILE, "too many devices");
	}
	env->fds[env->n_fds++] = fd;
	return fd;
}

int vmm_open_kept(struct vmm_device_env *env, const char *option, const char *name, int flags,
		  struct err *err)
{
	int fd = vmm_open(option, name, flags, err);
	int rc;

	if (fd < 0)
		return fd;
	rc = vmm_keep(env, fd, err);
	return rc < 0 ? err_wrap(err, rc, "--%s '%s'", option, name) : rc;
}

void vmm_device_env_fini(struct vmm_device_env *env)
{
	for (unsigned int i = 0; i < env->n_sockets; i++)
		unix_socket_unlink(env->sockets[i].dir_fd, env->sockets[i].name,
				   &env->sockets[i].id);
	while (env->n_fds)
		cleanup_close(&env->fds[--env->n_fds]);
}

static int make_rng(const char *text, struct vmm_device_env *env, struct virtio_device **out,
		    struct err *err)
{
	(void)text;
	return virtio_rng_new(env->loop, out, err);
}

struct kind {
	const char *option;
	int (*make)(const char *text, struct vmm_device_env *env, struct virtio_device **out,
		    struct err *err);
};

static const struct kind kinds[] = {
	[VMM_DISK] = { "disk", vmm_make_disk },
	[VMM_NET] = { "net", vmm_make_net },
	[VMM_FS] = { "fs", vmm_make_fs },
	[VMM_VSOCK] = { "vsock", vmm_make_vsock },
	[VMM_CONSOLE] = { "console", vmm_make_console },
	[VMM_RNG] = { "rng", make_rng },
	[VMM_BALLOON] = { "balloon", vmm_make_balloon },
};

int vmm_device_new(const struct vmm_device_option *opt, struct vmm_device_env *env,
		   struct virtio_device **out, struct err *err)
{
	const struct kind *k = &kinds[opt->kind];

	if (!k->make)
		return err_set(err, -ENOTSUP, "--%s: this program has no such device", k->option);
	return k->make(opt->text, env, out, err);
}
