// SPDX-License-Identifier: GPL-2.0
/*
 * Threads without signals. See thread.h.
 */
#include "thread.h"

#include <signal.h>
#include <stdio.h>

#define NAME_BYTES 16 /* the kernel's TASK_COMM_LEN */

int thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *context)
{
	char short_name[NAME_BYTES];
	sigset_t all, old;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(thread, NULL, run, context);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error)
		return error;
	snprintf(short_name, sizeof(short_name), "%.*s", NAME_BYTES - 1, name);
	pthread_setname_np(*thread, short_name);
	return 0;
}
