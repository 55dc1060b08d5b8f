// SPDX-License-Identifier: GPL-2.0
/*
 * The frame of the integration services. See ic.h. Owns the device, its channel and its state; what a service says and how often is its own.
 * Invariant: an answer is believed once, while its request waits; a guest that never answers costs nothing but its own service.
 */
#include "ic.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fault.h"
#include "log.h"
#include "timer.h"

#define NS_PER_MS 1000000ull
#define NS_PER_SECOND 1000000000ull
#define IN_FLIGHT_MAX 255u /* requests without an answer that can be told apart */
#define VERSIONS_OFFERED_MAX 8u

static const struct ic_version frames[] = { { 1, 0 }, { 3, 0 } };
#define FRAMES (sizeof(frames) / sizeof(frames[0]))

uint64_t ic_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

static bool newer(struct ic_version a, struct ic_version b)
{
	return a.major != b.major ? a.major > b.major : a.minor > b.minor;
}

static bool same(struct ic_version a, struct ic_version b)
{
	return a.major == b.major && a.minor == b.minor;
}

static void set_state(struct ic *ic, enum ic_state state)
{
	pthread_mutex_lock(&ic->lock);
	ic->state = state;
	ic->silent = false;
	pthread_mutex_unlock(&ic->lock);
}

void ic_refuse(struct ic *ic, enum ic_refusal what, const char *why)
{
	ic_count(&ic->refused[what]);
	if (ic->logged[what])
		return;
	ic->logged[what] = true;
	log_warn("%s: refused: %s (more of these are only counted)", ic->kind->name, why);
}

void ic_wait(struct ic *ic, unsigned int ms)
{
	timer_set(ic->timer.fd, ms * NS_PER_MS);
}

static void send_message(struct ic *ic, uint16_t type, const void *body, uint32_t bytes)
{
	const struct ic_pipe_header pipe = { .flags = IC_PIPE_DATA, .size = (uint32_t)sizeof(struct ic_header) + bytes };
	const struct ic_header header = {
		.frame = ic->frame,
		.type = type,
		.message = ic->message,
		.size = (uint16_t)bytes,
		.transaction_id = ++ic->transaction,
		.flags = IC_FLAG_TRANSACTION | IC_FLAG_REQUEST,
	};

	memcpy(ic->buffer, &pipe, sizeof(pipe));
	memcpy(ic->buffer + sizeof(pipe), &header, sizeof(header));
	memcpy(ic->buffer + IC_HEADERS, body, bytes);
	if (ic->waiting < IN_FLIGHT_MAX)
		ic->waiting++;
	ic_count(&ic->requests);
	channel_send(ic->channel, ic->buffer, (uint32_t)IC_HEADERS + bytes);
}

bool ic_request(struct ic *ic, const void *body, uint32_t bytes)
{
	if (!channel_may_send(ic->channel)) {
		ic_count(&ic->skipped);
		return false;
	}
	send_message(ic, ic->kind->message_type, body, bytes);
	return true;
}

/* Whether this version of the messages is offered. */
static bool offered(const struct ic *ic, struct ic_version version)
{
	return !ic->version_max.major || !newer(version, ic->version_max);
}

static void greet(struct ic *ic)
{
	struct ic_negotiate head = { .frame_versions = FRAMES };
	uint8_t body[sizeof(head) + (FRAMES + VERSIONS_OFFERED_MAX) * sizeof(struct ic_version)];
	uint32_t bytes = sizeof(head) + sizeof(frames);

	memcpy(body + sizeof(head), frames, sizeof(frames));
	for (unsigned int i = 0; i < ic->kind->version_count; i++) {
		if (!offered(ic, ic->kind->versions[i]))
			continue;
		memcpy(body + bytes, &ic->kind->versions[i], sizeof(struct ic_version));
		bytes += sizeof(struct ic_version);
		head.message_versions++;
	}
	memcpy(body, &head, sizeof(head));
	ic->greeted = true;
	send_message(ic, IC_NEGOTIATE, body, bytes);
	ic_wait(ic, IC_PATIENCE_MS);
}

static bool known(const struct ic *ic, struct ic_version frame, struct ic_version message)
{
	bool good = false;

	for (unsigned int i = 0; i < FRAMES; i++)
		good |= same(frames[i], frame);
	if (!good)
		return false;
	for (unsigned int i = 0; i < ic->kind->version_count; i++)
		if (same(ic->kind->versions[i], message))
			return offered(ic, message);
	return false;
}

static void end(struct ic *ic)
{
	ic_wait(ic, 0);
	set_state(ic, IC_ENDED);
}

