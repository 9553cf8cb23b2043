// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The virtio-fs device: its queues and threads. Queue 0 is the high-priority one (FORGET), the
 * others carry requests; each queue has threads of its own.
 *
 * The threads of a queue take turns: one of them, the leader, looks at the ring and waits for the
 * kick. It serves what it took by itself, and so small requests cost no switch between threads;
 * before a request that may wait for a disk it makes another thread the leader.
 *
 * A request that would wait for a lock is parked and served again every LOCK_RETRY_MS.
 */
#include "vmmode/virtio/fs.h"

#include <assert.h>
#include <fcntl.h>
#include <linux/virtio_fs.h>
#include <linux/virtio_ids.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include "spec/base/proc.h"
#include "vmmode/virtio/fs/server.h"

enum {
	QUEUE_SIZE = VIRTQ_SIZE_MAX,
	WORKERS_MAX = 16, /* per queue */
	STACK_BYTES = 256 * 1024,
	PARKED_MAX = 256, /* requests of a queue that wait for locks */
	PARKED_IOVS = 4,  /* header, arguments, reply */
	LOCK_RETRY_MS = 10,
};

/* A chain that was taken and waits for a lock. */
struct parked {
	uint16_t head, n_read, n_write;
	uint32_t read_bytes, write_bytes;
	struct iovec iov[PARKED_IOVS];
};

struct fs_device;

struct fs_queue {
	struct fs_device *fs;
	struct virtio_queue *q;
	pthread_mutex_t lock; /* of all that follows, and of q->vq */
	pthread_cond_t cond;  /* the leader's place is free */
	bool has_leader;
	unsigned int n_idle; /* threads that wait to be the leader */
	unsigned int n_parked;
	int64_t retry_ms; /* when parked requests are looked at again */
	struct parked parked[PARKED_MAX];
};

struct worker {
	struct fs_queue *fq;
	pthread_t thread;
	struct fs_thread t;
	struct virtq_chain chain;
};

struct fs_device {
	struct virtio_device dev;
	struct fs_server server;
	struct virtio_fs_config config;
	int stop_fd; /* eventfd: readable from reset() until its end */
	atomic_bool stopping;
	uint16_t n_workers;     /* of a request queue */
	struct fs_queue *fqs;   /* owned, dev.n_queues of them */
	struct worker *workers; /* owned between activate and reset */
	size_t n_running;
};

static struct fs_device *fs_of(struct virtio_device *dev)
{
	return CONTAINER_OF(dev, struct fs_device, dev);
}

/* ---- a worker ------------------------------------------------------------------------------- */

static bool must_end(const struct fs_device *fs)
{
	return atomic_load(&fs->stopping) || atomic_load(&fs->dev.broken);
}

/* Gives the chain at @head back. Called with the lock held. */
static void finish(struct fs_queue *fq, uint16_t head, uint32_t written)
{
	virtq_push(&fq->q->vq, head, written);
	virtio_queue_call(fq->q);
}

/* Called with the lock held. Returns false when there is no room. */
static bool park(struct fs_queue *fq, const struct virtq_chain *c)
{
	struct parked *p = &fq->parked[fq->n_parked];
	const size_t n = (size_t)c->n_read + c->n_write;

	if (fq->n_parked == PARKED_MAX || n > PARKED_IOVS)
		return false;
	*p = (struct parked){ .head = c->head,
			      .n_read = c->n_read,
			      .n_write = c->n_write,
			      .read_bytes = c->read_bytes,
			      .write_bytes = c->write_bytes };
	memcpy(p->iov, c->iov, n * sizeof(c->iov[0]));
	if (fq->n_parked++ == 0) {
		fq->retry_ms = proc_now_ms() + LOCK_RETRY_MS;
		/* Another thread became the leader meanwhile, and waits without a time limit. */
		if (fq->has_leader)
			virtio_queue_kick_self(fq->q);
	}
	return true;
}

static void unpark(struct virtq_chain *c, const struct parked *p)
{
	c->head = p->head;
	c->n_read = p->n_read;
	c->n_write = p->n_write;
	c->read_bytes = p->read_bytes;
	c->write_bytes = p->write_bytes;
	memcpy(c->iov, p->iov, sizeof(p->iov));
}

