/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The addresses of a container, as bivalve-net recorded them; for state, list, ps and events. */
#ifndef BIVALVE_RUNTIME_NETWORK_VIEW_H
#define BIVALVE_RUNTIME_NETWORK_VIEW_H

#include "spec/base/arena.h"
#include "spec/base/buf.h"
#include "spec/base/str.h"
#include "spec/json_write.h"

enum { NETWORK_VIEW_MAX = 16 }; /* ends; more than netns/ makes */

struct network_view {
	struct arena arena; /* owns all strings */
	struct {
		const char *network, *interface, *mac;
		struct strv addresses, ports;
	} ends[NETWORK_VIEW_MAX];
	size_t n;
};

/*
 * network_view_load - reads the record in the state folder @dir_fd. A container without networks,
 * and a record that cannot be read, give an empty view: nothing else depends on it.
 */
void network_view_load(int dir_fd, struct network_view *out);
void network_view_fini(struct network_view *v);
#define auto_network_view auto_cleanup(network_view_fini)

/* network_view_write - the member "networks" of an open object; nothing for an empty view. */
void network_view_write(struct json_writer *w, const struct network_view *v);

/* network_view_text - "10.90.0.2,fd00::2", or "-". */
void network_view_text(const struct network_view *v, struct buf *out);

#endif
