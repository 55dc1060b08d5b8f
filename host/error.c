// SPDX-License-Identifier: GPL-2.0
/* See error.h. */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>

int error_set(char *error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error, ERROR_BYTES, format, arguments);
	va_end(arguments);
	return -1;
}
