/* SPDX-License-Identifier: GPL-2.0 */
/* Completions over a condition variable. */
#ifndef SHIM_LINUX_COMPLETION_H
#define SHIM_LINUX_COMPLETION_H

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include <linux/jiffies.h>
#include <linux/spinlock.h>

struct completion {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	unsigned int done;
};

static inline void init_completion(struct completion *x)
{
	*x = (struct completion){ .mutex = PTHREAD_MUTEX_INITIALIZER,
				  .changed = PTHREAD_COND_INITIALIZER };
}

static inline void complete(struct completion *x)
{
	pthread_mutex_lock(&x->mutex);
	x->done++;
	pthread_cond_broadcast(&x->changed);
	pthread_mutex_unlock(&x->mutex);
}

/* Returns 0 when the time is over; otherwise at least 1, not the ticks that are left. */
static inline unsigned long wait_for_completion_timeout(struct completion *x, unsigned long ticks)
{
	unsigned long got = 0;
	struct timespec until;
	int error = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ticks / HZ;
	until.tv_nsec += (long)(ticks % HZ) * (1000000000 / HZ);
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}

	pthread_mutex_lock(&x->mutex);
	while (!x->done && error != ETIMEDOUT)
		error = pthread_cond_timedwait(&x->changed, &x->mutex, &until);
	if (x->done) {
		x->done--;
		got = 1;
	}
	pthread_mutex_unlock(&x->mutex);
	return got;
}

#endif
