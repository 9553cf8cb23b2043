/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The disk, network, folder, vsock and balloon devices of the command line.
 *
 *   --disk FILE|fd:N[,ro][,queues=N][,serial=TEXT][,engine=io_uring|threads]
 *          [,bytes=RATE][,bytes-burst=SIZE][,ops=N][,ops-burst=N]
 *   --net  tap:NAME|fd:N[,mac=XX:XX:XX:XX:XX:XX][,mtu=N][,queues=N][,vhost][,no-offloads]
 *          [,rx-bytes=RATE][,rx-bytes-burst=SIZE][,rx-ops=N][,rx-ops-burst=N] and the same with tx-
 *   --fs   TAG=DIR[,ro][,cache=auto|always|none][,writeback][,locks][,direct-io][,no-devices]
 *          [,queues=N]
 *   --vsock PATH[,cid=N]
 *   --balloon [size=SIZE][,deflate-on-oom][,reporting][,stats=SECONDS]
 *
 * Rates are per second. A disk has a queue for each processor by default, a card has one; of fd:N
 * there is no more than that one. Without mac= the address is a random one of the locally
 * administered kind.
 */
#ifndef BIVALVE_VMMODE_VMM_DEVICES_IO_H
#define BIVALVE_VMMODE_VMM_DEVICES_IO_H

#include "vmmode/virtio/balloon.h"
#include "vmmode/virtio/blk.h"
#include "vmmode/virtio/fs.h"
#include "vmmode/virtio/net.h"
#include "vmmode/vmm/devices.h"

enum { DEVICE_NAME_MAX = 4096 };

/* What the options say, before anything is opened. */
struct disk_wish {
	char name[DEVICE_NAME_MAX];
	char serial[BLK_SERIAL_BYTES + 1];
	struct virtio_blk_options opts;
};

struct net_wish {
	char name[DEVICE_NAME_MAX];
	bool has_mac;
	struct virtio_net_options opts;
};

struct fs_wish {
	char tag[VIRTIO_FS_TAG_MAX + 1];
	char folder[DEVICE_NAME_MAX];
	struct virtio_fs_options opts; /* tag and descriptors are not set */
};

/* disk_wish_parse, net_wish_parse, fs_wish_parse - n_queues is 0 when it is not told. 0; -EINVAL
 * with "--disk 'TEXT': ...". */
MUST_CHECK int disk_wish_parse(const char *text, struct disk_wish *out, struct err *err);
MUST_CHECK int net_wish_parse(const char *text, struct net_wish *out, struct err *err);
MUST_CHECK int fs_wish_parse(const char *text, struct fs_wish *out, struct err *err);

/* balloon_wish_parse - 0; -EINVAL with "--balloon 'TEXT': ...". */
MUST_CHECK int balloon_wish_parse(const char *text, struct virtio_balloon_options *out,
				  struct err *err);

/* vmm_make_disk, ... - open what @text names and make the device. 0 or -errno. */
MUST_CHECK int vmm_make_disk(const char *text, struct vmm_device_env *env,
			     struct virtio_device **out, struct err *err);
MUST_CHECK int vmm_make_net(const char *text, struct vmm_device_env *env,
			    struct virtio_device **out, struct err *err);
MUST_CHECK int vmm_make_fs(const char *text, struct vmm_device_env *env, struct virtio_device **out,
			   struct err *err);
MUST_CHECK int vmm_make_vsock(const char *text, struct vmm_device_env *env,
			      struct virtio_device **out, struct err *err);
MUST_CHECK int vmm_make_balloon(const char *text, struct vmm_device_env *env,
				struct virtio_device **out, struct err *err);

#endif
