// SPDX-License-Identifier: GPL-2.0-or-later
/* The words of --disk, --net and --fs. */
#include "vmmode/vmm/devices_io.h"

#include "tests/unit/test.h"

static void test_disk_refused(void)
{
	static const char *const cases[] = {
		"",           ",ro",        "a,",          "a,ro=1",
		"a,queues",   "a,queues=0", "a,queues=17", "a,serial",
		"a,engine=x", "a,engine",   "a,ops=0",     "a,bytes=x",
		"a,bytes",    "a,rw",       "a,,ro",       "a,serial=123456789012345678901",
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;
		struct disk_wish d;

		CHECK_EQ(disk_wish_parse(cases[i], &d, &err), -EINVAL);
		CHECK_HAS(err.msg, "--disk '");
	}
}

static void test_disk(void)
{
	struct err err = ERR_INIT;
	struct disk_wish d;

	CHECK_EQ(disk_wish_parse("/x y/a=b.img", &d, &err), 0);
	CHECK_STR(d.name, "/x y/a=b.img");
	CHECK_EQ(d.opts.n_queues, 0);
	CHECK_EQ(d.opts.read_only, false);
	CHECK_EQ(d.opts.engine, BLK_ENGINE_AUTO);
	CHECK_EQ(disk_wish_parse("fd:9,ro,queues=4,serial=abc,engine=threads,bytes=10m,"
				 "bytes-burst=1m,ops=100,ops-burst=5",
				 &d, &err),
		 0);
	CHECK_STR(d.name, "fd:9");
	CHECK_STR(d.serial, "abc");
	CHECK_EQ(d.opts.read_only, true);
	CHECK_EQ(d.opts.n_queues, 4);
	CHECK_EQ(d.opts.engine, BLK_ENGINE_THREADS);
	CHECK_EQ(d.opts.limit.bytes_per_s, 10 << 20);
	CHECK_EQ(d.opts.limit.bytes_burst, 1 << 20);
	CHECK_EQ(d.opts.limit.ops_per_s, 100);
	CHECK_EQ(d.opts.limit.ops_burst, 5);
}

static void test_net_refused(void)
{
	static const char *const cases[] = {
		"",
		"tap:",
		"eth0",
		"tap:1234567890123456",
		"tap:a,mac=",
		"tap:a,mac=02:00:00:00:00",
		"tap:a,mac=02:00:00:00:00:0",
		"tap:a,mac=02:00:00:00:00:00:00",
		"tap:a,mac=02-00-00-00-00-00",
		"tap:a,mac=0x:00:00:00:00:00",
		"tap:a,mtu=67",
		"tap:a,mtu=65536",
		"tap:a,queues=9",
		"fd:3,queues=2",
		"tap:a,vhost=1",
		"tap:a,no-offloads=1",
		"tap:a,bytes=1",
		"tap:a,rx-",
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;
		struct net_wish n;

		CHECK_EQ(net_wish_parse(cases[i], &n, &err), -EINVAL);
		CHECK_HAS(err.msg, "--net '");
	}
}

static void test_net(void)
{
	static const uint8_t mac[] = { 2, 0xab, 0xcd, 0, 1, 0xff };
	struct err err = ERR_INIT;
	struct net_wish n;

	CHECK_EQ(net_wish_parse("tap:t0", &n, &err), 0);
	CHECK_STR(n.name, "tap:t0");
	CHECK_EQ(n.has_mac, false);
	CHECK_EQ(n.opts.n_pairs, 1);
	CHECK_EQ(net_wish_parse("tap:t0,mac=02:aB:cd:00:01:fF,mtu=9000,queues=2,vhost,"
				"rx-bytes=1k,tx-ops=7,tx-ops-burst=8",
				&n, &err),
		 0);
	CHECK_MEM(n.opts.mac, mac, sizeof(mac));
	CHECK_EQ(n.opts.mtu, 9000);
	CHECK_EQ(n.opts.n_pairs, 2);
	CHECK_EQ(n.opts.use_vhost, true);
	CHECK_EQ(n.opts.rx_limit.bytes_per_s, 1024);
	CHECK_EQ(n.opts.tx_limit.ops_per_s, 7);
	CHECK_EQ(n.opts.tx_limit.ops_burst, 8);
}

static void test_open(void)
{
	struct vmm_device_env env = { .cpus = 2 };
	struct virtio_device *dev = NULL;
	struct err err = ERR_INIT;

	CHECK_EQ(vmm_make_disk("/nonexistent/disk", &env, &dev, &err), -ENOENT);
	CHECK_STR(err.msg, "--disk '/nonexistent/disk': No such file or directory");
	CHECK_EQ(vmm_make_disk("/dev/null,ro", &env, &dev, &err), -EINVAL);
	CHECK_STR(err.msg,
		  "--disk '/dev/null,ro': disk: neither a regular file nor a block device");
	CHECK_EQ(vmm_make_net("fd:x", &env, &dev, &err), -EINVAL);
	CHECK(dev == NULL);
	CHECK_EQ(env.n_fds, 1);
	vmm_device_env_fini(&env);
}

