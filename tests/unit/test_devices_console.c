// SPDX-License-Identifier: GPL-2.0-or-later
/* From --console and --port to a device: what is opened, refused, and left behind. */
#include "vmmode/vmm/devices_console.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "tests/unit/test.h"

struct maker {
	struct vmm_options opts;
	struct terminal terminal;
	struct sandbox sandbox;
	struct loop loop;
	struct vmm_device_env env;
	struct virtio_device *dev;
	struct err err;
};

static int make(struct maker *m, const char *console, const char *port)
{
	memset(m, 0, sizeof(*m));
	CHECK_EQ(loop_init(&m->loop), 0);
	if (port)
		m->opts.ports[m->opts.n_ports++] = port;
	m->env = (struct vmm_device_env){
		.loop = &m->loop, .opts = &m->opts, .terminal = &m->terminal, .sandbox = &m->sandbox
	};
	return vmm_make_console(console, &m->env, &m->dev, &m->err);
}

static void unmake(struct maker *m)
{
	if (m->dev)
		m->dev->ops->destroy(m->dev);
	terminal_fini(&m->terminal);
	vmm_device_env_fini(&m->env);
	loop_fini(&m->loop);
}

static char dir[] = "/tmp/console.XXXXXX";

static const char *in_dir(const char *prefix, const char *name)
{
	static char text[100];

	(void)snprintf(text, sizeof(text), "%s%s/%s", prefix, dir, name);
	return text;
}

static void test_file(void)
{
	char text[16] = "";
	struct maker m;
	int fd;

	for (int i = 0; i < 2; i++) { /* appended */
		const uint32_t c = 'a' + (uint32_t)i;

		CHECK_EQ(make(&m, in_dir("file:", "out"), NULL), 0);
		CHECK_EQ(m.dev->n_queues, 4);
		m.dev->ops->config_write(m.dev, 8, &c, 4);
		unmake(&m);
	}
	fd = open(in_dir("", "out"), O_RDONLY | O_CLOEXEC);
	CHECK_EQ(read(fd, text, sizeof(text)), 2);
	CHECK_STR(text, "ab");
	(void)close(fd);
	CHECK_EQ(unlink(in_dir("", "out")), 0);
	CHECK_EQ(make(&m, in_dir("file:", "missing/out"), NULL), -ENOENT);
	CHECK_HAS(m.err.msg, "--console '/tmp/");
	CHECK_HAS(m.err.msg, "No such file or directory");
	unmake(&m);
}

static void test_inherited(void)
{
	struct maker m;
	char text[32];
	int fds[2];

	CHECK_EQ(make(&m, "fd:999", NULL), -EBADF);
	unmake(&m);
	CHECK_EQ(make(&m, "fd:x", NULL), -EINVAL);
	unmake(&m);
	CHECK_EQ(pipe(fds), 0);
	(void)snprintf(text, sizeof(text), "in=fd:%d", fds[0]);
	CHECK_EQ(make(&m, "", text), 0); /* no console, one port */
	CHECK_EQ(m.dev->n_queues, 6);
	CHECK(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
	unmake(&m);
	CHECK(fcntl(fds[0], F_GETFD) < 0); /* it was the machine's */
	(void)close(fds[1]);
}

static void test_socket(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct maker m;
	struct maker second;
	struct stat st;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char where[256];

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", in_dir("", "sock"));
	(void)snprintf(where, sizeof(where), "p=unix:%s", a.sun_path);
	/* One that was left behind. */
	CHECK_EQ(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	(void)close(fd);
	CHECK_EQ(make(&m, "", where), 0);
	CHECK_EQ(stat(a.sun_path, &st), 0);
	CHECK_EQ(st.st_mode & 0777, 0600);
	CHECK_EQ(make(&second, "", where), -EADDRINUSE);
	CHECK_HAS(second.err.msg, "somebody does already");
	unmake(&second);
	CHECK_EQ(stat(a.sun_path, &st), 0);
	unmake(&m);
	CHECK(stat(a.sun_path, &st) < 0);
	/* A file of that name is not touched. */
	fd = open(a.sun_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	(void)close(fd);
	CHECK_EQ(make(&m, "", where), -ENOTSOCK);
	unmake(&m);
	CHECK_EQ(unlink(a.sun_path), 0);
	memset(where, 'x', sizeof(where));
	memcpy(where, "unix:", 5);
	where[200] = '\0';
	CHECK_EQ(make(&m, where, NULL), -ENAMETOOLONG);
	CHECK_HAS(m.err.msg, "the name is too long");
	unmake(&m);
}

static void test_pty(void)
{
	struct maker m;

	CHECK_EQ(make(&m, "pty", "second=pty"), 0);
	CHECK(m.dev->offered & 1); /* a size */
	unmake(&m);
}

/* No room for one more descriptor: the option is named, and once. */
static void test_too_many(void)
{
	static const struct {
		const char *console, *msg;
		unsigned int room;
	} cases[] = {
		{ "unix:/tmp/bivalve-never",
		  "--console 'unix:/tmp/bivalve-never': too many devices", 0 },
		{ "unix:/tmp/bivalve-never",
		  "--console 'unix:/tmp/bivalve-never': too many devices", 1 },
		{ "pty", "--console 'pty': too many devices", 1 },
		{ "file:/dev/null", "--console '/dev/null': too many devices", 0 },
		{ "", "--console: too many devices", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct vmm_options opts = { 0 };
		struct sandbox box = SANDBOX_INIT;
		struct vmm_device_env env = { .opts = &opts, .sandbox = &box };
		struct virtio_device *dev = NULL;
		struct err err = ERR_INIT;

		env.n_fds = ARRAY_LEN(env.fds) - cases[i].room;
		for (size_t k = 0; k < env.n_fds; k++)
			env.fds[k] = -1;
		CHECK_EQ(vmm_make_console(cases[i].console, &env, &dev, &err), -EMFILE);
		CHECK_STR(err.msg, cases[i].msg);
		vmm_device_env_fini(&env);
	}
	CHECK(access("/tmp/bivalve-never", F_OK) < 0);
}

static void test_begin(void)
{
	CHECK(mkdtemp(dir) != NULL);
}

static void test_end(void)
{
	CHECK_EQ(rmdir(dir), 0); /* nothing is left in it */
}

TEST_MAIN(TEST(test_begin), TEST(test_file), TEST(test_inherited), TEST(test_socket),
	  TEST(test_pty), TEST(test_too_many), TEST(test_end))
