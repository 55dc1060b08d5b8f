// SPDX-License-Identifier: GPL-2.0
/*
 * The open channel: the gate that every message passes, version, capabilities, status reports, its timer. What is asked of the guest is
 * balloon_request.c's, what it answers balloon_answer.c's.
 * Invariant: no message is looked at that is shorter than its kind; what is wrong is refused and counted, and the conversation goes on.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "balloon_internal.h"
#include "fault.h"
#include "log.h"
#include "timer.h"

#define RELIEF_BYTES (64ull << 20)
#define RELIEF_PART 64u /* of its memory: a guest with less than that available is about to run out */
#define SPARED_STEP (16ull << 20) /* a guest that could spare no more is asked again when so much more is available */

void balloon_send(struct balloon_channel *channel, uint16_t type, uint32_t bytes)
{
	const struct dm_header header = { .type = type, .size = (uint16_t)bytes, .trans_id = ++channel->trans_id };

	memcpy(channel->message, &header, sizeof(header));
	channel_send(channel->channel, channel->message, bytes);
}

void balloon_wait(struct balloon_channel *channel, unsigned int seconds)
{
	timer_set(channel->timer.fd, seconds * TIMER_NS_PER_SECOND);
}

static void timer_fired(struct loop_eventfd *timer)
{
	struct balloon_channel *channel = (struct balloon_channel *)((char *)timer - offsetof(struct balloon_channel, timer));

	if (!channel->closing)
		balloon_late(channel);
}

static void hear_version(struct balloon_channel *channel, const uint8_t *message)
{
	struct dm_version_response *answer = (void *)channel->message;
	struct balloon *balloon = channel->balloon;
	struct dm_version_request request;
	bool good;

	memcpy(&request, message, sizeof(request));
	good = (request.version == DM_VERSION_WIN7 || request.version == DM_VERSION_WIN8 || request.version == DM_VERSION_WIN10) &&
	       request.version <= balloon->options.version_max;
	*answer = (struct dm_version_response){ .accepted = good };
	balloon_send(channel, DM_VERSION_RESPONSE, sizeof(*answer));
	if (!good && !(request.last_attempt & 1))
		return;
	pthread_mutex_lock(&balloon->lock);
	balloon->version = good ? request.version : 0;
	pthread_mutex_unlock(&balloon->lock);
	balloon_set_state(balloon, good ? BALLOON_AGREED : BALLOON_ENDED);
}

static void tell_max(struct balloon_channel *channel)
{
	struct dm_info *info = (void *)channel->message;
	const uint64_t pages = channel->balloon->options.max / MEMORY_PAGE;

	*info = (struct dm_info){
		.info_size = 2 * sizeof(uint32_t) + sizeof(pages),
		.info_type = DM_INFO_MAX_PAGE_COUNT,
		.data_size = sizeof(pages),
	};
	memcpy(info->data, &pages, sizeof(pages));
	balloon_send(channel, DM_INFO, sizeof(*info) + sizeof(pages));
}

/* What the guest can do and is to do. */
static uint64_t usable(const struct balloon *balloon, uint64_t caps)
{
	uint64_t known = DM_CAP_BALLOON | DM_CAP_HOT_ADD;

	if (balloon->version >= DM_VERSION_WIN10)
		known |= DM_CAP_HOT_REMOVE;
	return caps & known & ~balloon->options.caps_off;
}

static uint32_t able_of(uint64_t caps)
{
	return (caps & DM_CAP_BALLOON ? 1u << BALLOON_ACT_TAKE | 1u << BALLOON_ACT_GIVE : 0) |
	       (caps & DM_CAP_HOT_ADD ? 1u << BALLOON_ACT_ADD : 0) | (caps & DM_CAP_HOT_REMOVE ? 1u << BALLOON_ACT_REMOVE : 0);
}

static void hear_caps(struct balloon_channel *channel, const uint8_t *message)
{
	struct dm_caps_response *answer = (void *)channel->message;
	struct balloon *balloon = channel->balloon;
	struct dm_caps_report report;
	uint64_t caps;

	memcpy(&report, message, sizeof(report));
	caps = usable(balloon, report.caps);
	if (caps & DM_CAP_HOT_ADD &&
	    !memory_set_block(balloon->memory,
			      1ull << (20 + ((report.caps & DM_CAP_HOT_ADD_ALIGNMENT_MASK) >> DM_CAP_HOT_ADD_ALIGNMENT_SHIFT)))) {
		log_warn("dm0: the guest wants added memory in larger blocks than there can be: none is added");
		caps &= ~DM_CAP_HOT_ADD;
	}
	channel->able = able_of(caps);
	pthread_mutex_lock(&balloon->lock);
	balloon->caps = caps;
	balloon->floor = report.min_page_count;
	pthread_mutex_unlock(&balloon->lock);
	*answer = (struct dm_caps_response){ .flags = DM_CAPS_ACCEPTED | (caps & DM_CAP_HOT_REMOVE ? DM_CAPS_HOT_REMOVE : 0) };
	balloon_send(channel, DM_CAPS_RESPONSE, sizeof(*answer));
	if (balloon->version >= DM_VERSION_WIN8)
		tell_max(channel);
	balloon_set_state(balloon, BALLOON_READY);
	balloon_step(channel);
}

