/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the device options of the command line to virtio devices: opens what they name. A value is a
 * name and words behind commas; what has a comma in its name is given as fd:N.
 */
#ifndef BIVALVE_VMMODE_VMM_DEVICES_H
#define BIVALVE_VMMODE_VMM_DEVICES_H

#include <sys/stat.h>

#include "vmmode/virtio/device.h"
#include "vmmode/virtio/loop.h"
#include "vmmode/vmm/cmdline.h"
#include "vmmode/vmm/sandbox.h"
#include "vmmode/vmm/terminal.h"

/* A socket's file that goes when the machine ends. */
struct vmm_socket_file {
	int dir_fd;       /* borrowed from fds */
	const char *name; /* borrowed from the options */
	struct stat id;
};

/* What devices share, and the descriptors that were opened for them. */
struct vmm_device_env {
	struct loop *loop;              /* borrowed */
	const struct vmm_options *opts; /* borrowed */
	struct terminal *terminal;      /* borrowed */
	struct sandbox *sandbox;        /* borrowed; has begun. For folders, and proc_fd */
	unsigned int cpus;
	uint64_t memory_bytes;
	struct virtio_device *balloon;                    /* borrowed; NULL: the machine has none */
	int fds[2 * VMM_DEVICES_MAX + 3 * VMM_PORTS_MAX]; /* owned; closed by _fini() */
	unsigned int n_fds;
	struct vmm_socket_file sockets[VMM_PORTS_MAX + 1];
	unsigned int n_sockets;
};

/* vmm_device_env_fini - after the devices are gone. */
void vmm_device_env_fini(struct vmm_device_env *env);

/*
 * vmm_device_new - the device that @opt describes.
 * Returns 0 and gives *@out (freed by its ops->destroy); -ENOTSUP this program has no such device;
 * -ENOENT, -EACCES and others of opening what it names; -EINVAL the option is malformed.
 */
MUST_CHECK int vmm_device_new(const struct vmm_device_option *opt, struct vmm_device_env *env,
			      struct virtio_device **out, struct err *err);

/*
 * vmm_open - opens @name, or takes over the inherited descriptor of "fd:N" (made close-on-exec).
 * Returns a descriptor, owned by the caller, or -errno with "--@option '@name': ...".
 */
MUST_CHECK int vmm_open(const char *option, const char *name, int flags, struct err *err);

/* vmm_open_kept - as vmm_open(); the descriptor is @env's. -EMFILE: it has no room. */
MUST_CHECK int vmm_open_kept(struct vmm_device_env *env, const char *option, const char *name,
			     int flags, struct err *err);

/* vmm_keep - @fd becomes @env's, also on failure. Returns it; -EMFILE: there is no room, in words
 * that do not name the option. */
MUST_CHECK int vmm_keep(struct vmm_device_env *env, int fd, struct err *err);

#endif
