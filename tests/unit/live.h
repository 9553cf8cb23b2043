/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Containers for real, in tests: a busybox root file system in a temporary folder, configs made of
 * parts, and runs of them with what the program wrote. Needs root.
 */
#ifndef BIVALVE_TESTS_UNIT_LIVE_H
#define BIVALVE_TESTS_UNIT_LIVE_H

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "namespaces/launch.h"
#include "spec/base/fd.h"
#include "spec/base/proc.h"
#include "spec/parse.h"
#include "tests/unit/test.h"

#define NAMESPACES                                                                                 \
	"{\"type\":\"pid\"},{\"type\":\"network\"},{\"type\":\"ipc\"},{\"type\":\"uts\"},"         \
	"{\"type\":\"cgroup\"},{\"type\":\"mount\"}"
#define MAPS                                                                                       \
	"\"uidMappings\":[{\"containerID\":0,\"hostID\":100000,\"size\":65536}],"                  \
	"\"gidMappings\":[{\"containerID\":0,\"hostID\":100000,\"size\":65536}]"
#define CAPS(list)                                                                                 \
	"\"capabilities\":{\"bounding\":[" list "],\"permitted\":[" list "],\"effective\":[" list  \
	"]}"

enum { OUT_MAX = 16384, DEADLINE_MS = 20000 };

/* Parts of a config, as JSON; NULL: the usual. */
struct spec {
	const char *script;
	const char *args;    /* instead of script: the whole array */
	const char *cwd;     /* "/" */
	const char *process; /* more members */
	const char *namespaces;
	const char *linux_; /* more members */
	const char *top;    /* more members */
	unsigned int preserve_fds;
	bool is_sealed;
};

struct run {
	struct config config;
	struct ns_plan plan;
	struct ns_child child;
	int out_fd;        /* the program's stdout and stderr */
	int console_fd;    /* the terminal's master */
	int listener_fd;   /* of seccomp */
	char out[OUT_MAX]; /* what it wrote */
	int status;
	struct err err;
};

static char bundle[] = "/tmp/bivalve-live-XXXXXX";

static inline bool is_root(void)
{
	return geteuid() == 0 && access("/bin/busybox", X_OK) == 0;
}

#define PROFILE(action)                                                                            \
	"\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"mkdir\","   \
	"\"mkdirat\"],\"action\":\"" action "\"}]"

/* ---- the root file system ----------------------------------------------------------------------
 */

static inline void shell(const char *command)
{
	if (system(command) != 0) {
		printf("Bail out! %s\n", command);
		exit(1);
	}
}

static inline void make_bundle(void)
{
	static bool is_made;
	char command[1024];

	if (is_made)
		return;
	is_made = true;
	if (!mkdtemp(bundle))
		exit(1);
	(void)snprintf(
	    command, sizeof(command),
	    "cd %s && chmod 755 . && mkdir -p rootfs/bin rootfs/etc rootfs/proc rootfs/sys "
	    "rootfs/dev rootfs/tmp && chmod 1777 rootfs/tmp && cp /bin/busybox rootfs/bin/ "
	    "&& for a in sh true cat ls id grep readlink sleep stat touch mkdir tty stty "
	    "echo ps env pwd hostname kill head; do ln -s busybox rootfs/bin/$a; done && "
	    "printf 'root:x:0:0::/root:/bin/sh\\nu:x:1000:1000::/home/u:/bin/sh\\n' "
	    "> rootfs/etc/passwd && printf '#!/proc/self/exe\\n' > rootfs/bin/self && "
	    "chmod 755 rootfs/bin/self && echo text > rootfs/bin/noexec && chmod 644 "
	    "rootfs/bin/noexec",
	    bundle);
	shell(command);
}

static inline void remove_bundle(void)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "rm -rf --one-file-system %s", bundle);
	shell(command);
}

/* ---- running -----------------------------------------------------------------------------------
 */

static inline void add_json_string(struct buf *b, const char *s)
{
	buf_add_char(b, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			buf_add_char(b, '\\');
		buf_add_char(b, *s);
	}
	buf_add_char(b, '"');
}

