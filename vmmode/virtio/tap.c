// SPDX-License-Identifier: GPL-2.0-or-later
/* The requests of linux/if_tun.h that the network device makes. */
#include "vmmode/virtio/tap.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

_Static_assert(TAP_HEADER_BYTES == sizeof(struct virtio_net_hdr_v1), "virtio 1.2, 5.1.6");

static int init_socket(int fd, struct err *err)
{
	socklen_t len = sizeof(int);
	int type = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0)
		return err_set(err, -EINVAL, "net: descriptor %d is neither a TAP nor a socket",
			       fd);
	if (type != SOCK_DGRAM && type != SOCK_SEQPACKET)
		return err_set(err, -EINVAL, "net: socket %d does not keep packets apart", fd);
	return 0;
}

int tap_init(struct tap *t, int fd, struct err *err)
{
	struct ifreq ifr = { 0 };
	int header = TAP_HEADER_BYTES;
	int flags = fcntl(fd, F_GETFL);

	*t = (struct tap){ .fd = fd };
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return err_sys(err, "net: descriptor %d", fd);
	if (ioctl(fd, TUNGETIFF, &ifr) < 0)
		return init_socket(fd, err);
	if (!(ifr.ifr_flags & IFF_TAP) || !(ifr.ifr_flags & IFF_VNET_HDR) ||
	    !(ifr.ifr_flags & IFF_NO_PI))
		return err_set(err, -EINVAL,
			       "net: '%.*s' is no TAP with IFF_VNET_HDR and IFF_NO_PI", IFNAMSIZ,
			       ifr.ifr_name);
	if (ioctl(fd, TUNSETVNETHDRSZ, &header) < 0)
		return err_sys(err, "net: set the header's length of '%.*s'", IFNAMSIZ,
			       ifr.ifr_name);
	t->is_tap = true;
	t->is_multi = ifr.ifr_flags & IFF_MULTI_QUEUE;
	return 0;
}

int tap_set_offloads(const struct tap *t, unsigned int offloads)
{
	if (t->is_tap && ioctl(t->fd, TUNSETOFFLOAD, (unsigned long)offloads) < 0)
		return -errno;
	return 0;
}

int tap_attach(const struct tap *t, bool attach)
{
	struct ifreq ifr = { .ifr_flags = attach ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE };

	/* EINVAL: it is in that state already. */
	if (t->is_multi && ioctl(t->fd, TUNSETQUEUE, &ifr) < 0 && errno != EINVAL)
		return -errno;
	return 0;
}
