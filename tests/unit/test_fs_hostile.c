// SPDX-License-Identifier: GPL-2.0-or-later
/* The virtio-fs device against a guest that lies: names, ids, lengths, rings, races. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "tests/unit/fs_rig.h"

static const struct virtio_fs_options plain = { .cache = VIRTIO_FS_CACHE_AUTO };

/* Every operation that takes names, with as many zero bytes of arguments as it has. */
static const struct {
	uint32_t opcode, args;
	bool two;
} name_ops[] = {
	{ FUSE_LOOKUP, 0, false },
	{ FUSE_SYMLINK, 0, false },
	{ FUSE_MKNOD, sizeof(struct fuse_mknod_in), false },
	{ FUSE_MKDIR, sizeof(struct fuse_mkdir_in), false },
	{ FUSE_UNLINK, 0, false },
	{ FUSE_RMDIR, 0, false },
	{ FUSE_RENAME, sizeof(struct fuse_rename_in), true },
	{ FUSE_RENAME2, sizeof(struct fuse_rename2_in), true },
	{ FUSE_LINK, sizeof(struct fuse_link_in), false },
	{ FUSE_CREATE, sizeof(struct fuse_create_in), false },
};

/* Arguments of which the checks before the name have nothing to say. */
static void fill_args(uint32_t opcode, uint8_t args[64])
{
	const uint64_t root = FUSE_ROOT_ID;
	const uint32_t mode = S_IFREG | 0644;

	memset(args, 0, 64);
	if (opcode == FUSE_RENAME || opcode == FUSE_RENAME2 || opcode == FUSE_LINK)
		memcpy(args, &root, sizeof(root));
	if (opcode == FUSE_MKNOD)
		memcpy(args, &mode, sizeof(mode));
}

static int entries(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;

	while (readdir(d))
		n++;
	(void)closedir(d);
	return n;
}

static void test_bad_names(void)
{
	static char huge[300];
	static const struct {
		const char *name;
		size_t len; /* with its NUL, if it has one */
		int want;
	} bad[] = {
		{ "", 1, -EINVAL },     { ".", 2, -EINVAL },          { "..", 3, -EINVAL },
		{ "/", 2, -EINVAL },    { "a/b", 4, -EINVAL },        { "/etc", 5, -EINVAL },
		{ "../x", 5, -EINVAL }, { "a/", 3, -EINVAL },         { "no-nul", 6, -EINVAL },
		{ "", 0, -EINVAL },     { huge, 299, -ENAMETOOLONG }, { huge, 256, -ENAMETOOLONG },
	};
	uint8_t args[64];
	struct rig r;

	memset(huge, 'x', sizeof(huge) - 1);
	rig_open(&r, &plain);
	CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
	for (size_t o = 0; o < ARRAY_LEN(name_ops); o++) {
		for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
			const struct rig_part first[] = { { args, name_ops[o].args },
							  { bad[i].name, bad[i].len },
							  { "good", 5 } };
			const struct rig_part second[] = { { args, name_ops[o].args },
							   { "good", 5 },
							   { bad[i].name, bad[i].len } };
			const bool ends = bad[i].len && !bad[i].name[bad[i].len - 1];
			int rc;

			fill_args(name_ops[o].opcode, args);
			rc = rig_call(&r, name_ops[o].opcode, FUSE_ROOT_ID, first, ends ? 3 : 2);
			if (rc != bad[i].want)
				TEST_FAIL("operation %u, name %zu: %d, wanted %d",
					  name_ops[o].opcode, i, rc, bad[i].want);
			if (!name_ops[o].two)
				continue;
			rc = rig_call(&r, name_ops[o].opcode, FUSE_ROOT_ID, second, 3);
			if (rc != bad[i].want)
				TEST_FAIL("operation %u, second name %zu: %d, wanted %d",
					  name_ops[o].opcode, i, rc, bad[i].want);
		}
	}
	CHECK_EQ(entries(r.path), 2);
	rig_close(&r);
}

