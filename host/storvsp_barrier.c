// SPDX-License-Identifier: GPL-2.0
/*
 * Barriers: waiting until what is in flight on all channels of a controller is done. Each worker looks
 * at its own requests, so that a request costs nothing but a look at an empty list when it ends.
 * Invariant: a part is with one worker at a time: asked for (under the lock), then in the channel's list
 * (the worker's), then done.
 */
#include <stdlib.h>

#include "storvsp_internal.h"

/* The last one ends the barrier, which may be gone then. */
static void part_done(struct storvsp_barrier *barrier, struct storvsp_channel *here)
{
	struct storvsp *storvsp = barrier->storvsp;
	bool last;

	pthread_mutex_lock(&storvsp->lock);
	last = !--barrier->open;
	pthread_mutex_unlock(&storvsp->lock);
	if (!last)
		return;
	free(barrier->parts);
	barrier->done(barrier, here);
}

static bool concerns(const struct storvsp_part *part, uint64_t number, unsigned int lun)
{
	return number && number <= part->number &&
	       (part->barrier->lun == STORVSP_LUN_ANY || part->barrier->lun == lun);
}

/* The channel's worker: requests that come later have higher numbers. */
static void take(struct storvsp_channel *channel, struct storvsp_part *part)
{
	part->number = channel->number;
	part->waits_for = 0;
	for (uint32_t i = 0; channel->in_flight && i < STORVSP_REQUESTS; i++) {
		const struct storvsp_request *request = &channel->requests[i];

		part->waits_for += concerns(part, request->number, request->task.lun_number);
	}
	if (!part->waits_for) {
		part_done(part->barrier, channel);
		return;
	}
	part->next = channel->parts;
	channel->parts = part;
}

bool storvsp_barrier_start(struct storvsp_barrier *barrier, struct storvsp_channel *here)
{
	struct storvsp *storvsp = barrier->storvsp;
	struct storvsp_part *part;

	pthread_mutex_lock(&storvsp->lock);
	part = calloc(storvsp->channel_count + 1, sizeof(*part));
	barrier->parts = part;
	barrier->open = 1;
	for (struct storvsp_channel *channel = part ? storvsp->channels : NULL; channel;
	     channel = channel->next) {
		if (channel == here)
			continue;
		part->barrier = barrier;
		part->next = channel->asked;
		channel->asked = part++;
		barrier->open++;
		channel_call(channel->channel);
	}
	pthread_mutex_unlock(&storvsp->lock);
	if (!part)
		return false;
	part->barrier = barrier;
	if (here)
		take(here, part);
	else
		part_done(barrier, NULL);
	return true;
}

void storvsp_barrier_asked(struct storvsp_channel *channel)
{
	struct storvsp_part *part, *next;

	pthread_mutex_lock(&channel->storvsp->lock);
	part = channel->asked;
	channel->asked = NULL;
	pthread_mutex_unlock(&channel->storvsp->lock);
	for (; part; part = next) {
		next = part->next;
		take(channel, part);
	}
}

void storvsp_barrier_passed(struct storvsp_channel *channel, uint64_t number, unsigned int lun)
{
	struct storvsp_part **link = &channel->parts, *part;

	while ((part = *link)) {
		if (!concerns(part, number, lun) || --part->waits_for) {
			link = &part->next;
			continue;
		}
		*link = part->next;
		part_done(part->barrier, channel);
	}
}
