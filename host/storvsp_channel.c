// SPDX-License-Identifier: GPL-2.0
/*
 * An open storage channel: the gate every packet passes, the conversation up to END_INITIALIZATION, and
 * the pool of requests. SCSI requests go on to storvsp_srb.c, resets to storvsp_reset.c.
 * Invariant: every packet that passes the gate is answered exactly once, unless the channel closes
 * first.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "log.h"
#include "storvsp_internal.h"

/* A transfer that starts inside a page touches one page more. */
uint32_t storvsp_pages_max(const struct storvsp *storvsp)
{
	return storvsp->target.max_transfer_bytes / STORVSP_PAGE + 1;
}

void storvsp_refuse(struct storvsp *storvsp, const char *why)
{
	atomic_fetch_add_explicit(&storvsp->refused, 1, memory_order_relaxed);
	if (!atomic_exchange(&storvsp->logged, true))
		log_warn("%s: request refused: %s (more of these are only counted)", storvsp->name,
			 why);
}

/* Where the guest has let go of its rings, the channel drops it. */
void storvsp_answer(struct storvsp_channel *channel, uint64_t transaction_id,
		    struct vstor_packet *vstor, uint32_t status)
{
	vstor->operation = VSTOR_COMPLETE_IO;
	vstor->status = status;
	channel_complete(channel->channel, transaction_id, vstor, sizeof(*vstor));
}

struct storvsp_request *storvsp_request_get(struct storvsp_channel *channel,
					    const struct packet *packet)
{
	struct storvsp_request *request = channel->free;

	if (!request)
		return NULL;
	channel->free = request->next;
	channel->in_flight++;
	request->transaction_id = packet->desc.transaction_id;
	request->number = ++channel->number;
	return request;
}

void storvsp_request_drop(struct storvsp_request *request)
{
	struct storvsp_channel *channel = request->channel;

	request->number = 0;
	request->next = channel->free;
	channel->free = request;
	channel->in_flight--;
}

static void answer_request(struct storvsp_request *request)
{
	storvsp_answer(request->channel, request->transaction_id, &request->packet,
		       request->packet.status);
	storvsp_request_drop(request);
}

/* channel_idle() frees the channel with all its requests: it has to be the last thing done. */
void storvsp_request_done(struct storvsp_request *request)
{
	struct storvsp_channel *channel = request->channel;
	uint64_t number = request->number;

	answer_request(request);
	if (channel->parts)
		storvsp_barrier_passed(channel, number, request->task.lun_number);
	if (channel->closing && !channel->in_flight)
		channel_idle(channel->channel);
}

/*
 * Sub-channels serve as long as the primary is ready. One that was taken away may close only after the
 * next has been offered and opened: then it has no say.
 */
static void set_state(struct storvsp_channel *channel, enum storvsp_state state)
{
	struct storvsp *storvsp = channel->storvsp;

	channel->state = state;
	pthread_mutex_lock(&storvsp->lock);
	if (storvsp->primary == channel)
		atomic_store(&storvsp->ready, state == STORVSP_READY);
	pthread_mutex_unlock(&storvsp->lock);
}

static uint32_t begin(struct storvsp_channel *channel)
{
	set_state(channel, STORVSP_BEGUN);
	channel->version = 0;
	return NTSTATUS_SUCCESS;
}

/* The guest asks for one version after another, newest first; a refusal leaves it where it was. */
static uint32_t query_version(struct storvsp_channel *channel, const struct vstor_packet *vstor)
{
	uint16_t version = vstor->version.version;

	if (channel->state != STORVSP_BEGUN)
		return NTSTATUS_INVALID_DEVICE_STATE;
	if ((version != VSTOR_VERSION_WIN10 && version != VSTOR_VERSION_WIN8_1) ||
	    version > channel->storvsp->version_max)
		return NTSTATUS_REVISION_MISMATCH;
	channel->version = version;
	channel->state = STORVSP_VERSION_AGREED;
	return NTSTATUS_SUCCESS;
}