static void test_bad_nodes(void)
{
	static const uint64_t bad[] = { 0,
					2,
					1000000,
					UINT32_MAX,
					UINT64_MAX,
					UINT64_C(1) << 32,
					(UINT64_C(7) << 32) | FUSE_ROOT_ID };
	static const uint8_t zeros[128];
	struct rig r;

	rig_open(&r, &plain);
	CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
	for (uint32_t opcode = 0; opcode < 70; opcode++) {
		const struct rig_part parts[] = { { zeros, sizeof(zeros) } };

		if (opcode == FUSE_FORGET || opcode == FUSE_BATCH_FORGET ||
		    opcode == FUSE_INTERRUPT || opcode == FUSE_DESTROY || opcode == FUSE_INIT)
			continue;
		for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
			int rc = rig_call(&r, opcode, bad[i], parts, 1);

			if (rc != -EINVAL && rc != -EBADF && rc != -ENOSYS)
				TEST_FAIL("operation %u, node %zu: %d", opcode, i, rc);
		}
	}
	CHECK_EQ(rig_call(&r, 4096, 1, NULL, 0), -ENOSYS);
	CHECK_EQ(rig_call(&r, UINT32_MAX, 1, NULL, 0), -ENOSYS);
	rig_close(&r);
}

static void test_lying_lengths(void)
{
	static const uint32_t lies[] = { 1, 39, 40, 41, 47, 100000, UINT32_MAX };
	const struct fuse_getattr_in in = { 0 };
	struct rig_created c;
	struct fuse_write_in w = { .size = 100 };
	const struct rig_part parts[] = { RIG_ARGS(w), { "abc", 3 } };
	struct rig r;
	int rc;

	rig_open(&r, &plain);
	CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		r.lie_len = lies[i];
		CHECK_EQ(rig_op(&r, FUSE_GETATTR, FUSE_ROOT_ID, RIG_ARGS(in), NULL, NULL), -EINVAL);
	}
	c = rig_create(&r, FUSE_ROOT_ID, "a", O_RDWR, 0644, &rc);
	w.fh = c.fh;
	CHECK_EQ(rig_call(&r, FUSE_WRITE, c.node, parts, 2), -EINVAL); /* says 100, sends 3 */
	w.size = UINT32_MAX;
	CHECK_EQ(rig_call(&r, FUSE_WRITE, c.node, parts, 2), -EINVAL);
	w.size = 3;
	w.offset = UINT64_MAX;
	CHECK_EQ(rig_call(&r, FUSE_WRITE, c.node, parts, 2), -EINVAL);
	CHECK_EQ(rig_read(&r, FUSE_READ, c.node, c.fh, UINT64_MAX - 1, 10), -EINVAL);
	CHECK_EQ(rig_attr(&r, c.node, &rc).size, 0);
	rig_close(&r);
}

static void test_small_replies(void)
{
	const struct fuse_open_in in = { .flags = O_RDONLY };
	struct rig r;
	uint64_t node;
	int fds;
	int rc;

	rig_open(&r, &plain);
	CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
	(void)rig_create(&r, FUSE_ROOT_ID, "a", O_RDWR, 0644, &rc);
	node = rig_lookup(&r, FUSE_ROOT_ID, "a", &rc);
	fds = rig_open_fds();
	for (uint32_t room = 1; room < sizeof(struct fuse_out_header); room++) {
		r.out_room = room;
		CHECK_EQ(rig_op(&r, FUSE_LOOKUP, FUSE_ROOT_ID, RIG_NONE, "a", NULL), -10000);
	}
	for (uint32_t room = 16; room < 16 + 16; room += 5) {
		r.out_room = room;
		CHECK_EQ(rig_op(&r, FUSE_LOOKUP, FUSE_ROOT_ID, RIG_NONE, "a", NULL), -EIO);
		r.out_room = room;
		CHECK_EQ(rig_op(&r, FUSE_OPEN, node, RIG_ARGS(in), NULL, NULL), -EIO);
		r.out_room = room;
		(void)rig_create(&r, FUSE_ROOT_ID, "b", O_RDWR, 0644, &rc);
		CHECK_EQ(rc, -EIO);
	}
	CHECK_EQ(rig_open_fds(), fds); /* no file stayed open, no inode known */
	rig_close(&r);
}

