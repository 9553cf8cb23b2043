// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line of bivalve-vmm. */
#include "vmmode/vmm/cmdline.h"

#include <stddef.h>

#include "spec/base/num.h"
#include "spec/base/str.h"
#include "vmmode/vmm/mem.h"
#include "vmmode/vmm/vcpu.h"

typedef int set_fn(struct vmm_options *o, const char *value, struct err *err);

struct row {
	const char *name;
	bool has_value;
	set_fn *set;
};

static const uint64_t default_memory = UINT64_C(256) << 20;

static int set_kernel(struct vmm_options *o, const char *value, struct err *err)
{
	(void)err;
	o->kernel = value;
	return 0;
}

static int set_initrd(struct vmm_options *o, const char *value, struct err *err)
{
	(void)err;
	o->initrd = value;
	return 0;
}

static int set_append(struct vmm_options *o, const char *value, struct err *err)
{
	(void)err;
	o->append = value;
	return 0;
}

static int set_serial(struct vmm_options *o, const char *value, struct err *err)
{
	if (!str_eq(value, "stdio") && !str_eq(value, "none") && !str_starts(value, "fd:") &&
	    !str_starts(value, "file:"))
		return err_set(err, -EINVAL,
			       "--serial '%s': want 'stdio', 'none', 'fd:N' or 'file:NAME'", value);
	o->serial = value;
	return 0;
}

static int set_control(struct vmm_options *o, const char *value, struct err *err)
{
	(void)err;
	o->control = value;
	return 0;
}

/* SIZE[,shared]: rounded up to whole huge pages. */
static int set_memory(struct vmm_options *o, const char *value, struct err *err)
{
	const uint64_t step = UINT64_C(2) << 20;
	const char *comma = strchr(value, ',');
	char size[32];
	size_t len = comma ? (size_t)(comma - value) : strlen(value);

	if (len >= sizeof(size) || (comma && !str_eq(comma, ",shared")))
		return err_set(err, -EINVAL, "--memory '%s': want SIZE or SIZE,shared", value);
	memcpy(size, value, len);
	size[len] = '\0';
	if (num_bytes(size, &o->memory_bytes) < 0)
		return err_set(err, -EINVAL, "--memory '%s': '%s' is no size", value, size);
	if (o->memory_bytes < MEM_MIN || o->memory_bytes > MEM_MAX)
		return err_set(err, -EINVAL, "--memory '%s': want 4 MiB to 1 TiB", value);
	o->memory_bytes = (o->memory_bytes + step - 1) / step * step;
	if (comma)
		o->memory_flags |= MEM_SHARED;
	return 0;
}

static int set_mergeable(struct vmm_options *o, const char *value, struct err *err)
{
	(void)value;
	(void)err;
	o->memory_flags |= MEM_MERGEABLE;
	return 0;
}

static int set_cpus(struct vmm_options *o, const char *value, struct err *err)
{
	uint64_t n;

	if (num_u64(value, 1, VCPUS_MAX, &n) < 0)
		return err_set(err, -EINVAL, "--cpus '%s': want 1 to %d", value, VCPUS_MAX);
	o->cpus = (unsigned int)n;
	return 0;
}

static int set_log_level(struct vmm_options *o, const char *value, struct err *err)
{
	if (log_level_from_name(value, &o->log_level) < 0)
		return err_set(err, -EINVAL,
			       "--log-level '%s': want 'error', 'warning', 'info' or 'debug'",
			       value);
	return 0;
}

static int set_no_acpi(struct vmm_options *o, const char *value, struct err *err)
{
	(void)value;
	(void)err;
	o->no_acpi = true;
	return 0;
}

static int set_self_test(struct vmm_options *o, const char *value, struct err *err)
{
	(void)value;
	(void)err;
	o->self_test = true;
	return 0;
}

static int set_no_sandbox(struct vmm_options *o, const char *value, struct err *err)
{
	(void)value;
	(void)err;
	o->no_sandbox = true;
	return 0;
}

