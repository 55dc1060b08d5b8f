// SPDX-License-Identifier: GPL-2.0
/*
 * The log: formats one line and hands it to stderr in one write, so that lines of several threads
 * never mix. Who logs how often is the callers' business.
 * Invariant: what reaches the terminal is one line of printable characters, whatever a guest put
 * into its strings.
 */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES 1024

static atomic_int log_level = LOG_WARN;

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&log_level, (int)level, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&log_level, memory_order_relaxed);
}

static const char *level_name(enum log_level level)
{
	switch (level) {
	case LOG_ERROR:
		return "error";
	case LOG_WARN:
		return "warning";
	case LOG_INFO:
		return "info";
	default:
		return "debug";
	}
}

static void make_printable(char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			text[i] = '?';
}

/*
 * stderr may be a pipe or a terminal that takes only part; nothing can be done about an error here.
 */
static void write_all(const char *text, size_t bytes)
{
	while (bytes) {
		ssize_t done = write(STDERR_FILENO, text, bytes);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return;
		text += done;
		bytes -= (size_t)done;
	}
}

void log_line(enum log_level level, const char *format, ...)
{
	char line[LINE_BYTES];
	va_list args;
	size_t head;
	size_t bytes;
	int wanted;

	if (!log_enabled(level))
		return;
	head = (size_t)snprintf(line, sizeof(line), "hvis-host: %s: ", level_name(level));
	va_start(args, format);
	wanted = vsnprintf(line + head, sizeof(line) - head, format, args);
	va_end(args);
	if (wanted < 0)
		return;
	bytes = strlen(line);
	make_printable(line, bytes);
	line[bytes] = '\n'; /* takes the place of the terminator, which write() does not need */
	write_all(line, bytes + 1);
}
