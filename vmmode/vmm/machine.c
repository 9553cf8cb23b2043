// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The machine's parts put together. Order: what can fail by the user's mistake comes early, the
 * guest's memory before what is written to it, the vCPUs last.
 */
#include "vmmode/vmm/machine.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>

#include "spec/base/buf.h"
#include "spec/base/log.h"
#include "spec/base/str.h"
#include "vmmode/vmm/control.h"
#include "vmmode/vmm/devices.h"
#include "vmmode/vmm/exit.h"
#include "vmmode/vmm/irq.h"
#include "vmmode/vmm/legacy.h"
#include "vmmode/vmm/mem.h"
#include "vmmode/vmm/mmio.h"
#include "vmmode/vmm/sandbox.h"
#include "vmmode/vmm/selftest.h"
#include "vmmode/vmm/serial.h"
#include "vmmode/vmm/terminal.h"
#include "vmmode/vmm/vcpu.h"
#include "vmmode/vmm/verbs.h"
#include "vmmode/vmm/x86/acpi.h"
#include "vmmode/vmm/x86/cpu.h"
#include "vmmode/vmm/x86/layout.h"

/* Kernel and initrd on their way into guest memory, in a thread. */
struct loading {
	int kernel_fd, initrd_fd; /* owned; -1: none */
	pthread_t thread;
	bool has_thread;
	int status; /* VMM_EXIT_*, if rc tells a failure */
	int rc;
	struct err err;
};

struct machine {
	const struct vmm_options *opts;
	uint64_t start_ns;
	int status; /* VMM_EXIT_* for a failure of the step under way */
	struct sandbox sandbox;
	struct kvm kvm;
	bool emulates; /* the KVM cannot run a normal kernel */
	struct mem mem;
	struct loop loop;
	struct handoff handoff;
	struct ending ending;
	struct loop_source end_source, signal_source;
	struct control control;
	struct verbs verbs;
	struct bus pio, mmio;
	struct serial serial;
	struct terminal terminal;
	int serial_out_fd, serial_in_fd; /* owned when above 2 */
	struct cmos cmos;
	struct i8042 i8042;
	struct pci pci;
	struct power power;
	struct vcpus vcpus;
	struct loading loading; /* its thread has these three */
	struct x86_kernel kernel;
	gpa_t initrd;
	uint64_t initrd_bytes;
	struct vmm_device_env device_env;
	unsigned int n_devices;
	struct mmio devices[VMM_DEVICES_MAX];
};

uint64_t machine_now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static void phase(const struct machine *m, const char *what)
{
	if (log_enabled(LOG_LEVEL_DEBUG))
		log_debug("%8llu us: %s",
			  (unsigned long long)((machine_now_ns() - m->start_ns) / 1000), what);
}

/* ---- the loop's own sources -------------------------------------------------------------------
 */

static void on_end(struct loop_source *src, uint32_t events)
{
	struct machine *m = CONTAINER_OF(src, struct machine, end_source);

	(void)events;
	loop_stop(&m->loop);
}

