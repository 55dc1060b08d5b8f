/* SPDX-License-Identifier: GPL-2.0 */
/* A page of text. */
#ifndef SHIM_LINUX_SYSFS_H
#define SHIM_LINUX_SYSFS_H

#include <stdarg.h>
#include <stdio.h>

#include <linux/types.h>

#define SHIM_PAGE 4096

static inline int sysfs_emit_at(char *text, int at, const char *format, ...)
{
	va_list args;
	int bytes;

	va_start(args, format);
	bytes = vsnprintf(text + at, SHIM_PAGE - at, format, args);
	va_end(args);
	return bytes < SHIM_PAGE - at ? bytes : SHIM_PAGE - at - 1;
}

#define sysfs_emit(text, format, ...) sysfs_emit_at(text, 0, format, ##__VA_ARGS__)

#endif