static void test_broken_rings(void)
{
	const struct vqd_buf short_header = { RIG_IN, 39, false };
	const struct vqd_buf reply_only = { RIG_OUT, 100, true };
	struct rig r;

	rig_open(&r, &plain);
	for (unsigned int i = 0; i < 4; i++) {
		CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
		if (i == 0) {
			vqd_add(&r.d[1], &short_header, 1);
		} else if (i == 1) {
			vqd_add(&r.d[1], &reply_only, 1);
		} else if (i == 2) {
			r.d[1].avail_idx = (uint16_t)(r.d[1].avail_idx + 1000);
			vqd_publish(&r.d[1], 0);
		} else {
			vqd_desc(&r.d[1], 0, VQD_GPA, 1, VRING_DESC_F_NEXT, 0); /* a loop */
			vqd_publish(&r.d[1], 0);
		}
		rig_kick(&r, 1);
		for (int ms = 0; !atomic_load(&r.dev->broken) && ms < RIG_WAIT_MS; ms++)
			(void)poll(NULL, 0, 1);
		CHECK(atomic_load(&r.dev->broken));
		virtio_device_reset(r.dev);
		CHECK(!atomic_load(&r.dev->broken));
		rig_activate(&r);
	}
	rig_close(&r);
}

/* FIFOs, sockets, device nodes, links: never opened, and no thread waits on them. */
static void test_special_files(void)
{
	static const char *const names[] = { "fifo", "sock", "zero", "link" };
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct rig r;
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	rig_open(&r, &plain);
	CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
	CHECK_EQ(mknodat(r.root_fd, "fifo", S_IFIFO | 0666, 0), 0);
	if (mknodat(r.root_fd, "zero", S_IFCHR | 0666, makedev(1, 5)) < 0)
		CHECK_EQ(errno, EPERM); /* no right to make device nodes */
	CHECK_EQ(symlinkat("/etc/passwd", r.root_fd, "link"), 0);
	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/sock", r.path);
	CHECK_EQ(bind(sock, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		int rc;
		uint64_t node = rig_lookup(&r, FUSE_ROOT_ID, names[i], &rc);

		if (rc == -ENOENT)
			continue;
		CHECK(node > FUSE_ROOT_ID);
		(void)rig_open_node(&r, FUSE_OPEN, node, O_RDWR, &rc);
		CHECK_EQ(rc, -ENXIO);
		(void)rig_open_node(&r, FUSE_OPENDIR, node, O_RDONLY, &rc);
		CHECK_EQ(rc, -ENOTDIR);
		(void)rig_create(&r, FUSE_ROOT_ID, names[i], O_RDWR, 0644, &rc);
		CHECK_EQ(rc, -EEXIST);
		(void)rig_lookup(&r, node, "passwd", &rc); /* a name below it */
		CHECK_EQ(rc, -ENOTDIR);
		CHECK_EQ(rig_op(&r, FUSE_SYNCFS, node, RIG_NONE, NULL, NULL), -EINVAL);
	}
	(void)close(sock);
	rig_close(&r);
}

/* Links of /proc that lead to open files and to the host's root: they are links, and lead nowhere.
 */
static void test_magic_links(void)
{
	static const char *const names[] = { "cwd", "root", "exe" };
	const struct virtio_fs_options o = { .root_fd = open("/proc/self",
							     O_PATH | O_DIRECTORY | O_CLOEXEC) };
	struct rig r;

	rig_open(&r, &o);
	CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		int rc;
		uint64_t node = rig_lookup(&r, FUSE_ROOT_ID, names[i], &rc);

		CHECK(node > FUSE_ROOT_ID);
		CHECK(S_ISLNK(rig_attr(&r, node, &rc).mode));
		(void)rig_lookup(&r, node, "etc", &rc);
		CHECK_EQ(rc, -ENOTDIR);
		(void)rig_open_node(&r, FUSE_OPEN, node, O_RDONLY, &rc);
		CHECK_EQ(rc, -ENXIO);
		(void)rig_open_node(&r, FUSE_OPENDIR, node, O_RDONLY, &rc);
		CHECK_EQ(rc, -ENOTDIR);
		(void)rig_create(&r, FUSE_ROOT_ID, names[i], O_RDONLY, 0644, &rc);
		CHECK(rc < 0);
	}
	rig_close(&r);
}

