// SPDX-License-Identifier: GPL-2.0
/*
 * What the guest and the NIC agree upon on the primary channel before frames flow: version, buffers, sub-channels.
 * Invariant: a buffer is taken only while there is none, and lives until it is revoked or the primary closes.
 */
#include <stddef.h>

#include "netvsp_internal.h"

#define SECTION_BYTES 6144u /* of the send buffer, as Hyper-V has it */
#define ETHERNET_BYTES 14u

static uint32_t init(struct netvsp_channel *channel, const struct nvsp_message *message, struct nvsp_message *answer)
{
	static const uint32_t versions[] = { NVSP_VERSION_1, NVSP_VERSION_2, NVSP_VERSION_4,
					     NVSP_VERSION_5, NVSP_VERSION_6, NVSP_VERSION_6_1 };
	struct netvsp *netvsp = channel->netvsp;
	uint32_t agreed = 0;

	answer->type = NVSP_INIT_COMPLETE;
	answer->init_complete.mdl_chain_max = NETVSP_MDL_CHAIN_MAX;
	answer->init_complete.status = NVSP_STATUS_FAIL;
	for (unsigned int i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (versions[i] >= message->init.version_min && versions[i] <= message->init.version_max &&
		    versions[i] <= netvsp->version_max)
			agreed = versions[i];
	if (channel->state != NETVSP_CLOSED || !agreed)
		return sizeof(*answer);
	channel->state = NETVSP_VERSION_AGREED;
	channel->version = agreed;
	atomic_store(&netvsp->version, agreed);
	pthread_mutex_lock(&netvsp->lock);
	netvsp->about.nvsp_version = agreed;
	netvsp->about.rsc = false;
	pthread_mutex_unlock(&netvsp->lock);
	answer->init_complete.version = agreed;
	answer->init_complete.status = NVSP_STATUS_SUCCESS;
	return sizeof(*answer);
}

/* So that a header with the longest answer is in one page, and a frame in as few as can be. */
static uint32_t unit_bytes(const struct netvsp_channel *channel)
{
	uint32_t mtu = channel->ndis.mtu > ETHERNET_BYTES ? channel->ndis.mtu - ETHERNET_BYTES : 0, bytes;

	if (mtu < NET_MTU_DEFAULT)
		mtu = NET_MTU_DEFAULT;
	if (mtu > NET_MTU_MAX)
		mtu = NET_MTU_MAX;
	bytes = RNDIS_PUT_BYTES + mtu + ETHERNET_BYTES + 4;
	return bytes <= 2048 ? 2048 : (bytes + 4095) / 4096 * 4096;
}

/* Return: whether it is ours now. */
static bool take_area(struct netvsp_channel *channel, struct nvsp_buffer buffer, struct netvsp_area **place,
		      uint32_t bytes, bool units)
{
	const char *why = "buffer without a version, twice, or of the wrong kind";
	struct netvsp_area *area = NULL;

	if (channel->state == NETVSP_VERSION_AGREED && !*place &&
	    buffer.id == (units ? NVSP_RECV_BUF_ID : NVSP_SEND_BUF_ID))
		area = netvsp_area_open(channel->channel, buffer.gpadl, bytes, units, &why);
	if (area)
		netvsp_set_area(channel, place, area);
	else
		netvsp_refuse(channel->netvsp, &channel->counters->refused, why);
	return area;
}

static uint32_t recv_buffer(struct netvsp_channel *channel, const struct nvsp_message *message,
			    struct nvsp_message *answer)
{
	struct nvsp_recv_buf_complete complete = { .status = NVSP_STATUS_FAIL };

	answer->type = NVSP_SEND_RECV_BUF_COMPLETE;
	if (take_area(channel, message->buffer, &channel->netvsp->recv, unit_bytes(channel), true)) {
		complete.status = NVSP_STATUS_SUCCESS;
		complete.section_count = 1;
		complete.section.suballoc_bytes = channel->recv->unit_bytes;
		complete.section.suballoc_count = channel->recv->units;
		complete.section.end_offset = channel->recv->units * channel->recv->unit_bytes;
	}
	answer->recv_buf_complete = complete;
	return sizeof(*answer);
}

static uint32_t send_buffer(struct netvsp_channel *channel, const struct nvsp_message *message,
			    struct nvsp_message *answer)
{
	answer->type = NVSP_SEND_SEND_BUF_COMPLETE;
	answer->send_buf_complete.status = NVSP_STATUS_FAIL;
	if (take_area(channel, message->buffer, &channel->netvsp->send, SECTION_BYTES, false)) {
		answer->send_buf_complete.status = NVSP_STATUS_SUCCESS;
		answer->send_buf_complete.section_bytes = SECTION_BYTES;
	}
	return sizeof(*answer);
}

/* As many as there are, if more are wanted. */
static uint32_t sub_channels(struct netvsp_channel *channel, const struct nvsp_message *message,
			     struct nvsp_message *answer)
{
	struct netvsp *netvsp = channel->netvsp;
	uint32_t count = message->subchannel.count;

	if (count > netvsp->channels_max - 1)
		count = netvsp->channels_max - 1;
	answer->type = NVSP_SUBCHANNEL;
	answer->subchannel_complete.status = NVSP_STATUS_FAIL;
	if (channel->version < NVSP_VERSION_5 || channel->subs_asked || !count ||
	    message->subchannel.operation != NVSP_SUBCHANNEL_ALLOCATE)
		return sizeof(*answer);
	channel->subs_asked = true;
	pthread_mutex_lock(&netvsp->lock);
	netvsp->granted = count;
	pthread_mutex_unlock(&netvsp->lock);
	answer->subchannel_complete.status = NVSP_STATUS_SUCCESS;
	answer->subchannel_complete.count = count;
	channel_ask_sub_channels(channel->channel, count);
	return sizeof(*answer);
}

void netvsp_tell_table(struct netvsp_channel *channel)
{
	struct {
		uint32_t type;
		struct nvsp_indirection_table head;
		uint32_t table[NVSP_INDIRECTION_COUNT];
	} message = { NVSP_SEND_INDIRECTION_TABLE, { NVSP_INDIRECTION_COUNT, 12 }, { 0 } };
	struct netvsp *netvsp = channel->netvsp;
	unsigned int open = 0, granted;

	if (!channel->subs_asked || channel->table_told)
		return;
	_Static_assert(offsetof(__typeof__(message), table) == 12, "where the message says that its table is");
	pthread_mutex_lock(&netvsp->lock);
	granted = netvsp->granted;
	for (unsigned int i = 1; i <= granted; i++)
		open += !!netvsp->channels[i];
	pthread_mutex_unlock(&netvsp->lock);
	if (!granted || open < granted || !channel_may_send(channel->channel))
		return;
	for (unsigned int i = 0; i < NVSP_INDIRECTION_COUNT; i++)
		message.table[i] = i % (granted + 1);
	channel_send(channel->channel, &message, sizeof(message));
	channel->table_told = true;
}

uint32_t netvsp_converse(struct netvsp_channel *channel, const struct nvsp_message *message,
			 struct nvsp_message *answer)
{
	struct netvsp *netvsp = channel->netvsp;

	switch (message->type) {
	case NVSP_INIT:
		return init(channel, message, answer);
	case NVSP_SEND_NDIS_CONFIG:
		channel->ndis = message->ndis_config;
		pthread_mutex_lock(&netvsp->lock);
		netvsp->about.rsc = channel->version >= NVSP_VERSION_6_1 && netvsp->net->ops->set_offloads &&
				    message->ndis_config.capabilities & NVSP_CAP_RSC;
		pthread_mutex_unlock(&netvsp->lock);
		return 0;
	case NVSP_SEND_NDIS_VERSION:
		return 0;
	case NVSP_SEND_RECV_BUF:
		return recv_buffer(channel, message, answer);
	case NVSP_REVOKE_RECV_BUF:
		netvsp_set_area(channel, &netvsp->recv, NULL);
		return 0;
	case NVSP_SEND_SEND_BUF:
		return send_buffer(channel, message, answer);
	case NVSP_REVOKE_SEND_BUF:
		netvsp_set_area(channel, &netvsp->send, NULL);
		return 0;
	case NVSP_SWITCH_DATA_PATH: /* there is no VF, so it stays as it is */
		return 0;
	case NVSP_SUBCHANNEL:
		return sub_channels(channel, message, answer);
	default:
		netvsp_refuse(netvsp, &channel->counters->refused, "unknown NVSP message");
		return 0;
	}
}
