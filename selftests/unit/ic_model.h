/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What an integration service sees of the world in tests and fuzz targets: a channel that remembers what is written to it, a timer that fires
 * when told to, a main loop whose calls are made when told to, clocks of the test's choice. Included once per program; one thread.
 */
#ifndef HVIS_UNIT_IC_MODEL_H
#define HVIS_UNIT_IC_MODEL_H

#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>

#include "clock.h"
#include "ic.h"

#define MODEL_MESSAGES 64u

struct model_message {
	uint32_t bytes;
	struct ic_pipe_header pipe;
	struct ic_header header;
	uint8_t body[IC_SEND_MAX];
};

struct channel {
	struct ic *state;
	bool called, idle, full; /* full: there is no room in the ring */
	unsigned int written, read; /* messages to the guest */
	struct model_message messages[MODEL_MESSAGES];
};

static struct {
	const struct channel_ops *ops;
	void *context;
	struct channel channel;
	bool armed;
	struct loop_work *work; /* of the main loop */
	struct clock_pair pair;
	int clock_error;
} model;

struct channel *vmbus_offer(struct vmbus *vmbus, const struct channel_offer *offer)
{
	(void)vmbus;
	model.ops = offer->ops;
	model.context = offer->context;
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
	if (model.work)
		abort();
	model.work = work;
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

	if (bytes > model.ops->completion_max || bytes < IC_HEADERS || channel->written - channel->read > MODEL_MESSAGES)
		abort();
	message->bytes = bytes;
	memcpy(&message->pipe, payload, IC_HEADERS);
	memcpy(message->body, (const uint8_t *)payload + IC_HEADERS, bytes - IC_HEADERS);
}

void channel_complete(struct channel *channel, uint64_t transaction_id, const void *payload, uint32_t bytes)
{
	(void)channel;
	(void)transaction_id;
	(void)payload;
	(void)bytes;
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
	struct ic *state = channel->state;

	channel->state = NULL;
	channel->idle = true;
	model.ops->closed(state);
}

int clock_pair(const struct clock *clock, struct clock_pair *pair)
{
	(void)clock;
	*pair = model.pair;
	return model.clock_error;
}

/* The worker's next turn. */
static void model_turn(void)
{
	if (model.channel.state && model.channel.called) {
		model.channel.called = false;
		model.ops->called(model.channel.state);
	}
}

static bool model_open(void)
{
	model.channel.state = model.ops->open(&model.channel, model.context);
	model_turn();
	return model.channel.state;
}

static void model_close(void)
{
	if (model.channel.state && model.ops->close(model.channel.state))
		abort();
	model.channel.read = model.channel.written;
}

static void model_fire(void)
{
	if (model.channel.state)
		model.channel.state->timer.fired(&model.channel.state->timer);
}

/* What the main loop was asked to do. Return: whether there was anything. */
static bool model_main_loop(void)
{
	struct loop_work *work = model.work;

	model.work = NULL;
	if (work)
		work->run(work);
	return work;
}

/* A packet of the guest, as the worker hands it over. */
static void model_packet(uint16_t type, const void *payload, uint32_t bytes)
{
	uint8_t *copy = malloc(bytes + 1u); /* of this size, so that what reads beyond is found */
	struct packet packet = { .desc = { .type = type }, .bytes = bytes, .payload = 0, .data = copy };
	const char *why = NULL;

	memcpy(copy, payload, bytes);
	if (model.ops->packet(model.channel.state, &packet, &why))
		abort();
	free(copy);
}

/* The host's next message. Return: NULL: there is none. */
static const struct model_message *model_next(void)
{
	if (model.channel.read == model.channel.written)
		return NULL;
	return &model.channel.messages[model.channel.read++ % MODEL_MESSAGES];
}

/* The answer to @message with this body; what else it says is taken from @message. */
static void model_answer(const struct model_message *message, uint32_t status, const void *body, uint32_t bytes)
{
	struct ic_pipe_header pipe = { IC_PIPE_DATA, (uint32_t)sizeof(struct ic_header) + bytes };
	struct ic_header header = message->header;
	uint8_t packet[IC_HEADERS + IC_SEND_MAX];

	header.status = status;
	header.size = (uint16_t)bytes;
	header.flags = IC_FLAG_TRANSACTION | IC_FLAG_RESPONSE;
	memcpy(packet, &pipe, sizeof(pipe));
	memcpy(packet + sizeof(pipe), &header, sizeof(header));
	if (bytes)
		memcpy(packet + IC_HEADERS, body, bytes);
	model_packet(PACKET_INBAND, packet, (uint32_t)IC_HEADERS + bytes);
}

static void model_choose(const struct model_message *message, struct ic_version frame, struct ic_version chosen)
{
	const struct ic_negotiate head = { .frame_versions = 1, .message_versions = 1 };
	const struct ic_version versions[2] = { frame, chosen };
	uint8_t body[IC_NEGOTIATE_ANSWER_SIZE];

	memcpy(body, &head, sizeof(head));
	memcpy(body + sizeof(head), versions, sizeof(versions));
	model_answer(message, IC_STATUS_OK, body, sizeof(body));
}

/* The time until the timer fires, in ms; 0: it does not. */
static inline uint64_t model_timer_ms(void)
{
	struct itimerspec left = { 0 };

	timerfd_gettime(((struct ic *)model.context)->timer.fd, &left);
	return (uint64_t)left.it_value.tv_sec * 1000 + ((uint64_t)left.it_value.tv_nsec + 999999) / 1000000;
}

#endif
