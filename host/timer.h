/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A timerfd that a channel's worker waits with, and that stands still while the VM does.
 */
#ifndef HVIS_HOST_TIMER_H
#define HVIS_HOST_TIMER_H

#include <stdint.h>
#include <sys/timerfd.h>

#define TIMER_NS_PER_SECOND 1000000000ull

/** timer_set() - fires in @ns; 0: not at all. */
static inline void timer_set(int fd, uint64_t ns)
{
	const struct itimerspec time = {
		.it_value = { .tv_sec = (time_t)(ns / TIMER_NS_PER_SECOND), .tv_nsec = (long)(ns % TIMER_NS_PER_SECOND) },
	};

	timerfd_settime(fd, 0, &time, NULL);
}

/** timer_hold() - stop it. Return: what timer_set() must be told to go on where it was. */
static inline uint64_t timer_hold(int fd)
{
	struct itimerspec left = { 0 };

	timerfd_gettime(fd, &left);
	timer_set(fd, 0);
	return (uint64_t)left.it_value.tv_sec * TIMER_NS_PER_SECOND + (uint64_t)left.it_value.tv_nsec;
}

#endif