/* Serves parked requests again when it is time. Called with the lock held. */
static void retry_parked(struct worker *w)
{
	struct fs_queue *fq = w->fq;
	unsigned int kept = 0;

	if (!fq->n_parked || proc_now_ms() < fq->retry_ms)
		return;
	for (unsigned int i = 0; i < fq->n_parked; i++) {
		uint32_t written;

		unpark(&w->chain, &fq->parked[i]);
		if (fs_serve(&fq->fs->server, &w->t, &w->chain, &written) == FS_WAITING)
			fq->parked[kept++] = fq->parked[i];
		else
			finish(fq, w->chain.head, written);
	}
	fq->n_parked = kept;
	fq->retry_ms = proc_now_ms() + LOCK_RETRY_MS;
}

/* Waits for the driver's notification, the end, or the time of parked requests. */
static void wait_for_kick(const struct fs_queue *fq, int timeout_ms)
{
	struct pollfd p[2] = { { .fd = fq->q->kick_fd, .events = POLLIN },
			       { .fd = fq->fs->stop_fd, .events = POLLIN } };

	if (poll(p, 2, timeout_ms) > 0 && p[0].revents)
		virtio_queue_drain_kick(fq->q);
}

/* The leader's part: the next chain into w->chain. Returns false at the end. Lock held. */
static bool next_chain(struct worker *w)
{
	struct fs_queue *fq = w->fq;
	struct virtq *vq = &fq->q->vq;

	while (!must_end(fq->fs)) {
		int rc;

		retry_parked(w);
		rc = virtq_pop(vq, &w->chain);
		if (rc > 0)
			return true;
		if (rc < 0) {
			virtio_device_broken(&fq->fs->dev, rc, "a request queue");
			return false;
		}
		if (!virtq_kicks_on(vq)) {
			const int timeout_ms = fq->n_parked ? LOCK_RETRY_MS : -1;

			pthread_mutex_unlock(&fq->lock);
			wait_for_kick(fq, timeout_ms);
			pthread_mutex_lock(&fq->lock);
		}
		virtq_kicks_off(vq);
	}
	return false;
}

/* Serves w->chain. Called with the lock held, which it gives up meanwhile. */
static void serve_chain(struct worker *w)
{
	struct fs_queue *fq = w->fq;
	enum fs_verdict verdict;
	uint32_t written;

	if (fq->n_idle && fs_may_sleep(&w->chain))
		pthread_cond_signal(&fq->cond);
	pthread_mutex_unlock(&fq->lock);
	verdict = fs_serve(&fq->fs->server, &w->t, &w->chain, &written);
	pthread_mutex_lock(&fq->lock);
	if (verdict == FS_WAITING && park(fq, &w->chain))
		return;
	if (verdict == FS_BROKEN)
		virtio_device_broken(&fq->fs->dev, -EPROTO, "a request without a header");
	else
		finish(fq, w->chain.head, written);
}

static void work(struct worker *w)
{
	struct fs_queue *fq = w->fq;

	pthread_mutex_lock(&fq->lock);
	for (;;) {
		bool took;

		fq->n_idle++;
		while (fq->has_leader && !must_end(fq->fs))
			pthread_cond_wait(&fq->cond, &fq->lock);
		fq->n_idle--;
		if (must_end(fq->fs))
			break;
		fq->has_leader = true;
		took = next_chain(w);
		fq->has_leader = false;
		if (took)
			serve_chain(w);
	}
	pthread_cond_broadcast(&fq->cond);
	pthread_mutex_unlock(&fq->lock);
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	int rc = fs_thread_init(&w->t, w->fq->fs->server.proc_fd);

	if (rc == 0)
		work(w);
	else
		virtio_device_broken(&w->fq->fs->dev, rc, "start of a thread");
	fs_thread_fini(&w->t);
	return NULL;
}

/* ---- the device ----------------------------------------------------------------------------- */

static void config_read(struct virtio_device *dev, uint32_t off, void *data, uint32_t len)
{
	memcpy(data, (const uint8_t *)&fs_of(dev)->config + off, len);
}

