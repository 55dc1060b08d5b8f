/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of the network provider say as a guest on the model's channels, and see there. Included once per program,
 * behind cmocka.h.
 */
#ifndef HVIS_UNIT_NETVSP_GUEST_H
#define HVIS_UNIT_NETVSP_GUEST_H

#include "log.h"
#include "netvsp_model.h"
#include "rndis.h"

static struct netvsp *nic;
static unsigned int logged;

void log_line(enum log_level level, const char *format, ...)
{
	(void)level;
	(void)format;
	logged++;
}

static struct channel *const primary = &model.channels[0];

static struct model_packet *newest(struct channel *channel)
{
	assert_true(channel->written > 0);
	return &channel->packets[(channel->written - 1) % MODEL_WRITTEN];
}

static json_int_t counter(const char *name)
{
	json_t *object = netvsp_query(nic);
	json_int_t value = json_integer_value(json_object_get(object, name));

	json_decref(object);
	return value;
}

static struct packet_desc desc_of(uint16_t type, uint64_t id)
{
	return (struct packet_desc){ .type = type, .transaction_id = id,
				     .flags = type == PACKET_COMPLETION ? 0 : PACKET_FLAG_COMPLETION_REQUESTED };
}

/* An NVSP message, and the answer to it. */
static struct nvsp_message ask(const struct nvsp_message *message)
{
	static uint64_t id = 1000;
	struct packet_desc desc = desc_of(PACKET_INBAND, ++id);
	struct nvsp_message answer = { 0 };

	assert_int_equal(model_packet(primary, &desc, NULL, 0, message, sizeof(*message)), 0);
	assert_int_equal(newest(primary)->desc.type, PACKET_COMPLETION);
	assert_int_equal(newest(primary)->desc.transaction_id, id);
	memcpy(&answer, newest(primary)->body, newest(primary)->bytes);
	return answer;
}

static uint32_t init_status(uint32_t version)
{
	const struct nvsp_message message = { .type = NVSP_INIT, .init = { version, version } };
	struct nvsp_message answer = ask(&message);

	assert_int_equal(answer.type, NVSP_INIT_COMPLETE);
	return answer.init_complete.status;
}

static struct nvsp_recv_buf_complete give_recv(void)
{
	const struct nvsp_message message = { .type = NVSP_SEND_RECV_BUF, .buffer = { MODEL_RECV, NVSP_RECV_BUF_ID } };
	struct nvsp_message answer = ask(&message);

	assert_int_equal(answer.type, NVSP_SEND_RECV_BUF_COMPLETE);
	return answer.recv_buf_complete;
}

static uint32_t give_send(void)
{
	const struct nvsp_message message = { .type = NVSP_SEND_SEND_BUF, .buffer = { MODEL_SEND, NVSP_SEND_BUF_ID } };

	return ask(&message).send_buf_complete.status;
}

/* RNDIS in section @section. Return: the status of its completion. */
static uint32_t transmit(struct channel *channel, uint32_t type, uint32_t section, const void *bytes, uint32_t length)
{
	const struct nvsp_message message = { .type = NVSP_SEND_RNDIS_PKT, .rndis = { type, section, length } };
	struct packet_desc desc = desc_of(PACKET_INBAND, 5);
	const uint8_t *from = bytes;
	struct nvsp_message answer;

	for (uint32_t i = 0; i < length && section < 20; i++)
		model_page(200 + (section * 6144 + i) / 4096)[(section * 6144 + i) % 4096] = from[i];
	assert_int_equal(model_packet(channel, &desc, NULL, 0, &message, sizeof(message)), 0);
	memcpy(&answer, newest(channel)->body, sizeof(answer));
	assert_int_equal(answer.type, NVSP_SEND_RNDIS_PKT_COMPLETE);
	return answer.rndis_complete.status;
}

/* Give the newest packet of frames back. */
static void give_back(struct channel *channel, uint64_t id)
{
	const uint32_t words[2] = { NVSP_SEND_RNDIS_PKT_COMPLETE, NVSP_STATUS_SUCCESS };
	struct packet_desc desc = desc_of(PACKET_COMPLETION, id);

	assert_int_equal(model_packet(channel, &desc, NULL, 0, words, sizeof(words)), 0);
}