static uint32_t query_properties(struct storvsp_channel *channel, struct vstor_packet *vstor)
{
	if (channel->state != STORVSP_VERSION_AGREED)
		return NTSTATUS_INVALID_DEVICE_STATE;
	channel->notifies = vstor->client.flags & VSTOR_CLIENT_ASYNC_NOTIFY;
	memset(vstor->raw, 0, sizeof(vstor->raw));
	vstor->properties.max_channels = (uint16_t)channel->storvsp->sub_channels;
	vstor->properties.flags = channel->storvsp->sub_channels ? VSTOR_PROPERTY_MULTI_CHANNEL : 0;
	vstor->properties.max_transfer_bytes = channel->storvsp->target.max_transfer_bytes;
	channel->state = STORVSP_PROPERTIES_TOLD;
	return NTSTATUS_SUCCESS;
}

static uint32_t end(struct storvsp_channel *channel)
{
	if (channel->state != STORVSP_PROPERTIES_TOLD)
		return NTSTATUS_INVALID_DEVICE_STATE;
	atomic_store(&channel->storvsp->version, channel->version);
	storvsp_tell_nothing(channel->storvsp); /* it scans now */
	set_state(channel, STORVSP_READY);
	return NTSTATUS_SUCCESS;
}

/* Once per open: those that were made stay until the primary is closed. */
static uint32_t create_sub_channels(struct storvsp_channel *channel,
				    const struct vstor_packet *vstor)
{
	uint16_t count = vstor->sub_channel_count;

	if (!channel->storvsp->sub_channels)
		return NTSTATUS_NOT_SUPPORTED;
	if (channel->state != STORVSP_READY || channel->subs_asked)
		return NTSTATUS_INVALID_DEVICE_STATE;
	if (!count || count > channel->storvsp->sub_channels)
		return NTSTATUS_INVALID_PARAMETER;
	channel->subs_asked = true;
	channel_ask_sub_channels(channel->channel, count);
	return NTSTATUS_SUCCESS;
}

/*
 * Everything but SCSI requests and resets, which may answer later. Return: NTSTATUS to answer with
 * now.
 */
static uint32_t converse(struct storvsp_channel *channel, struct vstor_packet *vstor)
{
	if (channel->sub)
		return NTSTATUS_INVALID_DEVICE_STATE;
	switch (vstor->operation) {
	case VSTOR_BEGIN_INITIALIZATION:
		return begin(channel);
	case VSTOR_QUERY_PROTOCOL_VERSION:
		return query_version(channel, vstor);
	case VSTOR_QUERY_PROPERTIES:
		return query_properties(channel, vstor);
	case VSTOR_END_INITIALIZATION:
		return end(channel);
	case VSTOR_CREATE_SUB_CHANNELS:
		return create_sub_channels(channel, vstor);
	case VSTOR_FCHBA_DATA: /* no Fibre Channel here: refused, and the guest goes on to END */
		return NTSTATUS_NOT_SUPPORTED;
	default:
		storvsp_refuse(channel->storvsp, "unknown operation");
		return NTSTATUS_INVALID_DEVICE_REQUEST;
	}
}

/*
 * Type, length, and that an answer is wanted. The VSTOR packet is copied out. Return: NULL, or the
 * rule broken.
 */
static const char *gate(const struct packet *packet, struct vstor_packet *vstor)
{
	if (packet->desc.type != PACKET_INBAND && packet->desc.type != PACKET_GPA_DIRECT)
		return "packet neither in-band nor with pages";
	if (!(packet->desc.flags & PACKET_FLAG_COMPLETION_REQUESTED))
		return "request that wants no completion";
	if (packet->payload > packet->bytes || packet->bytes - packet->payload != sizeof(*vstor))
		return "payload is not one VSTOR packet";
	memcpy(vstor, packet->data + packet->payload, sizeof(*vstor));
	if (packet->desc.type == PACKET_GPA_DIRECT && vstor->operation != VSTOR_EXECUTE_SRB)
		return "pages with an operation that takes none";
	return NULL;
}

