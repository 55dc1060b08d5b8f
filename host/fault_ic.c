// SPDX-License-Identifier: GPL-2.0
/*
 * What rules of faults can say of the messages of integration services (IC).
 * Invariant: nothing outside the given bytes is touched, whatever a rule says.
 */
#include <stddef.h>
#include <string.h>

#include "fault.h"
#include "wire/ic.h"
#include "wire/timesync.h"

/* The front of any message of the host. */
union front {
	struct {
		struct ic_pipe_header pipe;
		struct ic_header ic;
		union {
			struct {
				uint16_t frame_versions, message_versions;
			} negotiate; /* struct ic_negotiate */
			uint8_t bytes[sizeof(struct ic_heartbeat)]; /* the longest of which we know fields, but for the text of shutdown */
		} body;
	} message;
	uint8_t bytes[IC_HEADERS + sizeof(struct ic_heartbeat)];
};
_Static_assert(sizeof(union front) == IC_HEADERS + 40, "nothing between the parts");

static void describe(struct fault_event *event, const struct fault_view *view)
{
	struct ic_header header;

	if (view->bytes < IC_HEADERS)
		return;
	memcpy(&header, (const uint8_t *)view->payload + sizeof(struct ic_pipe_header), sizeof(header));
	event->is[FAULT_IF_IC] = header.type;
}

static void turn(void *payload, uint32_t bytes)
{
	union front front;

	if (bytes < IC_HEADERS)
		return;
	memcpy(&front, payload, IC_HEADERS);
	front.message.ic.flags = IC_FLAG_TRANSACTION | IC_FLAG_RESPONSE;
	memcpy(payload, &front, IC_HEADERS);
}

static uint16_t usual_bytes(uint16_t type)
{
	switch (type) {
	case IC_NEGOTIATE:
		return IC_NEGOTIATE_ANSWER_SIZE;
	case IC_TIMESYNC:
		return TIMESYNC_REFERENCE_DATA_SIZE;
	case IC_SHUTDOWN:
		return offsetof(struct ic_shutdown, text); /* a short one: no text, not even its end */
	default:
		return sizeof(struct ic_heartbeat);
	}
}

/* What an invented message says of itself. */
static void invent(union front *front)
{
	front->message.ic.frame = IC_FRAME_3;
	front->message.ic.message = (struct ic_version){ .major = front->message.ic.type == IC_TIMESYNC ? 4 : 3 };
	front->message.ic.size = usual_bytes(front->message.ic.type);
	front->message.ic.flags = IC_FLAG_TRANSACTION | IC_FLAG_REQUEST;
	front->message.pipe.flags = IC_PIPE_DATA;
	front->message.pipe.size = (uint32_t)sizeof(struct ic_header) + front->message.ic.size;
}

/* Times and their flags are in one place or another, as the version is. */
static void set_time(const struct fault_action *action, union front *front)
{
	size_t flags = front->message.ic.message.major >= 4 ? offsetof(struct timesync_reference_data, flags)
							     : offsetof(struct timesync_data, flags);

	_Static_assert(!offsetof(struct timesync_reference_data, parent_time) && !offsetof(struct timesync_data, parent_time), "first");
	if (fault_has(action, FAULT_KEY_TIME))
		memcpy(front->message.body.bytes, &action->value[FAULT_KEY_TIME], sizeof(uint64_t));
	if (fault_has(action, FAULT_KEY_FLAGS))
		front->message.body.bytes[flags] = (uint8_t)action->value[FAULT_KEY_FLAGS];
}

static void set_fields(const struct fault_action *action, union front *front)
{
	if (fault_has(action, FAULT_KEY_IC))
		front->message.ic.type = (uint16_t)action->value[FAULT_KEY_IC];
	if (!front->message.ic.flags)
		invent(front);
	if (fault_has(action, FAULT_KEY_STATUS))
		front->message.ic.status = (uint32_t)action->value[FAULT_KEY_STATUS];
	if (front->message.ic.type == IC_TIMESYNC)
		set_time(action, front);
	if (front->message.ic.type != IC_NEGOTIATE)
		return;
	if (fault_has(action, FAULT_KEY_FRAMES))
		front->message.body.negotiate.frame_versions = (uint16_t)action->value[FAULT_KEY_FRAMES];
	if (fault_has(action, FAULT_KEY_VERSIONS))
		front->message.body.negotiate.message_versions = (uint16_t)action->value[FAULT_KEY_VERSIONS];
}

static void set(const struct fault_action *action, void *payload, uint32_t bytes)
{
	union front front = { .bytes = { 0 } };

	if (bytes > sizeof(front))
		bytes = sizeof(front);
	memcpy(&front, payload, bytes);
	set_fields(action, &front);
	memcpy(payload, &front, bytes);
}

const struct fault_protocol fault_ic = {
	.bytes = sizeof(union front),
	.describe = describe,
	.turn = turn,
	.set = set,
};
