// SPDX-License-Identifier: GPL-2.0
/*
 * The bus's tracepoints are made here, and control messages decoded for them: which offset of which message holds what.
 */
#include <linux/stddef.h>
#include <linux/string.h>

#include "wire/gpadl.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/* Offsets of a u32 (or, for an offer's index, of a u16 and its zero padding); 0: the message has none. */
static const struct {
	u16 relid;
	u16 handle;
	u16 value;
} fields[CHANMSG_TYPE_COUNT] = {
	[CHANMSG_OFFER] = { offsetof(struct chanmsg_offer, relid), offsetof(struct chanmsg_offer, connection_id),
			    offsetof(struct chanmsg_offer, sub_channel_index) },
	[CHANMSG_RESCIND] = { offsetof(struct chanmsg_relid, relid) },
	[CHANMSG_OPEN] = { offsetof(struct chanmsg_open, relid), offsetof(struct chanmsg_open, ring_gpadl),
			   offsetof(struct chanmsg_open, target_vp) },
	[CHANMSG_OPEN_RESULT] = { offsetof(struct chanmsg_open_result, relid),
				  offsetof(struct chanmsg_open_result, open_id),
				  offsetof(struct chanmsg_open_result, status) },
	[CHANMSG_CLOSE] = { offsetof(struct chanmsg_relid, relid) },
	[CHANMSG_GPADL_HEADER] = { offsetof(struct chanmsg_gpadl_header, relid),
				   offsetof(struct chanmsg_gpadl_header, gpadl) },
	[CHANMSG_GPADL_BODY] = { 0, offsetof(struct chanmsg_gpadl_body, gpadl) },
	[CHANMSG_GPADL_CREATED] = { offsetof(struct chanmsg_gpadl_created, relid),
				    offsetof(struct chanmsg_gpadl_created, gpadl),
				    offsetof(struct chanmsg_gpadl_created, status) },
	[CHANMSG_GPADL_TEARDOWN] = { offsetof(struct chanmsg_gpadl_teardown, relid),
				     offsetof(struct chanmsg_gpadl_teardown, gpadl) },
	[CHANMSG_GPADL_TORNDOWN] = { 0, offsetof(struct chanmsg_gpadl_torndown, gpadl) },
	[CHANMSG_RELID_RELEASED] = { offsetof(struct chanmsg_relid, relid) },
	[CHANMSG_INITIATE_CONTACT] = { 0, offsetof(struct chanmsg_initiate_contact, target_vcpu),
				       offsetof(struct chanmsg_initiate_contact, version) },
	[CHANMSG_VERSION_RESPONSE] = { 0, offsetof(struct chanmsg_version_response, msg_connection_id),
				       offsetof(struct chanmsg_version_response, supported) },
	[CHANMSG_MODIFY] = { offsetof(struct chanmsg_modify, relid), 0, offsetof(struct chanmsg_modify, target_vp) },
	[CHANMSG_MODIFY_RESPONSE] = { offsetof(struct chanmsg_modify_response, relid), 0,
				      offsetof(struct chanmsg_modify_response, status) },
};

static u32 word_at(const void *message, u32 bytes, u32 at)
{
	u32 word;

	if (!at || at + sizeof(word) > bytes)
		return 0;
	memcpy(&word, message + at, sizeof(word));
	return word;
}

/**
 * trace_message_decode() - what a tracepoint shows of a control message
 * @message: of either direction; from the host it may be anything
 * @bytes: its length, at least that of a header
 *
 * Any context. Return: the fields; those that it is too short for are 0.
 */
struct trace_message trace_message_decode(const void *message, u32 bytes)
{
	const struct chanmsg_header *header = message;
	struct trace_message decoded = { .type = header->type };

	if (header->type < CHANMSG_TYPE_COUNT) {
		decoded.relid = word_at(message, bytes, fields[header->type].relid);
		decoded.handle = word_at(message, bytes, fields[header->type].handle);
		decoded.value = word_at(message, bytes, fields[header->type].value);
	}
	return decoded;
}