/* UID:GID or UID, which is then the group too. */
static int set_user(struct vmm_options *o, const char *value, struct err *err)
{
	const char *colon = strchr(value, ':');
	const size_t len = colon ? (size_t)(colon - value) : strlen(value);
	char text[16];
	uint64_t uid;
	uint64_t gid;

	if (len >= sizeof(text))
		return err_set(err, -EINVAL, "--user '%s': want UID:GID", value);
	memcpy(text, value, len);
	text[len] = '\0';
	/* -1 means "as it is" to the kernel. */
	if (num_u64(text, 0, UINT32_MAX - 1, &uid) < 0 ||
	    num_u64(colon ? colon + 1 : text, 0, UINT32_MAX - 1, &gid) < 0)
		return err_set(err, -EINVAL, "--user '%s': want UID:GID, numbers", value);
	o->has_user = true;
	o->uid = (uid_t)uid;
	o->gid = (gid_t)gid;
	return 0;
}

static int set_help(struct vmm_options *o, const char *value, struct err *err)
{
	(void)value;
	(void)err;
	o->show_help = true;
	return 0;
}

static int add_device(struct vmm_options *o, enum vmm_device_kind kind, const char *text,
		      struct err *err)
{
	if (o->n_devices == VMM_DEVICES_MAX)
		return err_set(err, -EINVAL, "more than %d devices", VMM_DEVICES_MAX);
	o->devices[o->n_devices++] = (struct vmm_device_option){ kind, text };
	return 0;
}

/* A kind of device of which a machine has at most one. */
static int add_single(struct vmm_options *o, enum vmm_device_kind kind, const char *option,
		      const char *text, struct err *err)
{
	for (unsigned int i = 0; i < o->n_devices; i++) {
		if (o->devices[i].kind == kind)
			return err_set(err, -EEXIST, "%s was given twice", option);
	}
	return add_device(o, kind, text, err);
}

static int add_disk(struct vmm_options *o, const char *value, struct err *err)
{
	return add_device(o, VMM_DISK, value, err);
}

static int add_net(struct vmm_options *o, const char *value, struct err *err)
{
	return add_device(o, VMM_NET, value, err);
}

static int add_fs(struct vmm_options *o, const char *value, struct err *err)
{
	const char *eq = strchr(value, '=');
	const size_t tag = eq ? (size_t)(eq - value) : 0;

	if (tag == 0 || eq[1] == '\0')
		return err_set(err, -EINVAL, "--fs '%s': want TAG=FOLDER[,ro]", value);
	for (unsigned int i = 0; i < o->n_devices; i++) {
		if (o->devices[i].kind == VMM_FS &&
		    strncmp(o->devices[i].text, value, tag + 1) == 0)
			return err_set(err, -EEXIST, "--fs '%s': the tag '%.*s' was given twice",
				       value, (int)tag, value);
	}
	return add_device(o, VMM_FS, value, err);
}

static int add_vsock(struct vmm_options *o, const char *value, struct err *err)
{
	return add_single(o, VMM_VSOCK, "--vsock", value, err);
}

/* What --console and --port have in common: where a port's bytes come from and go to. */
static bool is_place(const char *where)
{
	static const char *const prefixes[] = { "fd:", "file:", "unix:" };

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		if (str_starts(where, prefixes[i]))
			return where[strlen(prefixes[i])] != '\0';
	}
	return str_eq(where, "pty");
}

/* The one console device; it may have ports alone, its text then is "". */
static struct vmm_device_option *find_console(struct vmm_options *o)
{
	for (unsigned int i = 0; i < o->n_devices; i++) {
		if (o->devices[i].kind == VMM_CONSOLE)
			return &o->devices[i];
	}
	return NULL;
}

static int add_console(struct vmm_options *o, const char *value, struct err *err)
{
	struct vmm_device_option *d = find_console(o);

	if (!str_eq(value, "stdio") && !is_place(value))
		return err_set(err, -EINVAL,
			       "--console '%s': want 'stdio', 'pty', 'fd:N', 'file:NAME' or "
			       "'unix:PATH'",
			       value);
	if (!d)
		return add_device(o, VMM_CONSOLE, value, err);
	if (*d->text)
		return err_set(err, -EEXIST, "--console was given twice");
	d->text = value;
	return 0;
}

