// SPDX-License-Identifier: GPL-2.0
/*
 * Resets. We abort nothing: a reset is answered when every request that was in flight when it came, on
 * any channel, has been: to its LUN, or to all of them. That is what the guest needs to know.
 * Invariant: a reset that waits is in its channel's list, or has no channel any more.
 */
#include <stdlib.h>

#include "storvsp_internal.h"

#define WAITING_MAX 64 /* per controller, so that a guest cannot have us allocate without end */

struct storvsp_reset {
	struct storvsp_barrier barrier; /* first */
	struct storvsp_channel *channel; /* to be answered; under storvsp->lock, NULL: closed meanwhile */
	struct storvsp_reset *next; /* in one of the channel's two lists */
	uint64_t transaction_id;
	struct vstor_packet packet;
};

static void unlink_reset(struct storvsp_reset **link, const struct storvsp_reset *reset)
{
	while (*link != reset)
		link = &(*link)->next;
	*link = reset->next;
}

static void answer(struct storvsp_channel *channel, struct storvsp_reset *reset)
{
	storvsp_answer(channel, reset->transaction_id, &reset->packet, NTSTATUS_SUCCESS);
	free(reset);
}

/* Only its own worker may answer it. */
static void waited(struct storvsp_barrier *barrier, struct storvsp_channel *here)
{
	struct storvsp_reset *reset = (struct storvsp_reset *)barrier;
	struct storvsp *storvsp = barrier->storvsp;
	struct storvsp_channel *channel;

	pthread_mutex_lock(&storvsp->lock);
	storvsp->resets_waiting--;
	channel = reset->channel;
	if (channel)
		unlink_reset(&channel->resets, reset);
	if (channel && channel != here) {
		reset->next = channel->passed;
		channel->passed = reset;
		channel_call(channel->channel);
	}
	pthread_mutex_unlock(&storvsp->lock);
	if (!channel)
		free(reset);
	else if (channel == here)
		answer(channel, reset);
}

static struct storvsp_reset *create(struct storvsp_channel *channel)
{
	struct storvsp *storvsp = channel->storvsp;
	struct storvsp_reset *reset = calloc(1, sizeof(*reset));

	if (!reset)
		return NULL;
	pthread_mutex_lock(&storvsp->lock);
	if (storvsp->resets_waiting == WAITING_MAX) {
		pthread_mutex_unlock(&storvsp->lock);
		free(reset);
		return NULL;
	}
	storvsp->resets_waiting++;
	reset->channel = channel;
	reset->next = channel->resets;
	channel->resets = reset;
	pthread_mutex_unlock(&storvsp->lock);
	return reset;
}

static void destroy(struct storvsp_reset *reset)
{
	struct storvsp_channel *channel = reset->channel;

	pthread_mutex_lock(&channel->storvsp->lock);
	channel->storvsp->resets_waiting--;
	unlink_reset(&channel->resets, reset);
	pthread_mutex_unlock(&channel->storvsp->lock);
	free(reset);
}

static unsigned int lun_of(const struct vstor_packet *vstor)
{
	if (vstor->operation != VSTOR_RESET_LUN || vstor->srb.path || vstor->srb.target)
		return STORVSP_LUN_ANY;
	return vstor->srb.lun;
}

void storvsp_reset_start(struct storvsp_channel *channel, uint64_t transaction_id,
			 struct vstor_packet *vstor)
{
	struct storvsp *storvsp = channel->storvsp;
	struct storvsp_reset *reset;

	if (!storvsp_serves(channel)) {
		storvsp_answer(channel, transaction_id, vstor, NTSTATUS_INVALID_DEVICE_STATE);
		return;
	}
	atomic_fetch_add_explicit(&storvsp->resets, 1, memory_order_relaxed);
	reset = create(channel);
	if (!reset) {
		storvsp_answer(channel, transaction_id, vstor, NTSTATUS_DEVICE_BUSY);
		return;
	}
	reset->transaction_id = transaction_id;
	reset->packet = *vstor;
	reset->barrier.storvsp = storvsp;
	reset->barrier.lun = lun_of(vstor);
	reset->barrier.done = waited;
	if (storvsp_barrier_start(&reset->barrier, channel))
		return;
	destroy(reset);
	storvsp_answer(channel, transaction_id, vstor, NTSTATUS_DEVICE_BUSY);
}

static struct storvsp_reset *take_passed(struct storvsp_channel *channel)
{
	struct storvsp_reset *reset;

	pthread_mutex_lock(&channel->storvsp->lock);
	reset = channel->passed;
	if (reset)
		channel->passed = reset->next;
	pthread_mutex_unlock(&channel->storvsp->lock);
	return reset;
}

void storvsp_reset_answer(struct storvsp_channel *channel)
{
	struct storvsp_reset *reset;

	while ((reset = take_passed(channel)))
		answer(channel, reset);
}

void storvsp_reset_abandon(struct storvsp_channel *channel)
{
	struct storvsp_reset *reset;

	while ((reset = take_passed(channel)))
		free(reset);
	pthread_mutex_lock(&channel->storvsp->lock);
	for (reset = channel->resets; reset; reset = reset->next)
		reset->channel = NULL;
	channel->resets = NULL;
	pthread_mutex_unlock(&channel->storvsp->lock);
}
