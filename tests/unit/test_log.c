// SPDX-License-Identifier: GPL-2.0-or-later
/* The log's two forms. What goes to stderr is caught in a file for the time of each test. */
#include "spec/base/log.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "spec/base/fd.h"
#include "spec/json.h"
#include "tests/unit/test.h"

struct sink {
	int fd;        /* the log file */
	int stderr_fd; /* what stderr writes to */
	int saved_fd;
};

static void sink_open(struct sink *s, enum log_level level, enum log_format format)
{
	s->fd = memfd_create("log", MFD_CLOEXEC);
	s->stderr_fd = memfd_create("stderr", MFD_CLOEXEC);
	s->saved_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	CHECK(dup2(s->stderr_fd, STDERR_FILENO) == STDERR_FILENO);
	log_setup(level, format, s->fd);
}

static void take(int fd, struct buf *out)
{
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_EQ(fd_read_all(fd, 65536, out), 0);
}

static void sink_close(struct sink *s, struct buf *log, struct buf *err)
{
	log_setup(LOG_LEVEL_WARN, LOG_FORMAT_TEXT, -1);
	CHECK(dup2(s->saved_fd, STDERR_FILENO) == STDERR_FILENO);
	take(s->fd, log);
	take(s->stderr_fd, err);
	(void)close(s->fd);
	(void)close(s->stderr_fd);
	(void)close(s->saved_fd);
}

static void test_json(void)
{
	auto_buf struct buf log = BUF_INIT;
	auto_buf struct buf err = BUF_INIT;
	struct arena arena = ARENA_INIT;
	struct json_reader r = { .arena = &arena };
	struct json_doc *doc;
	const char *s = NULL;
	struct sink sink;

	sink_open(&sink, LOG_LEVEL_ERROR, LOG_FORMAT_JSON);
	log_warn("dropped");
	log_error("a \"b\" \\ c\td\x01 %d", 5);
	sink_close(&sink, &log, &err);
	CHECK_STR(buf_str(&err), "bivalve: a \"b\" \\ c\td\x01 5\n");
	doc = json_doc_parse(&r, log.data, log.len); /* one object: podman reads the whole file */
	CHECK_EQ(r.rc, 0);
	if (doc) {
		CHECK(json_get_str(&r, json_doc_root(doc), "level", &s));
		CHECK_STR(s, "error");
		CHECK(json_get_str(&r, json_doc_root(doc), "msg", &s));
		CHECK_STR(s, "a \"b\" \\ c\td\x01 5");
		CHECK(json_get_str(&r, json_doc_root(doc), "time", &s));
		CHECK(strlen(s) == strlen("2026-01-01T00:00:00.000000000Z") && s[10] == 'T');
	}
	json_doc_free(doc);
	arena_fini(&arena);
}

/* Names of files need not be UTF-8, but a log line must be. */
static void test_json_not_utf8(void)
{
	auto_buf struct buf log = BUF_INIT;
	auto_buf struct buf err = BUF_INIT;
	struct arena arena = ARENA_INIT;
	struct json_reader r = { .arena = &arena };
	struct json_doc *doc;
	const char *s = NULL;
	struct sink sink;

	sink_open(&sink, LOG_LEVEL_ERROR, LOG_FORMAT_JSON);
	log_error("open '%s'", "x\xff\xc3\xa9");
	sink_close(&sink, &log, &err);
	doc = json_doc_parse(&r, log.data, log.len);
	CHECK_EQ(r.rc, 0);
	if (doc && json_get_str(&r, json_doc_root(doc), "msg", &s))
		CHECK_STR(s, "open 'x\xef\xbf\xbd\xc3\xa9'");
	json_doc_free(doc);
	arena_fini(&arena);
}

static void test_text(void)
{
	auto_buf struct buf log = BUF_INIT;
	auto_buf struct buf err = BUF_INIT;
	struct sink sink;

	sink_open(&sink, LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	log_debug("dropped");
	log_info("x=%s", "1");
	log_warn("y, ignoring");
	sink_close(&sink, &log, &err);
	CHECK_HAS(log.data, "Z\" level=info msg=\"x=1\"\ntime=\"");
	CHECK_HAS(log.data, "\" level=warning msg=\"y, ignoring\"\n");
	CHECK_STR(err.data, "bivalve: info: x=1\nbivalve: warning: y, ignoring\n");
}

static void test_levels(void)
{
	enum log_level level = LOG_LEVEL_ERROR;

	CHECK_EQ(log_level_from_name("debug", &level), 0);
	CHECK_EQ(level, LOG_LEVEL_DEBUG);
	CHECK_EQ(log_level_from_name("warn", &level), 0);
	CHECK_EQ(level, LOG_LEVEL_WARN);
	CHECK_EQ(log_level_from_name("warning", &level), 0);
	CHECK_EQ(log_level_from_name("Error", &level), -EINVAL);
	CHECK_EQ(log_level_from_name("", &level), -EINVAL);
	CHECK(log_enabled(LOG_LEVEL_WARN) && !log_enabled(LOG_LEVEL_INFO));
}

TEST_MAIN(TEST(test_json), TEST(test_json_not_utf8), TEST(test_text), TEST(test_levels))
