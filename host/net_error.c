// SPDX-License-Identifier: GPL-2.0
/* See net_error.h. */
#include "net_error.h"

#include <stdarg.h>
#include <stdio.h>

#include "net.h"

int net_fail(char *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, NET_ERROR_BYTES, format, args);
	va_end(args);
	return -1;
}