/* The answer to NEGOTIATE, of which the length of its head was checked. */
static void negotiated(struct ic *ic, const struct ic_answer *answer)
{
	struct ic_version versions[2];
	struct ic_negotiate head;

	memcpy(&head, answer->body, sizeof(head));
	if (!head.frame_versions || !head.message_versions) {
		log_info("%s: the guest's driver and this host agree upon no version", ic->kind->name);
		end(ic);
		return;
	}
	if (head.frame_versions != 1 || head.message_versions != 1 || answer->bytes < IC_NEGOTIATE_ANSWER_SIZE) {
		ic_refuse(ic, IC_BAD_ANSWER, "an answer that does not choose one version of each kind");
		end(ic);
		return;
	}
	memcpy(versions, answer->body + sizeof(head), sizeof(versions));
	if (!known(ic, versions[0], versions[1])) {
		ic_refuse(ic, IC_BAD_ANSWER, "an answer with a version that was not offered");
		end(ic);
		return;
	}
	pthread_mutex_lock(&ic->lock);
	ic->frame = versions[0];
	ic->message = versions[1];
	pthread_mutex_unlock(&ic->lock);
	ic_wait(ic, 0);
	set_state(ic, IC_READY);
	ic->kind->ready(ic);
}

/* The gate: what every answer must be. Return: NULL, or what is wrong with it, which is of kind *@what. */
static const char *check(const struct ic *ic, const struct packet *packet, struct ic_header *header, enum ic_refusal *what)
{
	uint32_t bytes = packet->bytes - packet->payload, least;

	*what = IC_BAD_MESSAGE;
	if (packet->desc.type != PACKET_INBAND || bytes < IC_HEADERS)
		return "a packet that is too short for a message";
	memcpy(header, packet->data + packet->payload + sizeof(struct ic_pipe_header), sizeof(*header));
	if (header->size > bytes - IC_HEADERS)
		return "a message that says more than it has";
	if (!(header->flags & IC_FLAG_RESPONSE) || header->type != (ic->state == IC_READY ? ic->kind->message_type : IC_NEGOTIATE))
		return "a message of a kind that nobody waits for";
	least = header->type == IC_NEGOTIATE ? (uint32_t)sizeof(struct ic_negotiate) : ic->kind->answer_min;
	if (header->size < least)
		return "an answer that is shorter than its kind";
	*what = IC_OUT_OF_TURN;
	if ((uint8_t)(ic->transaction - header->transaction_id) >= ic->waiting)
		return "an answer to nothing that was asked";
	return NULL;
}

static int packet_in(void *state, struct packet *packet, const char **why)
{
	struct ic_answer answer = { .body = packet->data + packet->payload + IC_HEADERS };
	struct ic_header header;
	enum ic_refusal what;
	struct ic *ic = state;
	const char *wrong;

	(void)why;
	if (packet->desc.flags & PACKET_FLAG_COMPLETION_REQUESTED)
		channel_complete(ic->channel, packet->desc.transaction_id, NULL, 0);
	wrong = check(ic, packet, &header, &what);
	if (wrong) {
		ic_refuse(ic, what, wrong);
		return 0;
	}
	answer.age = (uint8_t)(ic->transaction - header.transaction_id);
	answer.status = header.status;
	answer.bytes = header.size;
	ic->waiting = answer.age;
	ic_count(&ic->answers);
	if (ic->state == IC_NEGOTIATING)
		negotiated(ic, &answer);
	else if (ic->state == IC_READY)
		ic->kind->answered(ic, &answer);
	return 0;
}

static struct ic *of_timer(struct loop_eventfd *timer)
{
	return (struct ic *)((char *)timer - offsetof(struct ic, timer));
}

static void timer_fired(struct loop_eventfd *timer)
{
	struct ic *ic = of_timer(timer);

	if (ic->closing)
		return;
	if (ic->state == IC_READY && ic->kind->timer) {
		ic->kind->timer(ic);
		return;
	}
	ic_count(&ic->timeouts);
	pthread_mutex_lock(&ic->lock);
	ic->silent = true;
	pthread_mutex_unlock(&ic->lock);
}

static void channel_called(void *state)
{
	struct ic *ic = state;

	if (ic->closing)
		return;
	if (!ic->greeted)
		greet(ic);
	else if (ic->state == IC_READY && ic->kind->called)
		ic->kind->called(ic);
}

static void channel_paused(void *state, bool paused)
{
	struct ic *ic = state;

	if (ic->closing)
		return;
	if (paused) {
		ic->left_ns = timer_hold(ic->timer.fd);
		return;
	}
	timer_set(ic->timer.fd, ic->left_ns);
	if (ic->state == IC_READY && ic->kind->resumed)
		ic->kind->resumed(ic);
}

/* Return: false: it is open already, by a channel that has not come to its end. */
static bool join(struct ic *ic, struct channel *channel)
{
	bool joined;

	pthread_mutex_lock(&ic->lock);
	joined = !ic->channel;
	if (joined) {
		ic->channel = channel;
		ic->state = IC_NEGOTIATING;
	}
	pthread_mutex_unlock(&ic->lock);
	return joined;
}