static void on_signal(struct loop_source *src, uint32_t events)
{
	struct machine *m = CONTAINER_OF(src, struct machine, signal_source);
	struct signalfd_siginfo info;

	(void)events;
	if (read(src->fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	if (log_enabled(LOG_LEVEL_DEBUG)) { /* a guest that hangs: where? */
		vcpus_pause(&m->vcpus);
		vcpus_log_state(&m->vcpus);
	}
	ending_request(&m->ending, 128 + (int)info.ssi_signo);
}

static int watch_signals(struct machine *m, struct err *err)
{
	sigset_t set;
	sigset_t blocked;
	int rc;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	blocked = set;
	terminal_signals(&blocked);
	/* Blocked before any thread starts, so that no thread is ended by them. */
	if (sigprocmask(SIG_BLOCK, &blocked, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return err_sys(err, "block signals");
	m->signal_source.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (m->signal_source.fd < 0)
		return err_sys(err, "create a signalfd");
	m->signal_source.ready = on_signal;
	rc = loop_add(&m->loop, &m->signal_source, EPOLLIN);
	return rc < 0 ? err_code(err, rc, "watch signals") : 0;
}

/* First: what is inherited by accident is gone before anything is opened. */
static int step_mounts(struct machine *m, struct err *err)
{
	int rc;

	m->status = VMM_EXIT_HOST;
	rc = sandbox_close_inherited(m->opts, err);
	if (rc < 0)
		return rc;
	m->status = VMM_EXIT_SANDBOX;
	rc = sandbox_begin(&m->sandbox, m->opts, err);
	return rc < 0 ? err_wrap(err, rc, "sandbox") : 0;
}

static int step_loop(struct machine *m, struct err *err)
{
	int rc = loop_init(&m->loop);

	m->status = VMM_EXIT_HOST;
	if (rc == 0)
		rc = ending_init(&m->ending);
	if (rc < 0)
		return err_code(err, rc, "create the event loop");
	m->end_source = (struct loop_source){ .fd = m->ending.event_fd, .ready = on_end };
	rc = loop_add(&m->loop, &m->end_source, EPOLLIN);
	if (rc < 0)
		return err_code(err, rc, "watch the machine's end");
	rc = watch_signals(m, err);
	return rc < 0 ? rc : handoff_init(&m->handoff, &m->loop, err);
}

/* ---- the kernel's files -------------------------------------------------------------------------
 */

static int open_files(struct machine *m, struct err *err)
{
	struct loading *l = &m->loading;

	m->status = VMM_EXIT_NO_FILE;
	l->kernel_fd = vmm_open("kernel", m->opts->kernel, O_RDONLY, err);
	if (l->kernel_fd < 0)
		return l->kernel_fd;
	if (!m->opts->initrd)
		return 0;
	l->initrd_fd = vmm_open("initrd", m->opts->initrd, O_RDONLY, err);
	return l->initrd_fd < 0 ? l->initrd_fd : 0;
}

static int load_initrd(struct machine *m, struct err *err)
{
	struct loading *l = &m->loading;
	struct stat st;
	int rc;

	l->status = VMM_EXIT_NO_FILE;
	if (fstat(l->initrd_fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "--initrd '%s': not a file", m->opts->initrd);
	m->initrd_bytes = (uint64_t)st.st_size;
	if (m->initrd_bytes == 0)
		return 0;
	rc = x86_load_initrd(&m->mem.map, &m->kernel, l->initrd_fd, m->initrd_bytes, &m->initrd,
			     err);
	l->status = rc == -E2BIG ? VMM_EXIT_INITRD_SIZE : VMM_EXIT_NO_FILE;
	return rc < 0 ? err_wrap(err, rc, "--initrd '%s'", m->opts->initrd) : 0;
}

static void *load(void *arg)
{
	struct machine *m = arg;
	struct loading *l = &m->loading;

	l->status = VMM_EXIT_BAD_KERNEL;
	l->rc = x86_load_kernel(&m->mem.map, l->kernel_fd, &m->kernel, &l->err);
	if (l->rc < 0)
		l->rc = err_wrap(&l->err, l->rc, "--kernel '%s'", m->opts->kernel);
	else if (l->initrd_fd >= 0)
		l->rc = load_initrd(m, &l->err);
	return NULL;
}

static void begin_loading(struct machine *m)
{
	m->loading.has_thread = pthread_create(&m->loading.thread, NULL, load, m) == 0;
	if (!m->loading.has_thread)
		(void)load(m);
}

/* Also when it was never begun. */
static void end_loading(struct machine *m)
{
	if (m->loading.has_thread)
		(void)pthread_join(m->loading.thread, NULL);
	m->loading.has_thread = false;
	cleanup_close(&m->loading.kernel_fd);
	cleanup_close(&m->loading.initrd_fd);
	m->loading.kernel_fd = m->loading.initrd_fd = -1;
}

static int step_kernel(struct machine *m, struct err *err)
{
	end_loading(m);
	m->status = m->loading.status;
	if (m->loading.rc < 0)
		*err = m->loading.err;
	return m->loading.rc;
}

/* ---- KVM and memory -----------------------------------------------------------------------------
 */

/* The exit status for a /dev/kvm that cannot be opened. */
static int open_kvm(struct kvm *k, int *status, struct err *err)
{
	int rc = kvm_open(k, err);

	if (rc == -ENOENT || rc == -ENXIO || rc == -ENODEV)
		*status = VMM_EXIT_NO_KVM;
	else if (rc == -EACCES || rc == -EPERM)
		*status = VMM_EXIT_NO_RIGHTS;
	else
		*status = VMM_EXIT_HOST;
	return rc;
}

/*
 * The kernel is read meanwhile: to make a machine takes 10 ms and more of waiting, as Linux puts a
 * kernel thread of the machine's own into the caller's cgroups, behind an RCU grace period.
 * Source: virt/kvm/kvm_main.c, kvm_vm_worker_thread().
 */
static int step_vm(struct machine *m, struct err *err)
{
	int rc = open_kvm(&m->kvm, &m->status, err);

	if (rc < 0)
		return rc;
	m->status = VMM_EXIT_HOST;
	rc = mem_init(&m->mem, m->opts->memory_bytes, m->opts->memory_flags, err);
	if (rc == 0)
		rc = open_files(m, err);
	if (rc < 0)
		return rc;
	begin_loading(m);
	m->status = VMM_EXIT_HOST;
	rc = kvm_create_vm(&m->kvm, err);
	return rc < 0 ? rc : kvm_map_memory(&m->kvm, &m->mem.map, err);
}

/* ---- devices -----------------------------------------------------------------------------------
 */

/* Without --serial: to stdout when there is no console device, and to stderr for debugging. */
static int open_serial(struct machine *m, struct serial_options *so, struct err *err)
{
	const char *where = m->opts->serial;

	*so = (struct serial_options){ .out_fd = -1, .in_fd = -1, .irq_fd = -1 };
	if (!where) {
		where = "stdio";
		if (vmm_options_console(m->opts))
			where = log_enabled(LOG_LEVEL_DEBUG) ? "stderr" : "none";
	}
	if (str_eq(where, "stdio")) {
		so->in_fd = STDIN_FILENO;
		so->out_fd = STDOUT_FILENO;
	} else if (str_eq(where, "stderr")) {
		so->out_fd = STDERR_FILENO;
	} else if (!str_eq(where, "none")) {
		const char *name = str_starts(where, "file:") ? where + 5 : where;

		so->out_fd = vmm_open("serial", name, O_WRONLY | O_CREAT | O_APPEND, err);
		if (so->out_fd < 0)
			return so->out_fd;
	}
	m->serial_out_fd = so->out_fd;
	return 0;
}

static int add_serial(struct machine *m, struct err *err)
{
	struct serial_options so;
	int rc = open_serial(m, &so, err);

	m->status = VMM_EXIT_NO_FILE;
	if (rc < 0)
		return rc;
	m->status = VMM_EXIT_HOST;
	so.irq_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (so.irq_fd < 0)
		return err_sys(err, "create an eventfd");
	rc = serial_init(&m->serial, &m->loop, &so, err);
	if (rc == 0)
		rc = terminal_use(&m->terminal, &m->loop, so.in_fd, err);
	if (rc < 0)
		return rc;
	rc = irq_connect(&m->kvm, IRQ_SERIAL, so.irq_fd);
	return rc < 0 ? err_code(err, rc, "connect the serial port's interrupt") : 0;
}

static int step_legacy(struct machine *m, struct err *err)
{
	struct bus_range *ranges[] = {
		&m->serial.range, &m->cmos.range, &m->i8042.data,  &m->i8042.command,
		&m->pci.range,    &m->power.exit, &m->power.panic, &m->power.sleep,
	};
	int rc = add_serial(m, err);

	if (rc < 0)
		return rc;
	cmos_init(&m->cmos);
	i8042_init(&m->i8042, &m->ending);
	pci_init(&m->pci);
	power_init(&m->power, &m->ending);
	for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
		rc = bus_add(&m->pio, ranges[i]);
		if (rc < 0)
			return err_code(err, rc, "place a device's ports");
	}
	return 0;
}

static int device_status(int rc)
{
	switch (rc) {
	case -EINVAL:
	case -ENOTSUP:
		return VMM_EXIT_USAGE;
	case -EEXIST:
		return VMM_EXIT_DUPLICATE;
	case -ENOMEM:
	case -EMFILE:
		return VMM_EXIT_HOST;
	default:
		return VMM_EXIT_NO_FILE;
	}
}

static int add_device(struct machine *m, const struct vmm_device_option *opt, struct err *err)
{
	const int line = irq_line(m->n_devices);
	struct mmio *t = &m->devices[m->n_devices];
	struct mmio_options mo = {
		.base = X86_VIRTIO_BASE + (gpa_t)m->n_devices * X86_VIRTIO_STEP,
		.gsi = (uint32_t)line,
		.kvm = &m->kvm,
		.handoff = &m->handoff,
		.mem = &m->mem.map,
	};
	struct virtio_device *dev;
	int rc;

	m->status = VMM_EXIT_USAGE;
	if (line < 0)
		return err_set(err, line, "more devices than interrupt lines");
	rc = vmm_device_new(opt, &m->device_env, &dev, err);
	m->status = device_status(rc);
	if (rc < 0)
		return rc;
	m->status = VMM_EXIT_HOST;
	rc = mmio_init(t, dev, &mo, err);
	if (rc < 0)
		return rc;
	m->n_devices++;
	rc = bus_add(&m->mmio, &t->range);
	return rc < 0 ? err_code(err, rc, "place a device's registers") : 0;
}

static int step_devices(struct machine *m, struct err *err)
{
	int rc = 0;

	m->device_env.loop = &m->loop;
	m->device_env.opts = m->opts;
	m->device_env.terminal = &m->terminal;
	m->device_env.cpus = m->opts->cpus;
	m->device_env.sandbox = &m->sandbox;
	m->device_env.memory_bytes = m->opts->memory_bytes;
	for (unsigned int i = 0; i < m->opts->n_devices && rc == 0; i++)
		rc = add_device(m, &m->opts->devices[i], err);
	return rc;
}

/* Beside the devices: what it commands is there before the loop runs. */
static int step_control(struct machine *m, struct err *err)
{
	if (!m->opts->control)
		return 0;
	m->status = VMM_EXIT_NO_FILE;
	m->verbs =
	    (struct verbs){ &m->vcpus, &m->ending, m->device_env.balloon, m->opts->memory_bytes };
	verbs_attach(&m->verbs, &m->control);
	return control_init(&m->control, &m->loop, m->opts->control, err);
}

/* ---- what the kernel is told --------------------------------------------------------------------
 */

/* The machine's words come first: what is behind "--" goes to init. Kernels without ACPI find the
 * devices by the command line alone; one that has it need not search for tables. The search for PCI
 * devices takes Linux 230 exits: it is told that there is PCI, and not to look for devices early.
 */
static void build_cmdline(const struct machine *m, struct buf *out)
{
	if (m->kernel.is_linux)
		buf_add_str(out, "pci=conf1,noearly ");
	if (m->opts->no_acpi)
		buf_add_str(out, "acpi=off ");
	for (unsigned int i = 0; i < m->n_devices && m->opts->no_acpi; i++)
		buf_printf(out, "virtio_mmio.device=4K@%#llx:%u ",
			   (unsigned long long)m->devices[i].opts.base, m->devices[i].opts.gsi);
	buf_add_str(out, m->opts->append);
}

/* The MP table is there in any case: a kernel with ACPI does not look for it. */
static int write_tables(struct machine *m, gpa_t *out_rsdp, struct err *err)
{
	struct acpi_device devices[VMM_DEVICES_MAX];
	const struct acpi_machine am = { m->opts->cpus, devices, m->n_devices };
	int rc = mptable_write(&m->mem.map, m->opts->cpus, err);

	if (rc < 0 || m->opts->no_acpi)
		return rc;
	for (unsigned int i = 0; i < m->n_devices; i++)
		// cppcheck-suppress unreadVariable ; am.devices
		devices[i] = (struct acpi_device){ (uint32_t)m->devices[i].opts.base,
						   m->devices[i].opts.gsi };
	return acpi_write(&m->mem.map, &am, out_rsdp, err);
}

static int step_tell(struct machine *m, struct err *err)
{
	auto_buf struct buf cmdline = BUF_INIT;
	struct x86_boot boot;
	gpa_t rsdp = 0;
	int rc;

	m->status = VMM_EXIT_HOST;
	build_cmdline(m, &cmdline);
	if (buf_failed(&cmdline))
		return err_code(err, -ENOMEM, "build the command line");
	rc = write_tables(m, &rsdp, err);
	if (rc < 0)
		return rc;
	boot = (struct x86_boot){
		.kernel = &m->kernel,
		.cmdline = buf_str(&cmdline),
		.initrd = m->initrd,
		.initrd_bytes = m->initrd_bytes,
		.rsdp = rsdp,
	};
	m->status = VMM_EXIT_USAGE;
	return x86_write_boot(&m->mem.map, &boot, err);
}

/* Other guests than Linux may do without the instructions that an emulator lacks. */
static int step_check_kvm(struct machine *m, struct err *err)
{
	int rc;

	if (!selftest_is_suspect(&m->kvm))
		return 0;
	rc = selftest_run(&m->kvm, err);
	m->emulates = rc == -EOPNOTSUPP;
	m->status = m->emulates ? VMM_EXIT_EMULATOR : VMM_EXIT_HOST;
	if (!m->emulates || m->kernel.is_linux)
		return rc;
	err->code = 0;
	return 0;
}

static int step_vcpus(struct machine *m, struct err *err)
{
	int rc;

	m->status = VMM_EXIT_HOST;
	m->vcpus.kvm = &m->kvm;
	m->vcpus.pio = &m->pio;
	m->vcpus.mmio = &m->mmio;
	m->vcpus.ending = &m->ending;
	m->vcpus.handoff = &m->handoff;
	rc = vcpus_create(&m->vcpus, m->opts->cpus, err);
	if (rc == 0)
		rc = x86_cpus_setup(&m->vcpus, &m->mem.map, &m->kernel, err);
	return rc;
}

static int step_sandbox(struct machine *m, struct err *err)
{
	int rc;

	if (m->opts->no_sandbox)
		log_warn("--no-sandbox: a guest that breaks out has the rights of who started it");
	/* The machine has its own descriptor; this one could make more machines. */
	cleanup_close(&m->kvm.fd);
	m->kvm.fd = -1;
	m->status = VMM_EXIT_SANDBOX;
	rc = sandbox_enter(&m->sandbox, err);
	return rc < 0 ? err_wrap(err, rc, "sandbox") : 0;
}

static int step_start(struct machine *m, struct err *err)
{
	m->status = VMM_EXIT_HOST;
	m->vcpus.starter = sandbox_threads(&m->sandbox);
	for (unsigned int i = 0; i < m->n_devices; i++)
		m->devices[i].dev->starter = m->vcpus.starter;
	return vcpus_start(&m->vcpus, err);
}

/* ---- life ---------------------------------------------------------------------------------------
 */

struct step {
	const char *name;
	int (*run)(struct machine *m, struct err *err);
};

/* Order matters: see the head; the devices' lines and addresses go into what the kernel is told. */
static const struct step steps[] = {
	{ "own mounts", step_mounts },      { "event loop", step_loop },
	{ "machine and memory", step_vm },  { "kernel loaded", step_kernel },
	{ "small devices", step_legacy },   { "virtio devices", step_devices },
	{ "control socket", step_control }, { "kernel told", step_tell },
	{ "KVM checked", step_check_kvm },  { "vCPUs set up", step_vcpus },
	{ "sandbox", step_sandbox },        { "vCPUs run", step_start },
};

static void machine_fini(struct machine *m)
{
	vcpus_fini(&m->vcpus); /* first: from here on nobody touches a register */
	phase(m, "vCPUs ended");
	control_fini(&m->control);
	while (m->n_devices)
		mmio_fini(&m->devices[--m->n_devices]);
	terminal_fini(&m->terminal); /* after the last output, before its descriptor is closed */
	sandbox_fini(&m->sandbox);
	vmm_device_env_fini(&m->device_env);
	serial_fini(&m->serial);
	if (m->serial_out_fd > STDERR_FILENO)
		cleanup_close(&m->serial_out_fd);
	handoff_fini(&m->handoff);
	cleanup_close(&m->signal_source.fd);
	ending_fini(&m->ending);
	end_loading(m); /* it writes to guest memory */
	kvm_close(&m->kvm);
	mem_fini(&m->mem);
	loop_fini(&m->loop);
}

/* An instruction that could not be emulated: because this KVM emulates all, or an odd one. */
static int explain(const struct machine *m, int status, struct err *err)
{
	if (status != VMM_EXIT_EMULATOR)
		return status;
	if (!m->emulates)
		return VMM_EXIT_CRASH; /* it was logged, and is the guest's doing */
	(void)selftest_explain(err);
	return status;
}

int machine_run(const struct vmm_options *opts, uint64_t start_ns, struct err *err)
{
	auto_free struct machine *m = calloc(1, sizeof(*m));
	int status;
	int rc = 0;

	if (!m) {
		(void)err_code(err, -ENOMEM, "create the machine");
		return VMM_EXIT_HOST;
	}
	m->opts = opts;
	m->start_ns = start_ns;
	m->sandbox = (struct sandbox)SANDBOX_INIT;
	m->kvm = (struct kvm)KVM_NONE;
	m->loop.epoll_fd = -1;
	m->ending.event_fd = -1;
	m->signal_source.fd = -1;
	m->mem.fd = -1;
	m->loading = (struct loading){ .kernel_fd = -1, .initrd_fd = -1, .err = ERR_INIT };
	for (size_t i = 0; i < ARRAY_LEN(steps) && rc == 0; i++) {
		rc = steps[i].run(m, err);
		phase(m, steps[i].name);
	}
	status = m->status;
	if (rc == 0) {
		rc = loop_run(&m->loop);
		status = rc == 0 ? explain(m, atomic_load(&m->ending.status), err) : VMM_EXIT_HOST;
		if (rc < 0)
			(void)err_code(err, rc, "run the event loop");
		phase(m, "the machine ends");
	}
	machine_fini(m);
	return status;
}

int machine_self_test(struct err *err)
{
	auto_cleanup(kvm_close) struct kvm k = KVM_NONE;
	int status;
	int rc = open_kvm(&k, &status, err);

	if (rc < 0)
		return status;
	rc = selftest_run(&k, err);
	if (rc == -EOPNOTSUPP)
		return VMM_EXIT_EMULATOR;
	return rc < 0 ? VMM_EXIT_HOST : 0;
}
