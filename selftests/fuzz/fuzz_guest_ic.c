// SPDX-License-Identifier: GPL-2.0
// links: vmbus/ic_message.c timesync/host_time.c
/*
 * What the guest believes of a host that says anything over an integration service: the gate, the handshake and a time-sync message. Each
 * packet lies in an exact allocation.
 * Properties: what passes the gate lies in the packet; the versions agreed on were the host's and are ours; an answer fits the buffer and
 * says one of each or none; a time that passed is one that the kernel can set.
 */
#include <stdlib.h>
#include <string.h>

#include "timesync/host_time.h"
#include "vmbus/ic_message.h"

#include "tape.h"

#define NOW 10000000000000ull
#define SETTABLE_NS 7258118400000000000ll

static const struct ic_version ours[] = { { 4, 0 }, { 3, 0 }, { 1, 0 } };

static bool offered(const u8 *packet, u32 from, u32 count, struct ic_version version)
{
	const struct ic_negotiate *negotiate = (const void *)(packet + IC_HEADERS);

	for (u32 i = from; i < from + count; i++)
		if (negotiate->versions[i].major == version.major && negotiate->versions[i].minor == version.minor)
			return true;
	return false;
}

static void handshake(const u8 *packet, u32 bytes)
{
	const struct ic_negotiate *before = (const void *)(packet + IC_HEADERS), *after;
	u8 *buffer = aligned_alloc(8, IC_MESSAGE_MAX);
	struct ic_agreed agreed = {};
	bool agree;

	memcpy(buffer, packet, bytes);
	agree = ic_message_agree(buffer, ours, 3, &agreed);
	ic_message_answer(buffer, IC_STATUS_OK);
	after = (const void *)(buffer + IC_HEADERS);
	MUST(after->frame_versions == agree && after->message_versions == agree);
	MUST(((struct ic_pipe_header *)buffer)->size == sizeof(struct ic_header) + IC_NEGOTIATE_ANSWER_SIZE);
	if (agree) {
		MUST(agreed.frame.major == 1 || agreed.frame.major == 3);
		MUST(offered(packet, 0, before->frame_versions, agreed.frame));
		MUST(offered(packet, before->frame_versions, before->message_versions, agreed.message));
	} else {
		MUST(!agreed.frame.major && !agreed.message.major);
	}
	free(buffer);
}

static void time_message(struct tape *tape, const u8 *packet, const struct ic_message *message)
{
	struct host_time host = {};
	s64 ns;

	if (host_time_check(&host, ours[tape_below(tape, 3)], packet + IC_HEADERS, message->body_bytes, NOW) != HOST_TIME_FINE)
		return;
	ns = host_time_ns(&host, NOW);
	MUST(ns >= -1000000 && ns <= SETTABLE_NS + 700000000000);
	MUST(host.leap <= 3 && host.stratum <= 16);
	MUST(ns == host_time_ns(&host, NOW + 10) - 1000);
}

static void one(struct tape *tape)
{
	u32 bytes = tape_below(tape, 300), body;
	u8 *packet = malloc(bytes + 1);
	struct ic_header *header = (void *)(packet + sizeof(struct ic_pipe_header));
	struct ic_message message = {};

	tape_take(tape, packet, bytes);
	if (bytes >= IC_HEADERS) {
		/* Mostly right where it costs nothing to guess. */
		body = bytes - IC_HEADERS;
		((struct ic_pipe_header *)packet)->size = tape_lie(tape, sizeof(*header) + body);
		header->size = (u16)tape_lie(tape, body);
		header->flags = (u8)tape_lie(tape, IC_FLAG_TRANSACTION | IC_FLAG_REQUEST);
		header->type = tape_u8(tape) & 1 ? IC_NEGOTIATE : header->type;
	}
	packet = realloc(packet, bytes ? bytes : 1);
	if (ic_message_check(&message, packet, bytes) == IC_FINE) {
		MUST(message.bytes <= bytes && message.bytes <= IC_MESSAGE_MAX);
		MUST(message.body_bytes && message.body_bytes <= message.bytes - IC_HEADERS);
		if (message.type == IC_NEGOTIATE)
			handshake(packet, bytes);
		else
			time_message(tape, packet, &message);
	}
	free(packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct tape tape = { data, bytes };

	while (tape_more(&tape))
		one(&tape);
	return 0;
}