/* No room for one more descriptor: the option is named, and once. */
static void test_too_many(void)
{
	struct vmm_device_env env = { .cpus = 1, .n_fds = ARRAY_LEN(env.fds) };
	struct virtio_device *dev = NULL;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(env.fds); i++)
		env.fds[i] = -1;
	CHECK_EQ(vmm_make_vsock("/tmp/v", &env, &dev, &err), -EMFILE);
	CHECK_STR(err.msg, "--vsock '/tmp/v': too many devices");
	CHECK_EQ(vmm_make_disk("/dev/null,ro", &env, &dev, &err), -EMFILE);
	CHECK_STR(err.msg, "--disk '/dev/null': too many devices");
	CHECK(dev == NULL);
	vmm_device_env_fini(&env);
}

static void test_fs_refused(void)
{
	static const char *const cases[] = {
		"",
		"t",
		"=x",
		"t=",
		"t=,ro",
		"t=x,ro=1",
		"t=x,cache",
		"t=x,cache=x",
		"t=x,writeback=1",
		"t=x,queues=0",
		"t=x,queues=17",
		"t=x,rw",
		"1234567890123456789012345678901234567=x",
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;
		struct fs_wish f;

		CHECK_EQ(fs_wish_parse(cases[i], &f, &err), -EINVAL);
		CHECK_HAS(err.msg, "--fs '");
	}
}

static void test_fs(void)
{
	struct err err = ERR_INIT;
	struct fs_wish f;

	CHECK_EQ(fs_wish_parse("t=/x y=z", &f, &err), 0);
	CHECK_STR(f.tag, "t");
	CHECK_STR(f.folder, "/x y=z");
	CHECK_EQ(f.opts.flags, 0);
	CHECK_EQ(f.opts.n_queues, 0);
	CHECK_EQ(f.opts.cache, VIRTIO_FS_CACHE_AUTO);
	CHECK_EQ(fs_wish_parse("123456789012345678901234567890123456=x,ro,cache=none,locks,"
			       "direct-io,no-devices,queues=16",
			       &f, &err),
		 0);
	CHECK_EQ(f.opts.flags, VIRTIO_FS_READ_ONLY | VIRTIO_FS_LOCKS | VIRTIO_FS_DIRECT_IO |
				   VIRTIO_FS_NO_DEVICES);
	CHECK_EQ(f.opts.n_queues, 16);
	CHECK_EQ(f.opts.cache, VIRTIO_FS_CACHE_NONE);
	CHECK_EQ(fs_wish_parse("t=x,cache=always,writeback", &f, &err), 0);
	CHECK_EQ(f.opts.flags, VIRTIO_FS_WRITEBACK);
	CHECK_EQ(f.opts.cache, VIRTIO_FS_CACHE_ALWAYS);
}

static void test_balloon(void)
{
	static const struct {
		const char *text, *msg;
	} bad[] = {
		{ "size", "bad value of 'size'" },
		{ "size=x", "bad value of 'size'" },
		{ "stats=0", "bad value of 'stats'" },
		{ "stats=86401", "bad value of 'stats'" },
		{ "reporting=1", "unknown word 'reporting'" },
		{ "reporting,", "a bad word" },
		{ "inflate", "unknown word 'inflate'" },
		{ "size=17t", "larger than the machine's memory" },
	};
	struct vmm_device_env env = { .memory_bytes = 64 << 20 };
	struct virtio_balloon_options o;
	struct virtio_device *dev = NULL;
	struct err err = ERR_INIT;

	CHECK_EQ(balloon_wish_parse("", &o, &err), 0);
	CHECK_EQ(o.target_bytes, 0);
	CHECK_EQ(o.reporting, false);
	CHECK_EQ(balloon_wish_parse("stats=5,size=64m,reporting,deflate-on-oom", &o, &err), 0);
	CHECK_EQ(o.target_bytes, 64 << 20);
	CHECK_EQ(o.stats_s, 5);
	CHECK(o.reporting && o.deflate_on_oom);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CHECK_EQ(vmm_make_balloon(bad[i].text, &env, &dev, &err), -EINVAL);
		CHECK_HAS(err.msg, bad[i].msg);
	}
	CHECK(env.balloon == NULL);
	CHECK_EQ(vmm_make_balloon("size=64m", &env, &dev, &err), 0);
	CHECK(env.balloon == dev);
	dev->ops->destroy(dev);
}

TEST_MAIN(TEST(test_disk_refused), TEST(test_disk), TEST(test_net_refused), TEST(test_net),
	  TEST(test_open), TEST(test_too_many), TEST(test_fs_refused), TEST(test_fs),
	  TEST(test_balloon))
