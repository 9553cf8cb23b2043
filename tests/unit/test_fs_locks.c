// SPDX-License-Identifier: GPL-2.0-or-later
/* Locks that the guest shares with the host: POSIX by owner, flock by open file, waiting ones. */
#include <sys/file.h>

#include "tests/unit/filtered.h"
#include "tests/unit/fs_rig.h"

enum { WAITING_ROUNDS = 300, WAITING_OTHERS = 4 };

static const struct virtio_fs_options locks = { .flags = VIRTIO_FS_LOCKS };

struct lock {
	uint64_t owner;
	uint32_t type;
	uint64_t start, end;
	uint32_t flags;
};

static struct fuse_lk_in lk(uint64_t fh, const struct lock *l)
{
	return (struct fuse_lk_in){ .fh = fh,
				    .owner = l->owner,
				    .lk = { .start = l->start, .end = l->end, .type = l->type },
				    .lk_flags = l->flags };
}

static int lock_op(struct rig *r, uint32_t opcode, struct rig_created c, struct lock l)
{
	const struct fuse_lk_in in = lk(c.fh, &l);

	return rig_op(r, opcode, c.node, RIG_ARGS(in), NULL, NULL);
}

static void test_posix(void)
{
	static const struct lock bad[] = {
		{ 1, 77, 0, 9, 0 },
		{ 1, F_WRLCK, 10, 9, 0 },
		{ 1, F_WRLCK, UINT64_MAX, UINT64_MAX, 0 },
	};
	struct flock host = { .l_type = F_WRLCK, .l_start = 50, .l_len = 1 };
	struct fuse_flush_in flush = { .lock_owner = 1 };
	struct fuse_lk_out out;
	struct rig_created c;
	struct rig r;
	int host_fd;
	int rc;

	rig_open(&r, &locks);
	CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
	c = rig_create(&r, FUSE_ROOT_ID, "a", O_RDWR, 0644, &rc);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK_EQ(lock_op(&r, FUSE_SETLK, c, bad[i]), -EINVAL);
	CHECK_EQ(lock_op(&r, FUSE_SETLK, c, (struct lock){ 1, F_WRLCK, 0, 9, 0 }), 0);
	CHECK_EQ(lock_op(&r, FUSE_SETLK, c, (struct lock){ 1, F_WRLCK, 5, 20, 0 }), 0);
	CHECK_EQ(lock_op(&r, FUSE_SETLK, c, (struct lock){ 2, F_RDLCK, 9, 9, 0 }), -EAGAIN);
	CHECK_EQ(lock_op(&r, FUSE_SETLK, c, (struct lock){ 2, F_RDLCK, 21, INT64_MAX, 0 }), 0);
	CHECK_EQ(lock_op(&r, FUSE_GETLK, c, (struct lock){ 1, F_WRLCK, 0, INT64_MAX, 0 }),
		 sizeof(out));
	memcpy(&out, rig_body(&r), sizeof(out));
	CHECK_EQ(out.lk.type, F_RDLCK);
	CHECK_EQ(out.lk.start, 21);
	CHECK_EQ(out.lk.end, INT64_MAX);
	CHECK_EQ(lock_op(&r, FUSE_GETLK, c, (struct lock){ 1, F_WRLCK, 0, 9, 0 }), sizeof(out));
	memcpy(&out, rig_body(&r), sizeof(out));
	CHECK_EQ(out.lk.type, F_UNLCK);
	/* The host sees them. */
	host_fd = openat(r.root_fd, "a", O_RDWR | O_CLOEXEC);
	CHECK_EQ(fcntl(host_fd, F_OFD_SETLK, &host), -1);
	host.l_start = 0;
	CHECK_EQ(fcntl(host_fd, F_OFD_SETLK, &host), -1);
	flush.fh = c.fh;
	CHECK_EQ(rig_op(&r, FUSE_FLUSH, c.node, RIG_ARGS(flush), NULL, NULL), 0);
	CHECK_EQ(fcntl(host_fd, F_OFD_SETLK, &host), 0); /* owner 1 closed the file */
	(void)close(host_fd);
	rig_close(&r);
}

/* SETLKW as no driver sends it, in too many pieces to be kept until the lock is free. */
static int send_in_pieces(struct rig *r, uint64_t node, const struct rig_part *args)
{
	const uint32_t len = rig_put(r, FUSE_SETLKW, node, args, 1);
	const uint32_t in = r->base + RIG_IN;
	const uint32_t out = r->base + RIG_OUT;
	const struct vqd_buf bufs[] = { { in, 40, false },
					{ in + 40, 8, false },
					{ in + 48, len - 48, false },
					{ out, 8, true },
					{ out + 8, 8, true } };

	r->lie_len = 0;
	vqd_add(&r->d[r->queue], bufs, ARRAY_LEN(bufs));
	rig_kick(r, r->queue);
	return rig_receive(r);
}

