// SPDX-License-Identifier: GPL-2.0
/*
 * Frames that go out on another channel than the one that read them. They lie in the receive buffer, which all channels share,
 * with their headers in front, so what changes hands is a chain of units: once per batch, under the lock of the other's inbox.
 * Invariant: a unit that was handed over is in one chain: an outbox (within netvsp_receive() only), an inbox, or what a
 * channel has taken of its own. An inbox has an area exactly while its channel is open and uses that area.
 */
#include "netvsp_internal.h"

#define STUCK_SHARE 4u /* of the units, the part that may wait for a channel whose guest takes nothing */

/* As long as @from's units are of the same area. */
static void join(struct netvsp_area *area, struct netvsp_chain *to, const struct netvsp_chain *from)
{
	if (to->ranges)
		area->next[to->last] = from->first;
	else
		to->first = from->first;
	to->last = from->last;
	to->ranges += from->ranges;
	to->frames += from->frames;
}

static void discard(struct netvsp_channel *channel, const struct netvsp_chain *chain)
{
	if (!chain->ranges)
		return;
	netvsp_count(&channel->counters->rx_dropped, chain->frames);
	netvsp_area_give(channel->netvsp, channel->recv, chain->first);
}

/* What lies in the inbox becomes the channel's own. */
static void fetch(struct netvsp_channel *channel)
{
	struct netvsp_inbox *inbox = &channel->netvsp->inboxes[channel->index];
	struct netvsp_chain none = { 0 };

	if (!atomic_load_explicit(&inbox->filled, memory_order_acquire))
		return;
	pthread_mutex_lock(&inbox->lock);
	join(channel->recv, &channel->taken, &inbox->chain);
	inbox->chain = none;
	atomic_store_explicit(&inbox->filled, false, memory_order_relaxed);
	pthread_mutex_unlock(&inbox->lock);
}

void netvsp_spread_open(struct netvsp_channel *channel)
{
	struct netvsp_inbox *inbox = &channel->netvsp->inboxes[channel->index];

	pthread_mutex_lock(&inbox->lock);
	inbox->channel = channel->channel;
	atomic_store(&inbox->stuck, false);
	atomic_store(&inbox->area, channel->recv);
	pthread_mutex_unlock(&inbox->lock);
}

void netvsp_spread_close(struct netvsp_channel *channel)
{
	struct netvsp_inbox *inbox = &channel->netvsp->inboxes[channel->index];

	pthread_mutex_lock(&inbox->lock);
	atomic_store(&inbox->area, NULL);
	inbox->channel = NULL;
	pthread_mutex_unlock(&inbox->lock);
	netvsp_spread_drop(channel);
}

struct netvsp_chain *netvsp_spread_choose(struct netvsp_channel *channel, uint32_t hash)
{
	unsigned int target = rss_channel(channel->rss, hash);
	const struct netvsp_inbox *inbox = &channel->netvsp->inboxes[target];
	uint64_t bit = 1ull << target;

	if (target == channel->index)
		return NULL;
	/*
	 * Frames of a flow must not overtake each other. So in the middle of a batch nothing changes, and what is read for a
	 * closed channel goes behind that which came back when it closed.
	 */
	if (channel->outboxes_used & bit ||
	    atomic_load_explicit(&inbox->area, memory_order_relaxed) == channel->recv) {
		channel->outboxes_used |= bit;
		return &channel->outboxes[target];
	}
	return channel->taken.ranges ? &channel->taken : NULL;
}

void netvsp_spread_add(struct netvsp_channel *channel, struct netvsp_chain *chain, uint32_t unit, uint32_t bytes,
		       uint32_t parts)
{
	const struct netvsp_chain one = { .first = unit, .last = unit, .ranges = 1, .frames = parts ? 1 : 0 };
	struct netvsp_area *area = channel->recv;

	area->next[unit] = NETVSP_UNIT_NONE;
	area->handed[unit] = (struct netvsp_handed){ (uint16_t)bytes, (uint16_t)parts };
	join(area, chain, &one);
}

/* A guest that takes nothing on one channel shall not hold up the others: its frames are lost, as at any full NIC. */
static bool is_full(const struct netvsp_inbox *inbox, const struct netvsp_area *area)
{
	return atomic_load_explicit(&inbox->stuck, memory_order_relaxed) &&
	       inbox->chain.ranges > area->units / STUCK_SHARE;
}

/* One batch for one channel, and one call. If it closes just now, its frames go out here. */
static void hand_over(struct netvsp_channel *channel, struct netvsp_chain *chain, struct netvsp_inbox *inbox)
{
	bool open, full;

	pthread_mutex_lock(&inbox->lock);
	open = atomic_load_explicit(&inbox->area, memory_order_relaxed) == channel->recv;
	full = open && is_full(inbox, channel->recv);
	if (open && !full) {
		join(channel->recv, &inbox->chain, chain);
		if (!atomic_exchange(&inbox->filled, true))
			channel_call(inbox->channel);
	}
	pthread_mutex_unlock(&inbox->lock);
	if (!open)
		join(channel->recv, &channel->taken, chain);
	else if (full)
		discard(channel, chain);
	else
		netvsp_count(&channel->counters->rx_handed_over, chain->frames);
}

void netvsp_spread_flush(struct netvsp_channel *channel)
{
	for (uint64_t left = channel->outboxes_used; left; left &= left - 1) {
		unsigned int target = (unsigned int)__builtin_ctzll(left);
		struct netvsp_chain *chain = &channel->outboxes[target];

		hand_over(channel, chain, &channel->netvsp->inboxes[target]);
		*chain = (struct netvsp_chain){ 0 };
	}
	channel->outboxes_used = 0;
}

bool netvsp_spread_waiting(const struct netvsp_channel *channel)
{
	return channel->taken.ranges ||
	       atomic_load_explicit(&channel->netvsp->inboxes[channel->index].filled, memory_order_relaxed);
}

/* A frame's parts stay in one packet. */
static void take_frame(struct netvsp_channel *channel, uint32_t parts)
{
	struct netvsp_chain *taken = &channel->taken;
	struct netvsp_area *area = channel->recv;

	taken->frames--;
	taken->ranges -= parts;
	while (parts--) {
		uint32_t unit = taken->first;

		taken->first = area->next[unit];
		netvsp_out_add(channel, unit, area->handed[unit].bytes);
	}
	netvsp_count(&channel->counters->rx_frames, 1);
	netvsp_count(&channel->counters->rx_taken_over, 1);
}

void netvsp_spread_take(struct netvsp_channel *channel)
{
	/* A channel that reads, too, keeps room for what it will find. */
	uint32_t max = netvsp_out_ranges_max(channel) / (channel->ready ? 2 : 1);

	fetch(channel);
	while (channel->taken.ranges) {
		uint32_t parts = channel->recv->handed[channel->taken.first].parts;

		if (channel->batch.count && channel->batch.count + parts > max)
			break;
		take_frame(channel, parts);
	}
}

void netvsp_spread_drop(struct netvsp_channel *channel)
{
	struct netvsp_chain none = { 0 };

	fetch(channel);
	discard(channel, &channel->taken);
	channel->taken = none;
}

void netvsp_spread_note(struct netvsp_channel *channel)
{
	struct netvsp_inbox *inbox = &channel->netvsp->inboxes[channel->index];

	if (atomic_load_explicit(&inbox->stuck, memory_order_relaxed) != channel->blocked)
		atomic_store_explicit(&inbox->stuck, channel->blocked, memory_order_relaxed);
}
