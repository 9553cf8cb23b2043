/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the runtime and the program bivalve-net (netns/program) say to each other. The runtime is
 * static and knows no netlink; bivalve-net is started when a workload asks for a network:
 *
 *   bivalve-net --fds ROOT,DIR,SOCKET up ID [options]     then one message with the namespace
 *                                                         --stay: then the order to take it down
 *   bivalve-net --fds ROOT,DIR,SOCKET down ID [--dying]
 *   bivalve-net --fds ROOT network ...                    in place of the runtime, for its user
 *
 * ROOT is the folder of all containers' state, DIR that of this container, SOCKET a SOCK_SEQPACKET
 * socket. The container's lock belongs to the open file behind DIR: it holds until bivalve-net has
 * ended as well, so that what follows a killed runtime never meets it at work. `up` and `down` send
 * one reply each; then `up` tells the peers about the names, and ends. With --stay (a foreground
 * run) it waits for HELPER_DOWN or HELPER_DOWN_DYING, and replies once more; the end of the socket
 * ends it. That spares a process start between the workload's end and that of the command.
 */
#ifndef BIVALVE_NETNS_HELPER_H
#define BIVALVE_NETNS_HELPER_H

#include <stdint.h>

#include "spec/base/err.h"

#define HELPER_PROGRAM "bivalve-net"

/* Below ROOT: the store of net.h. No container's id begins with a dot. */
#define HELPER_STORE ".net"

/*
 * Below ROOT: a hosts file for each network, once it has had a member. The runtime links it into
 * DIR for a workload of that network alone and without lines of its own; all of them share it.
 */
#define HELPER_SHARED_HOSTS HELPER_STORE "/hosts"

/* Below DIR: what the workload has, as JSON (the value of "networks" in its state). */
#define HELPER_ENDS_FILE "network.json"
enum { HELPER_ENDS_MAX_BYTES = 64 << 10 };

/*
 * Below DIR: files for the workload's /etc. The runtime makes them, empty, and binds them; `up`
 * fills those that are there.
 */
#define HELPER_HOSTS_FILE    "hosts"
#define HELPER_RESOLV_FILE   "resolv.conf"
#define HELPER_HOSTNAME_FILE "hostname"

/* One byte each. */
#define HELPER_DOWN       "d"
#define HELPER_DOWN_DYING "D"

/* Sent up to the text's end, which is NUL. */
struct helper_reply {
	int32_t code; /* 0 or a negative errno */
	char text[ERR_MSG_MAX];
};

#endif
