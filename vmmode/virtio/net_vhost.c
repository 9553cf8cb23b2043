// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Frames moved by the host's kernel: vhost-net gets guest memory, the two rings with their
 * eventfds, and the TAP. Source: uapi linux/vhost.h.
 */
#include <linux/vhost.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vmmode/virtio/net_internal.h"

/* The features that vhost-net itself has to know; the others are the TAP's. */
#define VHOST_BITS (VIRTIO_COMMON_FEATURES | (UINT64_C(1) << VIRTIO_NET_F_MRG_RXBUF))

int net_vhost_own(int vhost_fd, uint64_t *out_features, struct err *err)
{
	uint64_t features = 0;

	if (ioctl(vhost_fd, VHOST_SET_OWNER) < 0)
		return err_sys(err, "net: take vhost-net descriptor %d", vhost_fd);
	if (ioctl(vhost_fd, VHOST_GET_FEATURES, &features) < 0)
		return err_sys(err, "net: ask vhost-net for its features");
	*out_features = features | ~VHOST_BITS;
	return 0;
}

static int set_memory(int vhost_fd, const struct guest_mem *mem)
{
	/* struct vhost_memory ends in an array without a length. */
	uint64_t room[(sizeof(struct vhost_memory) +
		       GUEST_REGIONS_MAX * sizeof(struct vhost_memory_region)) /
		      sizeof(uint64_t)] = { 0 };
	struct vhost_memory *table = (struct vhost_memory *)(void *)room;

	table->nregions = (uint32_t)mem->n;
	for (size_t i = 0; i < mem->n; i++) {
		table->regions[i] = (struct vhost_memory_region){
			.guest_phys_addr = mem->regions[i].gpa,
			.memory_size = mem->regions[i].size,
			.userspace_addr = (uint64_t)(uintptr_t)mem->regions[i].hva,
		};
	}
	return ioctl(vhost_fd, VHOST_SET_MEM_TABLE, table) < 0 ? -errno : 0;
}

static int set_ring(const struct net_pair *p, unsigned int index, const struct virtio_queue *q)
{
	const int fd = p->vhost_fd;
	struct vhost_vring_state num = { .index = index, .num = q->vq.size };
	struct vhost_vring_state base = { .index = index, .num = 0 };
	struct vhost_vring_addr addr = {
		.index = index,
		.desc_user_addr = (uint64_t)(uintptr_t)q->vq.desc,
		.avail_user_addr = (uint64_t)(uintptr_t)q->vq.avail,
		.used_user_addr = (uint64_t)(uintptr_t)q->vq.used,
	};
	struct vhost_vring_file kick = { .index = index, .fd = q->kick_fd };
	struct vhost_vring_file call = { .index = index, .fd = q->call_fd };
	struct vhost_vring_file error = { .index = index, .fd = p->vhost_error.fd };

	if (ioctl(fd, VHOST_SET_VRING_NUM, &num) < 0 ||
	    ioctl(fd, VHOST_SET_VRING_BASE, &base) < 0 ||
	    ioctl(fd, VHOST_SET_VRING_ADDR, &addr) < 0 ||
	    ioctl(fd, VHOST_SET_VRING_KICK, &kick) < 0 ||
	    ioctl(fd, VHOST_SET_VRING_CALL, &call) < 0 ||
	    ioctl(fd, VHOST_SET_VRING_ERR, &error) < 0)
		return -errno;
	return 0;
}

static int set_backend(const struct net_pair *p, unsigned int index, int tap_fd)
{
	struct vhost_vring_file backend = { .index = index, .fd = tap_fd };

	return ioctl(p->vhost_fd, VHOST_NET_SET_BACKEND, &backend) < 0 ? -errno : 0;
}

int net_vhost_start(struct net_pair *p)
{
	uint64_t features = p->net->dev.features & VHOST_BITS;
	int rc;

	if (ioctl(p->vhost_fd, VHOST_SET_FEATURES, &features) < 0)
		return -errno;
	rc = set_memory(p->vhost_fd, p->net->dev.mem);
	if (rc == 0)
		rc = set_ring(p, 0, p->rx);
	if (rc == 0)
		rc = set_ring(p, 1, p->tx);
	if (rc == 0)
		rc = set_backend(p, 0, p->tap.fd);
	if (rc == 0)
		rc = set_backend(p, 1, p->tap.fd);
	if (rc < 0)
		net_vhost_stop(p);
	return rc;
}

void net_vhost_stop(struct net_pair *p)
{
	/* Without a backend the kernel's thread has let go of the ring when the call returns. */
	for (unsigned int i = 0; i < 2; i++) {
		if (set_backend(p, i, -1) < 0)
			virtio_device_broken(&p->net->dev, -errno, "stop vhost-net");
	}
}