static int add_port(struct vmm_options *o, const char *value, struct err *err)
{
	const char *eq = strchr(value, '=');
	const size_t name = eq ? (size_t)(eq - value) : 0;

	if (name == 0 || name > CONSOLE_NAME_MAX || !is_place(eq + 1))
		return err_set(err, -EINVAL,
			       "--port '%s': want NAME=WHERE: a name of up to %d bytes, and 'pty', "
			       "'fd:N', 'file:NAME' or 'unix:PATH'",
			       value, CONSOLE_NAME_MAX);
	for (unsigned int i = 0; i < o->n_ports; i++) {
		if (strncmp(o->ports[i], value, name + 1) == 0)
			return err_set(err, -EEXIST, "--port '%s': the name was given twice",
				       value);
	}
	if (o->n_ports == VMM_PORTS_MAX)
		return err_set(err, -EINVAL, "--port '%s': more than %d ports", value,
			       VMM_PORTS_MAX);
	o->ports[o->n_ports++] = value;
	return find_console(o) ? 0 : add_device(o, VMM_CONSOLE, "", err);
}

static int add_rng(struct vmm_options *o, const char *value, struct err *err)
{
	(void)value;
	return add_single(o, VMM_RNG, "--rng", "", err);
}

static int add_balloon(struct vmm_options *o, const char *value, struct err *err)
{
	return add_single(o, VMM_BALLOON, "--balloon", value ? value : "", err);
}

static const struct row rows[] = {
	{ "append", true, set_append },
	{ "balloon", false, add_balloon },
	{ "console", true, add_console },
	{ "control", true, set_control },
	{ "cpus", true, set_cpus },
	{ "disk", true, add_disk },
	{ "fs", true, add_fs },
	{ "help", false, set_help },
	{ "initrd", true, set_initrd },
	{ "kernel", true, set_kernel },
	{ "log-level", true, set_log_level },
	{ "memory", true, set_memory },
	{ "mergeable", false, set_mergeable },
	{ "net", true, add_net },
	{ "no-acpi", false, set_no_acpi },
	{ "no-sandbox", false, set_no_sandbox },
	{ "port", true, add_port },
	{ "rng", false, add_rng },
	{ "self-test", false, set_self_test },
	{ "serial", true, set_serial },
	{ "user", true, set_user },
	{ "vsock", true, add_vsock },
};

static const struct row *find_row(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strncmp(rows[i].name, name, len) == 0 && rows[i].name[len] == '\0')
			return &rows[i];
	}
	return NULL;
}

/* The option whose value may be left out. */
static bool may_have_value(const struct row *row)
{
	return row->set == add_balloon;
}

/* One option at argv[*at], which is moved to its last word. */
static int parse_one(struct vmm_options *o, int argc, char **argv, int *at, struct err *err)
{
	const char *word = argv[*at];
	const struct row *row;
	const char *value;
	const char *eq;

	if (!str_starts(word, "--"))
		return err_set(err, -EINVAL, "'%s' is no option", word);
	eq = strchr(word, '=');
	row = find_row(word + 2, eq ? (size_t)(eq - word - 2) : strlen(word + 2));
	if (!row)
		return err_set(err, -EINVAL, "unknown option '%s'", word);
	if (!row->has_value && !may_have_value(row) && eq)
		return err_set(err, -EINVAL, "option '--%s' takes no value", row->name);
	value = eq ? eq + 1 : NULL;
	if (row->has_value && !value) {
		if (*at + 1 >= argc)
			return err_set(err, -EINVAL, "option '--%s' wants a value", row->name);
		value = argv[++*at];
	}
	if (may_have_value(row) && !value && *at + 1 < argc && !str_starts(argv[*at + 1], "--"))
		value = argv[++*at];
	return row->set(o, value, err);
}

