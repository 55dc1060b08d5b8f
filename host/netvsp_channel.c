// SPDX-License-Identifier: GPL-2.0
/*
 * An open network channel: the gate every packet passes, control messages, and what a channel takes over of the NIC's
 * state. The conversation before is netvsp_conversation.c's; frames go on to netvsp_tx.c and netvsp_rx.c.
 * Invariant: what a channel works with is its own copy, or counted; it changes in netvsp_sync() only, between packets.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "log.h"
#include "netvsp_internal.h"

/* The same area, with a reference; a channel that gives one up has nothing left of it. */
static struct netvsp_area *hold(struct netvsp_area *area)
{
	if (area)
		atomic_fetch_add(&area->references, 1);
	return area;
}

/* From others, and in packets and in the making, nothing of it is left. */
static void give_up_recv(struct netvsp_channel *channel)
{
	netvsp_spread_close(channel);
	netvsp_out_end(channel);
}

void netvsp_sync(struct netvsp_channel *channel)
{
	struct netvsp *netvsp = channel->netvsp;
	struct netvsp_area *old_recv = channel->recv, *old_send = channel->send;
	struct netvsp_area *recv, *send;
	struct rss *old_rss = channel->rss;

	pthread_mutex_lock(&netvsp->lock);
	channel->news = atomic_load(&netvsp->news);
	channel->config = netvsp->config;
	channel->rss = rss_hold(netvsp->rss);
	channel->link = netvsp->about.link;
	recv = netvsp->recv != old_recv ? hold(netvsp->recv) : old_recv;
	send = netvsp->send != old_send ? hold(netvsp->send) : old_send;
	pthread_mutex_unlock(&netvsp->lock);
	rss_drop(old_rss);
	channel->blocked = channel->starved = false;
	if (recv != old_recv) {
		if (old_recv)
			give_up_recv(channel);
		channel->recv = recv;
		netvsp_out_init(channel);
		netvsp_spread_open(channel);
		netvsp_area_drop(old_recv);
	}
	if (send != old_send) {
		channel->send = send;
		netvsp_area_drop(old_send);
	}
}

void netvsp_set_area(struct netvsp_channel *channel, struct netvsp_area **place, struct netvsp_area *area)
{
	struct netvsp *netvsp = channel->netvsp;
	struct netvsp_area *old;

	pthread_mutex_lock(&netvsp->lock);
	old = *place;
	*place = area;
	netvsp_tell_all(netvsp);
	pthread_mutex_unlock(&netvsp->lock);
	netvsp_sync(channel);
	netvsp_area_drop(old);
}

/* What the network has to know of what the guest has agreed to. */
static void tell_network(struct netvsp *netvsp, const struct rndis_config *config)
{
	const struct net_offloads offloads = {
		.rx_csum = config->rx_csum4 && config->rx_csum6,
		.rx_gso4 = config->rsc4,
		.rx_gso6 = config->rsc6,
	};

	if (netvsp->net->ops->set_offloads)
		netvsp->net->ops->set_offloads(netvsp->net, &offloads);
}

static bool same_offloads(const struct rndis_config *a, const struct rndis_config *b)
{
	return a->rx_csum4 == b->rx_csum4 && a->rx_csum6 == b->rx_csum6 && a->rsc4 == b->rsc4 && a->rsc6 == b->rsc6;
}

/* Return: NULL: frames are not spread. */
static struct rss *make_rss(const struct netvsp_channel *channel, const struct rndis_rss *parameters)
{
	struct rss *rss = parameters->on ? rss_create(parameters) : NULL;

	if (parameters->on && !rss)
		log_warn("%s: out of memory: no receive-side scaling", channel->netvsp->name);
	return rss;
}

/* The primary's worker is the only one that changes the configuration. */
static void publish(struct netvsp_channel *channel, const struct rndis_config *config)
{
	struct netvsp *netvsp = channel->netvsp;
	bool same_rss = !memcmp(&config->rss, &channel->config.rss, sizeof(config->rss));
	struct rss *rss = same_rss ? NULL : make_rss(channel, &config->rss), *old = NULL;

	if (!same_offloads(config, &channel->config))
		tell_network(netvsp, config);
	pthread_mutex_lock(&netvsp->lock);
	netvsp->config = *config;
	if (!same_rss) {
		old = netvsp->rss;
		netvsp->rss = rss;
	}
	netvsp_tell_all(netvsp);
	pthread_mutex_unlock(&netvsp->lock);
	rss_drop(old);
	netvsp_sync(channel);
}

