// SPDX-License-Identifier: GPL-2.0
/*
 * A worker's records in the trace (trace.h): packets as they lie in the rings, without their
 * trailers. Only called while a trace runs.
 */
#include "worker_internal.h"

void worker_trace_packet(struct channel_worker *worker, const struct packet *packet)
{
	const struct iovec piece = { packet->data, packet->bytes };

	trace_packet(&worker->channel->trace, TRACE_TO_HOST, &piece, 1);
}

void worker_trace_answer(struct channel_worker *worker, const struct packet_desc *desc,
			 const void *payload, uint32_t bytes)
{
	static const char zeros[8];
	struct packet_desc written = *desc; /* with what ring_write() fills in */
	const struct iovec pieces[] = {
		{ &written, sizeof(written) },
		{ (void *)payload, bytes },
		{ (void *)zeros, -bytes % 8 },
	};

	written.len8 = (uint16_t)((sizeof(written) + bytes + 7) / 8);
	if (!written.offset8)
		written.offset8 = sizeof(written) / 8;
	trace_packet(&worker->channel->trace, TRACE_TO_GUEST, pieces, 3);
}

bool channel_wants_data(const struct channel *channel)
{
	return trace_mode(channel->trace.trace) & TRACE_BYTES;
}

void channel_data(struct channel *channel, bool to_guest, uint64_t transaction_id,
		  const struct iovec *pieces, unsigned int count, uint64_t bytes)
{
	trace_data(&channel->trace, to_guest ? TRACE_TO_GUEST : TRACE_TO_HOST, transaction_id,
		   pieces, count, bytes);
}