static uint64_t bytes_of(uint64_t pages)
{
	return pages < 1ull << DM_RANGE_PFN_BITS ? pages * MEMORY_PAGE : 1ull << (DM_RANGE_PFN_BITS + DM_PAGE_SHIFT);
}

/*
 * The protocol has no way for a guest to take its pages back. One that is about to run out of memory gets some at once, whatever was asked
 * for: its target rises.
 */
static bool relieve(struct balloon *balloon)
{
	uint64_t ballooned = atomic_load(&memory_counters(balloon->memory)->ballooned), assigned = memory_assigned(balloon->memory);
	uint64_t target = assigned + (ballooned < RELIEF_BYTES / MEMORY_PAGE ? ballooned : RELIEF_BYTES / MEMORY_PAGE);

	if (!ballooned || balloon->status.available >= assigned * MEMORY_PAGE / RELIEF_PART || target <= balloon->target ||
	    target * MEMORY_PAGE > balloon->options.max)
		return false;
	balloon->target = target;
	return true;
}

static void hear_status(struct balloon_channel *channel, const uint8_t *message)
{
	struct balloon *balloon = channel->balloon;
	struct dm_status status;
	bool relieved;

	memcpy(&status, message, sizeof(status));
	balloon_count(&balloon->statuses, 1);
	pthread_mutex_lock(&balloon->lock);
	balloon->status = (struct balloon_status){ balloon_now(), bytes_of(status.available), bytes_of(status.committed) };
	relieved = relieve(balloon);
	pthread_mutex_unlock(&balloon->lock);
	balloon_count(&balloon->relieved, relieved);
	if (bytes_of(status.available) > channel->spared + SPARED_STEP)
		channel->blocked &= ~(1u << BALLOON_ACT_TAKE);
	balloon_step(channel);
}

/* What each kind has at least, and when it may come. */
static const struct {
	uint32_t bytes;
	uint32_t states; /* set of enum balloon_state; 0: balloon_answer() looks */
	void (*hear)(struct balloon_channel *channel, const uint8_t *message);
} kinds[] = {
	[DM_VERSION_REQUEST] = { sizeof(struct dm_version_request), 1u << BALLOON_OPENED, hear_version },
	[DM_CAPS_REPORT] = { sizeof(struct dm_caps_report), 1u << BALLOON_AGREED, hear_caps },
	[DM_STATUS_REPORT] = { sizeof(struct dm_status), ~0u << BALLOON_READY & ~(1u << BALLOON_ENDED), hear_status },
	[DM_BALLOON_RESPONSE] = { sizeof(struct dm_balloon_response), 0, NULL },
	[DM_UNBALLOON_RESPONSE] = { sizeof(struct dm_unballoon_response), 0, NULL },
	[DM_HOT_ADD_RESPONSE] = { sizeof(struct dm_hot_add_response), 0, NULL },
	[DM_HOT_REMOVE_RESPONSE] = { sizeof(struct dm_hot_remove_response), 0, NULL },
};

/* An answer that says nothing is one all the same: the guest will not send another. */
static void too_short(struct balloon_channel *channel, uint16_t type)
{
	static const enum balloon_state asked[] = {
		[DM_BALLOON_RESPONSE] = BALLOON_TAKING,
		[DM_UNBALLOON_RESPONSE] = BALLOON_GIVING,
		[DM_HOT_ADD_RESPONSE] = BALLOON_ADDING,
		[DM_HOT_REMOVE_RESPONSE] = BALLOON_REMOVING,
	};

	balloon_refuse(channel->balloon, BALLOON_BAD_MESSAGE, "a message that is shorter than its kind, or than it says");
	if (type < sizeof(asked) / sizeof(asked[0]) && asked[type] && channel->balloon->state == asked[type])
		balloon_request_done(channel, true);
}

