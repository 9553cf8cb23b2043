/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The console device of the command line.
 *
 *   --console stdio|pty|fd:N|file:NAME|unix:PATH     port 0, hvc0 of the guest
 *   --port NAME=pty|fd:N|file:NAME|unix:PATH         a port with a name, up to VMM_PORTS_MAX
 *
 * stdio: a terminal is raw while the machine runs. pty: its name is printed on standard error,
 * "console: /dev/pts/3" or "port NAME: /dev/pts/3". fd:N is used as it was opened, to read, to
 * write or both. file: output alone, appended. unix: a listening stream socket (mode 0600) that
 * takes one client at a time; it is removed at the end.
 */
#ifndef BIVALVE_VMMODE_VMM_DEVICES_CONSOLE_H
#define BIVALVE_VMMODE_VMM_DEVICES_CONSOLE_H

#include "vmmode/vmm/devices.h"

/* vmm_make_console - @text is where port 0 goes, "": nowhere; the ports are in @env->opts. */
MUST_CHECK int vmm_make_console(const char *text, struct vmm_device_env *env,
				struct virtio_device **out, struct err *err);

#endif
