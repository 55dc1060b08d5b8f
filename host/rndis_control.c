// SPDX-License-Identifier: GPL-2.0
/*
 * RNDIS control messages: the gate, and the answers. What objects mean is rndis_oid.c's.
 * Source: MS-RNDIS; drivers/net/hyperv/rndis_filter.c of Linux, which takes only INITIALIZE, QUERY and SET
 * answers.
 * Invariant: a request that has an answer in the protocol is answered, with a failure where it is refused.
 */
#include "rndis.h"

#include <stddef.h>
#include <string.h>

#define BODY sizeof(struct rndis_header)

static struct rndis_message *start(struct rndis_answer *answer, uint32_t type, uint32_t body)
{
	struct rndis_message *message = (struct rndis_message *)answer->message;

	memset(answer->message, 0, sizeof(*message));
	answer->bytes = (uint32_t)BODY + body;
	message->header.type = type;
	message->header.length = answer->bytes;
	return message;
}

void rndis_reset_config(struct rndis_config *config, const struct rndis_about *about)
{
	memset(config, 0, sizeof(*config));
	memcpy(config->mac, about->mac, sizeof(config->mac));
}

static const char *initialize(struct rndis_config *config, const struct rndis_about *about,
			      const struct rndis_initialize *request, struct rndis_answer *answer)
{
	struct rndis_initialize_complete *complete;
	uint8_t mac[6];

	/* The address that the guest has set outlives HALT: it is set by reloading. */
	memcpy(mac, config->mac, sizeof(mac));
	rndis_reset_config(config, about);
	memcpy(config->mac, mac, sizeof(mac));
	config->running = true;
	complete = &start(answer, RNDIS_INITIALIZE | RNDIS_COMPLETION, sizeof(*complete))->initialize_complete;
	complete->request_id = request->request_id;
	complete->major = RNDIS_VERSION_MAJOR;
	complete->minor = RNDIS_VERSION_MINOR;
	complete->device_flags = RNDIS_DEVICE_CONNECTIONLESS;
	complete->packets_max = RNDIS_MESSAGES_MAX;
	complete->transfer_max = RNDIS_TRANSFER_MAX;
	complete->alignment = RNDIS_ALIGNMENT_SHIFT;
	return NULL;
}

static const char *query(struct rndis_exchange *exchange, const struct rndis_request *request,
			 struct rndis_answer *answer)
{
	struct rndis_query_complete *complete;
	uint32_t status;

	complete = &start(answer, RNDIS_QUERY | RNDIS_COMPLETION, sizeof(*complete))->query_complete;
	exchange->out = (uint8_t *)(complete + 1);
	exchange->out_room = RNDIS_ANSWER_MAX - answer->bytes;
	status = rndis_query_oid(exchange, request->oid);
	if (status)
		exchange->out_bytes = 0;
	complete->request_id = request->request_id;
	complete->status = status;
	complete->buffer_bytes = exchange->out_bytes;
	complete->buffer_offset = sizeof(*complete);
	answer->bytes += exchange->out_bytes;
	((struct rndis_header *)answer->message)->length = answer->bytes;
	/* Guests ask for more than there is: that is no mistake. */
	return status && status != RNDIS_STATUS_NOT_SUPPORTED ? "RNDIS QUERY with a bad value" : NULL;
}

static const char *set(struct rndis_exchange *exchange, const struct rndis_request *request,
		       struct rndis_answer *answer)
{
	uint32_t status = rndis_set_oid(exchange, request->oid);
	struct rndis_complete *complete;

	complete = &start(answer, RNDIS_SET | RNDIS_COMPLETION, sizeof(*complete))->complete;
	complete->request_id = request->request_id;
	complete->status = status;
	return status && status != RNDIS_STATUS_NOT_SUPPORTED ? "RNDIS SET with a bad value" : NULL;
}

