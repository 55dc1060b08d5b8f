/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Threads of hvis-host beside the main one, which alone takes signals; and waits of theirs that end at some time, by the clock that nobody sets.
 */
#ifndef HVIS_HOST_THREAD_H
#define HVIS_HOST_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/**
 * thread_start() - a thread that no signal reaches; writing to a pipe without a reader is an error there, not a signal
 * @name: for tools; what is more than 15 characters is cut off
 *
 * Return: 0 or an errno.
 */
int thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *context);

/** thread_condition_init() - a condition whose pthread_cond_timedwait() takes what thread_after() gives */
void thread_condition_init(pthread_cond_t *condition);
/** thread_after() - @nanoseconds from now. Any thread. */
struct timespec thread_after(uint64_t nanoseconds);
/** thread_join_until() - wait for its end, no longer than until what thread_after() gave. Return: false: it runs, and may be joined later. */
bool thread_join_until(pthread_t thread, const struct timespec *until);

#endif
