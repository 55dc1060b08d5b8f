/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the dynamic memory provider sees of the world in tests and fuzz targets: a channel that remembers what is written to it, memory slots,
 * GPADLs with pages of the test's choice, a timer that fires when told to. Included once per program; one thread.
 */
#ifndef HVIS_UNIT_BALLOON_MODEL_H
#define HVIS_UNIT_BALLOON_MODEL_H

#include <stdlib.h>
#include <string.h>

#include "balloon_internal.h"
#include "provider.h"

#define MODEL_MIB 256u /* pages */
#define MODEL_STARTUP (64u * MODEL_MIB)
#define MODEL_MAX (64u * MODEL_MIB + 512u * MODEL_MIB)
#define MODEL_BLOCK (128u * MODEL_MIB)
#define MODEL_WINDOW (0x100000000ull / 4096) /* where blocks appear: above 4 GiB */
#define MODEL_MESSAGES 256u
#define MODEL_SLOTS 4u

struct model_message {
	uint32_t bytes;
	uint8_t body[DM_MESSAGE_MAX];
};

struct channel {
	struct balloon_channel *state;
	bool called, idle, full; /* full: there is no room in the ring */
	unsigned int written, read; /* messages to the guest */
	uint64_t completions;
	struct model_message messages[MODEL_MESSAGES];
};

static struct {
	struct guestmem *mem;
	struct memory *memory;
	struct balloon *balloon;
	const struct channel_ops *ops;
	struct channel channel;
	bool slots[MODEL_SLOTS], slot_fails;
	uint64_t lent; /* a page in a GPADL; 0: none is */
	bool armed;
} model;

struct channel *vmbus_offer(struct vmbus *vmbus, const struct channel_offer *offer)
{
	(void)vmbus;
	model.ops = offer->ops;
	return &model.channel;
}

void vmbus_rescind(struct vmbus *vmbus, struct channel *channel)
{
	(void)vmbus;
	(void)channel;
	abort();
}

void loop_call(struct loop *loop, struct loop_work *work)
{
	(void)loop;
	(void)work;
	abort();
}

void loop_eventfd_arm(struct loop *loop, struct loop_eventfd *event)
{
	(void)loop;
	(void)event;
	model.armed = true;
}

void loop_eventfd_disarm(struct loop_eventfd *event)
{
	model.armed = false;
	event->ended(event);
}

struct loop *channel_loop(struct channel *channel)
{
	(void)channel;
	return NULL;
}

void channel_send(struct channel *channel, const void *payload, uint32_t bytes)
{
	struct model_message *message = &channel->messages[channel->written++ % MODEL_MESSAGES];

	if (bytes > model.ops->completion_max || channel->written - channel->read > MODEL_MESSAGES)
		abort();
	message->bytes = bytes;
	memcpy(message->body, payload, bytes);
}

void channel_complete(struct channel *channel, uint64_t transaction_id, const void *payload, uint32_t bytes)
{
	(void)transaction_id;
	(void)payload;
	(void)bytes;
	channel->completions++;
}

bool channel_may_send(struct channel *channel)
{
	return !channel->full;
}

void channel_call(struct channel *channel)
{
	channel->called = true;
}

void channel_idle(struct channel *channel)
{
	model.ops->closed(channel->state);
	channel->state = NULL;
	channel->idle = true;
}

bool channel_lends_gone(const struct channel *channel, uint64_t *pfn)
{
	(void)channel;
	*pfn = model.lent;
	return model.lent && guestmem_gone(model.mem, model.lent, 1);
}

static int model_set_slot(void *context, unsigned int slot, uint64_t gpa, uint64_t bytes, void *host)
{
	uint64_t block = memory_block(model.memory);

	(void)context;
	(void)host;
	if (slot >= MODEL_SLOTS || gpa / 4096 != MODEL_WINDOW + slot * block || model.slots[slot] == !!bytes || (bytes && bytes / 4096 != block))
		abort();
	if (model.slot_fails)
		return -12;
	model.slots[slot] = bytes;
	return 0;
}

/* A VM of 64 MiB from 32 MiB on, to which 512 MiB can be added. */
static void model_start(uint32_t version_max, uint64_t caps_off)
{
	const struct balloon_options options = {
		.min = MODEL_STARTUP / 2 * 4096ull,
		.max = MODEL_MAX * 4096ull,
		.buffer = 20,
		.weight = 100,
		.version_max = version_max,
		.caps_off = caps_off,
	};
	const struct memory_slots slots = { .set = model_set_slot };

	memset(&model, 0, sizeof(model));
	model.mem = guestmem_create_dynamic(MODEL_STARTUP * 4096ull, memory_window((MODEL_MAX - MODEL_STARTUP) * 4096ull));
	model.memory = model.mem ? memory_create(model.mem, &slots) : NULL;
	model.balloon = model.memory ? balloon_create(&options, model.memory) : NULL;
	if (!model.balloon || balloon_offer(model.balloon, NULL))
		abort();
}

static void model_open(void)
{
	model.channel.state = model.ops->open(&model.channel, model.balloon);
	if (!model.channel.state)
		abort();
}

static void model_close(void)
{
	if (model.channel.state && model.ops->close(model.channel.state))
		abort();
}

static void model_stop(void)
{
	model_close();
	balloon_destroy(model.balloon);
	memory_destroy(model.memory);
	guestmem_destroy(model.mem);
}

/* A packet of the guest, as the worker hands it over: behind its descriptor. */
static void model_packet(uint16_t type, uint16_t flags, const void *payload, uint32_t bytes)
{
	uint8_t *copy = malloc(bytes + 1u); /* of this size, so that what reads beyond is found */
	struct packet packet = { .desc = { .type = type, .flags = flags }, .bytes = bytes, .payload = 0, .data = copy };
	const char *why = NULL;

	memcpy(copy, payload, bytes);
	if (model.ops->packet(model.channel.state, &packet, &why))
		abort();
	free(copy);
}

/* The worker's next turn. */
static void model_turn(void)
{
	if (model.channel.state && model.channel.called) {
		model.channel.called = false;
		model.ops->called(model.channel.state);
	}
}

static void model_fire(void)
{
	if (model.channel.state)
		model.channel.state->timer.fired(&model.channel.state->timer);
}

/* The host's next message. Return: NULL: there is none. */
static const struct model_message *model_next(void)
{
	if (model.channel.read == model.channel.written)
		return NULL;
	return &model.channel.messages[model.channel.read++ % MODEL_MESSAGES];
}

#endif
