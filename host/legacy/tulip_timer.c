// SPDX-License-Identifier: GPL-2.0
/*
 * The timers of a 21140A: the one that its driver sets (CSR11), and one for looking at lists again where no demand comes.
 * Invariant: they are set by any thread, as system calls are; they fire in the worker's.
 */
#include <stddef.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "legacy/tulip_internal.h"

#define NS_PER_S 1000000000u

struct tulip_timers {
	struct tulip *tulip;
	struct loop_eventfd csr11, poll;
	unsigned int ending;
	void (*ended)(void *context);
	void *context;
};

static struct timespec of_ns(uint64_t ns)
{
	return (struct timespec){ (time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S) };
}

static void csr11_fired(struct loop_eventfd *event)
{
	struct tulip_timers *timers = (struct tulip_timers *)((char *)event - offsetof(struct tulip_timers, csr11));

	tulip_raise(timers->tulip, DEC_STATUS_TIMER);
}

static void poll_fired(struct loop_eventfd *event)
{
	struct tulip_timers *timers = (struct tulip_timers *)((char *)event - offsetof(struct tulip_timers, poll));

	atomic_store(&timers->tulip->tx_demand, true);
	tulip_kick(timers->tulip);
}

static void one_ended(struct tulip_timers *timers)
{
	if (!--timers->ending)
		timers->ended(timers->context);
}

static void csr11_ended(struct loop_eventfd *event)
{
	one_ended((struct tulip_timers *)((char *)event - offsetof(struct tulip_timers, csr11)));
}

static void poll_ended(struct loop_eventfd *event)
{
	one_ended((struct tulip_timers *)((char *)event - offsetof(struct tulip_timers, poll)));
}

struct tulip_timers *tulip_timers_create(struct tulip *tulip, struct loop *loop)
{
	struct tulip_timers *timers = calloc(1, sizeof(*timers));

	if (!timers)
		return NULL;
	timers->tulip = tulip;
	timers->csr11 = (struct loop_eventfd){ .fired = csr11_fired, .ended = csr11_ended };
	timers->poll = (struct loop_eventfd){ .fired = poll_fired, .ended = poll_ended };
	timers->csr11.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	timers->poll.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (timers->csr11.fd < 0 || timers->poll.fd < 0) {
		tulip_timers_destroy(timers);
		return NULL;
	}
	loop_eventfd_arm(loop, &timers->csr11);
	loop_eventfd_arm(loop, &timers->poll);
	return timers;
}

void tulip_timers_end(struct tulip_timers *timers, void (*ended)(void *context), void *context)
{
	timers->ending = 2;
	timers->ended = ended;
	timers->context = context;
	loop_eventfd_disarm(&timers->csr11);
	loop_eventfd_disarm(&timers->poll);
}

void tulip_timers_destroy(struct tulip_timers *timers)
{
	if (timers->csr11.fd >= 0)
		close(timers->csr11.fd);
	if (timers->poll.fd >= 0)
		close(timers->poll.fd);
	free(timers);
}

void tulip_timer_set(struct tulip_timers *timers, uint64_t ns, bool again)
{
	const struct itimerspec spec = { .it_value = of_ns(ns), .it_interval = of_ns(again ? ns : 0) };

	timerfd_settime(timers->csr11.fd, 0, &spec, NULL);
}

uint64_t tulip_timer_left(const struct tulip_timers *timers)
{
	struct itimerspec now;

	if (timerfd_gettime(timers->csr11.fd, &now))
		return 0;
	return (uint64_t)now.it_value.tv_sec * NS_PER_S + (uint64_t)now.it_value.tv_nsec;
}

void tulip_timer_poll(struct tulip_timers *timers, uint64_t ns)
{
	const struct itimerspec spec = { .it_value = of_ns(ns) };

	timerfd_settime(timers->poll.fd, 0, &spec, NULL);
}
