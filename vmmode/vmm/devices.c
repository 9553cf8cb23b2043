// SPDX-License-Identifier: GPL-2.0-or-later
/* Opens what the device options name and makes the devices. */
#include "vmmode/vmm/devices.h"

#include <fcntl.h>

#include "spec/base/fd.h"
#include "spec/base/num.h"
#include "spec/base/str.h"
#include "vmmode/virtio/fs.h"
#include "vmmode/virtio/rng.h"
#include "vmmode/vmm/devices_io.h"

enum { NAME_BYTES = 4096 };

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

int vmm_open_kept(struct vmm_device_env *env, const char *option, const char *name, int flags,
		  struct err *err)
{
	int fd;

	if (env->n_fds == ARRAY_LEN(env->fds))
		return err_set(err, -EMFILE, "--%s '%s': too many devices", option, name);
	fd = vmm_open(option, name, flags, err);
	if (fd >= 0)
		env->fds[env->n_fds++] = fd;
	return fd;
}

void vmm_device_env_fini(struct vmm_device_env *env)
{
	while (env->n_fds)
		cleanup_close(&env->fds[--env->n_fds]);
}

/* A value taken apart: the name up to the first comma, and what follows it ("" when nothing). */
struct value {
	char name[NAME_BYTES];
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

/* The only word that a folder knows. */
static int take_ro(const char *option, const char *text, const struct value *v, bool *out,
		   struct err *err)
{
	*out = str_eq(v->rest, "ro");
	if (*v->rest && !*out)
		return err_set(err, -EINVAL, "--%s '%s': unknown word '%s'", option, text, v->rest);
	return 0;
}

/* TAG=FOLDER[,ro]; cmdline.c saw to the '='. */
static int make_fs(const char *text, struct vmm_device_env *env, struct virtio_device **out,
		   struct err *err)
{
	const char *eq = strchr(text, '=');
	struct virtio_fs_options o = { .flags = 0 };
	char tag[VIRTIO_FS_TAG_MAX + 1];
	struct value v = { .rest = "" };
	bool is_ro = false;
	int rc;

	if ((size_t)(eq - text) >= sizeof(tag))
		return err_set(err, -EINVAL, "--fs '%s': a tag has at most %d bytes", text,
			       VIRTIO_FS_TAG_MAX);
	memcpy(tag, text, (size_t)(eq - text));
	tag[eq - text] = '\0';
	rc = split("fs", eq + 1, &v, err);
	if (rc == 0)
		rc = take_ro("fs", text, &v, &is_ro, err);
	if (rc < 0)
		return rc;
	o.tag = tag;
	o.flags = is_ro ? VIRTIO_FS_READ_ONLY : 0;
	o.root_fd = vmm_open_kept(env, "fs", v.name, O_PATH | O_DIRECTORY, err);
	if (o.root_fd < 0)
		return o.root_fd;
	o.proc_fd = vmm_open_kept(env, "fs", "/proc/self/fd", O_PATH | O_DIRECTORY, err);
	if (o.proc_fd < 0)
		return o.proc_fd;
	rc = virtio_fs_new(&o, env->loop, out, err);
	return rc < 0 ? err_wrap(err, rc, "--fs '%s'", text) : 0;
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
	[VMM_DISK] = { "disk", vmm_make_disk }, [VMM_NET] = { "net", vmm_make_net },
	[VMM_FS] = { "fs", make_fs },           [VMM_VSOCK] = { "vsock", NULL },
	[VMM_CONSOLE] = { "console", NULL },    [VMM_RNG] = { "rng", make_rng },
	[VMM_BALLOON] = { "balloon", NULL },
};

int vmm_device_new(const struct vmm_device_option *opt, struct vmm_device_env *env,
		   struct virtio_device **out, struct err *err)
{
	const struct kind *k = &kinds[opt->kind];

	if (!k->make)
		return err_set(err, -ENOTSUP, "--%s: this program has no such device", k->option);
	return k->make(opt->text, env, out, err);
}