/* Link news, behind what was said before. A guest that begins asks for itself. */
static void tell_link(struct netvsp_channel *channel)
{
	struct rndis_answer *answer;

	if (channel->link == channel->link_told)
		return;
	answer = channel->config.running ? netvsp_out_answer(channel) : NULL;
	if (answer)
		rndis_indicate(answer, channel->link ? RNDIS_STATUS_MEDIA_CONNECT : RNDIS_STATUS_MEDIA_DISCONNECT,
			       NULL);
	if (answer || !channel->config.running)
		channel->link_told = channel->link;
}

const char *netvsp_control(struct netvsp_channel *channel, const struct iovec *pieces, unsigned int count,
			   uint64_t bytes)
{
	struct netvsp *netvsp = channel->netvsp;
	struct rndis_answer *answer;
	struct rndis_config config;
	struct rndis_about about;
	const char *why;

	if (channel->index)
		return "control message on a sub-channel";
	if (!channel->recv)
		return "control message without a receive buffer for the answer";
	if (bytes > sizeof(channel->request))
		return "control message too long";
	answer = netvsp_out_answer(channel);
	if (!answer)
		return "more control messages than answers that may wait";
	net_copy(pieces, count, 0, channel->request, bytes);
	pthread_mutex_lock(&netvsp->lock);
	about = netvsp->about;
	pthread_mutex_unlock(&netvsp->lock);
	config = channel->config;
	why = rndis_control(&config, &about, channel->request, (uint32_t)bytes, answer);
	if (memcmp(&config, &channel->config, sizeof(config)))
		publish(channel, &config);
	tell_link(channel);
	return why;
}

/* The fewest bytes that a message of a type has, its own type included. */
static uint32_t message_min(uint32_t type)
{
	switch (type) {
	case NVSP_INIT:
		return 4 + sizeof(struct nvsp_init);
	case NVSP_SEND_RNDIS_PKT:
		return 4 + sizeof(struct nvsp_rndis);
	case NVSP_SEND_NDIS_CONFIG:
		return 4 + sizeof(struct nvsp_ndis_config);
	case NVSP_SEND_RECV_BUF:
	case NVSP_SEND_SEND_BUF:
		return 4 + sizeof(struct nvsp_buffer);
	case NVSP_SUBCHANNEL:
		return 4 + sizeof(struct nvsp_subchannel);
	default:
		return 4;
	}
}

/* Type and length. The message is copied out. Return: NULL, or the rule broken. */
static const char *gate(const struct netvsp_channel *channel, const struct packet *packet, struct nvsp_message *message)
{
	uint32_t bytes = packet->bytes - packet->payload;

	if (packet->desc.type != PACKET_INBAND && packet->desc.type != PACKET_GPA_DIRECT)
		return "packet neither in-band nor with pages";
	memset(message, 0, sizeof(*message));
	memcpy(message, packet->data + packet->payload, bytes < sizeof(*message) ? bytes : sizeof(*message));
	if (bytes < 4 || bytes < message_min(message->type))
		return "NVSP message too short";
	if (message->type == NVSP_SEND_RNDIS_PKT)
		return NULL;
	if (packet->desc.type == PACKET_GPA_DIRECT)
		return "pages with a message that takes none";
	if (channel->index)
		return "NVSP message on a sub-channel";
	return NULL;
}

/* Whoever wants an answer gets one, if only an empty one. */
static int packet_in(void *state, struct packet *packet, const char **why)
{
	struct netvsp_channel *channel = state;
	struct nvsp_message message, answer = { 0 };
	uint32_t bytes = 0;
	const char *refused;

	(void)why;
	if (packet->desc.type == PACKET_COMPLETION) {
		netvsp_out_returned(channel, packet);
		return 0;
	}
	refused = gate(channel, packet, &message);
	if (!refused && message.type == NVSP_SEND_RNDIS_PKT) {
		netvsp_transmit(channel, packet, message.rndis);
		return 0;
	}
	if (refused)
		netvsp_refuse(channel->netvsp, &channel->counters->refused, refused);
	else
		bytes = netvsp_converse(channel, &message, &answer);
	if (packet->desc.flags & PACKET_FLAG_COMPLETION_REQUESTED)
		channel_complete(channel->channel, packet->desc.transaction_id, &answer, bytes);
	return 0;
}

/* The network has something: it is looked at when the batch of the loop ends. */
static void network_ready(void *context)
{
	struct netvsp_channel *channel = context;

	channel->ready = true;
}

static void turn(void *state)
{
	struct netvsp_channel *channel = state;
	const struct net_ops *ops = channel->netvsp->net->ops;

	if (!channel->queue)
		return;
	if (channel->sent && ops->flush)
		ops->flush(channel->queue);
	channel->sent = false;
	netvsp_out_answers(channel);
	netvsp_receive(channel);
}