static void test_forget(void)
{
	const struct fuse_forget_one many[] = { { 2, 1 }, { UINT64_MAX, UINT64_MAX }, { 1, 9 } };
	const struct fuse_batch_forget_in batch = { .count = UINT32_MAX };
	struct rig_part parts[] = { RIG_ARGS(batch), { many, sizeof(many) } };
	struct rig r;
	uint64_t node;
	int fds;
	int rc;

	rig_open(&r, &plain);
	CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
	CHECK_EQ(mknodat(r.root_fd, "a", S_IFREG | 0644, 0), 0);
	fds = rig_open_fds();
	node = rig_lookup(&r, FUSE_ROOT_ID, "a", &rc);
	CHECK_EQ(rig_open_fds(), fds + 1);
	CHECK_EQ(rig_lookup(&r, FUSE_ROOT_ID, "a", &rc), node);
	CHECK_EQ(rig_forget(&r, node, 1), 0);
	CHECK_EQ(rig_attr(&r, node, &rc).mode, S_IFREG | 0644);
	CHECK_EQ(rig_forget(&r, node, UINT64_MAX), 0); /* more than there were */
	(void)rig_attr(&r, node, &rc);
	CHECK_EQ(rc, -EINVAL);
	CHECK_EQ(rig_open_fds(), fds);
	CHECK_EQ(rig_forget(&r, node, 1), 0);
	CHECK(rig_lookup(&r, FUSE_ROOT_ID, "a", &rc) != node); /* the slot's next generation */
	CHECK_EQ(rig_forget(&r, FUSE_ROOT_ID, UINT64_MAX), 0);
	CHECK_EQ(rig_attr(&r, FUSE_ROOT_ID, &rc).ino > 0, true);
	CHECK_EQ(rig_call(&r, FUSE_BATCH_FORGET, 0, parts, 2), -10000); /* never a reply */
	rig_close(&r);
}

/* Many inodes, few descriptors: the rest is kept by handle, and a number used again is not mixed
 * up. */
static void test_few_descriptors(void)
{
	enum { FILES = 300, LOOPS = 20, FDS = 16 };
	static uint64_t nodes[FILES];
	const struct virtio_fs_options o = { .max_fds = FDS };
	struct rig_created c;
	char name[16];
	struct rig r;
	int fds;
	int rc;

	rig_open(&r, &o);
	CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
	for (int i = 0; i < FILES; i++) {
		(void)snprintf(name, sizeof(name), "f%d", i);
		CHECK_EQ(mknodat(r.root_fd, name, S_IFREG | 0644, 0), 0);
	}
	fds = rig_open_fds();
	for (int loop = 0; loop < LOOPS; loop++) {
		for (int i = 0; i < FILES; i++) {
			uint64_t node;

			(void)snprintf(name, sizeof(name), "f%d", i);
			node = rig_lookup(&r, FUSE_ROOT_ID, name, &rc);
			if (rc == -ENFILE && i == FDS) {
				rig_close(&r);
				TEST_SKIP("no right to open handles here");
			}
			if (loop == 0)
				nodes[i] = node;
			CHECK(node && node == nodes[i]);
		}
		CHECK(rig_open_fds() <= fds + FDS + 1); /* and the mount's */
	}
	CHECK_EQ(rig_attr(&r, nodes[0], &rc).nlink, 1);
	c.node = nodes[1];
	c.fh = rig_open_node(&r, FUSE_OPEN, c.node, O_RDWR, &rc);
	CHECK_EQ(rig_write(&r, c.node, c.fh, 0, "x", 1), 1);
	CHECK_EQ(rig_op(&r, FUSE_UNLINK, FUSE_ROOT_ID, RIG_NONE, "f2", NULL), 0);
	(void)rig_attr(&r, nodes[2], &rc);
	CHECK_EQ(rc, -ESTALE);
	for (int i = 0; i < FDS; i++) { /* one of these gets f2's inode number */
		(void)snprintf(name, sizeof(name), "g%d", i);
		c = rig_create(&r, FUSE_ROOT_ID, name, O_RDWR, 0644, &rc);
		CHECK(c.node && c.node != nodes[2]);
		CHECK_EQ(rig_release(&r, FUSE_RELEASE, c.node, c.fh), 0);
	}
	(void)rig_attr(&r, nodes[2], &rc);
	CHECK_EQ(rc, -ESTALE);
	rig_close(&r);
}

