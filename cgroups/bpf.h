/* SPDX-License-Identifier: GPL-2.0-or-later */
/* eBPF programs that decide over devices of a cgroup2 group: the bpf(2) calls, no library. */
#ifndef BIVALVE_CGROUPS_BPF_H
#define BIVALVE_CGROUPS_BPF_H

#include <stdbool.h>

#include "spec/base/buf.h"
#include "spec/base/err.h"

/*
 * bpf_device_set - loads the program @insns (struct bpf_insn) and attaches it to group @dir_fd in
 * the place of the one that an earlier call attached, without a moment in which neither acts.
 * Programs of others stay. @is_new: the group was just made and has none, so none is looked for.
 * Needs CAP_BPF and CAP_NET_ADMIN, or CAP_SYS_ADMIN. Source: bpf(2), kernel bpf/prog_cgroup_*.
 */
MUST_CHECK int bpf_device_set(int dir_fd, const struct buf *insns, bool is_new, struct err *err);

#endif