/* The handshake begins right behind this, so that the guest hears first that its channel is open. */
static void *open_channel(struct channel *channel, void *context)
{
	struct ic *ic = context;

	if (!join(ic, channel))
		return NULL;
	ic->greeted = ic->closing = false;
	ic->waiting = 0;
	ic->left_ns = 0;
	ic->timer.fired = timer_fired;
	ic->timer.ended = NULL;
	loop_eventfd_arm(channel_loop(channel), &ic->timer);
	channel_call(channel);
	return ic;
}

static void timer_ended(struct loop_eventfd *timer)
{
	channel_idle(of_timer(timer)->channel);
}

static bool close_channel(void *state)
{
	struct ic *ic = state;

	ic->closing = true;
	ic_wait(ic, 0);
	ic->timer.ended = timer_ended;
	loop_eventfd_disarm(&ic->timer);
	return false;
}

static void channel_closed(void *state)
{
	struct ic *ic = state;

	pthread_mutex_lock(&ic->lock);
	ic->channel = NULL;
	ic->state = IC_CLOSED;
	ic->silent = false;
	ic->frame = ic->message = (struct ic_version){ 0, 0 };
	pthread_mutex_unlock(&ic->lock);
	if (ic->kind->gone)
		ic->kind->gone(ic);
}

static void used(void *context, int by)
{
	struct ic *ic = context;

	provider_used(&ic->provider, by);
}

static void moved(void *context, struct channel *channel)
{
	struct ic *ic = context;

	provider_moved(&ic->provider, channel);
}

static const struct channel_ops ic_channel_ops = {
	.open = open_channel,
	.packet = packet_in,
	.close = close_channel,
	.closed = channel_closed,
	.called = channel_called,
	.paused = channel_paused,
	.used = used,
	.moved = moved,
	.faults = &fault_ic,
	.packet_max = IC_MESSAGE_MAX + sizeof(struct packet_desc),
	.completion_max = IC_SEND_MAX,
};

int ic_init(struct ic *ic, const struct ic_kind *kind, struct ic_version version_max)
{
	ic->kind = kind;
	ic->version_max = version_max;
	ic->timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (ic->timer.fd < 0)
		return -errno;
	pthread_mutex_init(&ic->lock, NULL);
	return 0;
}

void ic_destroy(struct ic *ic)
{
	close(ic->timer.fd);
	pthread_mutex_destroy(&ic->lock);
}

int ic_offer(struct ic *ic, struct vmbus *vmbus)
{
	const struct channel_offer offer = {
		.name = ic->kind->name,
		.type = ic->kind->type,
		.instance = ic->kind->instance,
		.ops = &ic_channel_ops,
		.context = ic,
	};

	return provider_offer(&ic->provider, vmbus, &offer);
}

void ic_call(struct ic *ic)
{
	pthread_mutex_lock(&ic->lock);
	if (ic->channel)
		channel_call(ic->channel);
	pthread_mutex_unlock(&ic->lock);
}

const char *ic_trouble(struct ic *ic)
{
	const char *why = NULL;

	pthread_mutex_lock(&ic->lock);
	if (ic->state == IC_CLOSED)
		why = "the guest has no driver for this service";
	else if (ic->state == IC_ENDED)
		why = "the guest's driver and this host agree upon no version";
	else if (ic->state == IC_NEGOTIATING)
		why = ic->silent ? "the guest's driver does not answer" : "the guest's driver is not ready yet";
	pthread_mutex_unlock(&ic->lock);
	return why;
}

bool ic_speaks(struct ic *ic, struct ic_version version)
{
	bool speaks;

	pthread_mutex_lock(&ic->lock);
	speaks = ic->state == IC_READY && !newer(version, ic->message);
	pthread_mutex_unlock(&ic->lock);
	return speaks;
}

static json_t *version_text(struct ic_version version)
{
	return version.major ? json_sprintf("%u.%u", version.major, version.minor) : json_null();
}

json_t *ic_query(struct ic *ic)
{
	static const char *const states[IC_STATES] = { "no-driver", "negotiating", "ready", "ended" };
	static const char *const refusals[IC_REFUSALS] = { "messages", "out_of_turn", "answers" };
	json_t *object = json_object(), *refused = json_object();

	pthread_mutex_lock(&ic->lock);
	json_object_set_new(object, "driver", json_string(ic->silent ? "silent" : states[ic->state]));
	json_object_set_new(object, "frame", version_text(ic->frame));
	json_object_set_new(object, "version", version_text(ic->message));
	pthread_mutex_unlock(&ic->lock);
	json_object_set_new(object, "requests", json_integer((json_int_t)atomic_load(&ic->requests)));
	json_object_set_new(object, "answers", json_integer((json_int_t)atomic_load(&ic->answers)));
	json_object_set_new(object, "timeouts", json_integer((json_int_t)atomic_load(&ic->timeouts)));
	json_object_set_new(object, "skipped", json_integer((json_int_t)atomic_load(&ic->skipped)));
	for (unsigned int i = 0; i < IC_REFUSALS; i++)
		json_object_set_new(refused, refusals[i], json_integer((json_int_t)atomic_load(&ic->refused[i])));
	json_object_set_new(object, "refused", refused);
	return object;
}
