// SPDX-License-Identifier: GPL-2.0-or-later
/* The end of a machine, asked for by any thread. */
#include "vmmode/vmm/exit.h"

#include <stdint.h>
#include <sys/eventfd.h>

#include "spec/base/log.h"

int ending_init(struct ending *e)
{
	atomic_init(&e->status, -1);
	e->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return e->event_fd < 0 ? -errno : 0;
}

void ending_fini(struct ending *e)
{
	cleanup_close(&e->event_fd);
	e->event_fd = -1;
}

void ending_request(struct ending *e, int status)
{
	const uint64_t one = 1;
	int running = -1;

	if (!atomic_compare_exchange_strong(&e->status, &running, status))
		return;
	if (write(e->event_fd, &one, sizeof(one)) < 0)
		log_warn("wake the event loop: %m, ignoring");
}
