// SPDX-License-Identifier: GPL-2.0-or-later
/* The log sink. Lines are composed on the stack and written by one write(2) each. */
#include "spec/base/log.h"

#include <string.h>
#include <time.h>

#include "spec/base/fd.h"
#include "spec/base/utf8.h"

static struct {
	enum log_level level;
	enum log_format format;
	int fd;
} sink = { LOG_LEVEL_WARN, LOG_FORMAT_TEXT, -1 };

static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARN] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

void log_setup(enum log_level level, enum log_format format, int fd)
{
	sink.level = level;
	sink.format = format;
	sink.fd = fd;
}

bool log_enabled(enum log_level level)
{
	return level <= sink.level;
}

int log_level_from_name(const char *name, enum log_level *out)
{
	for (size_t i = 0; i < ARRAY_LEN(level_names); i++) {
		if (strcmp(name, level_names[i]) == 0) {
			*out = (enum log_level)i;
			return 0;
		}
	}
	if (strcmp(name, "warn") == 0) {
		*out = LOG_LEVEL_WARN;
		return 0;
	}
	return -EINVAL;
}

/* Writes @s as the inside of a JSON string. A byte that is not UTF-8 becomes U+FFFD. */
static void add_json_text(struct buf *b, const char *s)
{
	size_t left = strlen(s);

	while (left) {
		unsigned char c = (unsigned char)*s;
		size_t step = utf8_char_len((const unsigned char *)s, left);

		if (c == '"' || c == '\\')
			buf_add_char(b, '\\');
		if (c == '\n')
			buf_add_str(b, "\\n");
		else if (c < 0x20)
			buf_printf(b, "\\u%04x", c);
		else if (step)
			buf_add(b, s, step);
		else
			buf_add_str(b, "\xef\xbf\xbd");
		s += step ? step : 1;
		left -= step ? step : 1;
	}
}

static void write_sink(enum log_level level, const char *text)
{
	auto_buf struct buf b = BUF_INIT;
	char when[40];
	struct timespec t;
	struct tm tm;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	(void)gmtime_r(&t.tv_sec, &tm);
	(void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	if (sink.format == LOG_FORMAT_JSON) {
		buf_printf(&b, "{\"level\":\"%s\",\"msg\":\"", level_names[level]);
		add_json_text(&b, text);
		buf_printf(&b, "\",\"time\":\"%s.%09ldZ\"}\n", when, t.tv_nsec);
	} else {
		buf_printf(&b, "time=\"%s.%09ldZ\" level=%s msg=\"", when, t.tv_nsec,
			   level_names[level]);
		add_json_text(&b, text);
		buf_add_str(&b, "\"\n");
	}
	/* A full disk or a closed log must not change what the command does. */
	if (!buf_failed(&b) && fd_write_all(sink.fd, b.data, b.len) < 0)
		sink.fd = -1;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	char text[ERR_MSG_MAX + 256];
	char line[sizeof(text) + 32];
	va_list ap;
	int n;

	if (!log_enabled(level))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (sink.fd >= 0)
		write_sink(level, text);
	n = snprintf(line, sizeof(line), "bivalve: %s%s%s\n",
		     level == LOG_LEVEL_ERROR ? "" : level_names[level],
		     level == LOG_LEVEL_ERROR ? "" : ": ", text);
	if (n > 0 && fd_write_all(STDERR_FILENO, line, (size_t)n) < 0)
		return; /* nobody is left to tell */
}
