// SPDX-License-Identifier: GPL-2.0
/*
 * The connection as a whole: which version is spoken, and how everything is let go (contact anew,
 * unload, reset of the VM). Channels close and GPADLs go here only all together; one by one is
 * request.c's.
 * Invariant: the guest is answered only after the last worker has stopped touching its memory.
 */
#include "log.h"
#include "vmbus_internal.h"

static const uint32_t versions[] = {
	VMBUS_VERSION_WIN10_V5_3, VMBUS_VERSION_WIN10_V5_2, VMBUS_VERSION_WIN10_V5_1,
	VMBUS_VERSION_WIN10_V5,	  VMBUS_VERSION_WIN10_V4_1, VMBUS_VERSION_WIN10,
	VMBUS_VERSION_WIN8_1,
};

uint32_t connection_newest(void)
{
	return versions[0];
}

static bool spoken(const struct vmbus *vmbus, uint32_t version)
{
	for (unsigned int i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (versions[i] == version)
			return version <= vmbus->config.version_max;
	return false;
}

static bool all_closed(const struct vmbus *vmbus)
{
	for (const struct channel *channel = vmbus->channels; channel; channel = channel->next)
		if (channel->state != CHANNEL_CLOSED)
			return false;
	return true;
}

/* Whatever was negotiated, opened or queued belongs to a connection that is over. */
static void reset_begin(struct vmbus *vmbus, enum after_reset after)
{
	vmbus->state = BUS_RESETTING;
	vmbus->after_reset = after;
	vmbus->version = 0;
	synic_flush(vmbus->config.synic);
	for (struct channel *channel = vmbus->channels; channel; channel = channel->next) {
		channel->answer_open = false;
		channel_close(channel, true);
	}
}

static void answer_contact(struct vmbus *vmbus)
{
	const struct contact *contact = &vmbus->contact;
	struct chanmsg_version_response response = { .header.type = CHANMSG_VERSION_RESPONSE };

	if (contact->acceptable) {
		vmbus->state = BUS_CONNECTED;
		vmbus->version = contact->version;
		response.supported = 1;
		if (contact->version >= VMBUS_VERSION_WIN10_V5)
			response.msg_connection_id = VMBUS_MESSAGE_CONNECTION_ID_4;
		log_info("vmbus: version %u.%u", contact->version >> 16, contact->version & 0xFFFF);
	}
	vmbus_reply(vmbus, &response, sizeof(response));
}

static void answer_unload(struct vmbus *vmbus)
{
	const struct chanmsg_header response = { .type = CHANMSG_UNLOAD_RESPONSE };

	vmbus_reply(vmbus, &response, sizeof(response));
}

static void reset_end(struct vmbus *vmbus)
{
	enum after_reset after = vmbus->after_reset;

	gpadl_forget_all(&vmbus->gpadls);
	offer_forget(vmbus);
	vmbus->state = BUS_DISCONNECTED;
	vmbus->after_reset = AFTER_RESET_NOTHING;
	if (after == AFTER_RESET_VERSION_RESPONSE)
		answer_contact(vmbus);
	else if (after == AFTER_RESET_UNLOAD_RESPONSE)
		answer_unload(vmbus);
}

void connection_reset_step(struct vmbus *vmbus)
{
	if (vmbus->state == BUS_RESETTING && all_closed(vmbus))
		reset_end(vmbus);
}

/*
 * From 5.0 on a guest makes contact on a connection id of its own and names the SINT for its
 * messages; before, it is SINT 2, and that is the only one we can interrupt (vm.c routes it). A version
 * on the wrong connection id, or another SINT, is answered, but not accepted.
 */
const char *connection_contact(struct vmbus *vmbus, const struct request *request)
{
	const struct chanmsg_initiate_contact *message = &request->contact;
	bool on_new_id = request->connection_id == VMBUS_MESSAGE_CONNECTION_ID_4;
	bool new_version = message->version >= VMBUS_VERSION_WIN10_V5;
	bool our_sint = !on_new_id || !new_version || message->msg_sint == TLFS_SINT_VMBUS;
	struct contact contact = {
		.version = message->version,
		.vp = message->target_vcpu,
		.sint = TLFS_SINT_VMBUS,
		.acceptable = on_new_id == new_version && our_sint &&
			      spoken(vmbus, message->version),
	};

	if (contact.vp >= synic_vp_count(vmbus->config.synic))
		return "no such VP";
	if (on_new_id && new_version && message->msg_vtl)
		return "no such VTL";
	vmbus->counters.contacts++;
	vmbus->contact = contact;
	reset_begin(vmbus, AFTER_RESET_VERSION_RESPONSE);
	connection_reset_step(vmbus);
	return our_sint ? NULL : "messages on another SINT than 2; answered there, as not supported";
}

const char *connection_unload(struct vmbus *vmbus, const struct request *request)
{
	(void)request;
	vmbus->counters.unloads++;
	reset_begin(vmbus, AFTER_RESET_UNLOAD_RESPONSE);
	connection_reset_step(vmbus);
	return NULL;
}

static void discard_mail(struct mailbox *mailbox)
{
	pthread_mutex_lock(&mailbox->lock);
	mailbox->count = 0;
	pthread_mutex_unlock(&mailbox->lock);
}

/* See vmbus.h. A wake-up that is still queued finds nothing to do. */
void vmbus_reset(struct vmbus *vmbus)
{
	struct channel *next;

	discard_mail(&vmbus->mailbox);
	reset_begin(vmbus, AFTER_RESET_NOTHING);
	for (struct channel *channel = vmbus->channels; channel; channel = next) {
		next = channel->next;
		if (channel->state != CHANNEL_CLOSED)
			vmbus_collect(vmbus, channel);
	}
	reset_end(vmbus);
	vmbus->contact = (struct contact){ 0 };
}
