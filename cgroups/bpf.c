// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loading and attaching device programs. Ours are known by their name among those attached, so an
 * update replaces its predecessor and leaves those of a service manager alone.
 */
#include "cgroups/bpf.h"

#include <linux/bpf.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>

#include "spec/base/str.h"

/* The kernel keeps 15 characters; at most 64 programs hang on one group. */
#define PROG_NAME "bivalve_device"
enum { ATTACHED_MAX = 64 };

static int sys_bpf(enum bpf_cmd cmd, union bpf_attr *attr)
{
	long rc = syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return rc < 0 ? -errno : (int)rc;
}

static uint64_t pointer(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static int load(const struct buf *insns)
{
	static const char license[] = "GPL";
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.expected_attach_type = BPF_CGROUP_DEVICE;
	attr.insns = pointer(insns->data);
	attr.insn_cnt = (uint32_t)(insns->len / sizeof(struct bpf_insn));
	attr.license = pointer(license);
	memcpy(attr.prog_name, PROG_NAME, sizeof(PROG_NAME));
	return sys_bpf(BPF_PROG_LOAD, &attr);
}

/* Opens program @id if it is one of ours; else -ENOENT. */
static int open_ours(uint32_t id)
{
	auto_close int fd = -1;
	struct bpf_prog_info info;
	union bpf_attr attr;
	int rc;

	memset(&attr, 0, sizeof(attr));
	attr.prog_id = id;
	fd = sys_bpf(BPF_PROG_GET_FD_BY_ID, &attr);
	if (fd < 0)
		return fd;
	memset(&info, 0, sizeof(info));
	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = pointer(&info);
	rc = sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr);
	if (rc < 0)
		return rc;
	info.name[sizeof(info.name) - 1] = '\0';
	return str_eq(info.name, PROG_NAME) ? take_fd(&fd) : -ENOENT;
}

/* The descriptor of our program on the group; -ENOENT: there is none. */
static int find_ours(int dir_fd)
{
	uint32_t ids[ATTACHED_MAX];
	union bpf_attr attr;
	int rc;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (uint32_t)dir_fd;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_cnt = ATTACHED_MAX;
	attr.query.prog_ids = pointer(ids);
	rc = sys_bpf(BPF_PROG_QUERY, &attr);
	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < attr.query.prog_cnt && i < ATTACHED_MAX; i++) {
		rc = open_ours(ids[i]);
		if (rc != -ENOENT)
			return rc;
	}
	return -ENOENT;
}

int bpf_device_set(int dir_fd, const struct buf *insns, bool is_new, struct err *err)
{
	auto_close int prog_fd = -1;
	auto_close int old_fd = -1;
	union bpf_attr attr;
	int rc;

	prog_fd = load(insns);
	if (prog_fd < 0)
		return err_code(err, prog_fd, "/linux/resources/devices: load the device program");
	if (!is_new) {
		old_fd = find_ours(dir_fd);
		if (old_fd < 0 && old_fd != -ENOENT)
			return err_code(err, old_fd,
					"/linux/resources/devices: look for the device program");
	}
	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)dir_fd;
	attr.attach_bpf_fd = (uint32_t)prog_fd;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (old_fd >= 0) {
		/* Without this the new one would be added, and both would have to agree. */
		attr.attach_flags |= BPF_F_REPLACE;
		attr.replace_bpf_fd = (uint32_t)old_fd;
	}
	rc = sys_bpf(BPF_PROG_ATTACH, &attr);
	return rc < 0 ? err_code(err, rc, "/linux/resources/devices: attach the device program")
		      : 0;
}