/* What lies in range @number of the newest packet of frames. Return: its bytes. */
static uint32_t range_of(struct channel *channel, unsigned int number, uint8_t *to, uint32_t room)
{
	const struct model_packet *packet = newest(channel);
	struct packet_xfer_range range;
	uint32_t head[2];

	assert_int_equal(packet->desc.type, PACKET_XFER_PAGES);
	memcpy(head, packet->body, sizeof(head));
	assert_int_equal(head[0] & 0xFFFF, NVSP_RECV_BUF_ID);
	assert_true(number < head[1]);
	assert_int_equal(packet->desc.offset8 * 8, 24 + 8 * head[1]);
	memcpy(&range, packet->body + 8 + 8 * number, sizeof(range));
	assert_true(range.byte_count <= room);
	for (uint32_t i = 0; i < range.byte_count; i++)
		to[i] = model_page(191 - (range.byte_offset + i) / 4096)[(range.byte_offset + i) % 4096];
	return range.byte_count;
}

static uint32_t control_status(const uint32_t *words, uint32_t bytes, uint32_t *answer, uint32_t room)
{
	uint32_t status = transmit(primary, NVSP_CHANNEL_CONTROL, 0, words, bytes);
	unsigned int before = primary->written;

	if (status != NVSP_STATUS_SUCCESS)
		return status;
	model_turn();
	if (answer) {
		assert_int_equal(primary->written, before + 1);
		range_of(primary, 0, (uint8_t *)answer, room);
		give_back(primary, newest(primary)->desc.transaction_id);
	}
	return status;
}

static void set_u32(uint32_t oid, uint32_t value)
{
	const uint32_t words[8] = { RNDIS_SET, 32, 3, oid, 4, 20, 0, value };
	uint32_t answer[64];

	assert_int_equal(control_status(words, sizeof(words), answer, sizeof(answer)), NVSP_STATUS_SUCCESS);
	assert_int_equal(answer[0], RNDIS_SET | RNDIS_COMPLETION);
	assert_int_equal(answer[3], RNDIS_STATUS_SUCCESS);
}

static void bring_up(void)
{
	const uint32_t words[6] = { RNDIS_INITIALIZE, 24, 1, 1, 0, 0x4000 };
	const struct nvsp_message config = { .type = NVSP_SEND_NDIS_CONFIG,
					     .ndis_config = { .mtu = 1514, .capabilities = NVSP_CAP_RSC } };
	struct packet_desc desc = { .type = PACKET_INBAND };
	uint32_t answer[64];

	assert_int_equal(init_status(NVSP_VERSION_6_1), NVSP_STATUS_SUCCESS);
	assert_int_equal(model_packet(primary, &desc, NULL, 0, &config, sizeof(config)), 0);
	assert_int_equal(give_recv().status, NVSP_STATUS_SUCCESS);
	assert_int_equal(give_send(), NVSP_STATUS_SUCCESS);
	assert_int_equal(control_status(words, sizeof(words), answer, sizeof(answer)), NVSP_STATUS_SUCCESS);
	assert_int_equal(answer[0], RNDIS_INITIALIZE | RNDIS_COMPLETION);
	set_u32(RNDIS_OID_GEN_CURRENT_PACKET_FILTER, RNDIS_FILTER_DIRECTED | RNDIS_FILTER_BROADCAST);
}

static int teardown(void **state)
{
	(void)state;
	model_stop(nic);
	return 0;
}

static const uint8_t tcp[60] = { 2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 0, 0, 1, 0x40, 0, 64, 6, 0, 0,
				 10, 0, 0, 1, 10, 0, 0, 2, 0x30, 0x39, 0, 80, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x18, 1, 0 };

static void deliver(unsigned int queue, unsigned int times, const uint8_t *data, uint32_t bytes)
{
	memcpy(model.next.data, data, bytes);
	model.next.bytes = bytes;
	model.next_times = times;
	model.ready[queue](model.ready_context[queue]);
	model_turn();
}

#endif
