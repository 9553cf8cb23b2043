// SPDX-License-Identifier: GPL-2.0-or-later
/* Opens what the device options name and makes the devices. */
#include "vmmode/vmm/devices.h"

#include <fcntl.h>

#include "spec/base/fd.h"
#include "spec/base/log.h"
#include "spec/base/num.h"
#include "spec/base/str.h"
#include "vmmode/virtio/rng.h"
#include "vmmode/virtio/vsock.h"
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

int vmm_keep(struct vmm_device_env *env, const char *option, int fd, struct err *err)
{
	if (env->n_fds == ARRAY_LEN(env->fds)) {
		(void)close(fd);
		return err_set(err, -EMFILE, "--%s: too many devices", option);
	}
	env->fds[env->n_fds++] = fd;
	return fd;
}

int vmm_open_kept(struct vmm_device_env *env, const char *option, const char *name, int flags,
		  struct err *err)
{
	int fd = vmm_open(option, name, flags, err);

	return fd < 0 ? fd : vmm_keep(env, option, fd, err);
}

void vmm_device_env_fini(struct vmm_device_env *env)
{
	for (unsigned int i = 0; i < env->n_sockets; i++) {
		if (unlinkat(env->sockets[i].dir_fd, env->sockets[i].name, 0) < 0)
			log_debug("remove socket '%s': %m, ignoring", env->sockets[i].name);
	}
	while (env->n_fds)
		cleanup_close(&env->fds[--env->n_fds]);
}

/* A value taken apart: the name up to the first comma, and what follows it ("" when nothing). */
struct value {
	char name[DEVICE_NAME_MAX];
	const char *rest;
};

static int split(const char *option, const char *text, struct value *v, struct err *err)
{
	const char *comma = strchr(text, ',');
	const size_t len = comma ? (size_t)(comma - text) : strlen(text);

	if (len == 0 || len >= sizeof(v->name))
		return err_set(err, -EINVAL, "--%s '%s': want a name", option, text);
	memcpy(v->name, text, len);
	v->name[len] = '\0';
	v->rest = comma ? comma + 1 : "";
	return 0;
}

/* PATH[,cid=N]: the device keeps PATH's folder, open. */
static int make_vsock(const char *text, struct vmm_device_env *env, struct virtio_device **out,
		      struct err *err)
{
	struct virtio_vsock_options o = { .cid = VSOCK_CID_DEFAULT };
	struct value v = { .rest = "" };
	const char *folder = ".";
	uint64_t cid = VSOCK_CID_DEFAULT;
	char *slash;
	int rc = split("vsock", text, &v, err);

	if (rc < 0)
		return rc;
	if (*v.rest && (!str_starts(v.rest, "cid=") ||
			num_u64(v.rest + 4, VSOCK_CID_DEFAULT, UINT32_MAX - 1, &cid) < 0))
		return err_set(err, -EINVAL, "--vsock '%s': want PATH or PATH,cid=N, N from %d on",
			       text, VSOCK_CID_DEFAULT);
	o.cid = (uint32_t)cid;
	o.name = v.name;
	slash = strrchr(v.name, '/');
	if (slash) {
		folder = slash == v.name ? "/" : v.name;
		o.name = slash + 1;
		*slash = '\0';
	}
	o.dir_fd = vmm_open_kept(env, "vsock", folder, O_PATH | O_DIRECTORY, err);
	if (o.dir_fd < 0)
		return o.dir_fd;
	rc = sandbox_confine_dir(env->sandbox, o.dir_fd, false, false, err);
	if (rc == 0)
		rc = virtio_vsock_new(&o, env->loop, out, err);
	return rc < 0 ? err_wrap(err, rc, "--vsock '%s'", text) : 0;
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
	[VMM_VSOCK] = { "vsock", make_vsock },
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
