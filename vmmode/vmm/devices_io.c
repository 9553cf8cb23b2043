// SPDX-License-Identifier: GPL-2.0-or-later
/* From --disk, --net, --fs, --vsock and --balloon to devices: reads the words behind the name,
 * opens what it names. */
#include "vmmode/vmm/devices_io.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>

#include "spec/base/num.h"
#include "spec/base/str.h"
#include "vmmode/virtio/unix_socket.h"
#include "vmmode/virtio/vsock.h"

enum { WORD_MAX = 64 };

/* One word of an option: "key" or "key=value". */
struct word {
	char key[WORD_MAX];
	const char *value; /* in key; NULL: none */
};

/* Takes the name up to the first comma. Returns what follows, or NULL: it is empty or too long. */
static const char *take_name(const char *text, char *out)
{
	size_t len = strcspn(text, ",");

	if (len == 0 || len >= DEVICE_NAME_MAX)
		return NULL;
	memcpy(out, text, len);
	out[len] = '\0';
	return text + len;
}

/* Takes the word behind the comma at *@at. Returns 1; 0 there is none; -EINVAL. */
static int take_word(const char **at, struct word *out)
{
	const char *p = *at;
	char *eq;
	size_t len;

	if (*p != ',')
		return 0;
	len = strcspn(++p, ",");
	if (len == 0 || len >= sizeof(out->key))
		return -EINVAL;
	memcpy(out->key, p, len);
	out->key[len] = '\0';
	eq = strchr(out->key, '=');
	out->value = NULL;
	if (eq) {
		*eq = '\0';
		out->value = eq + 1;
	}
	*at = p + len;
	return 1;
}

static int word_number(const struct word *w, uint64_t min, uint64_t max, uint64_t *out)
{
	return w->value ? num_u64(w->value, min, max, out) : -EINVAL;
}

static int word_u16(const struct word *w, uint64_t min, uint64_t max, uint16_t *out)
{
	uint64_t v;
	int rc = word_number(w, min, max, &v);

	if (rc == 0)
		*out = (uint16_t)v;
	return rc;
}

/* The rate words, behind @prefix. Returns 0; -EINVAL; -ENOENT it is none of them. */
static int rate_word(const struct word *w, const char *prefix, struct ratelimit_options *out)
{
	const char *key = w->key + strlen(prefix);

	if (!str_starts(w->key, prefix))
		return -ENOENT;
	if (str_eq(key, "bytes"))
		return w->value ? num_bytes(w->value, &out->bytes_per_s) : -EINVAL;
	if (str_eq(key, "bytes-burst"))
		return w->value ? num_bytes(w->value, &out->bytes_burst) : -EINVAL;
	if (str_eq(key, "ops"))
		return word_number(w, 1, UINT64_MAX, &out->ops_per_s);
	if (str_eq(key, "ops-burst"))
		return word_number(w, 1, UINT64_MAX, &out->ops_burst);
	return -ENOENT;
}

static int disk_word(struct disk_wish *d, const struct word *w)
{
	if (str_eq(w->key, "ro") && !w->value) {
		d->opts.read_only = true;
		return 0;
	}
	if (str_eq(w->key, "queues"))
		return word_u16(w, 1, BLK_QUEUES_MAX, &d->opts.n_queues);
	if (str_eq(w->key, "serial")) {
		if (!w->value || strlen(w->value) >= sizeof(d->serial))
			return -EINVAL;
		memcpy(d->serial, w->value, strlen(w->value) + 1);
		return 0;
	}
	if (str_eq(w->key, "engine")) {
		if (w->value && str_eq(w->value, "io_uring"))
			d->opts.engine = BLK_ENGINE_URING;
		else if (w->value && str_eq(w->value, "threads"))
			d->opts.engine = BLK_ENGINE_THREADS;
		else
			return -EINVAL;
		return 0;
	}
	return rate_word(w, "", &d->opts.limit);
}

static int bad_word(const char *option, const char *text, const struct word *w, int rc,
		    struct err *err)
{
	return err_set(err, -EINVAL, "--%s '%s': %s '%s'", option, text,
		       rc == -ENOENT ? "unknown word" : "bad value of", w->key);
}

int disk_wish_parse(const char *text, struct disk_wish *out, struct err *err)
{
	const char *at;
	struct word w;
	int rc;

	memset(out, 0, sizeof(*out));
	out->opts.fd = -1;
	at = take_name(text, out->name);
	if (!at)
		return err_set(err, -EINVAL, "--disk '%s': want FILE[,ro] or fd:N[,ro]", text);
	while ((rc = take_word(&at, &w)) > 0) {
		rc = disk_word(out, &w);
		if (rc < 0)
			return bad_word("disk", text, &w, rc, err);
	}
	return rc < 0 ? err_set(err, -EINVAL, "--disk '%s': a bad word", text) : 0;
}

