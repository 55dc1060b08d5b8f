// SPDX-License-Identifier: GPL-2.0
/*
 * What rules of faults can say of network packets (NVSP), and of the RNDIS messages that they point at.
 * Invariant: nothing outside the given bytes is touched, whatever a rule says.
 */
#include <stddef.h>
#include <string.h>

#include "fault.h"
#include "wire/nvsp.h"
#include "wire/rndis.h"

/* Answers repeat the id of their request, but not its OID: that is remembered, as long as there are not too many. */
static uint64_t oid_of(const struct fault_view *view, uint32_t type)
{
	uint32_t action = type & ~RNDIS_COMPLETION, bytes = offsetof(struct rndis_request, buffer_bytes);
	struct rndis_request request = { 0 };
	uint64_t *memory;

	if ((action != RNDIS_QUERY && action != RNDIS_SET) || view->pointed_bytes < sizeof(struct rndis_header) + bytes)
		return FAULT_UNKNOWN;
	memcpy(&request, (const uint8_t *)view->pointed + sizeof(struct rndis_header), bytes);
	memory = &view->memory[request.request_id % FAULT_MEMORY];
	if (type == RNDIS_QUERY || type == RNDIS_SET)
		*memory = (uint64_t)request.request_id << 32 | request.oid;
	if (!*memory || *memory >> 32 != request.request_id)
		return FAULT_UNKNOWN;
	return (uint32_t)*memory;
}

static void describe(struct fault_event *event, const struct fault_view *view)
{
	uint32_t type;

	if (view->bytes >= sizeof(type)) {
		memcpy(&type, view->payload, sizeof(type));
		event->is[FAULT_IF_NVSP] = type;
	}
	if (view->pointed_bytes < sizeof(type))
		return;
	memcpy(&type, view->pointed, sizeof(type));
	event->is[FAULT_IF_RNDIS] = type;
	event->is[FAULT_IF_OID] = oid_of(view, type);
}

static uint32_t answer_to(uint32_t type)
{
	switch (type) {
	case NVSP_INIT:
		return NVSP_INIT_COMPLETE;
	case NVSP_SEND_RECV_BUF:
		return NVSP_SEND_RECV_BUF_COMPLETE;
	case NVSP_SEND_SEND_BUF:
		return NVSP_SEND_SEND_BUF_COMPLETE;
	case NVSP_SEND_RNDIS_PKT:
		return NVSP_SEND_RNDIS_PKT_COMPLETE;
	default:
		return type;
	}
}

static void turn(void *payload, uint32_t bytes)
{
	uint32_t type;

	if (bytes < sizeof(type))
		return;
	memcpy(&type, payload, sizeof(type));
	memset(payload, 0, bytes);
	type = answer_to(type);
	memcpy(payload, &type, sizeof(type));
}

static void set(const struct fault_action *action, void *payload, uint32_t bytes)
{
	struct nvsp_message message = { 0 };
	uint32_t status = (uint32_t)action->value[FAULT_KEY_STATUS];

	if (bytes > sizeof(message))
		bytes = sizeof(message);
	memcpy(&message, payload, bytes);
	if (fault_has(action, FAULT_KEY_NVSP))
		message.type = (uint32_t)action->value[FAULT_KEY_NVSP];
	if (fault_has(action, FAULT_KEY_STATUS) && message.type == NVSP_INIT_COMPLETE)
		message.init_complete.status = status;
	else if (fault_has(action, FAULT_KEY_STATUS))
		message.rndis_complete.status = status; /* all others begin with it */
	memcpy(payload, &message, bytes);
}

const struct fault_protocol fault_nvsp = {
	.bytes = sizeof(struct nvsp_message),
	.describe = describe,
	.turn = turn,
	.set = set,
};
