// SPDX-License-Identifier: GPL-2.0-or-later
/* Interrupt lines, irqfd and ioeventfd. */
#include "vmmode/vmm/irq.h"

#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "spec/base/log.h"

int irq_line(unsigned int index)
{
	static const uint8_t lines[] = {
		5, 6, 7, 9, 10, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 22
	};

	_Static_assert(ARRAY_LEN(lines) == IRQ_LINES_MAX, "one line per device");
	return index < ARRAY_LEN(lines) ? lines[index] : -ENOSPC;
}

int irq_connect(const struct kvm *k, uint32_t gsi, int fd)
{
	const struct kvm_irqfd irqfd = { .fd = (uint32_t)fd, .gsi = gsi };

	return ioctl(k->vm_fd, KVM_IRQFD, &irqfd) < 0 ? -errno : 0;
}

static int notify(const struct kvm *k, gpa_t addr, uint32_t value, int fd, uint32_t flags)
{
	const struct kvm_ioeventfd io = {
		.datamatch = value,
		.addr = addr,
		.len = sizeof(value),
		.fd = fd,
		.flags = KVM_IOEVENTFD_FLAG_DATAMATCH | flags,
	};

	return ioctl(k->vm_fd, KVM_IOEVENTFD, &io) < 0 ? -errno : 0;
}

int irq_notify_on(const struct kvm *k, gpa_t addr, uint32_t value, int fd)
{
	return notify(k, addr, value, fd, 0);
}

void irq_notify_off(const struct kvm *k, gpa_t addr, uint32_t value, int fd)
{
	int rc = notify(k, addr, value, fd, KVM_IOEVENTFD_FLAG_DEASSIGN);

	if (rc < 0)
		log_debug("take back the ioeventfd of queue %u: error %d, ignoring", value, -rc);
}
