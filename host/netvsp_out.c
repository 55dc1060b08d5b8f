// SPDX-License-Identifier: GPL-2.0
/*
 * Packets to the guest whose ranges lie in the receive buffer, and their way back. A batch is one packet with one
 * range per frame, or per part of one.
 * Invariant: a packet's transaction id names its slot and how often that was used, so an id that was never given
 * out, or was returned already, is known for what it is.
 */
#include <string.h>

#include "netvsp_internal.h"

#define RANGES_OLD 64u /* before NDIS 6 */
#define RANGES_PLAIN 375u
#define PAGE_BYTES 4096u

void netvsp_out_init(struct netvsp_channel *channel)
{
	channel->slot_free = 0;
	for (uint32_t i = 0; i < NETVSP_SLOTS; i++) {
		channel->slots[i].first = NETVSP_UNIT_NONE;
		channel->slots[i].next_free = i + 1;
	}
	channel->batch.count = 0;
	channel->batch.control = false;
	channel->spare_count = 0;
	channel->blocked = channel->starved = false;
}

static void give_spare(struct netvsp_channel *channel)
{
	struct netvsp_area *area = channel->recv;

	while (channel->spare_count) {
		uint32_t unit = channel->spare[--channel->spare_count];

		area->next[unit] = NETVSP_UNIT_NONE;
		netvsp_area_give(channel->netvsp, area, unit);
	}
}

/* What the guest still has is nobody's any more: it has revoked the buffer, or closes. */
void netvsp_out_end(struct netvsp_channel *channel)
{
	struct netvsp_area *area = channel->recv;

	for (uint32_t i = 0; i < NETVSP_SLOTS; i++) {
		struct netvsp_slot *slot = &channel->slots[i];

		if (slot->first == NETVSP_UNIT_NONE)
			continue;
		netvsp_area_give(channel->netvsp, area, slot->first);
		slot->generation++;
	}
	if (channel->batch.count)
		netvsp_area_give(channel->netvsp, area, channel->batch.first);
	give_spare(channel);
	netvsp_out_init(channel);
}

uint32_t netvsp_out_ranges_max(const struct netvsp_channel *channel)
{
	uint32_t version = atomic_load_explicit(&channel->netvsp->version, memory_order_relaxed);

	if (channel->config.rsc4 || channel->config.rsc6)
		return RNDIS_RSC_RANGES_MAX;
	return version < NVSP_VERSION_2 ? RANGES_OLD : RANGES_PLAIN;
}

void netvsp_out_add(struct netvsp_channel *channel, uint32_t unit, uint32_t bytes)
{
	struct netvsp_batch *batch = &channel->batch;
	struct netvsp_area *area = channel->recv;

	if (batch->count)
		area->next[batch->last] = unit;
	else
		batch->first = unit;
	batch->last = unit;
	area->next[unit] = NETVSP_UNIT_NONE;
	batch->ranges[batch->count++] = (struct packet_xfer_range){ bytes, unit * area->unit_bytes };
}

/* What stands behind the descriptor: the head of the ranges, they, and NVSP. Return: bytes before NVSP. */
static uint32_t make_body(struct netvsp_channel *channel)
{
	const struct netvsp_batch *batch = &channel->batch;
	struct packet_xfer_pages head = { .xfer_pageset_id = NVSP_RECV_BUF_ID, .range_count = batch->count };
	const struct nvsp_message message = {
		.type = NVSP_SEND_RNDIS_PKT,
		.rndis = { batch->control ? NVSP_CHANNEL_CONTROL : NVSP_CHANNEL_DATA, NVSP_NO_SECTION, 0 },
	};
	uint32_t rest = sizeof(head) - sizeof(head.desc), ranges = batch->count * sizeof(batch->ranges[0]);

	memcpy(channel->body, (uint8_t *)&head + sizeof(head.desc), rest);
	memcpy(channel->body + rest, batch->ranges, ranges);
	memcpy(channel->body + rest + ranges, &message, sizeof(message));
	return rest + ranges;
}

