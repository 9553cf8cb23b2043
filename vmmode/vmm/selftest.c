// SPDX-License-Identifier: GPL-2.0-or-later
/* The self-test of a KVM. */
#include "vmmode/vmm/selftest.h"

#include <assert.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "vmmode/vmm/x86/cpu.h"
#include "vmmode/vmm/x86/layout.h"

enum { TEST_BYTES = 65536, TEST_CODE = 0x800, TEST_PORT = 0xf4, CR4_OSFXSR = 1 << 9 };

/* pxor %xmm0,%xmm0; out %al,$0xf4 */
static const uint8_t code[] = { 0x66, 0x0f, 0xef, 0xc0, 0xe6, TEST_PORT };

bool selftest_is_suspect(const struct kvm *k)
{
	return kvm_cap(k, KVM_CAP_X86_SMM) == 0 && kvm_cap(k, KVM_CAP_NESTED_STATE) == 0;
}

struct probe {
	struct kvm vm; /* vm.fd is borrowed */
	struct guest_mem mem;
	void *ram;
	int vcpu_fd;
	struct kvm_run *run;
};

static void probe_fini(struct probe *p)
{
	if (p->run)
		(void)munmap(p->run, p->vm.run_bytes);
	cleanup_close(&p->vcpu_fd);
	cleanup_close(&p->vm.vm_fd);
	if (p->ram)
		(void)munmap(p->ram, TEST_BYTES);
}

static int probe_init(struct probe *p, struct err *err)
{
	void *ram =
	    mmap(NULL, TEST_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *run;
	int rc;

	if (ram == MAP_FAILED)
		return err_sys(err, "self-test: memory");
	p->ram = ram;
	rc = guest_mem_add(&p->mem, 0, TEST_BYTES, ram);
	if (rc < 0)
		return err_code(err, rc, "self-test: memory");
	x86_write_tables(&p->mem);
	memcpy(guest_mem_at(&p->mem, TEST_CODE, sizeof(code)), code, sizeof(code));
	p->vm.vm_fd = ioctl(p->vm.fd, KVM_CREATE_VM, 0UL);
	if (p->vm.vm_fd < 0)
		return err_sys(err, "self-test: create a virtual machine");
	rc = kvm_map_memory(&p->vm, &p->mem, err);
	if (rc < 0)
		return rc;
	p->vcpu_fd = ioctl(p->vm.vm_fd, KVM_CREATE_VCPU, 0UL);
	if (p->vcpu_fd < 0)
		return err_sys(err, "self-test: create a vCPU");
	run = mmap(NULL, p->vm.run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, p->vcpu_fd, 0);
	if (run == MAP_FAILED)
		return err_sys(err, "self-test: map the vCPU");
	p->run = run;
	return 0;
}

static int enter(const struct probe *p, struct err *err)
{
	const struct kvm_regs regs = { .rflags = 2, .rip = TEST_CODE };
	struct kvm_sregs sregs;
	int rc;

	if (ioctl(p->vcpu_fd, KVM_GET_SREGS, &sregs) < 0)
		return err_sys(err, "self-test: read the system registers");
	x86_sregs_long(&sregs);
	sregs.cr4 |= CR4_OSFXSR;
	if (ioctl(p->vcpu_fd, KVM_SET_SREGS, &sregs) < 0 ||
	    ioctl(p->vcpu_fd, KVM_SET_REGS, &regs) < 0)
		return err_sys(err, "self-test: set the registers");
	do {
		rc = ioctl(p->vcpu_fd, KVM_RUN, 0);
	} while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return err_sys(err, "self-test: run");
	return 0;
}

int selftest_explain(struct err *err)
{
	return err_set(err, -EOPNOTSUPP,
		       "the host's KVM emulates instructions in software and cannot run a normal "
		       "kernel (no hardware virtualization on this host)");
}

int selftest_run(const struct kvm *k, struct err *err)
{
	auto_cleanup(probe_fini) struct probe p = { .vm = { k->fd, -1, k->run_bytes },
						    .vcpu_fd = -1 };
	int rc = probe_init(&p, err);

	if (rc == 0)
		rc = enter(&p, err);
	if (rc < 0)
		return rc;
	assert(p.run); /* probe_init() mapped it */
	if (p.run->exit_reason == KVM_EXIT_IO && p.run->io.port == TEST_PORT)
		return 0;
	if (p.run->exit_reason == KVM_EXIT_INTERNAL_ERROR &&
	    p.run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION)
		return selftest_explain(err);
	return err_set(err, -EIO, "self-test: the guest ended with exit reason %u",
		       p.run->exit_reason);
}
