// SPDX-License-Identifier: GPL-2.0-or-later
/* The default config, from constant tables. Its strings are constants; only vectors are in the
 * arena. */
#include "spec/defaults.h"

#include <linux/capability.h>
#include <string.h>
#include <sys/resource.h>

#include "spec/defaults_internal.h"
#include "spec/features.h"

#define CAP_BIT(cap) (UINT64_C(1) << (cap))

enum { MAX_OPTIONS = 6, DEFAULT_NOFILE = 1024 };

struct default_mount {
	const char *destination, *type, *source;
	const char *options[MAX_OPTIONS + 1]; /* NULL-terminated */
};

static const struct default_mount mounts[] = {
	{ "/proc", "proc", "proc", { NULL } },
	{ "/dev", "tmpfs", "tmpfs", { "nosuid", "strictatime", "mode=755", "size=65536k" } },
	{ "/dev/pts",
	  "devpts",
	  "devpts",
	  { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5" } },
	{ "/dev/shm", "tmpfs", "shm", { "nosuid", "noexec", "nodev", "mode=1777", "size=65536k" } },
	{ "/dev/mqueue", "mqueue", "mqueue", { "nosuid", "noexec", "nodev" } },
	{ "/sys", "sysfs", "sysfs", { "nosuid", "noexec", "nodev", "ro" } },
	{ "/sys/fs/cgroup", "cgroup", "cgroup", { "nosuid", "noexec", "nodev", "relatime", "ro" } },
};

/*
 * Without a network namespace of its own a user namespace may not mount sysfs, so /sys is the
 * host's, read-only; and gid 5 is not mapped, so ptys belong to their user.
 */
static const struct default_mount rootless_mounts[] = {
	{ "/proc", "proc", "proc", { NULL } },
	{ "/dev", "tmpfs", "tmpfs", { "nosuid", "strictatime", "mode=755", "size=65536k" } },
	{ "/dev/pts",
	  "devpts",
	  "devpts",
	  { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620" } },
	{ "/dev/shm", "tmpfs", "shm", { "nosuid", "noexec", "nodev", "mode=1777", "size=65536k" } },
	{ "/dev/mqueue", "mqueue", "mqueue", { "nosuid", "noexec", "nodev" } },
	{ "/sys", "none", "/sys", { "rbind", "nosuid", "noexec", "nodev", "ro" } },
};

static const char *const masked_paths[] = {
	"/proc/acpi",          "/proc/asound",     "/proc/kcore",       "/proc/keys",
	"/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
	"/sys/firmware",       "/proc/scsi",
};

static const char *const readonly_paths[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

static const char *const args[] = { "sh" };
static const char *const env[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"TERM=xterm",
};

bool default_strv(struct arena *a, struct strv *out, const char *const *strings, size_t n)
{
	char **v = arena_alloc(a, n + 1, sizeof(*v));

	if (!v)
		return false;
	memcpy(v, strings, n * sizeof(*v)); /* the strings of a strv are never written to */
	out->v = v;
	out->n = n;
	return true;
}

static bool set_process(struct config *c)
{
	const uint64_t caps =
	    CAP_BIT(CAP_AUDIT_WRITE) | CAP_BIT(CAP_KILL) | CAP_BIT(CAP_NET_BIND_SERVICE);
	struct config_process *p = arena_alloc(&c->arena, 1, sizeof(*p));

	if (!p)
		return false;
	c->process = p;
	p->terminal = true;
	p->cwd = "/";
	p->no_new_privileges = true;
	p->caps = arena_alloc(&c->arena, 1, sizeof(*p->caps));
	p->rlimits.items = arena_alloc(&c->arena, 1, sizeof(*p->rlimits.items));
	if (!p->caps || !p->rlimits.items)
		return false;
	/* Not inheritable and not ambient: a program that gives up root gives up these too. */
	*p->caps = (struct config_caps){ .bounding = caps, .effective = caps, .permitted = caps };
	p->rlimits.items[0] =
	    (struct config_rlimit){ RLIMIT_NOFILE, DEFAULT_NOFILE, DEFAULT_NOFILE };
	p->rlimits.n = 1;
	return default_strv(&c->arena, &p->args, args, ARRAY_LEN(args)) &&
	       default_strv(&c->arena, &p->env, env, ARRAY_LEN(env));
}

static bool set_mounts(struct config *c, const struct default_mount *from, size_t n)
{
	c->mounts.items = arena_alloc(&c->arena, n, sizeof(*c->mounts.items));
	if (!c->mounts.items)
		return false;
	c->mounts.n = n;
	for (size_t i = 0; i < n; i++) {
		struct config_mount *m = &c->mounts.items[i];
		size_t n_options = 0;

		m->destination = from[i].destination;
		m->type = from[i].type;
		m->source = from[i].source;
		while (from[i].options[n_options])
			n_options++;
		if (!default_strv(&c->arena, &m->options, from[i].options, n_options))
			return false;
	}
	return true;
}

static bool set_id_map(struct arena *a, struct config_id_maps *maps, uint32_t host_id)
{
	maps->items = arena_alloc(a, 1, sizeof(*maps->items));
	if (!maps->items)
		return false;
	maps->items[0] = (struct config_id_map){ .host_id = host_id, .size = 1 };
	maps->n = 1;
	return true;
}

static bool deny_all_devices(struct config *c)
{
	struct config_resources *r = &c->linux_.resources;

	r->devices.items = arena_alloc(&c->arena, 1, sizeof(*r->devices.items));
	if (!r->devices.items)
		return false;
	r->devices.items[0] =
	    (struct config_device_rule){ .type = 'a', .read = true, .write = true, .mknod = true };
	r->devices.n = 1;
	return true;
}

static bool set_linux(struct config *c, const struct config_default_opts *opts)
{
	static const enum config_ns_kind kinds[] = { NS_PID, NS_IPC, NS_UTS, NS_MOUNT, NS_CGROUP };
	struct config_linux *l = &c->linux_;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		l->namespaces[kinds[i]].is_set = true;
	l->namespaces[opts->is_rootless ? NS_USER : NS_NETWORK].is_set = true;
	if (opts->is_rootless) {
		if (!set_id_map(&c->arena, &l->uid_mappings, opts->uid) ||
		    !set_id_map(&c->arena, &l->gid_mappings, opts->gid))
			return false;
	} else if (!deny_all_devices(c)) {
		return false;
	}
	return default_strv(&c->arena, &l->masked_paths, masked_paths, ARRAY_LEN(masked_paths)) &&
	       default_strv(&c->arena, &l->readonly_paths, readonly_paths,
			    ARRAY_LEN(readonly_paths)) &&
	       default_seccomp(&c->arena, l);
}

int config_default(const struct config_default_opts *opts, struct config *out, struct err *err)
{
	static const struct config_default_opts for_root = { 0 };
	struct config c = { 0 };
	bool ok;

	if (!opts)
		opts = &for_root;
	c.oci_version = OCI_VERSION_MAX;
	c.root.path = "rootfs";
	c.root.readonly = true;
	c.hostname = "bivalve";
	ok = set_process(&c) && set_linux(&c, opts);
	if (ok && opts->is_rootless)
		ok = set_mounts(&c, rootless_mounts, ARRAY_LEN(rootless_mounts));
	else if (ok)
		ok = set_mounts(&c, mounts, ARRAY_LEN(mounts));
	if (!ok) {
		config_fini(&c);
		return err_code(err, -ENOMEM, "make the default config");
	}
	*out = c;
	return 0;
}
