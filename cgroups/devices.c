// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Device rules on a group: the files of the v1 controller where it is mounted, else an eBPF program
 * on the cgroup2 group. A host that has neither cannot keep a container from the host's disks, so
 * that is an error also when the config has no rule.
 */
#include <fcntl.h>
#include <string.h>

#include "cgroups/bpf.h"
#include "cgroups/cgroup_internal.h"
#include "cgroups/device_rules.h"
#include "spec/base/fd.h"

enum { DEVICES_LIST_MAX = 64 << 10 };

/* Opened when first written to, as one of both is seldom needed. */
struct v1_files {
	const struct cgroup *cg;
	const struct cg_hier *hier;
	int fds[2]; /* owned: devices.deny, devices.allow */
};

static void v1_files_fini(struct v1_files *f)
{
	cleanup_close(&f->fds[0]);
	cleanup_close(&f->fds[1]);
}

static int v1_write(struct v1_files *f, bool allow, const char *line, struct err *err)
{
	const char *name = allow ? "devices.allow" : "devices.deny";
	int *fd = &f->fds[allow];

	if (*fd < 0)
		*fd = cg_file_open(f->cg, f->hier, name, O_WRONLY);
	if (*fd < 0)
		return err_code(err, *fd, "/linux/resources/devices: open '%s'", name);
	if (write(*fd, line, strlen(line)) < 0)
		return err_sys(err, "/linux/resources/devices: write '%s' to '%s'", line, name);
	return 0;
}

/* From nothing: the default, which drops what is there, then each exception. */
static int v1_reset(struct v1_files *f, const struct cg_dev_v1 *to, struct err *err)
{
	int rc = v1_write(f, to->allow_default, "a", err);

	for (size_t i = 0; rc == 0 && i < to->except.n; i++) {
		char line[64];

		cg_dev_v1_line(&to->except.items[i], to->except.items[i].rights, line);
		rc = v1_write(f, !to->allow_default, line, err);
	}
	return rc;
}

static unsigned int rights_in(const struct cg_dev_rules *list, const struct cg_dev_rule *key)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct cg_dev_rule *r = &list->items[i];

		if (r->type == key->type && r->major == key->major && r->minor == key->minor)
			return r->rights;
	}
	return 0;
}

/* What @from has and @to lacks, as lines to devices.allow or devices.deny. */
static int v1_difference(struct v1_files *f, bool allow, const struct cg_dev_rules *from,
			 const struct cg_dev_rules *to, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < from->n; i++) {
		const struct cg_dev_rule *r = &from->items[i];
		unsigned int rights = r->rights & ~rights_in(to, r);
		char line[64];

		if (!rights)
			continue;
		cg_dev_v1_line(r, rights, line);
		rc = v1_write(f, allow, line, err);
	}
	return rc;
}

/* A running program must not lose /dev/null for a moment: first add, then take away. */
static int v1_change(struct v1_files *f, const struct cg_dev_v1 *to, struct err *err)
{
	auto_buf struct buf text = BUF_INIT;
	auto_cleanup(cg_dev_v1_fini) struct cg_dev_v1 now = { 0 };
	auto_close int fd = cg_file_open(f->cg, f->hier, "devices.list", O_RDONLY);
	int rc = fd < 0 ? fd : fd_read_all(fd, DEVICES_LIST_MAX, &text);

	if (rc == 0 && text.data)
		rc = cg_dev_v1_parse(text.data, &now);
	if (rc < 0)
		return err_code(err, rc, "/linux/resources/devices: read 'devices.list'");
	/* With "allow" as default the file hides the exceptions. */
	if (now.allow_default || to->allow_default)
		return v1_reset(f, to, err);
	rc = v1_difference(f, true, &to->except, &now.except, err);
	return rc < 0 ? rc : v1_difference(f, false, &now.except, &to->except, err);
}

static int apply_v1(struct cgroup *cg, const struct cg_hier *hier, const struct cg_dev_rules *rules,
		    bool is_new, struct err *err)
{
	auto_cleanup(v1_files_fini) struct v1_files f = { cg, hier, { -1, -1 } };
	auto_cleanup(cg_dev_v1_fini) struct cg_dev_v1 to = { 0 };
	int rc = cg_dev_v1_build(rules, &to, err);

	if (rc < 0)
		return rc;
	return is_new ? v1_reset(&f, &to, err) : v1_change(&f, &to, err);
}

static int apply_v2(struct cgroup *cg, const struct cg_hier *hier, const struct cg_dev_rules *rules,
		    bool is_new, struct err *err)
{
	auto_buf struct buf insns = BUF_INIT;
	auto_close int dir_fd = -1;
	int rc;

	/* A new group without a program is one that allows everything. */
	if (is_new && cg_dev_rules_allow_all(rules))
		return 0;
	rc = cg_dev_bpf_build(rules, &insns);
	if (rc < 0)
		return err_code(err, rc, "/linux/resources/devices: build the device program");
	dir_fd = cg_file_open(cg, hier, ".", O_RDONLY | O_DIRECTORY);
	if (dir_fd < 0)
		return err_code(err, dir_fd, "open cgroup '%s'", cg->path);
	return bpf_device_set(dir_fd, &insns, is_new, err);
}

int cg_devices_apply(struct cgroup *cg, const struct config_resources *res, bool is_new,
		     struct err *err)
{
	auto_cleanup(cg_dev_rules_fini) struct cg_dev_rules rules = { 0 };
	const struct cg_hier *v1 = cg_host_v1(&cg->host, CTL_DEVICES);
	const struct cg_hier *v2 = cg_host_v2(&cg->host);
	int rc = cg_dev_rules_build(res, &rules, err);

	if (rc < 0)
		return rc;
	if (v1 && !v1->is_denied)
		return apply_v1(cg, v1, &rules, is_new, err);
	if (v2 && !v2->is_denied)
		return apply_v2(cg, v2, &rules, is_new, err);
	return err_set(err, -ENOTSUP,
		       "/linux/resources/devices: this host can restrict devices neither by cgroup "
		       "v1 nor by v2");
}
