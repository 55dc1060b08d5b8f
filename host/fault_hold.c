// SPDX-License-Identifier: GPL-2.0
/*
 * Things held back. See fault_hold.h. One timer stands at the first that is due.
 * Invariant: while anything is held and the timer exists, it is set to the first one's time.
 */
#include "fault_hold.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000ull

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * NS_PER_S + time.tv_nsec;
}

/* A time of 0 would stop the timer; one in the past fires at once. */
static void set_timer(struct fault_hold *hold)
{
	uint64_t due = hold->first ? hold->first->due : 0;
	struct itimerspec when = { .it_value = { .tv_sec = due / NS_PER_S,
						 .tv_nsec = due % NS_PER_S } };

	if (hold->timer.fd >= 0)
		timerfd_settime(hold->timer.fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static struct fault_held *take_first(struct fault_hold *hold)
{
	struct fault_held *held = hold->first;

	hold->first = held->next;
	hold->count--;
	return held;
}

static void release(struct fault_hold *hold, struct fault_held *held)
{
	hold->release(hold->context, held);
	free(held);
}

static void fired(struct loop_eventfd *timer)
{
	struct fault_hold *hold =
		(struct fault_hold *)((char *)timer - offsetof(struct fault_hold, timer));
	uint64_t until = now();

	while (hold->first && hold->first->due <= until)
		release(hold, take_first(hold));
	set_timer(hold);
}

void fault_hold_init(struct fault_hold *hold, struct loop *loop,
		     void (*released)(void *context, struct fault_held *held), void *context)
{
	*hold = (struct fault_hold){ .loop = loop, .release = released, .context = context };
	hold->timer.fd = -1;
	hold->timer.fired = fired;
}

static bool have_timer(struct fault_hold *hold)
{
	if (hold->timer.fd >= 0)
		return true;
	hold->timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (hold->timer.fd < 0)
		return false;
	loop_eventfd_arm(hold->loop, &hold->timer);
	return true;
}

/* Behind those that are due at the same time, so that order is kept. */
static void insert(struct fault_hold *hold, struct fault_held *held)
{
	struct fault_held **link = &hold->first;

	while (*link && (*link)->due <= held->due)
		link = &(*link)->next;
	held->next = *link;
	*link = held;
	hold->count++;
	set_timer(hold);
}

void fault_hold_add(struct fault_hold *hold, unsigned int kind, uint64_t ms, bool until_next,
		    const void *data, uint32_t bytes, const void *more, uint32_t more_bytes)
{
	struct fault_held *held;

	if (hold->count >= FAULT_HELD_MAX || !have_timer(hold))
		return;
	held = malloc(sizeof(*held) + bytes + more_bytes);
	if (!held)
		return;
	held->due = now() + ms * 1000000;
	held->kind = kind;
	held->until_next = until_next;
	held->bytes = bytes + more_bytes;
	if (bytes)
		memcpy(held->data, data, bytes);
	if (more_bytes)
		memcpy(held->data + bytes, more, more_bytes);
	insert(hold, held);
}

void fault_hold_next(struct fault_hold *hold, unsigned int kind)
{
	struct fault_held **link = &hold->first, *held;

	while ((held = *link)) {
		if (!held->until_next || held->kind != kind) {
			link = &held->next;
			continue;
		}
		*link = held->next;
		hold->count--;
		release(hold, held);
		link = &hold->first; /* release() may have held something */
	}
	set_timer(hold);
}

/* What release() holds anew stays: only as many as there are now. */
void fault_hold_release(struct fault_hold *hold)
{
	for (unsigned int i = hold->count; i && hold->first; i--)
		release(hold, take_first(hold));
	set_timer(hold);
}

bool fault_hold_end(struct fault_hold *hold, void (*ended)(struct loop_eventfd *timer))
{
	while (hold->first)
		free(take_first(hold));
	if (hold->timer.fd < 0)
		return false;
	set_timer(hold);
	hold->timer.ended = ended;
	loop_eventfd_disarm(&hold->timer);
	return true;
}

void fault_hold_free(struct fault_hold *hold)
{
	while (hold->first)
		free(take_first(hold));
	if (hold->timer.fd >= 0)
		close(hold->timer.fd);
	hold->timer.fd = -1;
}
