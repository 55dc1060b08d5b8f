// SPDX-License-Identifier: GPL-2.0
/*
 * What a guest asks about one channel: GPADLs made and torn down, open, close, another target VP.
 * The connection as a whole is connection.c's.
 * Invariant: a request that has an answer in the protocol is answered, with a failure where it is
 * refused, so that a guest's mistake does not leave it waiting.
 */
#include <errno.h>

#include "vmbus_internal.h"

static void gpadl_created(struct vmbus *vmbus, uint32_t relid, uint32_t handle, uint32_t status)
{
	const struct chanmsg_gpadl_created message = {
		.header.type = CHANMSG_GPADL_CREATED,
		.relid = relid,
		.gpadl = handle,
		.status = status,
	};

	vmbus_reply(vmbus, &message, sizeof(message));
}

static uint32_t gpadl_status(int result)
{
	if (result > 0)
		return NTSTATUS_SUCCESS;
	return result == -ENOMEM || result == -ENOSPC ? NTSTATUS_INSUFFICIENT_RESOURCES
						      : NTSTATUS_INVALID_PARAMETER;
}

const char *request_gpadl_header(struct vmbus *vmbus, const struct request *request)
{
	const struct chanmsg_gpadl_header *message = &request->gpadl_header;
	const struct channel *channel = vmbus_find(vmbus, message->relid);
	const char *why = NULL;
	int result;

	if (!channel || channel->rescinded) {
		gpadl_created(vmbus, message->relid, message->gpadl, NTSTATUS_NOT_FOUND);
		return "no such channel";
	}
	result = gpadl_begin(&vmbus->gpadls, message, request->bytes, &why);
	if (result)
		gpadl_created(vmbus, message->relid, message->gpadl, gpadl_status(result));
	return why;
}

const char *request_gpadl_body(struct vmbus *vmbus, const struct request *request)
{
	const struct chanmsg_gpadl_body *message = &request->gpadl_body;
	struct gpadl *gpadl = gpadl_find(&vmbus->gpadls, message->gpadl);
	const char *why = NULL;
	uint32_t relid;
	int result;

	if (!gpadl)
		return "no such GPADL";
	relid = gpadl->relid;
	result = gpadl_continue(&vmbus->gpadls, gpadl, message, request->bytes, &why);
	/* A body too many for a complete one has no answer: that one was answered. */
	if (result && result != -EEXIST)
		gpadl_created(vmbus, relid, message->gpadl, gpadl_status(result));
	return why;
}

void request_torndown(struct vmbus *vmbus, uint32_t handle)
{
	const struct chanmsg_gpadl_torndown message = { .header.type = CHANMSG_GPADL_TORNDOWN,
							.gpadl = handle };

	vmbus_reply(vmbus, &message, sizeof(message));
}

/* While a channel uses it, the answer waits until the channel has closed. */
const char *request_gpadl_teardown(struct vmbus *vmbus, const struct request *request)
{
	const struct chanmsg_gpadl_teardown *message = &request->gpadl_teardown;
	struct gpadl *gpadl = gpadl_find(&vmbus->gpadls, message->gpadl);

	if (!gpadl)
		return "no such GPADL";
	if (gpadl->relid != message->relid)
		return "GPADL of another channel";
	if (gpadl->torn)
		return "GPADL torn down already";
	if (gpadl_teardown(&vmbus->gpadls, gpadl))
		request_torndown(vmbus, message->gpadl);
	return NULL;
}

void request_open_result(struct vmbus *vmbus, uint32_t relid, uint32_t open_id, uint32_t status)
{
	const struct chanmsg_open_result message = {
		.header.type = CHANMSG_OPEN_RESULT,
		.relid = relid,
		.open_id = open_id,
		.status = status,
	};

	vmbus_reply(vmbus, &message, sizeof(message));
}

static bool valid_target(const struct vmbus *vmbus, uint32_t vp)
{
	return vp == CHANMSG_TARGET_VP_NONE || vp < synic_vp_count(vmbus->config.synic);
}

/* Fill @open from the message. Return: NULL, or the rule it breaks. */
static const char *check_open(const struct vmbus *vmbus, const struct chanmsg_open *message,
			      struct channel_open *open)
{
	struct gpadl *gpadl = gpadl_find(&vmbus->gpadls, message->ring_gpadl);

	if (!gpadl || !gpadl->complete || gpadl->torn)
		return "no such GPADL";
	if (gpadl->relid != message->relid)
		return "GPADL of another channel";
	*open = (struct channel_open){ .ring = gpadl,
				       .downstream_page = message->downstream_page,
				       .target_vp = message->target_vp,
				       .sint = vmbus->contact.sint,
				       .open_id = message->open_id };
	if (!gpadl_single_range(gpadl, &open->range) || open->range.offset ||
	    open->range.bytes % 4096)
		return "ring not of whole pages";
	if (open->range.pages < 2 * RING_PAGES_MIN || open->downstream_page < RING_PAGES_MIN ||
	    open->downstream_page > open->range.pages - RING_PAGES_MIN)
		return "ring too small";
	if (!valid_target(vmbus, message->target_vp))
		return "no such VP";
	return NULL;
}

/* The answer comes when the provider has agreed; here only if it is a refusal. */
const char *request_open(struct vmbus *vmbus, const struct request *request)
{
	const struct chanmsg_open *message = &request->open;
	struct channel *channel = vmbus_find(vmbus, message->relid);
	uint32_t status = NTSTATUS_INVALID_PARAMETER;
	struct channel_open open;
	const char *why;

	if (!channel || channel->rescinded) {
		status = NTSTATUS_NOT_FOUND;
		why = "no such channel";
	} else if (channel->state != CHANNEL_CLOSED) {
		status = NTSTATUS_INVALID_DEVICE_STATE;
		why = "channel not closed";
	} else {
		why = check_open(vmbus, message, &open);
		if (!why)
			status = channel_open(channel, &open, &why);
	}
	if (status != NTSTATUS_SUCCESS)
		request_open_result(vmbus, message->relid, message->open_id, status);
	return status == NTSTATUS_SUCCESS ? NULL : why;
}

/* Has no answer; the guest waits for the ring's GPADL_TORNDOWN instead. */
const char *request_close(struct vmbus *vmbus, const struct request *request)
{
	struct channel *channel = vmbus_find(vmbus, request->relid.relid);

	if (!channel)
		return "no such channel";
	/* A rescinded channel closes, or has closed, without the guest. */
	if (!channel->rescinded && channel->state != CHANNEL_OPENING &&
	    channel->state != CHANNEL_OPEN)
		return "channel not open";
	channel_close(channel, true);
	offer_rescind_subs(vmbus, channel);
	return NULL;
}

const char *request_modify(struct vmbus *vmbus, const struct request *request)
{
	const struct chanmsg_modify *message = &request->modify;
	struct channel *channel = vmbus_find(vmbus, message->relid);
	struct chanmsg_modify_response response = {
		.header.type = CHANMSG_MODIFY_RESPONSE,
		.relid = message->relid,
		.status = NTSTATUS_INVALID_PARAMETER,
	};
	const char *why = NULL;

	if (!channel)
		why = "no such channel";
	else if (channel->state != CHANNEL_OPENING && channel->state != CHANNEL_OPEN)
		why = "channel not open";
	else if (!valid_target(vmbus, message->target_vp))
		why = "no such VP";
	if (!why) {
		channel_retarget(channel, message->target_vp);
		response.status = NTSTATUS_SUCCESS;
	}
	if (vmbus->version >= VMBUS_VERSION_WIN10_V5_3)
		vmbus_reply(vmbus, &response, sizeof(response));
	return why;
}
