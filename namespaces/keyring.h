/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The session keyring: a container must not see the keys of who started it. */
#ifndef BIVALVE_NAMESPACES_KEYRING_H
#define BIVALVE_NAMESPACES_KEYRING_H

#include <stdbool.h>

#include "spec/base/err.h"

/*
 * keyring_join - makes (@is_new), or for an exec joins, the container's session keyring "_ses.ID".
 * A kernel without keyrings, a seccomp filter around us, and an exhausted quota are no errors: the
 * container then has the keyring of its caller, as with runc and crun, and debug says so.
 * Source: keyctl(2), KEYCTL_JOIN_SESSION_KEYRING.
 */
MUST_CHECK int keyring_join(const char *id, bool is_new, struct err *err);

#endif
