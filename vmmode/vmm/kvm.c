// SPDX-License-Identifier: GPL-2.0-or-later
/* The KVM device and one virtual machine. */
#include "vmmode/vmm/kvm.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

/* Three pages that Intel's KVM uses for real mode; below the BIOS area, where no RAM is. */
enum { TSS_ADDR = 0xfffbd000U };

int kvm_open(struct kvm *k, struct err *err)
{
	int version;
	int bytes;

	*k = (struct kvm)KVM_NONE;
	k->fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (k->fd < 0)
		return err_sys(err, "open '/dev/kvm'");
	version = ioctl(k->fd, KVM_GET_API_VERSION, 0);
	if (version != KVM_API_VERSION)
		return err_set(err, -EPROTO, "'/dev/kvm' has API version %d, want %d", version,
			       KVM_API_VERSION);
	bytes = ioctl(k->fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (bytes < (int)sizeof(struct kvm_run))
		return err_set(err, -EPROTO, "'/dev/kvm' has a vCPU mapping of %d bytes", bytes);
	k->run_bytes = (size_t)bytes;
	return 0;
}

int kvm_create_vm(struct kvm *k, struct err *err)
{
	/* The dummy speaker makes the kernel answer port 0x61, which calibration loops read. */
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };

	/* EINTR: creating a machine takes long, and a signal may end the wait for nothing. */
	do {
		k->vm_fd = ioctl(k->fd, KVM_CREATE_VM, 0UL);
	} while (k->vm_fd < 0 && errno == EINTR);
	if (k->vm_fd < 0)
		return err_sys(err, "create a virtual machine");
	if (ioctl(k->vm_fd, KVM_SET_TSS_ADDR, (unsigned long)TSS_ADDR) < 0)
		return err_sys(err, "set the TSS address");
	if (ioctl(k->vm_fd, KVM_CREATE_IRQCHIP, 0) < 0)
		return err_sys(err, "create the interrupt controllers");
	if (ioctl(k->vm_fd, KVM_CREATE_PIT2, &pit) < 0)
		return err_sys(err, "create the interval timer");
	return 0;
}

int kvm_map_memory(const struct kvm *k, const struct guest_mem *mem, struct err *err)
{
	for (size_t i = 0; i < mem->n; i++) {
		const struct guest_region *r = &mem->regions[i];
		const struct kvm_userspace_memory_region slot = {
			.slot = (uint32_t)i,
			.guest_phys_addr = r->gpa,
			.memory_size = r->size,
			.userspace_addr = (uintptr_t)r->hva,
		};

		if (ioctl(k->vm_fd, KVM_SET_USER_MEMORY_REGION, &slot) < 0)
			return err_sys(err, "map guest memory at %#llx",
				       (unsigned long long)r->gpa);
	}
	return 0;
}

int kvm_cap(const struct kvm *k, int cap)
{
	int rc = ioctl(k->vm_fd >= 0 ? k->vm_fd : k->fd, KVM_CHECK_EXTENSION, (unsigned long)cap);

	return rc < 0 ? 0 : rc;
}

void kvm_close(struct kvm *k)
{
	cleanup_close(&k->vm_fd);
	cleanup_close(&k->fd);
	*k = (struct kvm)KVM_NONE;
}