static void test_file_bound(void)
{
	const struct virtio_fs_options o = { .max_files = 10, .max_inodes = 5 };
	struct rig_created c;
	char name[16];
	struct rig r;
	int rc;

	rig_open(&r, &o);
	CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
	c = rig_create(&r, FUSE_ROOT_ID, "a", O_RDWR, 0644, &rc);
	for (int i = 1; i < 10; i++) {
		(void)rig_open_node(&r, FUSE_OPEN, c.node, O_RDONLY, &rc);
		CHECK_EQ(rc, sizeof(struct fuse_open_out));
	}
	(void)rig_open_node(&r, FUSE_OPEN, c.node, O_RDONLY, &rc);
	CHECK_EQ(rc, -EMFILE);
	CHECK_EQ(rig_release(&r, FUSE_RELEASE, c.node, c.fh), 0);
	(void)rig_open_node(&r, FUSE_OPEN, c.node, O_RDONLY, &rc);
	CHECK_EQ(rc, sizeof(struct fuse_open_out));
	for (int i = 0; i < 6; i++) {
		(void)snprintf(name, sizeof(name), "n%d", i);
		CHECK_EQ(mknodat(r.root_fd, name, S_IFREG | 0644, 0), 0);
		(void)rig_lookup(&r, FUSE_ROOT_ID, name, &rc);
		CHECK_EQ(rc, i < 3 ? (int)sizeof(struct fuse_entry_out) : -ENFILE);
	}
	rig_close(&r);
}

struct racer {
	int root_fd;
	atomic_bool stop;
};

/* On the host: "d" is now a folder, now a link out of the tree; "f" a file, a FIFO, a link. */
static void *race_names(void *arg)
{
	struct racer *racer = arg;

	while (!atomic_load(&racer->stop)) {
		(void)renameat2(racer->root_fd, "d", racer->root_fd, "d-link", RENAME_EXCHANGE);
		(void)renameat2(racer->root_fd, "f", racer->root_fd, "f-fifo", RENAME_EXCHANGE);
		(void)renameat2(racer->root_fd, "f", racer->root_fd, "f-link", RENAME_EXCHANGE);
	}
	return NULL;
}

static void test_races(void)
{
	enum { LOOPS = 1500 };
	struct racer racer = { 0 };
	pthread_t thread;
	struct rig r;
	int outside = 0;

	rig_open(&r, &plain);
	CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
	CHECK_EQ(mkdirat(r.root_fd, "d", 0755), 0);
	CHECK_EQ(symlinkat("/etc", r.root_fd, "d-link"), 0);
	CHECK_EQ(mknodat(r.root_fd, "f", S_IFREG | 0644, 0), 0);
	CHECK_EQ(mknodat(r.root_fd, "f-fifo", S_IFIFO | 0644, 0), 0);
	CHECK_EQ(symlinkat("/etc/passwd", r.root_fd, "f-link"), 0);
	racer.root_fd = r.root_fd;
	CHECK_EQ(pthread_create(&thread, NULL, race_names, &racer), 0);
	for (int i = 0; i < LOOPS; i++) {
		struct rig_created c;
		uint64_t d;
		int rc;

		d = rig_lookup(&r, FUSE_ROOT_ID, "d", &rc);
		if (d && rig_lookup(&r, d, "passwd", &rc))
			outside++;
		c = rig_create(&r, FUSE_ROOT_ID, "f", O_RDWR, 0644, &rc);
		if (c.node && rig_read(&r, FUSE_READ, c.node, c.fh, 0, 10) > 0)
			outside++;
		if (rc < -1000)
			outside++; /* no reply: a thread hangs on the FIFO */
		if (c.node)
			CHECK_EQ(rig_release(&r, FUSE_RELEASE, c.node, c.fh), 0);
	}
	atomic_store(&racer.stop, true);
	(void)pthread_join(thread, NULL);
	CHECK_EQ(outside, 0);
	rig_close(&r);
}