/* A lock that is waited for comes when it is free, and other requests are served meanwhile. */
static void test_waiting(void)
{
	const struct lock want = { 2, F_WRLCK, 0, 9, 0 };
	struct rig_created c;
	struct fuse_lk_in in;
	struct rig_part part;
	struct rig second;
	struct rig r;
	int rc;

	rig_open(&r, &locks);
	CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
	c = rig_create(&r, FUSE_ROOT_ID, "a", O_RDWR, 0644, &rc);
	CHECK_EQ(lock_op(&r, FUSE_SETLK, c, (struct lock){ 1, F_WRLCK, 0, 9, 0 }), 0);
	second = rig_second(&r, 2);
	in = lk(c.fh, &want);
	part = RIG_ARGS(in);
	rig_send(&second, FUSE_SETLKW, c.node, &part, 1);
	CHECK_EQ(rig_wait(&second, 2, 50), -1);
	CHECK_EQ(rig_attr(&r, c.node, &rc).nlink, 1);
	CHECK_EQ(lock_op(&r, FUSE_SETLK, c, (struct lock){ 1, F_UNLCK, 0, 9, 0 }), 0);
	CHECK_EQ(rig_receive(&second), 0);
	CHECK_EQ(lock_op(&r, FUSE_SETLK, c, (struct lock){ 1, F_WRLCK, 0, 9, 0 }), -EAGAIN);
	in.owner = 3;
	CHECK_EQ(send_in_pieces(&second, c.node, &part), -ENOLCK);
	/* A reset takes a parked request with it. */
	rig_send(&second, FUSE_SETLKW, c.node, &part, 1);
	CHECK_EQ(rig_wait(&second, 2, 30), -1);
	virtio_device_reset(r.dev);
	rig_activate(&r);
	CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
	rig_close(&r);
}

/*
 * The thread that parks a request is not always the one that waits for the next: another becomes
 * the leader meanwhile when it comes back from a disk.
 */
static void test_waiting_beside_others(void)
{
	struct lock want = { 2, F_WRLCK, 0, 9, 0 };
	struct rig_created c;
	struct rig r;
	int rc;

	rig_open(&r, &locks);
	CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
	c = rig_create(&r, FUSE_ROOT_ID, "a", O_RDWR, 0644, &rc);
	for (int i = 0; i < WAITING_ROUNDS; i++) {
		const struct fuse_fsync_in fsync_in = { .fh = c.fh };
		const struct fuse_lk_in lk_in = lk(c.fh, &want);
		const struct rig_part fsync_part = RIG_ARGS(fsync_in);
		const struct rig_part lk_part = RIG_ARGS(lk_in);
		struct rig second = rig_second(&r, 2);

		CHECK_EQ(lock_op(&r, FUSE_SETLK, c, (struct lock){ 1, F_WRLCK, 0, 9, 0 }), 0);
		/* Each with buffers of its own: they are read while the next is written. */
		for (int k = 0; k < WAITING_OTHERS; k++, second.base += 0x1000)
			rig_send(&second, FUSE_FSYNC, c.node, &fsync_part, 1);
		rig_send(&second, FUSE_SETLKW, c.node, &lk_part, 1);
		for (int k = 0; k < WAITING_OTHERS; k++)
			CHECK_EQ(rig_wait(&second, 2, RIG_WAIT_MS), sizeof(struct fuse_out_header));
		CHECK_EQ(lock_op(&r, FUSE_SETLK, c, (struct lock){ 1, F_UNLCK, 0, 9, 0 }), 0);
		rc = rig_receive(&second);
		CHECK_EQ(rc, 0);
		if (rc < 0)
			break;
		r.d[2] = second.d[2];
		want.type = F_UNLCK;
		CHECK_EQ(lock_op(&r, FUSE_SETLK, c, want), 0);
		want.type = F_WRLCK;
	}
	rig_close(&r);
}

static void test_flock(void)
{
	struct rig_created c;
	struct rig_created d;
	struct rig r;
	int rc;

	rig_open(&r, &locks);
	CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
	c = rig_create(&r, FUSE_ROOT_ID, "a", O_RDWR, 0644, &rc);
	d = c;
	d.fh = rig_open_node(&r, FUSE_OPEN, c.node, O_RDWR, &rc);
	CHECK_EQ(lock_op(&r, FUSE_SETLK, c, (struct lock){ 1, F_WRLCK, 0, 0, FUSE_LK_FLOCK }), 0);
	CHECK_EQ(lock_op(&r, FUSE_SETLK, d, (struct lock){ 2, F_RDLCK, 0, 0, FUSE_LK_FLOCK }),
		 -EAGAIN);
	CHECK_EQ(lock_op(&r, FUSE_SETLK, c, (struct lock){ 1, 9, 0, 0, FUSE_LK_FLOCK }), -EINVAL);
	CHECK_EQ(rig_release(&r, FUSE_RELEASE, c.node, c.fh), 0);
	CHECK_EQ(lock_op(&r, FUSE_SETLK, d, (struct lock){ 2, F_RDLCK, 0, 0, FUSE_LK_FLOCK }), 0);
	CHECK_EQ(lock_op(&r, FUSE_SETLK, c, (struct lock){ 1, F_WRLCK, 0, 0, FUSE_LK_FLOCK }),
		 -EBADF);
	rig_close(&r);
}

static void test_off(void)
{
	const struct virtio_fs_options o = { .cache = VIRTIO_FS_CACHE_AUTO };
	struct rig_created c;
	struct rig r;
	int rc;

	rig_open(&r, &o);
	CHECK_EQ(rig_init(&r), sizeof(struct fuse_init_out));
	c = rig_create(&r, FUSE_ROOT_ID, "a", O_RDWR, 0644, &rc);
	CHECK_EQ(lock_op(&r, FUSE_SETLK, c, (struct lock){ 1, F_WRLCK, 0, 9, 0 }), -ENOSYS);
	CHECK_EQ(lock_op(&r, FUSE_SETLKW, c, (struct lock){ 1, F_WRLCK, 0, 9, 1 }), -ENOSYS);
	rig_close(&r);
}

TEST_MAIN(TEST(test_posix), TEST(test_waiting), TEST(test_waiting_beside_others), TEST(test_flock),
	  TEST(test_off))
