// SPDX-License-Identifier: GPL-2.0
/*
 * The part of the shim that has storage: the log. Linked to every unit test that links guest
 * sources. Any thread may log; what is kept is for the one that looks after the others are joined.
 */
#include <linux/printk.h>

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

unsigned int shim_log_lines;
char shim_log_last[256];

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

void shim_log(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	pthread_mutex_lock(&log_lock);
	vsnprintf(shim_log_last, sizeof(shim_log_last), format, args);
	shim_log_lines++;
	pthread_mutex_unlock(&log_lock);
	va_end(args);
}

void shim_log_clear(void)
{
	pthread_mutex_lock(&log_lock);
	shim_log_last[0] = 0;
	shim_log_lines = 0;
	pthread_mutex_unlock(&log_lock);
}
