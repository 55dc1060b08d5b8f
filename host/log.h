/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One line per event on stderr, "hvis-host: level: text". Guest mistakes are rate limited by their
 * callers (once per channel or per kind), so that no guest can fill the host's log.
 */
#ifndef HVIS_HOST_LOG_H
#define HVIS_HOST_LOG_H

#include <stdbool.h>

enum log_level {
	LOG_ERROR,
	LOG_WARN,
	LOG_INFO,
	LOG_DEBUG
};

/** log_set_level() - print up to this level; default LOG_WARN. Call before threads start. */
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)                                    \
	do {                                              \
		if (log_enabled(LOG_DEBUG))               \
			log_line(LOG_DEBUG, __VA_ARGS__); \
	} while (0)

#endif
