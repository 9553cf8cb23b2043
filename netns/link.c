// SPDX-License-Identifier: GPL-2.0-or-later
/* Links over rtnetlink: bridges, veth pairs, changes, moves. Writes and reads messages. */
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <string.h>
#include <sys/ioctl.h>

#include "netns/rtnl.h"

bool link_name_ok(const char *name)
{
	size_t len = strlen(name);

	/* Source: dev_valid_name() in net/core/dev.c; '%' would make it a template. */
	return len > 0 && len < IFNAMSIZ && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
	       strcspn(name, "/: \t\n\v\f\r%") == len;
}

static void copy_text(char *to, size_t size, const struct nlattr *a)
{
	size_t len = mnl_attr_get_payload_len(a);

	if (len >= size)
		len = size - 1;
	memcpy(to, mnl_attr_get_payload(a), len);
	to[len] = '\0';
}

static void parse_info(const struct nlattr *nest, struct link_info *out)
{
	const struct nlattr *a;

	for (a = nl_nested_first(nest); a; a = nl_nested_next(nest, a)) {
		if (mnl_attr_get_type(a) == IFLA_INFO_KIND)
			copy_text(out->kind, sizeof(out->kind), a);
	}
}

static void parse_attr(const struct nlattr *a, struct link_info *out)
{
	uint16_t len = mnl_attr_get_payload_len(a);

	switch (mnl_attr_get_type(a)) {
	case IFLA_IFNAME:
		copy_text(out->name, sizeof(out->name), a);
		break;
	case IFLA_MTU:
		if (len == sizeof(uint32_t))
			out->mtu = mnl_attr_get_u32(a);
		break;
	case IFLA_MASTER:
		if (len == sizeof(uint32_t))
			out->master = mnl_attr_get_u32(a);
		break;
	case IFLA_ADDRESS:
		out->has_mac = len == sizeof(out->mac.b);
		if (out->has_mac)
			memcpy(out->mac.b, mnl_attr_get_payload(a), sizeof(out->mac.b));
		break;
	case IFLA_IFALIAS:
		copy_text(out->alias, sizeof(out->alias), a);
		break;
	case IFLA_LINKINFO:
		parse_info(a, out);
		break;
	default:
		break;
	}
}

int link_parse(const struct nlmsghdr *msg, struct link_info *out)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(msg);
	const struct nlattr *a;

	*out = (struct link_info){ 0 };
	if (msg->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(msg) < sizeof(*ifi))
		return -EPROTO;
	out->index = (uint32_t)ifi->ifi_index;
	out->is_up = ifi->ifi_flags & IFF_UP;
	for (a = nl_attr_first(msg, sizeof(*ifi)); a; a = nl_attr_next(msg, a))
		parse_attr(a, out);
	return 0;
}

/* Begins a message about the link @index (0 = named by an attribute). */
static struct nlmsghdr *begin(struct nl_batch *b, uint16_t type, uint16_t flags, uint32_t index,
			      const struct nl_note *note)
{
	struct nlmsghdr *h = nl_add(b, type, flags, note);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(h, sizeof(*ifi));

	ifi->ifi_index = (int)index;
	return h;
}

static struct ifinfomsg *ifinfo(struct nlmsghdr *h)
{
	return mnl_nlmsg_get_payload(h);
}

static void put_mac(struct nlmsghdr *h, const struct mac_addr *mac)
{
	if (mac)
		mnl_attr_put(h, IFLA_ADDRESS, sizeof(mac->b), mac->b);
}

static int found_link(const struct nlmsghdr *msg, void *data)
{
	return link_parse(msg, data);
}