/* A QUERY or SET whose value lies outside of it is answered, too: its sender waits. */
static const char *exchange_value(struct rndis_config *config, const struct rndis_about *about, uint32_t type,
				  const uint8_t *message, uint32_t bytes, struct rndis_answer *answer)
{
	struct rndis_exchange exchange = { .config = config, .about = about };
	struct rndis_request request;
	const char *why;
	uint32_t room = bytes - (uint32_t)BODY;
	bool bad;

	memcpy(&request, message + BODY, sizeof(request));
	bad = request.buffer_bytes &&
	      (request.buffer_offset > room || request.buffer_bytes > room - request.buffer_offset);
	if (bad) {
		/* Nothing has this number, so it is refused below. */
		request.oid = 0;
	} else if (request.buffer_bytes) {
		exchange.in = message + BODY + request.buffer_offset;
		exchange.in_bytes = request.buffer_bytes;
	}
	why = type == RNDIS_QUERY ? query(&exchange, &request, answer) : set(&exchange, &request, answer);
	return bad ? "RNDIS request with its value outside" : why;
}

static void complete_with(struct rndis_answer *answer, uint32_t type, uint32_t id, uint32_t status)
{
	struct rndis_complete *complete = &start(answer, type | RNDIS_COMPLETION, sizeof(*complete))->complete;

	complete->request_id = id;
	complete->status = status;
}

/* Type and length have been looked at. */
static const char *dispatch(struct rndis_config *config, const struct rndis_about *about, uint32_t type,
			    const uint8_t *message, uint32_t bytes, struct rndis_answer *answer)
{
	struct rndis_initialize request = { 0 };

	memcpy(&request.request_id, message + BODY, sizeof(request.request_id));
	switch (type) {
	case RNDIS_INITIALIZE:
		return initialize(config, about, &request, answer);
	case RNDIS_HALT:
		config->running = false;
		return NULL;
	case RNDIS_KEEPALIVE:
		complete_with(answer, type, request.request_id, RNDIS_STATUS_SUCCESS);
		return NULL;
	case RNDIS_RESET:
		/* Its answer has no id: a status, and that addresses were not reset. */
		complete_with(answer, type, RNDIS_STATUS_SUCCESS, 0);
		return NULL;
	default:
		return exchange_value(config, about, type, message, bytes, answer);
	}
}

static uint32_t body_min(uint32_t type)
{
	switch (type) {
	case RNDIS_INITIALIZE:
		return sizeof(struct rndis_initialize);
	case RNDIS_HALT:
	case RNDIS_KEEPALIVE:
	case RNDIS_RESET:
		return sizeof(uint32_t);
	case RNDIS_QUERY:
	case RNDIS_SET:
		return sizeof(struct rndis_request);
	default:
		return 0;
	}
}

const char *rndis_control(struct rndis_config *config, const struct rndis_about *about, const uint8_t *message,
			  uint32_t bytes, struct rndis_answer *answer)
{
	struct rndis_header header;

	answer->bytes = 0;
	if (bytes < sizeof(header))
		return "RNDIS message shorter than its header";
	memcpy(&header, message, sizeof(header));
	if (header.length < sizeof(header) || header.length > bytes)
		return "RNDIS message longer than its packet";
	if (!body_min(header.type))
		return "RNDIS message that guests do not send";
	if (header.length - BODY < body_min(header.type))
		return "RNDIS message too short for its type";
	if (!config->running && header.type != RNDIS_INITIALIZE && header.type != RNDIS_HALT)
		return "RNDIS message before INITIALIZE";
	return dispatch(config, about, header.type, message, header.length, answer);
}

void rndis_indicate(struct rndis_answer *answer, uint32_t status, const uint32_t *value)
{
	struct rndis_indicate_status *indicate;

	indicate = &start(answer, RNDIS_INDICATE_STATUS, sizeof(*indicate) + (value ? sizeof(*value) : 0))->indicate_status;
	indicate->status = status;
	if (!value)
		return;
	indicate->buffer_bytes = sizeof(*value);
	indicate->buffer_offset = sizeof(*indicate);
	memcpy(indicate + 1, value, sizeof(*value));
}
