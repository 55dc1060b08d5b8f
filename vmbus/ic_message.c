// SPDX-License-Identifier: GPL-2.0
/*
 * Messages of integration services as bytes: the gate that every one passes once, the choice of versions, and what makes an answer of a
 * request. Pure: no channel, no clock, no memory but what is passed. What a body means is the service's.
 * Invariant: nothing beyond what the gate measured is read or written. (An answer to NEGOTIATE is shorter than the buffer of
 * IC_MESSAGE_MAX in which it is made.)
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "ic_message.h"

static const char *const texts[IC_VERDICTS] = {
	[IC_FINE] = "fine",
	[IC_SHORT] = "a message shorter than its headers",
	[IC_LONG] = "a message longer than 4096 bytes",
	[IC_PIPE_SIZE] = "a pipe header whose size is not that of the message",
	[IC_BODY_SIZE] = "a header whose size is not that of the body",
	[IC_ANSWER] = "a message that is no request",
	[IC_COUNTS] = "more versions counted than came, or than make sense",
};

/** ic_verdict_text() - for the log; any context */
const char *ic_verdict_text(enum ic_verdict verdict)
{
	return texts[verdict];
}

/* NEGOTIATE: all versions that it counts are there. */
static bool counts_fit(const struct ic_negotiate *negotiate, u32 body_bytes)
{
	u32 versions;

	if (body_bytes < sizeof(*negotiate))
		return false;
	if (negotiate->frame_versions > IC_VERSIONS_MAX || negotiate->message_versions > IC_VERSIONS_MAX)
		return false;
	versions = (u32)negotiate->frame_versions + negotiate->message_versions;
	return versions * sizeof(struct ic_version) <= body_bytes - sizeof(*negotiate);
}

/* Type and flags, once all sizes are right. */
static enum ic_verdict check_type(const struct ic_message *message, const struct ic_header *header)
{
	if ((header->flags & IC_FLAG_RESPONSE) || !(header->flags & IC_FLAG_REQUEST))
		return IC_ANSWER;
	if (header->type == IC_NEGOTIATE && !counts_fit((const void *)(header + 1), message->body_bytes))
		return IC_COUNTS;
	return IC_FINE;
}

/**
 * ic_message_check() - the gate
 * @message: filled in if it is fine
 * @packet: a private copy of a packet's payload, 4-byte aligned
 * @packet_bytes: its length, padding included
 *
 * Any context. Return: IC_FINE, or what is wrong.
 */
enum ic_verdict ic_message_check(struct ic_message *message, const void *packet, u32 packet_bytes)
{
	const struct ic_pipe_header *pipe = packet;
	const struct ic_header *header = (const void *)(pipe + 1);

	if (packet_bytes < IC_HEADERS)
		return IC_SHORT;
	if (packet_bytes > IC_MESSAGE_MAX)
		return IC_LONG;
	if (pipe->size > packet_bytes - sizeof(*pipe) || pipe->size < sizeof(*header))
		return IC_PIPE_SIZE;
	if (!header->size || header->size > pipe->size - sizeof(*header))
		return IC_BODY_SIZE;
	message->type = header->type;
	message->bytes = sizeof(*pipe) + pipe->size;
	message->body_bytes = header->size;
	return check_type(message, header);
}

static bool same(struct ic_version a, struct ic_version b)
{
	return a.major == b.major && a.minor == b.minor;
}

/* The first of ours, which is the newest, that is among @theirs. */
static bool choose(const struct ic_version *ours, unsigned int our_count, const struct ic_version *theirs, unsigned int their_count,
		   struct ic_version *chosen)
{
	unsigned int i, j;

	for (i = 0; i < our_count; i++) {
		for (j = 0; j < their_count; j++) {
			if (same(ours[i], theirs[j])) {
				*chosen = ours[i];
				return true;
			}
		}
	}
	return false;
}

static void write_versions(struct ic_negotiate *negotiate, const struct ic_agreed *agreed, bool agree)
{
	negotiate->frame_versions = agree;
	negotiate->message_versions = agree;
	negotiate->versions[0] = agreed->frame;
	negotiate->versions[1] = agreed->message;
}

/**
 * ic_message_agree() - choose versions, and make the answer to NEGOTIATE of it
 * @message: NEGOTIATE that passed the gate; becomes the answer, of IC_HEADERS + IC_NEGOTIATE_ANSWER_SIZE bytes: there is room for it
 * @versions: of the service's messages, the newest first
 * @count: of them
 * @agreed: filled in if there are versions that both know
 *
 * Any context. Return: whether there are.
 */
bool ic_message_agree(void *message, const struct ic_version *versions, unsigned int count, struct ic_agreed *agreed)
{
	static const struct ic_version frames[] = { { 3, 0 }, { 1, 0 } };
	struct ic_pipe_header *pipe = message;
	struct ic_header *header = (void *)(pipe + 1);
	struct ic_negotiate *negotiate = (void *)(header + 1);
	struct ic_agreed found = {};
	bool agree;

	agree = choose(frames, ARRAY_SIZE(frames), negotiate->versions, negotiate->frame_versions, &found.frame) &&
		choose(versions, count, negotiate->versions + negotiate->frame_versions, negotiate->message_versions, &found.message);
	if (agree)
		*agreed = found;
	else
		memset(&found, 0, sizeof(found));
	write_versions(negotiate, &found, agree);
	header->size = IC_NEGOTIATE_ANSWER_SIZE;
	pipe->size = sizeof(*header) + IC_NEGOTIATE_ANSWER_SIZE;
	return agree;
}

/** ic_message_answer() - make the answer of a message that passed the gate, with @status, IC_STATUS_*; any context */
void ic_message_answer(void *message, u32 status)
{
	struct ic_header *header = message + sizeof(struct ic_pipe_header);

	header->status = status;
	header->flags = IC_FLAG_TRANSACTION | IC_FLAG_RESPONSE;
}
