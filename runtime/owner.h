/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who a container belongs to: the user whose state folder it is. */
#ifndef BIVALVE_RUNTIME_OWNER_H
#define BIVALVE_RUNTIME_OWNER_H

enum { OWNER_MAX = 64 };

/* owner_of - the name (else the number) of the user who owns folder @dir_fd, put into @out. */
const char *owner_of(int dir_fd, char out[OWNER_MAX]);

#endif