struct flipper {
	uint8_t *ram;
	atomic_bool stop;
};

/* Rewrites the request's header and arguments while the server reads them. */
static void *flip_request(void *arg)
{
	struct flipper *f = arg;
	volatile uint32_t *p = (volatile uint32_t *)(void *)f->ram;

	for (unsigned int i = 0; !atomic_load_explicit(&f->stop, memory_order_relaxed); i++) {
		p[i % 32] = i % 3 ? UINT32_MAX : i % 70;
		p[i % 32] = i % 5 ? sizeof(struct fuse_in_header) + i % 64 : 0;
	}
	return NULL;
}

/* The server's view of a request is one copy: it answers, whatever the guest writes meanwhile. */
static void test_double_fetch(void)
{
	struct flipper f = { 0 };
	pthread_t thread;
	struct rig r;

	rig_open(&r, &plain);
	CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
	CHECK_EQ(close(openat(r.root_fd, "file", O_CREAT | O_RDWR | O_CLOEXEC, 0644)), 0);
	f.ram = r.ram + RIG_IN;
	CHECK_EQ(pthread_create(&thread, NULL, flip_request, &f), 0);
	for (int i = 0; i < 3000 && !test_failed; i++) {
		const struct rig_part name = { "file", 5 };

		rig_send(&r, i % 2 ? FUSE_LOOKUP : FUSE_GETATTR, FUSE_ROOT_ID, &name, 1);
		if (rig_wait(&r, r.queue, RIG_WAIT_MS) < 0)
			TEST_FAIL("request %d was not given back", i);
	}
	atomic_store(&f.stop, true);
	(void)pthread_join(thread, NULL);
	CHECK(!atomic_load(&r.dev->broken));
	CHECK_EQ(rig_init(&r),
		 sizeof(struct fuse_init_out)); /* one of them may have been DESTROY */
	CHECK(rig_op(&r, FUSE_LOOKUP, FUSE_ROOT_ID, RIG_NONE, "file", NULL) > 0);
	rig_close(&r);
}

/* One user of a queue of its own; two of them share inodes and files tables. */
static void *use_queue(void *arg)
{
	struct rig *r = arg;

	for (int i = 0; i < 300; i++) {
		struct rig_created c;
		char name[16];
		int rc;

		(void)snprintf(name, sizeof(name), "n%d", i % 7);
		c = rig_create(r, FUSE_ROOT_ID, name, O_RDWR, 0644, &rc);
		if (c.node) {
			(void)rig_write(r, c.node, c.fh, 0, "data", 4);
			(void)rig_read(r, FUSE_READ, c.node, c.fh, 0, 4);
			(void)rig_attr(r, c.node, &rc);
			(void)rig_release(r, FUSE_RELEASE, c.node, c.fh);
		}
		(void)rig_op(r, FUSE_UNLINK, FUSE_ROOT_ID, RIG_NONE, name, NULL);
		if (i % 3 == 0)
			rc = rig_attr(r, c.node + 1, &rc).mode ? 0 : rc;
		if (rc < -1000)
			return arg;
	}
	return NULL;
}

static void test_two_queues(void)
{
	const struct virtio_fs_options o = { .max_fds = 4, .n_workers = 3 };
	struct rig second;
	struct rig r;
	pthread_t thread;
	void *bad;

	rig_open(&r, &o);
	CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
	second = rig_second(&r, 2);
	CHECK_EQ(pthread_create(&thread, NULL, use_queue, &second), 0);
	CHECK(use_queue(&r) == NULL);
	(void)pthread_join(thread, &bad);
	CHECK(bad == NULL);
	rig_close(&r);
}