static inline void add_config(struct buf *b, const struct spec *s)
{
	buf_add_str(b, "{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"rootfs\"},\"process\":{"
		       "\"env\":[\"PATH=/bin\"],\"cwd\":");
	add_json_string(b, s->cwd ? s->cwd : "/");
	buf_add_str(b, ",\"args\":");
	if (s->args) {
		buf_add_str(b, s->args);
	} else {
		buf_add_str(b, "[\"/bin/sh\",\"-c\",");
		add_json_string(b, s->script);
		buf_add_char(b, ']');
	}
	buf_printf(b, ",%s},", s->process ? s->process : "\"noNewPrivileges\":true");
	buf_add_str(b,
		    "\"mounts\":[{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"},"
		    "{\"destination\":\"/dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\"},"
		    "{\"destination\":\"/dev/pts\",\"type\":\"devpts\",\"source\":\"devpts\","
		    "\"options\":[\"newinstance\",\"ptmxmode=0666\",\"mode=0620\"]}],");
	buf_printf(b, "\"linux\":{\"namespaces\":[%s]", s->namespaces ? s->namespaces : NAMESPACES);
	if (s->linux_)
		buf_printf(b, ",%s", s->linux_);
	buf_add_char(b, '}');
	if (s->top)
		buf_printf(b, ",%s", s->top);
	buf_add_char(b, '}');
}

/* Reads the config and makes the plan; false: a test's fault. */
static inline bool prepare(struct run *r, const struct spec *s)
{
	auto_buf struct buf b = BUF_INIT;
	int rc;

	make_bundle();
	memset(r, 0, sizeof(*r));
	r->child = (struct ns_child)NS_CHILD_INIT;
	r->out_fd = r->console_fd = r->listener_fd = -1;
	add_config(&b, s);
	rc = config_parse(b.data, b.len, &r->config, &r->err);
	if (rc == 0)
		rc = ns_plan_from_config(&r->config, bundle, "live", &r->plan, &r->err);
	r->plan.io.preserve_fds = s->preserve_fds;
	r->plan.is_sealed = s->is_sealed;
	CHECK_EQ(rc, 0);
	CHECK_STR(r->err.msg, "");
	return rc == 0;
}

static inline int launch(struct run *r)
{
	int fds[2];
	int rc;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	r->plan.io.stdio_fds[1] = fds[1];
	r->plan.io.stdio_fds[2] = fds[1];
	rc = ns_launch(&r->plan, &r->child, &r->err);
	(void)close(fds[1]);
	r->out_fd = fds[0];
	return rc;
}

/* Serves events until @last. */
static inline int follow(struct run *r, enum ns_event_kind last)
{
	struct ns_event e = { NS_EVENT_CONSOLE, -1 };
	int rc = 0;

	for (;;) {
		rc = ns_next(&r->child, &e, &r->err);
		if (rc < 0)
			return rc;
		if (e.kind == NS_EVENT_CONSOLE)
			r->console_fd = e.fd;
		if (e.kind == NS_EVENT_SECCOMP)
			r->listener_fd = e.fd;
		/* A process that waits for a start is let go at once: it is recorded. */
		if (e.kind == last && (e.kind != NS_EVENT_READY || r->plan.start_fd < 0))
			return 0;
		if (e.kind == NS_EVENT_HOOKS || e.kind == NS_EVENT_SECCOMP ||
		    e.kind == NS_EVENT_READY)
			rc = ns_continue(&r->child, e.kind, &r->err);
		if (rc < 0 || e.kind == last)
			return rc;
	}
}

static inline void read_output(struct run *r)
{
	size_t len = strlen(r->out);

	for (;;) {
		struct pollfd p = { .fd = r->out_fd, .events = POLLIN };
		ssize_t n;

		if (poll(&p, 1, DEADLINE_MS) <= 0)
			break;
		n = read(r->out_fd, r->out + len, sizeof(r->out) - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	r->out[len] = '\0';
}

static inline void finish(struct run *r)
{
	read_output(r);
	if (r->child.pid > 0)
		CHECK_EQ(proc_reap(r->child.pid, &r->status), 0);
	r->child.pid = 0;
}

static inline void cleanup(struct run *r)
{
	ns_kill(&r->child);
	cleanup_close(&r->out_fd);
	cleanup_close(&r->console_fd);
	cleanup_close(&r->listener_fd);
	ns_plan_fini(&r->plan);
	config_fini(&r->config);
}

/* From a spec to the output; 0 or the error of the launch. */
static inline int run(struct run *r, const struct spec *s)
{
	int rc;

	if (!prepare(r, s))
		return -EINVAL;
	rc = launch(r);
	if (rc == 0)
		rc = follow(r, NS_EVENT_RUNNING);
	if (rc == 0)
		finish(r);
	return rc;
}

#define CHECK_RUN(r, spec)                                                                         \
	do {                                                                                       \
		CHECK_EQ(run((r), (spec)), 0);                                                     \
		CHECK_STR((r)->err.msg, "");                                                       \
	} while (0)

static inline int open_bundle(void)
{
	make_bundle();
	return open(bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static inline void test_cleanup(void)
{
	if (is_root())
		remove_bundle();
}

#endif
