/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-fs: one folder tree of the host as a file system of the guest. The FUSE server is part of
 * this process: READ and WRITE go straight between the file and guest memory.
 *
 * What the guest may reach is what lies below root_fd, mounts included, and nothing else: it names
 * one path component at a time, a component with '/', "." or ".." is refused, symbolic links are
 * never followed (the guest does that itself), and FIFOs, sockets and device nodes are never
 * opened.
 *
 * Threads: activate() starts one for the high-priority queue and a few for each request queue;
 * reset() ends them. They call unshare(CLONE_FS) for an umask and a folder of their own, setfsuid,
 * setfsgid, setgroups and capset for themselves alone (raw system calls).
 * Source: virtio 1.2, 5.11 "File System Device"; uapi linux/fuse.h.
 */
#ifndef BIVALVE_VMMODE_VIRTIO_FS_H
#define BIVALVE_VMMODE_VIRTIO_FS_H

#include <stdint.h>

#include "spec/base/err.h"
#include "vmmode/virtio/device.h"
#include "vmmode/virtio/loop.h"

enum {
	VIRTIO_FS_TAG_MAX = 36, /* bytes, without a NUL; virtio 1.2, 5.11.4 */
	VIRTIO_FS_QUEUES_MAX = 16,
};

/* How long the guest may keep what it knows. */
enum virtio_fs_cache {
	VIRTIO_FS_CACHE_AUTO,   /* one second; data is dropped when size or time changed */
	VIRTIO_FS_CACHE_ALWAYS, /* a day: nobody else changes the tree */
	VIRTIO_FS_CACHE_NONE,   /* nothing; reads and writes bypass the guest's page cache */
};

enum {
	VIRTIO_FS_READ_ONLY = 1 << 0,
	VIRTIO_FS_WRITEBACK = 1 << 1,     /* the guest collects writes; not with CACHE_NONE */
	VIRTIO_FS_DIRECT_IO = 1 << 2,     /* O_DIRECT of the guest is O_DIRECT here */
	VIRTIO_FS_LOCKS = 1 << 3,         /* POSIX locks and flock are shared with the host */
	VIRTIO_FS_NO_DEVICES = 1 << 4,    /* the guest cannot make device nodes */
	VIRTIO_FS_TRUSTED_XATTR = 1 << 5, /* the guest may use trusted.* attributes */
};

struct virtio_fs_options {
	const char *tag;     /* copied; 1 .. VIRTIO_FS_TAG_MAX bytes */
	int root_fd;         /* the folder, O_PATH or not; borrowed for the life of the device */
	int proc_fd;         /* /proc/self/fd of this process, O_PATH; borrowed likewise */
	uint16_t n_queues;   /* request queues, 0: 1 */
	uint16_t n_workers;  /* threads of a request queue, 0: 2 */
	uint32_t max_fds;    /* O_PATH descriptors kept for inodes, 0: 4096 */
	uint32_t max_files;  /* files and folders that the guest has open, 0: 8192 */
	uint32_t max_inodes; /* inodes that the guest knows, 0: 1048576 (80 bytes each) */
	enum virtio_fs_cache cache;
	unsigned int flags; /* VIRTIO_FS_* */
};

/*
 * virtio_fs_new - a file system device; the transport frees it with ops->destroy().
 * @loop: not used, the device has its own threads
 *
 * Inodes beyond max_fds are kept by file handle, which needs CAP_DAC_READ_SEARCH and a file system
 * that can export them. Where there are no handles (overlayfs) descriptors stay open, up to half of
 * RLIMIT_NOFILE: raise its soft limit first. Beyond that the guest gets ENFILE. Files that the
 * guest creates belong to the guest's ids with CAP_SETUID and CAP_SETGID, else to this process.
 * Returns 0; -EINVAL a bad tag, flag or number; -ENOTDIR root_fd is no folder; -ENOMEM; -errno.
 */
MUST_CHECK int virtio_fs_new(const struct virtio_fs_options *opts, struct loop *loop,
			     struct virtio_device **out, struct err *err);

#endif