/* XX:XX:XX:XX:XX:XX */
static int parse_mac(const char *s, uint8_t *out)
{
	for (size_t i = 0; i < NET_MAC_BYTES; i++) {
		char digits[3] = { s[0], '\0', '\0' };
		uint64_t v;

		if (digits[0])
			digits[1] = s[1];
		if (!digits[1] || num_u64_base(digits, 16, 0, 255, &v) < 0 ||
		    s[2] != (i + 1 < NET_MAC_BYTES ? ':' : '\0'))
			return -EINVAL;
		out[i] = (uint8_t)v;
		s += 3;
	}
	return 0;
}

static int net_word(struct net_wish *n, const struct word *w)
{
	int rc;

	if (str_eq(w->key, "mac")) {
		n->has_mac = true;
		return w->value ? parse_mac(w->value, n->opts.mac) : -EINVAL;
	}
	if (str_eq(w->key, "mtu"))
		return word_u16(w, 68, UINT16_MAX, &n->opts.mtu);
	if (str_eq(w->key, "queues"))
		return word_u16(w, 1, NET_PAIRS_MAX, &n->opts.n_pairs);
	if (str_eq(w->key, "vhost") && !w->value) {
		n->opts.use_vhost = true;
		return 0;
	}
	if (str_eq(w->key, "no-offloads") && !w->value) {
		n->opts.no_offloads = true;
		return 0;
	}
	rc = rate_word(w, "rx-", &n->opts.rx_limit);
	return rc == -ENOENT ? rate_word(w, "tx-", &n->opts.tx_limit) : rc;
}

int net_wish_parse(const char *text, struct net_wish *out, struct err *err)
{
	const char *at;
	struct word w;
	int rc;

	memset(out, 0, sizeof(*out));
	out->opts.n_pairs = 1;
	at = take_name(text, out->name);
	if (!at || (!str_starts(out->name, "tap:") && !str_starts(out->name, "fd:")))
		return err_set(err, -EINVAL, "--net '%s': want tap:NAME or fd:N", text);
	if (str_starts(out->name, "tap:") &&
	    (out->name[4] == '\0' || strlen(out->name + 4) >= IFNAMSIZ))
		return err_set(err, -EINVAL, "--net '%s': a name of 1 to %d bytes", text,
			       IFNAMSIZ - 1);
	while ((rc = take_word(&at, &w)) > 0) {
		rc = net_word(out, &w);
		if (rc < 0)
			return bad_word("net", text, &w, rc, err);
	}
	if (rc < 0)
		return err_set(err, -EINVAL, "--net '%s': a bad word", text);
	if (out->opts.n_pairs > 1 && str_starts(out->name, "fd:"))
		return err_set(err, -EINVAL, "--net '%s': a descriptor is one queue", text);
	return 0;
}