static int start_worker(struct worker *w, struct fs_queue *fq)
{
	const struct thread_options o = {
		.kind = THREAD_FILES,
		.name = "files",
		.stack_bytes = STACK_BYTES,
		.run = worker_main,
		.arg = w,
	};

	w->fq = fq;
	return thread_start(fq->fs->dev.starter, &o, &w->thread);
}

static void stop_workers(struct fs_device *fs)
{
	const uint64_t one = 1;
	uint64_t count;
	ssize_t n;

	atomic_store(&fs->stopping, true);
	n = write(fs->stop_fd, &one, sizeof(one));
	assert(n == sizeof(one)); /* the counter was 0 */
	for (uint16_t i = 0; i < fs->dev.n_queues; i++) {
		/* With the lock: a thread between its check and its wait must not miss this. */
		pthread_mutex_lock(&fs->fqs[i].lock);
		pthread_cond_broadcast(&fs->fqs[i].cond);
		pthread_mutex_unlock(&fs->fqs[i].lock);
	}
	for (size_t i = 0; i < fs->n_running; i++)
		(void)pthread_join(fs->workers[i].thread, NULL);
	n = read(fs->stop_fd, &count, sizeof(count));
	assert(n == sizeof(count));
	atomic_store(&fs->stopping, false);
	fs->n_running = 0;
	free(TAKE_PTR(fs->workers));
}

static int activate(struct virtio_device *dev)
{
	struct fs_device *fs = fs_of(dev);
	const size_t max = 1 + (size_t)(dev->n_queues - 1) * fs->n_workers;
	int rc = 0;

	fs->workers = calloc(max, sizeof(*fs->workers));
	if (!fs->workers)
		return -ENOMEM;
	for (uint16_t i = 0; i < dev->n_queues && rc == 0; i++) {
		struct fs_queue *fq = &fs->fqs[i];
		const uint16_t n = i == 0 ? 1 : fs->n_workers;

		fq->has_leader = false;
		fq->n_parked = 0;
		if (!virtq_is_active(&fq->q->vq))
			continue;
		for (uint16_t k = 0; k < n && rc == 0; k++) {
			rc = start_worker(&fs->workers[fs->n_running], fq);
			if (rc == 0)
				fs->n_running++;
		}
	}
	if (rc < 0)
		stop_workers(fs);
	return rc;
}

static void reset(struct virtio_device *dev)
{
	struct fs_device *fs = fs_of(dev);

	if (fs->workers)
		stop_workers(fs);
	fs_server_clear(&fs->server);
}

static void destroy(struct virtio_device *dev)
{
	struct fs_device *fs = fs_of(dev);

	fs_server_fini(&fs->server);
	cleanup_close(&fs->stop_fd);
	free(fs->fqs);
	free(dev->queues);
	free(fs);
}

static const struct virtio_device_ops ops = {
	.name = "fs",
	.config_read = config_read,
	.activate = activate,
	.reset = reset,
	.destroy = destroy,
};

/* ---- construction --------------------------------------------------------------------------- */

static int check_options(struct virtio_fs_options *o, struct err *err)
{
	const unsigned int known = VIRTIO_FS_READ_ONLY | VIRTIO_FS_WRITEBACK | VIRTIO_FS_DIRECT_IO |
				   VIRTIO_FS_LOCKS | VIRTIO_FS_NO_DEVICES | VIRTIO_FS_TRUSTED_XATTR;
	const size_t tag_len = strlen(o->tag);

	if (tag_len == 0 || tag_len > VIRTIO_FS_TAG_MAX)
		return err_set(err, -EINVAL, "use the file system tag '%s': not 1 to %d bytes long",
			       o->tag, VIRTIO_FS_TAG_MAX);
	if (o->flags & ~known)
		return err_set(err, -EINVAL, "use the file system flags %#x: unknown", o->flags);
	if ((o->flags & VIRTIO_FS_WRITEBACK) && o->cache == VIRTIO_FS_CACHE_NONE)
		return err_set(err, -EINVAL, "collect writes of file system '%s': it has no cache",
			       o->tag);
	if (o->n_queues > VIRTIO_FS_QUEUES_MAX || o->n_workers > WORKERS_MAX)
		return err_set(err, -EINVAL,
			       "serve file system '%s': more than %d queues or %d threads", o->tag,
			       VIRTIO_FS_QUEUES_MAX, WORKERS_MAX);
	o->n_queues = o->n_queues ? o->n_queues : 1;
	o->n_workers = o->n_workers ? o->n_workers : 2;
	o->max_fds = o->max_fds ? o->max_fds : 4096;
	o->max_files = o->max_files ? o->max_files : 8192;
	o->max_inodes = o->max_inodes ? o->max_inodes : 1 << 20;
	return 0;
}

