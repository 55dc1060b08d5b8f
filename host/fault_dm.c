// SPDX-License-Identifier: GPL-2.0
/*
 * What rules of faults can say of dynamic memory messages (DM).
 * Invariant: nothing outside the given bytes is touched, whatever a rule says.
 */
#include <string.h>

#include "fault.h"
#include "wire/dm.h"

/* The front of any message of the host. */
union front {
	struct dm_header header;
	struct dm_version_response version;
	struct dm_caps_response caps;
	struct dm_balloon_request balloon;
	struct {
		struct dm_header header;
		uint32_t flags, range_count;
		uint64_t range;
	} unballoon; /* struct dm_unballoon_request */
	struct {
		struct dm_header header;
		uint64_t range;
	} add; /* struct dm_hot_add_request */
	struct dm_hot_remove_request remove;
	struct dm_hot_add_response added;
	uint8_t bytes[32];
};
_Static_assert(sizeof(union front) == 32, "what is invented");

static void describe(struct fault_event *event, const struct fault_view *view)
{
	struct dm_header header;

	if (view->bytes < sizeof(header))
		return;
	memcpy(&header, view->payload, sizeof(header));
	event->is[FAULT_IF_DM] = header.type;
}

static uint16_t answer_to(uint16_t type)
{
	switch (type) {
	case DM_VERSION_REQUEST:
		return DM_VERSION_RESPONSE;
	case DM_CAPS_REPORT:
		return DM_CAPS_RESPONSE;
	default:
		return type;
	}
}

static uint16_t usual_bytes(uint16_t type)
{
	switch (type) {
	case DM_UNBALLOON_REQUEST:
		return sizeof(struct dm_unballoon_request) + sizeof(uint64_t);
	case DM_HOT_REMOVE_REQUEST:
		return sizeof(struct dm_hot_remove_request);
	case DM_INFO:
		return sizeof(struct dm_info) + sizeof(uint64_t);
	case DM_UNBALLOON_RESPONSE:
		return sizeof(struct dm_unballoon_response);
	case DM_STATUS_REPORT:
		return sizeof(struct dm_status);
	default:
		return sizeof(struct dm_version_response); /* all others begin with 16 bytes */
	}
}

static void turn(void *payload, uint32_t bytes)
{
	struct dm_header header;

	if (bytes < sizeof(header))
		return;
	memcpy(&header, payload, sizeof(header));
	memset(payload, 0, bytes);
	header.type = answer_to(header.type);
	header.size = (uint16_t)(bytes < usual_bytes(header.type) ? bytes : usual_bytes(header.type));
	memcpy(payload, &header, sizeof(header));
}

/* The first range, or how many pages, whichever the message has. */
static void set_pages(const struct fault_action *action, union front *front)
{
	uint64_t pages = action->value[FAULT_KEY_PAGES], pfn = action->value[FAULT_KEY_PFN];

	switch (front->header.type) {
	case DM_BALLOON_REQUEST:
		front->balloon.page_count = (uint32_t)pages;
		break;
	case DM_UNBALLOON_REQUEST:
		front->unballoon.range_count = 1;
		front->unballoon.range = DM_RANGE(pfn & DM_RANGE_PFN_MAX, pages);
		break;
	case DM_HOT_ADD_REQUEST:
		front->add.range = DM_RANGE(pfn & DM_RANGE_PFN_MAX, pages);
		break;
	case DM_HOT_REMOVE_REQUEST:
		front->remove.page_count = (uint32_t)pages;
		break;
	default:
		break;
	}
}

static void set(const struct fault_action *action, void *payload, uint32_t bytes)
{
	union front front = { .bytes = { 0 } };

	if (bytes > sizeof(front))
		bytes = sizeof(front);
	memcpy(&front, payload, bytes);
	if (fault_has(action, FAULT_KEY_DM))
		front.header.type = (uint16_t)action->value[FAULT_KEY_DM];
	if (fault_has(action, FAULT_KEY_ID))
		front.header.trans_id = (uint32_t)action->value[FAULT_KEY_ID];
	if (fault_has(action, FAULT_KEY_STATUS) && front.header.type == DM_HOT_ADD_RESPONSE)
		front.added.result = (uint32_t)action->value[FAULT_KEY_STATUS];
	else if (fault_has(action, FAULT_KEY_STATUS))
		front.caps.flags = action->value[FAULT_KEY_STATUS]; /* whether a version is accepted is there, too */
	if (fault_has(action, FAULT_KEY_PAGES) || fault_has(action, FAULT_KEY_PFN))
		set_pages(action, &front);
	if (!front.header.size)
		front.header.size = usual_bytes(front.header.type);
	memcpy(payload, &front, bytes);
}

const struct fault_protocol fault_dm = {
	.bytes = sizeof(union front),
	.describe = describe,
	.turn = turn,
	.set = set,
};