int link_find(struct nl *nl, const char *name, struct link_info *out, struct err *err)
{
	auto_nl_batch struct nl_batch b = NL_BATCH_INIT;
	struct link_info found;
	struct nlmsghdr *h;
	int rc;

	rc = nl_batch_init(&b, err);
	if (rc < 0)
		return rc;
	h = begin(&b, RTM_GETLINK, 0, 0, &(struct nl_note){ "find network device", name, 0 });
	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	mnl_attr_put_u32(h, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	rc = nl_query(nl, &b, found_link, &found, err);
	if (rc == 0)
		*out = found;
	return rc;
}

int link_index(const struct nl *nl, const char *name, uint32_t *out)
{
	struct ifreq r = { 0 };

	(void)snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	/* Any socket answers this, for its own namespace. Source: netdevice(7). */
	if (ioctl(mnl_socket_get_fd(nl->sock), SIOCGIFINDEX, &r) < 0)
		return -errno;
	*out = (uint32_t)r.ifr_ifindex;
	return 0;
}

struct each {
	link_fn fn;
	void *data;
};

static int each_link(const struct nlmsghdr *msg, void *data)
{
	const struct each *e = data;
	struct link_info link;
	int rc = link_parse(msg, &link);

	return rc < 0 ? rc : e->fn(&link, e->data);
}

int link_each(struct nl *nl, link_fn fn, void *data, struct err *err)
{
	auto_nl_batch struct nl_batch b = NL_BATCH_INIT;
	struct each e = { fn, data };
	struct nlmsghdr *h;
	int rc;

	rc = nl_batch_init(&b, err);
	if (rc < 0)
		return rc;
	h = begin(&b, RTM_GETLINK, NLM_F_DUMP, 0,
		  &(struct nl_note){ "list", "network devices", 0 });
	mnl_attr_put_u32(h, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return nl_query(nl, &b, each_link, &e, err);
}

void link_add_bridge(struct nl_batch *b, const char *name, const struct mac_addr *mac, uint32_t mtu,
		     const char *alias)
{
	/* Frames to the groups of IEEE 802.1 come in past every rule of nf_tables. */
	static const struct br_boolopt_multi no_learning = {
		.optval = 1U << BR_BOOLOPT_NO_LL_LEARN,
		.optmask = 1U << BR_BOOLOPT_NO_LL_LEARN,
	};
	struct nlmsghdr *h = begin(b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0,
				   &(struct nl_note){ "create bridge", name, -EEXIST });
	struct nlattr *info;
	struct nlattr *data;

	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	put_mac(h, mac);
	mnl_attr_put_u32(h, IFLA_MTU, mtu);
	info = mnl_attr_nest_start(h, IFLA_LINKINFO);
	mnl_attr_put_strz(h, IFLA_INFO_KIND, "bridge");
	data = mnl_attr_nest_start(h, IFLA_INFO_DATA);
	mnl_attr_put(h, IFLA_BR_MULTI_BOOLOPT, sizeof(no_learning), &no_learning);
	mnl_attr_nest_end(h, data);
	mnl_attr_nest_end(h, info);
	/* The kernel takes no alias with a new link (rtnl_create_link()); a second message sets it.
	 */
	if (alias)
		link_set(b, &(struct link_change){ .name = name, .alias = alias });
}

/* Sets one option of a bridge, or of a port of one. Options are taken with RTM_NEWLINK alone.
 * Source: rtnl_changelink(). */
static void set_bridge_option(struct nl_batch *b, const char *name, bool of_port, uint16_t option,
			      uint8_t value)
{
	struct nlmsghdr *h =
	    begin(b, RTM_NEWLINK, 0, 0, &(struct nl_note){ "change network device", name, 0 });
	struct nlattr *info;
	struct nlattr *data;

	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	info = mnl_attr_nest_start(h, IFLA_LINKINFO);
	mnl_attr_put_strz(h, of_port ? IFLA_INFO_SLAVE_KIND : IFLA_INFO_KIND, "bridge");
	data = mnl_attr_nest_start(h, of_port ? IFLA_INFO_SLAVE_DATA : IFLA_INFO_DATA);
	mnl_attr_put_u8(h, option, value);
	mnl_attr_nest_end(h, data);
	mnl_attr_nest_end(h, info);
}

void link_set_no_snooping(struct nl_batch *b, const char *name)
{
	set_bridge_option(b, name, false, IFLA_BR_MCAST_SNOOPING, 0);
}

/*
 * One queue each way. Since Linux 5.15 a veth has one per CPU, each with objects in sysfs, which
 * joining would pay for by the CPU; they are for XDP: a veth takes no lock, and delivers on the
 * sender's CPU.
 */
static void put_queues(struct nlmsghdr *h)
{
	mnl_attr_put_u32(h, IFLA_NUM_TX_QUEUES, 1);
	mnl_attr_put_u32(h, IFLA_NUM_RX_QUEUES, 1);
}

void link_add_veth(struct nl_batch *b, const struct veth_spec *s)
{
	struct nlmsghdr *h = begin(b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0,
				   &(struct nl_note){ "create veth", s->host_name, 0 });
	struct nlattr *info;
	struct nlattr *data;
	struct nlattr *peer;

	mnl_attr_put_strz(h, IFLA_IFNAME, s->host_name);
	put_mac(h, s->host_mac);
	mnl_attr_put_u32(h, IFLA_MTU, s->mtu);
	put_queues(h);
	if (s->master)
		mnl_attr_put_u32(h, IFLA_MASTER, s->master);
	info = mnl_attr_nest_start(h, IFLA_LINKINFO);
	mnl_attr_put_strz(h, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(h, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(h, VETH_INFO_PEER);
	(void)mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(h, IFLA_IFNAME, s->peer_name);
	put_mac(h, s->peer_mac);
	mnl_attr_put_u32(h, IFLA_MTU, s->mtu);
	put_queues(h);
	mnl_attr_put_u32(h, IFLA_NET_NS_FD, (uint32_t)s->netns_fd);
	mnl_attr_nest_end(h, peer);
	mnl_attr_nest_end(h, data);
	mnl_attr_nest_end(h, info);
	link_set_port_up(b, s->host_name);
}

void link_set_port_up(struct nl_batch *b, const char *name)
{
	struct nlmsghdr *h =
	    begin(b, RTM_SETLINK, 0, 0,
		  &(struct nl_note){ "change network device", name, -EAFNOSUPPORT });
	struct nlattr *spec;
	struct nlattr *inet6;

	/* In two messages: within one, the kernel sets it up before it looks at the address mode
	 * (do_setlink()). A kernel without IPv6 does not know the attribute. */
	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	spec = mnl_attr_nest_start(h, IFLA_AF_SPEC);
	inet6 = mnl_attr_nest_start(h, AF_INET6);
	mnl_attr_put_u8(h, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(h, inet6);
	mnl_attr_nest_end(h, spec);
	link_set(b, &(struct link_change){ .name = name, .set_up = true });
}

void link_set_hairpin(struct nl_batch *b, const char *name)
{
	set_bridge_option(b, name, true, IFLA_BRPORT_MODE, 1);
}

void link_pin_port(struct nl_batch *b, uint32_t index, const char *name, const struct mac_addr *mac)
{
	struct nlmsghdr *h;
	struct ndmsg *ndm;

	set_bridge_option(b, name, true, IFLA_BRPORT_LEARNING, 0);
	h = nl_add(b, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE,
		   &(struct nl_note){ "pin the address of port", name, 0 });
	ndm = mnl_nlmsg_put_extra_header(h, sizeof(*ndm));
	ndm->ndm_family = AF_BRIDGE;
	ndm->ndm_ifindex = (int)index;
	ndm->ndm_state = NUD_NOARP;
	ndm->ndm_flags = NTF_MASTER;
	mnl_attr_put(h, NDA_LLADDR, sizeof(mac->b), mac->b);
}

void link_set(struct nl_batch *b, const struct link_change *c)
{
	struct nlmsghdr *h = begin(b, RTM_SETLINK, 0, c->index,
				   &(struct nl_note){ "change network device", c->name, 0 });

	if (c->set_up || c->set_down) {
		ifinfo(h)->ifi_flags = c->set_up ? IFF_UP : 0;
		ifinfo(h)->ifi_change = IFF_UP;
	}
	if (c->set_noarp) {
		ifinfo(h)->ifi_flags |= IFF_NOARP;
		ifinfo(h)->ifi_change |= IFF_NOARP;
	}
	if (!c->index)
		mnl_attr_put_strz(h, IFLA_IFNAME, c->name);
	put_mac(h, c->mac);
	if (c->mtu)
		mnl_attr_put_u32(h, IFLA_MTU, c->mtu);
	if (c->set_master)
		mnl_attr_put_u32(h, IFLA_MASTER, c->master);
	if (c->alias)
		mnl_attr_put(h, IFLA_IFALIAS, strlen(c->alias), c->alias);
}

void link_move(struct nl_batch *b, uint32_t index, const char *name, int netns_fd,
	       const char *new_name, uint32_t new_index)
{
	struct nlmsghdr *h =
	    begin(b, RTM_SETLINK, 0, index, &(struct nl_note){ "move network device", name, 0 });

	mnl_attr_put_u32(h, IFLA_NET_NS_FD, (uint32_t)netns_fd);
	if (new_name)
		mnl_attr_put_strz(h, IFLA_IFNAME, new_name);
	if (new_index)
		mnl_attr_put_u32(h, IFLA_NEW_IFINDEX, new_index);
}

void link_del(struct nl_batch *b, const char *name)
{
	struct nlmsghdr *h = begin(b, RTM_DELLINK, 0, 0,
				   &(struct nl_note){ "delete network device", name, -ENODEV });

	mnl_attr_put_strz(h, IFLA_IFNAME, name);
}