static int fs_word(struct virtio_fs_options *o, const struct word *w)
{
	static const struct {
		const char *key;
		unsigned int flag;
	} flags[] = {
		{ "direct-io", VIRTIO_FS_DIRECT_IO },   { "locks", VIRTIO_FS_LOCKS },
		{ "no-devices", VIRTIO_FS_NO_DEVICES }, { "ro", VIRTIO_FS_READ_ONLY },
		{ "writeback", VIRTIO_FS_WRITEBACK },
	};
	static const char *const caches[] = { [VIRTIO_FS_CACHE_AUTO] = "auto",
					      [VIRTIO_FS_CACHE_ALWAYS] = "always",
					      [VIRTIO_FS_CACHE_NONE] = "none" };

	for (size_t i = 0; i < ARRAY_LEN(flags) && !w->value; i++) {
		if (str_eq(w->key, flags[i].key)) {
			o->flags |= flags[i].flag;
			return 0;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(caches) && str_eq(w->key, "cache"); i++) {
		if (w->value && str_eq(w->value, caches[i])) {
			o->cache = (enum virtio_fs_cache)i;
			return 0;
		}
	}
	if (str_eq(w->key, "queues"))
		return word_u16(w, 1, VIRTIO_FS_QUEUES_MAX, &o->n_queues);
	return str_eq(w->key, "cache") ? -EINVAL : -ENOENT;
}

int fs_wish_parse(const char *text, struct fs_wish *out, struct err *err)
{
	const char *eq = strchr(text, '=');
	const size_t tag = eq ? (size_t)(eq - text) : 0;
	const char *at;
	struct word w;
	int rc;

	memset(out, 0, sizeof(*out));
	if (tag >= sizeof(out->tag))
		return err_set(err, -EINVAL, "--fs '%s': a tag has at most %d bytes", text,
			       VIRTIO_FS_TAG_MAX);
	at = tag ? take_name(eq + 1, out->folder) : NULL;
	if (!at)
		return err_set(err, -EINVAL, "--fs '%s': want TAG=FOLDER[,ro]", text);
	memcpy(out->tag, text, tag);
	while ((rc = take_word(&at, &w)) > 0) {
		rc = fs_word(&out->opts, &w);
		if (rc < 0)
			return bad_word("fs", text, &w, rc, err);
	}
	return rc < 0 ? err_set(err, -EINVAL, "--fs '%s': a bad word", text) : 0;
}

int vmm_make_disk(const char *text, struct vmm_device_env *env, struct virtio_device **out,
		  struct err *err)
{
	struct disk_wish d;
	int rc = disk_wish_parse(text, &d, err);

	if (rc < 0)
		return rc;
	if (d.opts.n_queues == 0)
		d.opts.n_queues = env->cpus < BLK_QUEUES_MAX ? (uint16_t)env->cpus : BLK_QUEUES_MAX;
	/* No O_CREAT: an image that is missing is an error. */
	d.opts.fd = vmm_open_kept(env, "disk", d.name, d.opts.read_only ? O_RDONLY : O_RDWR, err);
	if (d.opts.fd < 0)
		return d.opts.fd;
	d.opts.serial = d.serial;
	rc = virtio_blk_new(&d.opts, env->loop, out, err);
	return rc < 0 ? err_wrap(err, rc, "--disk '%s'", text) : 0;
}

static int open_tap(struct vmm_device_env *env, const char *name, bool multi, struct err *err)
{
	struct ifreq ifr = { 0 };
	int fd = vmm_open_kept(env, "net", "/dev/net/tun", O_RDWR, err);

	if (fd < 0)
		return fd;
	memcpy(ifr.ifr_name, name, strlen(name));
	ifr.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (multi ? IFF_MULTI_QUEUE : 0));
	if (ioctl(fd, TUNSETIFF, &ifr) < 0)
		return err_sys(err, "--net 'tap:%s': attach to it", name);
	return fd;
}

/* Opens the descriptors of queue @i. */
static int open_queue(struct vmm_device_env *env, struct net_wish *n, uint16_t i, struct err *err)
{
	struct virtio_net_options *o = &n->opts;

	if (str_starts(n->name, "tap:"))
		o->tap_fds[i] = open_tap(env, n->name + 4, o->n_pairs > 1, err);
	else
		o->tap_fds[i] = vmm_open_kept(env, "net", n->name, O_RDWR, err);
	if (o->tap_fds[i] < 0 || !o->use_vhost)
		return o->tap_fds[i];
	o->vhost_fds[i] = vmm_open_kept(env, "net", "/dev/vhost-net", O_RDWR, err);
	return o->vhost_fds[i];
}

/* An address of one card, locally administered. */
static int random_mac(uint8_t *mac, struct err *err)
{
	if (getrandom(mac, NET_MAC_BYTES, 0) != NET_MAC_BYTES)
		return err_sys(err, "--net: random bytes for an address");
	mac[0] = (uint8_t)((mac[0] & 0xfc) | 2);
	return 0;
}

int vmm_make_net(const char *text, struct vmm_device_env *env, struct virtio_device **out,
		 struct err *err)
{
	struct net_wish n;
	int rc = net_wish_parse(text, &n, err);

	if (rc == 0 && !n.has_mac)
		rc = random_mac(n.opts.mac, err);
	for (uint16_t i = 0; i < n.opts.n_pairs && rc >= 0; i++)
		rc = open_queue(env, &n, i, err);
	if (rc < 0)
		return rc;
	rc = virtio_net_new(&n.opts, env->loop, out, err);
	return rc < 0 ? err_wrap(err, rc, "--net '%s'", text) : 0;
}

int vmm_make_fs(const char *text, struct vmm_device_env *env, struct virtio_device **out,
		struct err *err)
{
	struct fs_wish f;
	int rc = fs_wish_parse(text, &f, err);