/* A reset while requests are under way: no thread touches the queue afterwards. */
static void test_reset_in_flight(void)
{
	const struct fuse_getattr_in in = { 0 };
	const struct rig_part part = RIG_ARGS(in);
	struct rig r;

	rig_open(&r, &plain);
	for (int i = 0; i < 50; i++) {
		uint32_t len;

		CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
		len = rig_put(&r, FUSE_GETATTR, FUSE_ROOT_ID, &part, 1);
		for (int k = 0; k < 5; k++) {
			const struct vqd_buf bufs[] = {
				{ RIG_IN, len, false }, { RIG_OUT + (uint32_t)k * 256, 256, true }
			};

			vqd_add(&r.d[1], bufs, 2);
			rig_kick(&r, 1);
		}
		virtio_device_reset(r.dev);
		memset(r.ram, 0, VQD_DATA);
		rig_activate(&r);
		CHECK_EQ(r.d[1].used->idx, 0);
	}
	rig_close(&r);
}

/* Adds a FORGET of @id in slot @i and kicks only when the device asked for it. */
static void burst_forget(struct rig *r, int i, uint64_t id)
{
	const uint32_t off = VQD_DATA + 0x60000 + (uint32_t)i * 64;
	const struct fuse_in_header head = { .len = 48, .opcode = FUSE_FORGET, .nodeid = id };
	const struct fuse_forget_in in = { .nlookup = 1 };
	const struct vqd_buf buf = { off, sizeof(head) + sizeof(in), false };
	struct vqd *d = &r->d[0];
	uint16_t event;

	memcpy(r->ram + off, &head, sizeof(head));
	memcpy(r->ram + off + sizeof(head), &in, sizeof(in));
	vqd_add(d, &buf, 1);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	event = __atomic_load_n((uint16_t *)(void *)&d->used->ring[RIG_SIZE], __ATOMIC_RELAXED);
	if ((uint16_t)(d->avail_idx - 1) == event)
		rig_kick(r, 0);
}

/* EVENT_IDX: no notification is lost on either side, with bursts on two queues. */
static void test_event_idx(void)
{
	enum { BURST = 60, LOOPS = 100 };
	char name[16];
	struct rig r;
	int fds;
	int rc;

	rig_open(&r, &plain);
	virtio_device_reset(r.dev);
	r.dev->features = VIRTIO_COMMON_FEATURES;
	rig_activate(&r);
	CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
	fds = rig_open_fds();
	for (int loop = 0; loop < LOOPS; loop++) {
		uint64_t ids[BURST];

		for (int i = 0; i < BURST; i++) {
			(void)snprintf(name, sizeof(name), "f%d", i);
			if (loop == 0)
				CHECK_EQ(mknodat(r.root_fd, name, S_IFREG | 0644, 0), 0);
			/* used_event */
			__atomic_store_n(&r.d[1].avail->ring[RIG_SIZE], r.d[1].used_idx,
					 __ATOMIC_RELAXED);
			ids[i] = rig_lookup(&r, FUSE_ROOT_ID, name, &rc);
			CHECK(ids[i] != 0);
		}
		for (int i = 0; i < BURST; i++)
			burst_forget(&r, i, ids[i]);
		for (int i = 0; i < BURST; i++) {
			__atomic_store_n(&r.d[0].avail->ring[RIG_SIZE], r.d[0].used_idx,
					 __ATOMIC_SEQ_CST);
			__atomic_thread_fence(__ATOMIC_SEQ_CST);
			CHECK_EQ(rig_wait(&r, 0, RIG_WAIT_MS), 0);
		}
	}
	CHECK_EQ(rig_open_fds(), fds);
	rig_close(&r);
}

TEST_MAIN(TEST(test_bad_names), TEST(test_bad_nodes), TEST(test_lying_lengths),
	  TEST(test_small_replies), TEST(test_broken_rings), TEST(test_special_files),
	  TEST(test_magic_links), TEST(test_forget), TEST(test_few_descriptors),
	  TEST(test_file_bound), TEST(test_races), TEST(test_double_fetch), TEST(test_two_queues),
	  TEST(test_reset_in_flight), TEST(test_event_idx))