int vmm_options_parse(int argc, char **argv, struct vmm_options *out, struct err *err)
{
	*out = (struct vmm_options){
		.append = "",
		.memory_bytes = default_memory,
		.cpus = 1,
		.log_level = LOG_LEVEL_WARN,
	};
	for (int i = 1; i < argc; i++) {
		int rc = parse_one(out, argc, argv, &i, err);

		if (rc < 0)
			return rc;
	}
	if (out->show_help || out->self_test)
		return 0;
	if (!out->kernel)
		return err_set(err, -EINVAL, "option '--kernel' is missing");
	if (out->has_user && out->no_sandbox)
		return err_set(err, -EINVAL, "--user is of no use with --no-sandbox");
	if ((out->memory_flags & MEM_SHARED) && (out->memory_flags & MEM_MERGEABLE))
		return err_set(err, -EINVAL, "--mergeable: shared memory cannot be mergeable");
	if (out->serial && str_eq(out->serial, "stdio") && vmm_options_console(out) &&
	    str_eq(vmm_options_console(out), "stdio"))
		return err_set(err, -EINVAL, "--serial stdio: the console has it");
	return 0;
}

const char *vmm_options_console(const struct vmm_options *o)
{
	for (unsigned int i = 0; i < o->n_devices; i++) {
		if (o->devices[i].kind == VMM_CONSOLE && *o->devices[i].text)
			return o->devices[i].text;
	}
	return NULL;
}

const char *vmm_options_help(void)
{
	return "usage: bivalve-vmm --kernel FILE [OPTION...]\n"
	       "\n"
	       "Runs one virtual machine in this process.\n"
	       "\n"
	       "  --kernel FILE      an ELF vmlinux or a bzImage (FILE: a name, or fd:N)\n"
	       "  --initrd FILE      the first root file system\n"
	       "  --append TEXT      the kernel's command line\n"
	       "  --memory SIZE      memory, 256m by default; SIZE,shared: as a memfd\n"
	       "  --mergeable        let the host share equal pages between machines (KSM, which\n"
	       "                     /sys/kernel/mm/ksm/run turns on)\n"
	       "  --cpus N           virtual processors, 1 by default\n"
	       "  --serial WHERE     ttyS0: stdio, none, fd:N or file:NAME\n"
	       "  --console WHERE    hvc0: stdio, pty, fd:N, file:NAME or unix:PATH\n"
	       "  --port NAME=WHERE  /dev/vportNpN: pty, fd:N, file:NAME or unix:PATH\n"
	       "  --disk FILE[,ro]   a raw image or block device, also fd:N; "
	       "[,queues=N][,serial=S]\n"
	       "                     [,engine=io_uring|threads][,bytes=RATE][,ops=RATE]\n"
	       "  --net tap:NAME     a network card, also fd:N; "
	       "[,mac=..][,mtu=N][,queues=N][,vhost]\n"
	       "                     [,no-offloads]\n"
	       "                     [,rx-bytes=RATE][,rx-ops=RATE][,tx-bytes=RATE][,tx-ops=RATE]\n"
	       "  --fs TAG=DIR[,ro]  a folder of the host; [,cache=auto|always|none][,writeback]\n"
	       "                     [,locks][,direct-io][,no-devices][,queues=N]\n"
	       "  --vsock PATH       streams to and from the guest (vsock) at this Unix socket;\n"
	       "                     [,cid=N]: 3 by default\n"
	       "  --rng              randomness from the host\n"
	       "  --balloon [WORDS]  memory that can be taken back: size=SIZE at the start,\n"
	       "                     deflate-on-oom, reporting (of free pages), stats=SECONDS\n"
	       "  --control PATH     a Unix socket for commands, also fd:N: pause, resume, stop,\n"
	       "                     balloon BYTES, stats\n"
	       "  --no-acpi          no ACPI tables: MP table and command-line devices instead\n"
	       "  --self-test        say whether this KVM can run a normal kernel, and end\n"
	       "  --user UID:GID     whom to become when started by root: 65534:65534, or with\n"
	       "                     --vsock and sockets of consoles nobody else\n"
	       "  --no-sandbox       keep all rights: for debugging only\n"
	       "  --log-level LEVEL  error, warning, info or debug\n"
	       "\n"
	       "The exit status: 0 the guest powered off; what the guest wrote to port 0xf4;\n"
	       "249 reset, 250 panic, 251 crash; 240 host error, 241 usage, 242 no /dev/kvm,\n"
	       "243 no permission for it, 244 it only emulates, 245 no kernel, 246 the initrd is\n"
	       "too large, 247 a file is missing, 248 a tag was given twice; 252 a thread made a\n"
	       "forbidden system call, 253 no sandbox on this host; 128 + S signal S.\n";
}
