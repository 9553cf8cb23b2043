/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether this KVM runs a guest's kernel on the processor. There are KVMs (in clouds without nested
 * virtualization) that emulate every instruction of a guest's kernel in software: slowly, and only
 * those instructions that KVM's emulator has, which is not enough for Linux.
 *
 * The test is a machine of its own with one instruction of every x86-64 processor that the emulator
 * lacks (pxor). It takes about a millisecond, so it runs only when something hints at such a KVM.
 */
#ifndef BIVALVE_VMMODE_VMM_SELFTEST_H
#define BIVALVE_VMMODE_VMM_SELFTEST_H

#include "vmmode/vmm/kvm.h"

/* selftest_is_suspect - costs nothing, proves nothing: what such KVMs lack and others have. */
bool selftest_is_suspect(const struct kvm *k);

/* selftest_run - @k is open. Returns 0; -EOPNOTSUPP this KVM only emulates; -errno. */
MUST_CHECK int selftest_run(const struct kvm *k, struct err *err);

/* selftest_explain - what selftest_run() says of a KVM that only emulates. Returns -EOPNOTSUPP. */
int selftest_explain(struct err *err);

#endif
