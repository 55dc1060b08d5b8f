// SPDX-License-Identifier: GPL-2.0
/*
 * Received packets: their ranges in the receive buffer, one RNDIS message in each, and the answers that give the ranges back to the
 * host. What becomes of a frame is rx_frame.c's.
 * Invariant: a range is inside the receive buffer before it is touched; the head of its message is copied, and only the copy
 * is looked at; its data are copied once, by rx_frame.c, and only looked at there. The answer goes after that, exactly once.
 */
#include "internal.h"

static const enum netvsc_refusal refusal_of[] = {
	[NETVSC_SHORT] = REFUSED_RNDIS_LENGTH,
	[NETVSC_LENGTH] = REFUSED_RNDIS_LENGTH,
	[NETVSC_DATA_OUTSIDE] = REFUSED_DATA_OUTSIDE,
	[NETVSC_PPI_OUTSIDE] = REFUSED_PPI,
	[NETVSC_PPI_BROKEN] = REFUSED_PPI,
};

/* A place is free: poll() flushes before it reads the next packet. */
static void owe_answer(struct netvsc_queue *queue, u64 id)
{
	struct netvsc_answers *answers = &queue->rx.answers;

	answers->ids[answers->head++ % NETVSC_ANSWERS] = id;
}

/* What lies behind the descriptor of a transfer-pages packet, before the ranges. */
struct xfer_head {
	u16 buffer;
	u16 reserved;
	u32 count;
};

static int check(struct netvsc *nv, const struct hvis_packet *packet, u32 *count)
{
	struct xfer_head head;
	struct nvsp_message message;
	u32 room;

	if (packet->ranges_bytes < sizeof(head) || packet->payload_bytes < sizeof(message.type))
		return REFUSED_SHORT;
	memcpy(&head, packet->ranges, sizeof(head));
	memcpy(&message.type, packet->payload, sizeof(message.type));
	room = (packet->ranges_bytes - sizeof(head)) / sizeof(struct packet_xfer_range);
	if (message.type != NVSP_SEND_RNDIS_PKT)
		return REFUSED_UNKNOWN_NVSP;
	if (head.buffer != NVSP_RECV_BUF_ID)
		return REFUSED_BUFFER_ID;
	if (!head.count || head.count > room)
		return REFUSED_RANGE_COUNT;
	*count = head.count;
	return -1;
}

static void end_packet(struct netvsc_queue *queue)
{
	if (queue->rx.parts.count)
		netvsc_refuse(queue->nv, REFUSED_PARTS);
	queue->rx.range_count = 0;
	owe_answer(queue, queue->rx.packet.transaction_id);
}

/**
 * netvsc_rx_begin() - a packet with ranges in the receive buffer came
 * @queue: on its channel
 * @packet: queue->rx.packet
 *
 * In poll(). netvsc_rx_ranges() goes on. A packet that is refused is answered, too: otherwise the host would run out of buffer.
 */
void netvsc_rx_begin(struct netvsc_queue *queue, const struct hvis_packet *packet)
{
	struct netvsc_rx *rx = &queue->rx;
	int refusal = check(queue->nv, packet, &rx->range_count);

	rx->range = 0;
	rx->parts.count = 0;
	rx->given += rx->range_count;
	if (refusal < 0)
		return;
	netvsc_refuse(queue->nv, refusal);
	end_packet(queue);
}

/* @at: its @bytes lie in the receive buffer. Return: whether it counts as a frame. */
static void receive_frame(struct netvsc_queue *queue, u8 *at, u32 head_bytes, u32 bytes)
{
	struct netvsc *nv = queue->nv;
	struct netvsc_rx *rx = &queue->rx;
	struct netvsc_frame frame;
	enum netvsc_verdict verdict = netvsc_parse_frame(&frame, rx->head, head_bytes, bytes);
	u32 index = rx->parts.count;
	struct netvsc_piece piece;

	if (verdict != NETVSC_FINE)
		return netvsc_refuse(nv, refusal_of[verdict]);
	if (frame.unknown)
		atomic_add(frame.unknown, &nv->refused[IGNORED_PPI]);
	piece = (struct netvsc_piece){ at + frame.data_at, frame.data_bytes };
	switch (netvsc_parts_add(&rx->parts, &frame)) {
	case NETVSC_PART_WHOLE:
		return netvsc_rx_frame(queue, &frame, &piece, 1, piece.bytes);
	case NETVSC_PART_BROKEN:
		return netvsc_refuse(nv, REFUSED_PARTS);
	case NETVSC_PART_LAST:
		rx->ranges[index] = piece;
		rx->parts.count = 0;
		rx->joined += index > 0;
		return netvsc_rx_frame(queue, index ? &rx->first : &frame, rx->ranges, index + 1, rx->parts.bytes);
	case NETVSC_PART_MORE:
		rx->ranges[index] = piece;
		if (!index)
			rx->first = frame;
	}
}