/* There may be room again; no turn follows where that is why it is called. */
static void channel_called(void *state)
{
	struct netvsp_channel *channel = state;
	bool waited = channel->blocked || channel->starved;

	if (channel->closing)
		return;
	channel->blocked = channel->starved = false;
	if (atomic_load(&channel->netvsp->news) != channel->news)
		netvsp_sync(channel);
	if (!channel->index) {
		tell_link(channel);
		netvsp_tell_table(channel);
	}
	if (waited)
		turn(channel);
}

/* As one that nobody has spoken to; under the lock. Return: what is to be dropped. */
static void forget_guest(struct netvsp *netvsp, struct netvsp_area *old[2])
{
	old[0] = netvsp->recv;
	old[1] = netvsp->send;
	netvsp->recv = netvsp->send = NULL;
	netvsp->granted = 0;
	netvsp->config.running = false;
	netvsp->config.rss.on = false;
	rss_drop(netvsp->rss);
	netvsp->rss = NULL;
}

/* From here on others may call it, until leave(). Return: false: its place is taken. */
static bool join(struct netvsp_channel *channel)
{
	struct netvsp *netvsp = channel->netvsp;
	bool joined = false;

	pthread_mutex_lock(&netvsp->lock);
	if (channel->index < netvsp->channels_max && !netvsp->channels[channel->index]) {
		netvsp->channels[channel->index] = channel;
		joined = true;
		if (netvsp->channels[0])
			channel_call(netvsp->channels[0]->channel);
	}
	pthread_mutex_unlock(&netvsp->lock);
	return joined;
}

static void leave(struct netvsp_channel *channel)
{
	struct netvsp *netvsp = channel->netvsp;
	struct netvsp_area *old[2] = { NULL, NULL };

	pthread_mutex_lock(&netvsp->lock);
	netvsp->channels[channel->index] = NULL;
	if (!channel->index) {
		forget_guest(netvsp, old);
		netvsp_tell_all(netvsp);
	}
	pthread_mutex_unlock(&netvsp->lock);
	netvsp_area_drop(old[0]);
	netvsp_area_drop(old[1]);
}

static void drop_copies(struct netvsp_channel *channel)
{
	netvsp_area_drop(channel->recv);
	netvsp_area_drop(channel->send);
	rss_drop(channel->rss);
}

static void *open_channel(struct channel *channel, void *context)
{
	struct netvsp_channel *state = calloc(1, sizeof(*state));
	struct net *net = ((struct netvsp *)context)->net;

	if (!state)
		return NULL;
	state->netvsp = context;
	state->channel = channel;
	state->index = channel_sub_index(channel);
	if (state->index >= NETVSP_CHANNELS_MAX)
		goto free_state;
	state->counters = &state->netvsp->counters[state->index];
	netvsp_out_init(state);
	if (!join(state))
		goto free_state;
	netvsp_sync(state);
	state->link_told = state->link;
	state->queue = net->ops->open(net, state->index, channel_loop(channel), network_ready, state);
	if (state->queue)
		return state;
	log_warn("%s: %s: no queue %u: %s", channel_name(channel), net->name, state->index, strerror(errno));
	netvsp_spread_close(state);
	leave(state);
	drop_copies(state);
free_state:
	free(state);
	return NULL;
}

static void queue_closed(void *context)
{
	struct netvsp_channel *channel = context;

	channel->queue = NULL;
	if (channel->idle_owed)
		channel_idle(channel->channel);
}

static bool close_channel(void *state)
{
	struct netvsp_channel *channel = state;
	struct net_queue *queue = channel->queue;

	channel->closing = true;
	netvsp_spread_close(channel);
	channel->netvsp->net->ops->close(queue, queue_closed, channel);
	channel->idle_owed = channel->queue;
	return !channel->queue;
}

static void channel_closed(void *state)
{
	struct netvsp_channel *channel = state;

	leave(channel);
	if (channel->recv)
		netvsp_out_end(channel);
	drop_copies(channel);
	free(channel);
}

static void used(void *context, int by)
{
	struct netvsp *netvsp = context;

	provider_used(&netvsp->provider, by);
}

static void moved(void *context, struct channel *channel)
{
	struct netvsp *netvsp = context;

	provider_moved(&netvsp->provider, channel);
}

static struct iovec pointed(void *state, const struct packet *packet)
{
	return packet->desc.type == PACKET_XFER_PAGES ? netvsp_out_pointed(state, packet)
						       : netvsp_tx_pointed(state, packet);
}

const struct channel_ops netvsp_channel_ops = {
	.open = open_channel,
	.packet = packet_in,
	.close = close_channel,
	.closed = channel_closed,
	.called = channel_called,
	.turn = turn,
	.used = used,
	.moved = moved,
	.pointed = pointed,
	.faults = &fault_nvsp,
	.packet_max = NETVSP_PACKET_MAX,
	.completion_max = 80,
};
