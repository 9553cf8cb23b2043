// SPDX-License-Identifier: GPL-2.0-or-later
/* Moves a device of the host into a container and gives it back its addresses there. */
#include "netns/netdev.h"

#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "netns/rtnl.h"
#include "spec/base/log.h"
#include "spec/base/str.h"

/* Flags that the owner of an address chose; the others are the kernel's findings about it. */
static const uint32_t chosen_flags =
    IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN;

enum { LINKS_MAX = 65536 };

struct move {
	const char *host_name;
	int netns_fd;   /* borrowed */
	struct nl host; /* sockets in both namespaces */
	struct nl there;
	struct link_info link; /* the device as it was */
	struct if_addr *addrs; /* owned */
	size_t n_addrs;
	char (*names)[IFNAMSIZ]; /* owned; the names that are taken there */
	size_t n_names;
	char new_name[IFNAMSIZ];
	uint32_t new_index;
};

static void move_fini(struct move *m)
{
	nl_close(&m->host);
	nl_close(&m->there);
	free(m->addrs);
	free(m->names);
}

/* Replaces the one "%d" of @pattern, if there is one, by @n. Returns false for an impossible name.
 */
static bool expand_name(const char *pattern, unsigned int n, char out[IFNAMSIZ])
{
	const char *percent = strchr(pattern, '%');
	int len;

	if (percent && percent[1] != 'd')
		return false;
	if (percent)
		len = snprintf(out, IFNAMSIZ, "%.*s%u%s", (int)(percent - pattern), pattern, n,
			       percent + 2);
	else
		len = snprintf(out, IFNAMSIZ, "%s", pattern);
	return len < IFNAMSIZ && link_name_ok(out);
}

static bool is_taken(const struct move *m, const char *name)
{
	for (size_t i = 0; i < m->n_names; i++) {
		if (str_eq(m->names[i], name))
			return true;
	}
	return false;
}

static int note_link(const struct link_info *link, void *data)
{
	struct move *m = data;
	void *p;

	if (m->n_names == LINKS_MAX)
		return -E2BIG;
	p = realloc(m->names, (m->n_names + 1) * sizeof(*m->names));
	if (!p)
		return -ENOMEM;
	m->names = p;
	memcpy(m->names[m->n_names++], link->name, IFNAMSIZ);
	if (link->index >= m->new_index)
		m->new_index = link->index + 1;
	return 0;
}

/* Chooses name and index in the container. */
static int choose_name(struct move *m, const char *wanted, struct err *err)
{
	const char *pattern = wanted && *wanted ? wanted : m->host_name;
	int rc;

	rc = link_each(&m->there, note_link, m, err);
	if (rc < 0)
		return rc;
	for (unsigned int n = 0; n <= m->n_names; n++) {
		if (!expand_name(pattern, n, m->new_name))
			return err_set(err, -EINVAL,
				       "name network device '%s' in the container: '%s' is not a "
				       "possible name",
				       m->host_name, pattern);
		if (!is_taken(m, m->new_name))
			return 0;
	}
	return err_set(err, -EEXIST,
		       "move network device '%s': the container has a device '%s' already",
		       m->host_name, pattern);
}

/* Reads what the device is like before anything changes. */
static int inspect(struct move *m, struct err *err)
{
	int rc;

	if (!link_name_ok(m->host_name))
		return err_set(err, -EINVAL, "move network device '%s': not a possible name",
			       m->host_name);
	rc = nl_open(-1, NETLINK_ROUTE, &m->host, err);
	if (rc == 0)
		rc = nl_open(m->netns_fd, NETLINK_ROUTE, &m->there, err);
	if (rc == 0)
		rc = link_find(&m->host, m->host_name, &m->link, err);
	if (rc == 0)
		rc = addr_list(&m->host, m->link.index, m->host_name, &m->addrs, &m->n_addrs, err);
	return rc;
}

/* Gives the device its addresses in the namespace of @nl, and sets it up if @is_up. */
static int dress(const struct move *m, struct nl *nl, uint32_t index, bool is_up, struct err *err)
{
	auto_nl_batch struct nl_batch b = NL_BATCH_INIT;
	int rc;

	rc = nl_batch_init(&b, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < m->n_addrs; i++) {
		struct if_addr a = m->addrs[i];

		if (!(a.flags & IFA_F_PERMANENT) || a.scope != RT_SCOPE_UNIVERSE)
			continue;
		a.flags &= chosen_flags;
		a.label[0] = '\0'; /* it begins with the old name */
		addr_add(&b, index, m->host_name, &a);
	}
	link_set(&b,
		 &(struct link_change){
		     .index = index, .name = m->host_name, .set_up = is_up, .set_down = !is_up });
	return nl_talk(nl, &b, err);
}

struct carry {
	uint32_t index;
	int netns_fd; /* where to */
	const char *new_name;
	uint32_t new_index;
};

static int carry(struct nl *from, const char *name, const struct carry *c, struct err *err)
{
	auto_nl_batch struct nl_batch b = NL_BATCH_INIT;
	int rc;

	rc = nl_batch_init(&b, err);
	if (rc < 0)
		return rc;
	link_move(&b, c->index, name, c->netns_fd, c->new_name, c->new_index);
	return nl_talk(from, &b, err);
}

/* Undoes a move after @m's device could not be set up: the host shall not lose it. */
static void put_back(struct move *m)
{
	auto_close int home_fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	struct err err = ERR_INIT;
	int rc;

	if (home_fd < 0)
		return;
	/* A failed rename leaves it there under its index, whatever its name. */
	rc = carry(&m->there, m->host_name,
		   &(struct carry){ m->new_index, home_fd, m->host_name, m->link.index }, &err);
	if (rc == 0)
		rc = dress(m, &m->host, m->link.index, m->link.is_up, &err);
	if (rc < 0 && rc != -ENODEV)
		log_warn("put network device '%s' back: %s, ignoring", m->host_name, err.msg);
}

int netdev_move(int netns_fd, const char *host_name, const char *name_or_null, struct err *err)
{
	auto_cleanup(move_fini) struct move m = {
		.host_name = host_name,
		.netns_fd = netns_fd,
		.host = NL_INIT,
		.there = NL_INIT,
		.new_index = 2,
	};
	int rc;

	rc = inspect(&m, err);
	if (rc == 0)
		rc = choose_name(&m, name_or_null, err);
	if (rc < 0)
		return rc;
	rc = carry(&m.host, host_name,
		   &(struct carry){ m.link.index, netns_fd, m.new_name, m.new_index }, err);
	if (rc == 0)
		rc = dress(&m, &m.there, m.new_index, true, err);
	if (rc < 0)
		put_back(&m);
	return rc;
}