	if (rc < 0)
		return rc;
	f.opts.tag = f.tag;
	f.opts.root_fd = vmm_open_kept(env, "fs", f.folder, O_PATH | O_DIRECTORY, err);
	if (f.opts.root_fd < 0)
		return f.opts.root_fd;
	f.opts.proc_fd = env->sandbox->proc_fd;
	rc = sandbox_confine_dir(env->sandbox, f.opts.root_fd, true,
				 f.opts.flags & VIRTIO_FS_READ_ONLY, err);
	if (rc == 0)
		rc = virtio_fs_new(&f.opts, env->loop, out, err);
	return rc < 0 ? err_wrap(err, rc, "--fs '%s'", text) : 0;
}

/* @path: DEVICE_NAME_MAX bytes; name and folder of @out are not set. */
static int parse_vsock(const char *text, char *path, struct virtio_vsock_options *out,
		       struct err *err)
{
	const char *at = take_name(text, path);
	struct word w;
	uint64_t cid = VSOCK_CID_DEFAULT;
	int rc;

	if (!at)
		return err_set(err, -EINVAL, "--vsock '%s': want PATH[,cid=N]", text);
	while ((rc = take_word(&at, &w)) > 0) {
		rc = str_eq(w.key, "cid") ? word_number(&w, VSOCK_CID_DEFAULT, UINT32_MAX - 1, &cid)
					  : -ENOENT;
		if (rc < 0)
			return bad_word("vsock", text, &w, rc, err);
	}
	*out = (struct virtio_vsock_options){ .cid = (uint32_t)cid };
	return rc < 0 ? err_set(err, -EINVAL, "--vsock '%s': a bad word", text) : 0;
}

/* The device keeps the socket's folder, open. */
int vmm_make_vsock(const char *text, struct vmm_device_env *env, struct virtio_device **out,
		   struct err *err)
{
	struct virtio_vsock_options o;
	char path[DEVICE_NAME_MAX];
	int rc = parse_vsock(text, path, &o, err);

	if (rc < 0)
		return rc;
	o.dir_fd = unix_socket_folder(path, &o.name, err);
	rc = o.dir_fd < 0 ? o.dir_fd : vmm_keep(env, o.dir_fd, err);
	if (rc >= 0)
		rc = sandbox_confine_dir(env->sandbox, o.dir_fd, false, false, err);
	if (rc == 0)
		rc = virtio_vsock_new(&o, env->loop, out, err);
	return rc < 0 ? err_wrap(err, rc, "--vsock '%s'", text) : 0;
}

static int balloon_word(struct virtio_balloon_options *o, const struct word *w)
{
	uint64_t n;
	int rc;

	if (str_eq(w->key, "size"))
		return w->value ? num_bytes(w->value, &o->target_bytes) : -EINVAL;
	if (str_eq(w->key, "stats")) {
		rc = word_number(w, 1, BALLOON_STATS_S_MAX, &n);
		if (rc == 0)
			o->stats_s = (uint32_t)n;
		return rc;
	}
	if (w->value)
		return -ENOENT;
	if (str_eq(w->key, "deflate-on-oom"))
		o->deflate_on_oom = true;
	else if (str_eq(w->key, "reporting"))
		o->reporting = true;
	else
		return -ENOENT;
	return 0;
}

int balloon_wish_parse(const char *text, struct virtio_balloon_options *out, struct err *err)
{
	char words[4 * WORD_MAX];
	const char *at = words;
	struct word w;
	int rc;

	*out = (struct virtio_balloon_options){ 0 };
	/* No name comes first: every word is one behind a comma. */
	rc = snprintf(words, sizeof(words), "%s%s", *text ? "," : "", text);
	if (rc < 0 || (size_t)rc >= sizeof(words))
		return err_set(err, -EINVAL, "--balloon '%s': too long", text);
	while ((rc = take_word(&at, &w)) > 0) {
		rc = balloon_word(out, &w);
		if (rc < 0)
			return bad_word("balloon", text, &w, rc, err);
	}
	return rc < 0 ? err_set(err, -EINVAL, "--balloon '%s': a bad word", text) : 0;
}

int vmm_make_balloon(const char *text, struct vmm_device_env *env, struct virtio_device **out,
		     struct err *err)
{
	struct virtio_balloon_options o;
	int rc = balloon_wish_parse(text, &o, err);

	if (rc < 0)
		return rc;
	if (o.target_bytes > env->memory_bytes)
		return err_set(err, -EINVAL, "--balloon '%s': larger than the machine's memory",
			       text);
	rc = virtio_balloon_new(&o, env->loop, out, err);
	if (rc < 0)
		return err_wrap(err, rc, "--balloon '%s'", text);
	env->balloon = *out;
	return 0;
}
