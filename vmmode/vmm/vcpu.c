// SPDX-License-Identifier: GPL-2.0-or-later
/* vCPU threads. */
#include "vmmode/vmm/vcpu.h"

#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "spec/base/log.h"

/* Ends a KVM_RUN; its handler does nothing. */
static int kick_signal(void)
{
	return SIGRTMIN;
}

static void on_kick(int sig)
{
	(void)sig;
}

static int create_one(struct vcpu *v, struct err *err)
{
	const struct kvm *k = v->set->kvm;
	void *run;

	v->fd = ioctl(k->vm_fd, KVM_CREATE_VCPU, (unsigned long)v->id);
	if (v->fd < 0)
		return err_sys(err, "create vCPU %u", v->id);
	run = mmap(NULL, k->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	if (run == MAP_FAILED)
		return err_sys(err, "map vCPU %u", v->id);
	v->run = run;
	return 0;
}

int vcpus_create(struct vcpus *set, unsigned int n, struct err *err)
{
	const struct sigaction action = { .sa_handler = on_kick };
	int rc = 0;

	if (n < 1 || n > VCPUS_MAX)
		return err_set(err, -EINVAL, "%u vCPUs: want 1 to %d", n, VCPUS_MAX);
	if (sigaction(kick_signal(), &action, NULL) < 0)
		return err_sys(err, "handle the vCPUs' signal");
	while (set->n < n && rc == 0) {
		struct vcpu *v = &set->v[set->n];

		*v = (struct vcpu){ .set = set, .id = set->n, .fd = -1 };
		set->n++;
		rc = create_one(v, err);
	}
	return rc;
}

/* Port accesses: count elements of size bytes each, one after the other, at the same port. */
static void handle_pio(struct vcpu *v)
{
	const uint32_t size = v->run->io.size;
	uint8_t *data = (uint8_t *)v->run + v->run->io.data_offset;

	for (uint32_t i = 0; i < v->run->io.count; i++, data += size) {
		if (v->run->io.direction == KVM_EXIT_IO_OUT)
			bus_write(v->set->pio, v->run->io.port, data, size);
		else
			bus_read(v->set->pio, v->run->io.port, data, size);
	}
}

static void handle_mmio(struct vcpu *v)
{
	if (v->run->mmio.is_write)
		bus_write(v->set->mmio, v->run->mmio.phys_addr, v->run->mmio.data,
			  v->run->mmio.len);
	else
		bus_read(v->set->mmio, v->run->mmio.phys_addr, v->run->mmio.data, v->run->mmio.len);
}

/* Says where the guest is and, if KVM told, the bytes of the instruction that it could not run. */
static void log_crash(const struct vcpu *v, const char *what)
{
	char bytes[3 * 15 + 1] = "";
	struct kvm_regs regs = { 0 };
	uint32_t n = 0;

	if (v->run->exit_reason == KVM_EXIT_INTERNAL_ERROR &&
	    v->run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION &&
	    v->run->emulation_failure.ndata >= 3 &&
	    (v->run->emulation_failure.flags & KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES))
		n = v->run->emulation_failure.insn_size;
	for (uint32_t i = 0; i < n && i < 15; i++)
		(void)snprintf(bytes + 3 * (size_t)i, 4, " %02x",
			       v->run->emulation_failure.insn_bytes[i]);
	if (ioctl(v->fd, KVM_GET_REGS, &regs) < 0)
		log_debug("read the registers of vCPU %u: %m, ignoring", v->id);
	log_warn("vCPU %u: %s at %#llx%s%s, ending the machine", v->id, what,
		 (unsigned long long)regs.rip, n ? ", instruction" : "", bytes);
}

static void end_by_crash(struct vcpu *v, int status, const char *what)
{
	log_crash(v, what);
	ending_request(v->set->ending, status);
}

/* machine.c finds out whether all instructions are emulated here, or just this one was odd. */
static void end_by_internal_error(struct vcpu *v)
{
	if (v->run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION)
		end_by_crash(v, VMM_EXIT_EMULATOR, "KVM cannot emulate an instruction");
	else
		end_by_crash(v, VMM_EXIT_CRASH, "KVM had an internal error");
}

/* One exit to us. False: this vCPU cannot go on. */
static bool handle_exit(struct vcpu *v)
{
	switch (v->run->exit_reason) {
	case KVM_EXIT_IO:
		handle_pio(v);
		return true;
	case KVM_EXIT_MMIO:
		handle_mmio(v);
		return true;
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		return true;
	case KVM_EXIT_SHUTDOWN:
		end_by_crash(v, VMM_EXIT_CRASH, "triple fault");
		return false;
	case KVM_EXIT_SYSTEM_EVENT:
		ending_request(
		    v->set->ending,
		    v->run->system_event.type == KVM_SYSTEM_EVENT_SHUTDOWN ? VMM_EXIT_POWEROFF
		    : v->run->system_event.type == KVM_SYSTEM_EVENT_RESET  ? VMM_EXIT_RESET
									   : VMM_EXIT_CRASH);
		return false;
	case KVM_EXIT_INTERNAL_ERROR:
		end_by_internal_error(v);
		return false;
	case KVM_EXIT_FAIL_ENTRY:
		end_by_crash(v, VMM_EXIT_CRASH, "the processor refused to enter the guest");
		return false;
	default:
		log_warn("vCPU %u: exit reason %u", v->id, v->run->exit_reason);
		end_by_crash(v, VMM_EXIT_CRASH, "an exit that nobody handles");
		return false;
	}
}

static void set_immediate_exit(struct vcpu *v, uint8_t on)
{
	__atomic_store_n(&v->run->immediate_exit, on, __ATOMIC_SEQ_CST);
}

/* Called when a KVM_RUN was interrupted: pauses if asked to. False: the thread shall end. */
static bool obey(struct vcpu *v)
{
	struct handoff *h = v->set->handoff;
	bool go_on;

	pthread_mutex_lock(&h->lock);
	if (v->set->pause && !v->set->stop) {
		v->is_paused = true;
		pthread_cond_broadcast(&h->changed);
		while (v->set->pause && !v->set->stop)
			pthread_cond_wait(&h->changed, &h->lock);
		v->is_paused = false;
	}
	set_immediate_exit(v, 0); /* under the lock: the next request sets it again */
	go_on = !v->set->stop;
	pthread_mutex_unlock(&h->lock);
	return go_on;
}

static void *run_vcpu(void *arg)
{
	struct vcpu *v = arg;
	struct handoff *h = v->set->handoff;

	for (;;) {
		int rc = ioctl(v->fd, KVM_RUN, 0);

		/* With EINTR a pending access was completed first: immediate_exit comes after it.
		 */
		if (rc < 0 && (errno == EINTR || errno == EAGAIN)) {
			if (!obey(v))
				break;
			continue;
		}
		if (rc < 0) {
			log_warn("run vCPU %u: %m, ending the machine", v->id);
			ending_request(v->set->ending, VMM_EXIT_HOST);
			break;
		}
		if (!handle_exit(v))
			break;
	}
	pthread_mutex_lock(&h->lock);
	v->is_gone = true;
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

static int start_one(struct vcpu *v)
{
	char name[16];
	const struct thread_options o = {
		.kind = THREAD_VCPU,
		.name = name,
		.run = run_vcpu,
		.arg = v,
	};
	int rc;

	(void)snprintf(name, sizeof(name), "vcpu%u", v->id);
	rc = thread_start(v->set->starter, &o, &v->thread);
	v->has_thread = rc == 0;
	return rc;
}

int vcpus_start(struct vcpus *set, struct err *err)
{
	for (unsigned int i = 0; i < set->n; i++) {
		int rc = start_one(&set->v[i]);

		if (rc < 0)
			return err_code(err, rc, "start the thread of vCPU %u", i);
	}
	return 0;
}

/* Gets every thread out of the guest; under the lock. */
static void kick_all(struct vcpus *set)
{
	for (unsigned int i = 0; i < set->n; i++) {
		struct vcpu *v = &set->v[i];

		if (!v->has_thread || v->is_gone || v->is_paused)
			continue;
		set_immediate_exit(v, 1);
		(void)pthread_kill(v->thread, kick_signal());
	}
}

/* Waits until every vCPU is gone or, unless @gone is wanted, paused; serves them meanwhile. */
static void wait_all(struct vcpus *set, bool gone)
{
	struct handoff *h = set->handoff;

	for (unsigned int i = 0; i < set->n; i++) {
		const struct vcpu *v = &set->v[i];

		while (v->has_thread && !v->is_gone && (gone || !v->is_paused)) {
			if (h->first)
				handoff_serve(h);
			else
				pthread_cond_wait(&h->changed, &h->lock);
		}
	}
}

void vcpus_pause(struct vcpus *set)
{
	pthread_mutex_lock(&set->handoff->lock);
	set->pause = true;
	kick_all(set);
	wait_all(set, false);
	pthread_mutex_unlock(&set->handoff->lock);
}

void vcpus_resume(struct vcpus *set)
{
	pthread_mutex_lock(&set->handoff->lock);
	for (unsigned int i = 0; i < set->n && set->pause; i++) {
		/* EINVAL: the guest has no such clock (yet). */
		if (ioctl(set->v[i].fd, KVM_KVMCLOCK_CTRL) < 0 && errno != EINVAL)
			log_debug("tell vCPU %u of the pause: %m, ignoring", i);
	}
	set->pause = false;
	pthread_cond_broadcast(&set->handoff->changed);
	pthread_mutex_unlock(&set->handoff->lock);
}

void vcpus_log_state(const struct vcpus *set)
{
	for (unsigned int i = 0; i < set->n; i++) {
		struct kvm_regs regs;
		struct kvm_mp_state state;

		if (ioctl(set->v[i].fd, KVM_GET_REGS, &regs) < 0 ||
		    ioctl(set->v[i].fd, KVM_GET_MP_STATE, &state) < 0) {
			log_debug("vCPU %u: %m", i);
			continue;
		}
		log_debug("vCPU %u: rip %#llx rflags %#llx, multiprocessing state %u, last exit %u",
			  i, (unsigned long long)regs.rip, (unsigned long long)regs.rflags,
			  state.mp_state, set->v[i].run->exit_reason);
	}
}

static void stop_threads(struct vcpus *set)
{
	pthread_mutex_lock(&set->handoff->lock);
	set->stop = true;
	kick_all(set);
	pthread_cond_broadcast(&set->handoff->changed);
	wait_all(set, true);
	pthread_mutex_unlock(&set->handoff->lock);
	for (unsigned int i = 0; i < set->n; i++) {
		if (set->v[i].has_thread)
			(void)pthread_join(set->v[i].thread, NULL);
		set->v[i].has_thread = false;
	}
}

void vcpus_fini(struct vcpus *set)
{
	if (set->n == 0)
		return;
	stop_threads(set);
	for (unsigned int i = 0; i < set->n; i++) {
		struct vcpu *v = &set->v[i];

		if (v->run)
			(void)munmap(v->run, set->kvm->run_bytes);
		cleanup_close(&v->fd);
	}
	set->n = 0;
}
