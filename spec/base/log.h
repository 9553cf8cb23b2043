/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines to stderr and, when asked, to a file, as text or as one JSON object per line
 * ({"level":..,"msg":..,"time":..}, the form that podman and containerd parse). The sink is the one
 * mutable global of a program; main() sets it once. Only main() logs errors, once per failure.
 * Secrets (environment values, hook input) are never logged.
 */
#ifndef BIVALVE_SPEC_BASE_LOG_H
#define BIVALVE_SPEC_BASE_LOG_H

#include <stdbool.h>

#include "spec/base/err.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

/*
 * log_setup - sets the sink.
 * @level:  lines above it are dropped
 * @fd:     where lines go beside stderr; -1 = stderr alone. Borrowed for the life of the program.
 *          stderr always gets text; @format is that of @fd.
 */
void log_setup(enum log_level level, enum log_format format, int fd);

/* log_enabled - a line of @level would be written. */
bool log_enabled(enum log_level level);

void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* log_level_from_name - "error", "warning" ("warn"), "info", "debug". Returns 0 or -EINVAL. */
MUST_CHECK int log_level_from_name(const char *name, enum log_level *out);

#endif