static void receive_range(struct netvsc_queue *queue, const struct packet_xfer_range *range)
{
	struct netvsc *nv = queue->nv;
	u32 size = READ_ONCE(nv->recv_bytes), bytes = range->byte_count;
	u32 head_bytes = min(bytes, NETVSC_HEAD_MAX);
	struct rndis_header *header = (struct rndis_header *)queue->rx.head;
	u8 *at;

	if (range->byte_offset > size || bytes > size - range->byte_offset)
		return netvsc_refuse(nv, REFUSED_RANGE_OUTSIDE);
	if (bytes < sizeof(*header))
		return netvsc_refuse(nv, REFUSED_RNDIS_LENGTH);
	at = nv->recv_base + range->byte_offset;
	memcpy(queue->rx.head, at, head_bytes);
	/* The compiler, too, must not go back to shared memory for what is checked now. */
	barrier();
	if (header->type == RNDIS_PACKET)
		return receive_frame(queue, at, head_bytes, bytes);
	if (queue->index)
		return netvsc_refuse(nv, REFUSED_RNDIS_TYPE);
	netvsc_rndis_message(nv, queue->rx.head, head_bytes);
}

/**
 * netvsc_rx_ranges() - go on with the packet that is being read, if one is
 * @queue: the queue
 * @budget: frames in all
 * @work: frames so far
 *
 * In poll(). Return: false: the budget is used up.
 */
bool netvsc_rx_ranges(struct netvsc_queue *queue, int budget, int *work)
{
	struct netvsc_rx *rx = &queue->rx;
	const u8 *ranges = (const u8 *)rx->packet.ranges + sizeof(struct xfer_head);
	struct packet_xfer_range range;

	while (rx->range_count) {
		if (*work >= budget)
			return false;
		memcpy(&range, ranges + rx->range * sizeof(range), sizeof(range));
		receive_range(queue, &range);
		++*work;
		if (++rx->range == rx->range_count)
			end_packet(queue);
	}
	return *work < budget;
}

static int send_answer(struct vmbus_channel *channel, u64 id)
{
	const struct {
		struct packet_desc desc;
		u32 type;
		u32 status;
	} answer = {
		.desc = {
			.type = PACKET_COMPLETION,
			.offset8 = sizeof(struct packet_desc) / 8,
			.len8 = sizeof(answer) / 8,
			.transaction_id = id,
		},
		.type = NVSP_SEND_RNDIS_PKT_COMPLETE,
		.status = NVSP_STATUS_SUCCESS,
	};
	unsigned long flags;
	void *packet = hvis_channel_reserve(channel, sizeof(answer), &flags);

	if (IS_ERR(packet))
		return PTR_ERR(packet);
	memcpy(packet, &answer, sizeof(answer));
	hvis_channel_commit(channel, flags);
	return 0;
}

/**
 * netvsc_rx_answer() - give the ranges of packets back to the host
 * @queue: the queue
 * @urgent: now; otherwise only if no other packet's answer could be remembered
 *
 * In poll(), which signals the host for all that is owed. Return: false: the ring has no room; netvsc_send_room() will be called.
 */
bool netvsc_rx_answer(struct netvsc_queue *queue, bool urgent)
{
	struct netvsc_answers *answers = &queue->rx.answers;
	u32 before = answers->tail;
	int error = 0;

	if (!urgent && answers->head - answers->tail < NETVSC_ANSWERS)
		return true;
	while (!error && answers->tail != answers->head) {
		error = send_answer(queue->channel, answers->ids[answers->tail % NETVSC_ANSWERS]);
		if (error != -EAGAIN)
			answers->tail++; /* no channel, no debt */
	}
	queue->rx.given += answers->tail - before;
	return error != -EAGAIN;
}