static int packet_in(void *state, struct packet *packet, const char **why)
{
	struct storvsp_channel *channel = state;
	struct vstor_packet vstor;

	*why = gate(packet, &vstor);
	if (*why)
		return -EINVAL;
	switch (vstor.operation) {
	case VSTOR_EXECUTE_SRB:
		return storvsp_execute(channel, packet, &vstor, why);
	case VSTOR_RESET_LUN:
	case VSTOR_RESET_ADAPTER:
	case VSTOR_RESET_BUS:
		storvsp_reset_start(channel, packet->desc.transaction_id, &vstor);
		return 0;
	default:
		storvsp_answer(channel, packet->desc.transaction_id, &vstor,
			       converse(channel, &vstor));
		return 0;
	}
}

static void init_requests(struct storvsp_channel *channel)
{
	for (uint32_t i = STORVSP_REQUESTS; i-- > 0;) {
		struct storvsp_request *request = &channel->requests[i];

		request->channel = channel;
		request->iov = channel->iovs + (size_t)i * channel->iov_room;
		request->task.target = &channel->storvsp->target;
		request->task.scratch = channel->scratch + (size_t)i * SCSI_SCRATCH_BYTES;
		request->next = channel->free;
		channel->free = request;
	}
}

static void free_channel(struct storvsp_channel *channel)
{
	free(channel->scratch);
	free(channel->iovs);
	free(channel->requests);
	free(channel);
}

/* From here on others may call it, until leave(). */
static void join(struct storvsp_channel *channel)
{
	struct storvsp *storvsp = channel->storvsp;

	pthread_mutex_lock(&storvsp->lock);
	channel->next = storvsp->channels;
	storvsp->channels = channel;
	storvsp->channel_count++;
	if (!channel->sub)
		storvsp->primary = channel;
	pthread_mutex_unlock(&storvsp->lock);
}

static void leave(struct storvsp_channel *channel)
{
	struct storvsp *storvsp = channel->storvsp;
	struct storvsp_channel **link = &storvsp->channels;

	pthread_mutex_lock(&storvsp->lock);
	while (*link != channel)
		link = &(*link)->next;
	*link = channel->next;
	storvsp->channel_count--;
	if (storvsp->primary == channel)
		storvsp->primary = NULL;
	pthread_mutex_unlock(&storvsp->lock);
}

/* All memory a channel ever needs; what is not used is never touched, and so costs no page. */
static void *open_channel(struct channel *channel, void *context)
{
	struct storvsp_channel *state = calloc(1, sizeof(*state));

	if (!state)
		return NULL;
	state->storvsp = context;
	state->channel = channel;
	state->sub = channel_sub_index(channel);
	state->iov_room = storvsp_pages_max(state->storvsp);
	state->requests = calloc(STORVSP_REQUESTS, sizeof(*state->requests));
	state->iovs = calloc((size_t)STORVSP_REQUESTS * state->iov_room, sizeof(*state->iovs));
	state->scratch = aligned_alloc(STORVSP_PAGE, (size_t)STORVSP_REQUESTS * SCSI_SCRATCH_BYTES);
	if (!state->requests || !state->iovs || !state->scratch) {
		free_channel(state);
		return NULL;
	}
	init_requests(state);
	join(state);
	return state;
}

static bool close_channel(void *state)
{
	struct storvsp_channel *channel = state;

	channel->closing = true;
	if (!channel->sub)
		set_state(channel, STORVSP_CLOSED);
	return !channel->in_flight;
}

/* Nothing is in flight. What barriers have asked of it meanwhile is done with that. */
static void channel_closed(void *state)
{
	struct storvsp_channel *channel = state;

	leave(channel);
	storvsp_barrier_asked(channel);
	storvsp_reset_abandon(channel);
	free_channel(channel);
}

static void channel_called(void *state)
{
	struct storvsp_channel *channel = state;

	storvsp_barrier_asked(channel);
	storvsp_reset_answer(channel);
	if (!channel->sub)
		storvsp_tell(channel);
}

const struct channel_ops storvsp_channel_ops = {
	.open = open_channel,
	.packet = packet_in,
	.close = close_channel,
	.closed = channel_closed,
	.called = channel_called,
	.used = storvsp_used,
	.moved = storvsp_moved,
	.faults = &fault_vstor,
	.completion_max = sizeof(struct vstor_packet),
};