static int packet_in(void *state, struct packet *packet, const char **why)
{
	struct balloon_channel *channel = state;
	const uint8_t *message = packet->data + packet->payload;
	uint32_t bytes = packet->bytes - packet->payload;
	struct dm_header header = { 0 };

	(void)why;
	if (packet->desc.flags & PACKET_FLAG_COMPLETION_REQUESTED)
		channel_complete(channel->channel, packet->desc.transaction_id, NULL, 0);
	if (packet->desc.type == PACKET_INBAND && bytes >= sizeof(header))
		memcpy(&header, message, sizeof(header));
	if (header.type >= sizeof(kinds) / sizeof(kinds[0]) || !kinds[header.type].bytes)
		balloon_refuse(channel->balloon, BALLOON_BAD_MESSAGE, "a message of an unknown kind");
	else if (header.size > bytes || header.size < kinds[header.type].bytes)
		too_short(channel, header.type);
	else if (!kinds[header.type].hear)
		balloon_answer(channel, message, header.size);
	else if (!(kinds[header.type].states >> channel->balloon->state & 1))
		balloon_refuse(channel->balloon, BALLOON_OUT_OF_TURN, "a message out of turn");
	else
		kinds[header.type].hear(channel, message);
	return 0;
}

/* The target may be another, or there is room in the ring. */
static void channel_called(void *state)
{
	struct balloon_channel *channel = state;

	if (channel->closing)
		return;
	if (channel->balloon->state == BALLOON_GIVING && channel->got < channel->asked)
		balloon_give_more(channel);
	balloon_step(channel);
}

/* A guest that stands still is not late. */
static void channel_paused(void *state, bool paused)
{
	struct balloon_channel *channel = state;

	if (channel->closing)
		return;
	if (paused)
		channel->left_ns = timer_hold(channel->timer.fd);
	else
		timer_set(channel->timer.fd, channel->left_ns);
}

/* Return: false: it is open already. */
static bool join(struct balloon *balloon, struct channel *channel)
{
	bool joined;

	pthread_mutex_lock(&balloon->lock);
	joined = !balloon->channel;
	if (joined)
		balloon->channel = channel;
	pthread_mutex_unlock(&balloon->lock);
	return joined;
}

static void *open_channel(struct channel *channel, void *context)
{
	struct balloon_channel *state = calloc(1, sizeof(*state));

	if (!state)
		return NULL;
	state->balloon = context;
	state->channel = channel;
	state->timer.fired = timer_fired;
	state->timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (state->timer.fd < 0)
		goto free_state;
	if (!join(state->balloon, channel))
		goto close_timer;
	loop_eventfd_arm(channel_loop(channel), &state->timer);
	balloon_set_state(state->balloon, BALLOON_OPENED);
	return state;

close_timer:
	close(state->timer.fd);
free_state:
	free(state);
	return NULL;
}

static void timer_ended(struct loop_eventfd *timer)
{
	struct balloon_channel *channel = (struct balloon_channel *)((char *)timer - offsetof(struct balloon_channel, timer));

	channel_idle(channel->channel);
}

static bool close_channel(void *state)
{
	struct balloon_channel *channel = state;

	channel->closing = true;
	channel->timer.ended = timer_ended;
	loop_eventfd_disarm(&channel->timer);
	return false;
}

/*
 * The guest's driver has gone, and what it had ballooned it may use again, or nobody will: the protocol has no last word about that. So all
 * of it counts as the guest's, before the guest hears that the channel is closed.
 */
static void channel_closed(void *state)
{
	struct balloon_channel *channel = state;
	struct balloon *balloon = channel->balloon;

	memory_give_all(balloon->memory);
	pthread_mutex_lock(&balloon->lock);
	balloon->channel = NULL;
	balloon->version = 0;
	balloon->caps = 0;
	balloon->floor = 0;
	balloon->why = NULL;
	balloon->status = (struct balloon_status){ 0 };
	pthread_mutex_unlock(&balloon->lock);
	balloon_set_state(balloon, BALLOON_CLOSED);
	close(channel->timer.fd);
	free(channel);
}

static void used(void *context, int by)
{
	struct balloon *balloon = context;

	provider_used(&balloon->provider, by);
}

static void moved(void *context, struct channel *channel)
{
	struct balloon *balloon = context;

	provider_moved(&balloon->provider, channel);
}

const struct channel_ops balloon_channel_ops = {
	.open = open_channel,
	.packet = packet_in,
	.close = close_channel,
	.closed = channel_closed,
	.called = channel_called,
	.paused = channel_paused,
	.used = used,
	.moved = moved,
	.faults = &fault_dm,
	.packet_max = DM_MESSAGE_MAX + sizeof(struct packet_desc),
	.completion_max = DM_MESSAGE_MAX,
};
