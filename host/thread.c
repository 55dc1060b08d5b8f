// SPDX-License-Identifier: GPL-2.0
/*
 * Threads without signals. See thread.h.
 */
#define _GNU_SOURCE
#include "thread.h"

#include <signal.h>
#include <stdio.h>

#define NAME_BYTES 16 /* the kernel's TASK_COMM_LEN */
#define SECOND 1000000000ull /* in nanoseconds */

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

void thread_condition_init(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
}

struct timespec thread_after(uint64_t nanoseconds)
{
	struct timespec when;

	clock_gettime(CLOCK_MONOTONIC, &when);
	nanoseconds += (uint64_t)when.tv_nsec;
	when.tv_sec += (time_t)(nanoseconds / SECOND);
	when.tv_nsec = (long)(nanoseconds % SECOND);
	return when;
}

bool thread_join_until(pthread_t thread, const struct timespec *until)
{
	return !pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, until);
}