bool netvsp_out_send(struct netvsp_channel *channel)
{
	struct netvsp_batch *batch = &channel->batch;
	uint32_t number = channel->slot_free, before;
	struct packet_desc desc = { .type = PACKET_XFER_PAGES, .flags = PACKET_FLAG_COMPLETION_REQUESTED };
	struct netvsp_slot *slot;

	if (!batch->count)
		return true;
	channel->blocked = true;
	if (number == NETVSP_SLOTS)
		return false;
	slot = &channel->slots[number];
	before = make_body(channel);
	desc.offset8 = (uint16_t)((sizeof(desc) + before) / 8);
	desc.transaction_id = (uint64_t)slot->generation << 32 | (number + 1);
	if (!channel_try_send(channel->channel, &desc, channel->body, before + sizeof(struct nvsp_message)))
		return false;
	channel->blocked = false;
	channel->slot_free = slot->next_free;
	slot->first = batch->first;
	netvsp_count(&channel->counters->rx_packets, 1);
	batch->count = 0;
	batch->control = false;
	return true;
}

/* To the end of the unit, or of its page. */
struct iovec netvsp_out_pointed(const struct netvsp_channel *channel, const struct packet *packet)
{
	const struct netvsp_area *area = channel->recv;
	uint32_t head = sizeof(struct packet_xfer_pages) - sizeof(struct packet_desc), rest;
	struct packet_xfer_range range;

	if (!area || packet->payload < head + sizeof(range))
		return (struct iovec){ 0 };
	memcpy(&range, packet->data + head, sizeof(range));
	if (range.byte_offset / area->unit_bytes >= area->units)
		return (struct iovec){ 0 };
	rest = area->unit_bytes < PAGE_BYTES ? area->unit_bytes : PAGE_BYTES;
	return (struct iovec){ channel_buffer_at(area->buffer, range.byte_offset), rest - range.byte_offset % rest };
}

/* Return: NULL: no packet of that id is the guest's. */
static struct netvsp_slot *find_slot(struct netvsp_channel *channel, uint64_t id)
{
	uint32_t number = (uint32_t)id - 1;
	struct netvsp_slot *slot;

	if (number >= NETVSP_SLOTS)
		return NULL;
	slot = &channel->slots[number];
	return slot->first != NETVSP_UNIT_NONE && slot->generation == id >> 32 ? slot : NULL;
}

/* Return: whether the guest could use the frames. */
static bool was_success(const struct packet *packet)
{
	uint32_t words[2]; /* type and status of NVSP */

	if (packet->bytes - packet->payload < sizeof(words))
		return false;
	memcpy(words, packet->data + packet->payload, sizeof(words));
	return words[0] == NVSP_SEND_RNDIS_PKT_COMPLETE && words[1] == NVSP_STATUS_SUCCESS;
}

/* Late ones, for a buffer that was revoked, find no slot, as those do that are lies. */
void netvsp_out_returned(struct netvsp_channel *channel, const struct packet *packet)
{
	struct netvsp_slot *slot = find_slot(channel, packet->desc.transaction_id);

	if (!slot) {
		netvsp_refuse(channel->netvsp, &channel->counters->refused, "completion of a packet that was not sent");
		return;
	}
	if (!was_success(packet))
		netvsp_count(&channel->counters->rx_errors, 1);
	netvsp_area_give(channel->netvsp, channel->recv, slot->first);
	slot->first = NETVSP_UNIT_NONE;
	slot->generation++;
	slot->next_free = channel->slot_free;
	channel->slot_free = (uint32_t)(slot - channel->slots);
	channel->blocked = channel->starved = false;
}

struct rndis_answer *netvsp_out_answer(struct netvsp_channel *channel)
{
	if (channel->answer_count == NETVSP_ANSWERS)
		return NULL;
	return &channel->answers[(channel->answer_first + channel->answer_count++) % NETVSP_ANSWERS];
}

/* Each in a packet of its own. */
void netvsp_out_answers(struct netvsp_channel *channel)
{
	while (channel->answer_count && channel->recv && !channel->blocked && !channel->starved &&
	       netvsp_out_send(channel)) {
		const struct rndis_answer *answer = &channel->answers[channel->answer_first];
		uint32_t unit;

		if (answer->bytes) {
			channel->starved = !netvsp_area_take(channel, 1);
			if (channel->starved)
				return;
			unit = channel->spare[--channel->spare_count];
			/* A unit is in one page as far as the longest answer reaches. */
			memcpy(channel_buffer_at(channel->recv->buffer, unit * channel->recv->unit_bytes),
			       answer->message, answer->bytes);
			netvsp_out_add(channel, unit, answer->bytes);
			channel->batch.control = true;
		}
		channel->answer_first = (channel->answer_first + 1) % NETVSP_ANSWERS;
		channel->answer_count--;
	}
	if (channel->batch.control)
		netvsp_out_send(channel);
}
