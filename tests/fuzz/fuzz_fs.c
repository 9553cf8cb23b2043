// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libFuzzer target: a list of FUSE requests to the file server, each
 *   opcode, node, handle, reply room (64 bytes each), argument bytes (1 byte each), arguments
 * where node and handle choose among those that replies gave (255: as the arguments have them). The
 * tree is a small tmpfs in a mount namespace of its own; a file beside it must never change.
 */
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "vmmode/virtio/fs/server.h"

enum { KNOWN = 16, ARGS_MAX = 255, ROOM_UNIT = 64, FILES = 64, FDS = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct guest {
	struct fs_server s;
	uint64_t nodes[KNOWN], fhs[KNOWN];
	unsigned int n_nodes, n_fhs;
	uint8_t in[sizeof(struct fuse_in_header) + ARGS_MAX];
	uint8_t out[ROOM_UNIT * 256];
};

static struct {
	char dir[32];
	struct fs_thread t;
	int proc_fd;
	int cwd_fd; /* libFuzzer's, whose paths are relative */
	struct stat canary;
} world;

static void require(int ok)
{
	if (!ok)
		abort();
}

static void clean_up(void)
{
	if (umount2(world.dir, MNT_DETACH) == 0)
		(void)rmdir(world.dir);
}

static void set_up(void)
{
	strcpy(world.dir, "/tmp/bivalve-fuzz.XXXXXX");
	require(mkdtemp(world.dir) != NULL);
	require(unshare(CLONE_NEWNS) == 0);
	require(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	require(mount("fuzz", world.dir, "tmpfs", 0, "size=1m") == 0);
	require(atexit(clean_up) == 0);
	world.cwd_fd = open(".", O_PATH | O_CLOEXEC);
	world.proc_fd = open("/proc/self/fd", O_PATH | O_CLOEXEC);
	require(chdir(world.dir) == 0);
	require(mkdir("tree", 0755) == 0);
	require(mknod("canary", S_IFREG | 0644, 0) == 0);
	require(stat("canary", &world.canary) == 0);
	require(fs_thread_init(&world.t, world.proc_fd) == 0);
}

static void remember(uint64_t *list, unsigned int *n, uint64_t value)
{
	list[(*n)++ % KNOWN] = value;
}

/* Learns node ids and handles from a reply, as the guest's kernel does. */
static void learn(struct guest *g, uint32_t opcode, uint32_t written)
{
	const uint8_t *body = g->out + sizeof(struct fuse_out_header);
	struct fuse_out_header head;
	struct fuse_entry_out entry;
	uint64_t fh;

	memcpy(&head, g->out, sizeof(head));
	require(written == 0 || head.len == written);
	if (written <= sizeof(head) || head.error)
		return;
	if (opcode == FUSE_LOOKUP || opcode == FUSE_MKDIR || opcode == FUSE_MKNOD ||
	    opcode == FUSE_SYMLINK || opcode == FUSE_LINK || opcode == FUSE_CREATE ||
	    opcode == FUSE_TMPFILE) {
		memcpy(&entry, body, sizeof(entry));
		remember(g->nodes, &g->n_nodes, entry.nodeid);
		body += sizeof(entry);
	}
	if (opcode == FUSE_OPEN || opcode == FUSE_OPENDIR || opcode == FUSE_CREATE ||
	    opcode == FUSE_TMPFILE) {
		memcpy(&fh, body, sizeof(fh));
		remember(g->fhs, &g->n_fhs, fh);
	}
}

/* One request: five bytes of head and its arguments. Returns the bytes used. */
static size_t request(struct guest *g, const uint8_t *p, size_t left)
{
	const size_t args = p[4] < left - 5 ? p[4] : left - 5;
	const uint8_t opcode = p[0];
	struct fuse_in_header head = { .len = (uint32_t)(sizeof(head) + args),
				       .opcode = opcode,
				       .nodeid = g->nodes[p[1] % KNOWN],
				       .uid = p[1] & 0x80 ? 1000 : 0 };
	struct virtq_chain c = { .n_read = 2, .n_write = 1 };
	const bool by_node = opcode == FUSE_LINK || opcode == FUSE_RENAME || opcode == FUSE_RENAME2;
	uint32_t written;

	memcpy(g->in + sizeof(head), p + 5, args);
	if (p[2] != 255 && args >= 8)
		memcpy(g->in + sizeof(head),
		       by_node ? &g->nodes[p[2] % KNOWN] : &g->fhs[p[2] % KNOWN], 8);
	if (p[1] == 255 && args >= sizeof(head))
		memcpy(&head, g->in + sizeof(head), sizeof(head));
	memcpy(g->in, &head, sizeof(head));
	c.iov[0] = (struct iovec){ g->in, sizeof(head) };
	c.iov[1] = (struct iovec){ g->in + sizeof(head), args };
	c.iov[2] = (struct iovec){ g->out, (size_t)p[3] * ROOM_UNIT };
	c.read_bytes = (uint32_t)(sizeof(head) + args);
	c.write_bytes = p[3] * ROOM_UNIT;
	if (fs_serve(&g->s, &world.t, &c, &written) == FS_DONE) {
		require(written <= c.write_bytes);
		learn(g, opcode, written);
	}
	return 5 + args;
}

static void send_init(struct guest *g)
{
	const struct fuse_init_in in = { .major = 7, .minor = 38, .flags = INT32_MAX, .flags2 = 4 };
	uint8_t bytes[5 + sizeof(in)] = { FUSE_INIT, 0, 255, 4, sizeof(in) };

	memcpy(bytes + 5, &in, sizeof(in));
	(void)request(g, bytes, sizeof(bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct guest g;
	struct virtio_fs_options o = { .proc_fd = -1,
				       .max_fds = FDS,
				       .max_files = FILES,
				       .max_inodes = FILES,
				       .flags = VIRTIO_FS_LOCKS };
	char path[64];
	struct stat now;

	if (!world.dir[0])
		set_up();
	require(fchdir(world.proc_fd) == 0);
	(void)snprintf(path, sizeof(path), "%s/tree", world.dir);
	require(mount("tree", path, "tmpfs", 0, "size=1m,nr_inodes=200") == 0);
	memset(&g, 0, sizeof(g));
	o.root_fd = open(path, O_PATH | O_CLOEXEC);
	o.proc_fd = world.proc_fd;
	require(fs_server_init(&g.s, &o, FDS) == 0);
	(void)close(o.root_fd);
	for (unsigned int i = 0; i < KNOWN; i++)
		g.nodes[i] = FUSE_ROOT_ID;
	send_init(&g);
	while (size >= 5) {
		size_t used = request(&g, data, size);

		data += used;
		size -= used;
	}
	fs_server_clear(&g.s);
	require(g.s.inodes.n_fds == 0 && g.s.files.n_live == 0 && g.s.n_lock_owners == 0);
	fs_server_fini(&g.s);
	require(umount2(path, MNT_DETACH) == 0);
	require(fchdir(world.cwd_fd) == 0);
	(void)snprintf(path, sizeof(path), "%s/canary", world.dir);
	require(stat(path, &now) == 0 && now.st_mode == world.canary.st_mode && now.st_size == 0 &&
		now.st_nlink == 1 && now.st_mtim.tv_nsec == world.canary.st_mtim.tv_nsec);
	return 0;
}