static uint32_t least(uint64_t a, uint64_t b)
{
	return (uint32_t)(a < b ? a : b);
}

/*
 * Fits the bounds into this process's limit of descriptors: a quarter is for open files, half for
 * inodes, the rest for all else. Returns the bound for inodes that cannot be kept by handle.
 */
static uint32_t fit_limits(struct virtio_fs_options *o)
{
	struct rlimit lim = { .rlim_cur = 1024 };
	uint32_t hard;
	int fd;

	(void)getrlimit(RLIMIT_NOFILE, &lim);
	hard = least(lim.rlim_cur / 2, o->max_inodes);
	hard = hard < 2 ? 2 : hard;
	o->max_files = least(o->max_files, lim.rlim_cur / 4 + 1);
	o->max_fds = least(o->max_fds, hard);
	/* The kernel's table of descriptors grows here and now: with threads around, each doubling
	 * of it waits for an RCU grace period, milliseconds in the middle of a request. */
	fd = fcntl(o->root_fd, F_DUPFD_CLOEXEC, least(o->max_fds, lim.rlim_cur - 1));
	cleanup_close(&fd);
	return hard;
}

/* Fills in what the transport looks at. */
static int make_device(struct fs_device *fs, const struct virtio_fs_options *o)
{
	const uint16_t n = (uint16_t)(o->n_queues + 1);

	fs->dev = (struct virtio_device){ .ops = &ops,
					  .id = VIRTIO_ID_FS,
					  .offered = VIRTIO_COMMON_FEATURES,
					  .config_len = sizeof(fs->config),
					  .n_queues = n,
					  .config_call_fd = -1 };
	fs->n_workers = o->n_workers;
	fs->config.num_request_queues = o->n_queues;
	memcpy(fs->config.tag, o->tag, strlen(o->tag));
	fs->dev.queues = calloc(n, sizeof(*fs->dev.queues));
	fs->fqs = calloc(n, sizeof(*fs->fqs));
	if (!fs->dev.queues || !fs->fqs)
		return -ENOMEM;
	for (uint16_t i = 0; i < n; i++) {
		fs->dev.queues[i] =
		    (struct virtio_queue){ .size_max = QUEUE_SIZE, .kick_fd = -1, .call_fd = -1 };
		fs->fqs[i].fs = fs;
		fs->fqs[i].q = &fs->dev.queues[i];
		fs->fqs[i].lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
		fs->fqs[i].cond = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
	}
	fs->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return fs->stop_fd < 0 ? -errno : 0;
}

int virtio_fs_new(const struct virtio_fs_options *opts, struct loop *loop,
		  struct virtio_device **out, struct err *err)
{
	struct virtio_fs_options o = *opts;
	struct fs_device *fs;
	int rc;

	(void)loop;
	rc = check_options(&o, err);
	if (rc < 0)
		return rc;
	fs = calloc(1, sizeof(*fs));
	if (!fs)
		return err_code(err, -ENOMEM, "serve file system '%s'", o.tag);
	fs->stop_fd = -1;
	rc = make_device(fs, &o);
	if (rc == 0)
		rc = fs_server_init(&fs->server, &o, fit_limits(&o));
	if (rc < 0) {
		cleanup_close(&fs->stop_fd);
		free(fs->fqs);
		free(fs->dev.queues);
		free(fs);
		return err_code(err, rc, "serve file system '%s'", o.tag);
	}
	*out = &fs->dev;
	return 0;
}
