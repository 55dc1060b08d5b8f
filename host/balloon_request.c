// SPDX-License-Identifier: GPL-2.0
/*
 * What is asked of the guest: one request at a time, until it has what it shall have or can do no more. Which one is balloon_plan.c's
 * decision.
 * Invariant: memory that goes to the guest is its own before the request is sent, and memory that comes from it only after it has said so;
 * so at any time what the guest may use is at least what it thinks it has.
 */
#include <string.h>

#include "balloon_internal.h"
#include "log.h"

static void *body(struct balloon_channel *channel, uint32_t bytes)
{
	memset(channel->message, 0, bytes);
	return channel->message;
}

static bool take(struct balloon_channel *channel, uint64_t pages)
{
	struct dm_balloon_request *request = body(channel, sizeof(*request));

	request->page_count = (uint32_t)pages;
	balloon_send(channel, DM_BALLOON_REQUEST, sizeof(*request));
	balloon_wait(channel, BALLOON_PATIENCE);
	return true;
}

/* One message, of as many pages as a guest frees in one go. */
static void give_message(struct balloon_channel *channel)
{
	struct dm_unballoon_request *request = body(channel, sizeof(*request));
	uint64_t left = channel->asked - channel->got, pages = left < BALLOON_GIVE_MESSAGE_MAX ? left : BALLOON_GIVE_MESSAGE_MAX;
	unsigned int count = memory_give(channel->balloon->memory, pages, channel->ranges, MEMORY_RANGES_MAX);

	_Static_assert(sizeof(*request) + MEMORY_RANGES_MAX * sizeof(request->ranges[0]) <= DM_MESSAGE_MAX, "ranges of a message");
	for (unsigned int i = 0; i < count; i++) {
		request->ranges[i] = DM_RANGE(channel->ranges[i].pfn, channel->ranges[i].pages);
		channel->got += channel->ranges[i].pages;
	}
	if (!count)
		channel->got = channel->asked; /* nothing is ballooned any more */
	request->range_count = count;
	request->flags = channel->got < channel->asked ? DM_MORE_PAGES : 0;
	balloon_send(channel, DM_UNBALLOON_REQUEST, sizeof(*request) + count * sizeof(request->ranges[0]));
}

void balloon_give_more(struct balloon_channel *channel)
{
	while (channel->got < channel->asked && channel_may_send(channel->channel))
		give_message(channel);
	balloon_wait(channel, BALLOON_PATIENCE);
}

static bool give(struct balloon_channel *channel, uint64_t pages)
{
	channel->asked = pages;
	balloon_give_more(channel);
	return true;
}

static unsigned int patience_for(const struct balloon_channel *channel, uint64_t pages)
{
	return BALLOON_PATIENCE_BLOCKS + (unsigned int)(pages / memory_block(channel->balloon->memory)) * 6;
}

/* Return: false: this machine cannot. */
static bool add(struct balloon_channel *channel, uint64_t pages)
{
	struct dm_hot_add_request *request = body(channel, sizeof(*request));
	int ret = memory_add(channel->balloon->memory, pages, &channel->adding);

	if (ret) {
		log_warn("dm0: no memory can be added: error %d", -ret);
		return false;
	}
	channel->asked = channel->adding.pages;
	request->range = DM_RANGE(channel->adding.pfn, channel->adding.pages);
	balloon_send(channel, DM_HOT_ADD_REQUEST, sizeof(*request));
	balloon_wait(channel, patience_for(channel, channel->asked));
	return true;
}

static bool remove_blocks(struct balloon_channel *channel, uint64_t pages)
{
	struct dm_hot_remove_request *request = body(channel, sizeof(*request));

	request->page_count = (uint32_t)pages;
	request->qos_flags = DM_REMOVE_QOS_LARGE;
	balloon_send(channel, DM_HOT_REMOVE_REQUEST, sizeof(*request));
	balloon_wait(channel, patience_for(channel, pages));
	return true;
}

static const struct {
	bool (*ask)(struct balloon_channel *channel, uint64_t pages);
	enum balloon_state state;
} acts[BALLOON_ACTS] = {
	[BALLOON_ACT_TAKE] = { take, BALLOON_TAKING },
	[BALLOON_ACT_GIVE] = { give, BALLOON_GIVING },
	[BALLOON_ACT_ADD] = { add, BALLOON_ADDING },
	[BALLOON_ACT_REMOVE] = { remove_blocks, BALLOON_REMOVING },
};

static enum balloon_act act_of(enum balloon_state state)
{
	unsigned int act = BALLOON_ACT_TAKE;

	while (act < BALLOON_ACTS && acts[act].state != state)
		act++;
	return act < BALLOON_ACTS ? act : BALLOON_ACT_NONE;
}

static struct balloon_view view_of(struct balloon_channel *channel)
{
	const struct memory *memory = channel->balloon->memory;
	const struct memory_counters *counters = memory_counters(memory);

	return (struct balloon_view){
		.target = channel->target,
		.assigned = memory_assigned(memory),
		.ballooned = atomic_load(&counters->ballooned),
		.added = atomic_load(&counters->added),
		.room = memory_room(memory),
		.block = memory_block(memory),
		.floor = channel->balloon->floor,
		.may = channel->able & ~channel->blocked,
	};
}

/* Where there is no next step, say why; a refusal that may pass is tried again a few times. */
static void rest(struct balloon_channel *channel, const struct balloon_view *view)
{
	struct balloon *balloon = channel->balloon;
	bool again = channel->blocked & 1u << BALLOON_ACT_ADD && channel->retries < BALLOON_RETRIES && view->target > view->assigned;

	pthread_mutex_lock(&balloon->lock);
	balloon->why = balloon_plan_why(view, channel->able);
	pthread_mutex_unlock(&balloon->lock);
	balloon_wait(channel, again ? BALLOON_RETRY : 0);
}

/* A new target is a new chance for all. */
static void sync_target(struct balloon_channel *channel)
{
	struct balloon *balloon = channel->balloon;

	pthread_mutex_lock(&balloon->lock);
	if (channel->target != balloon->target) {
		channel->target = balloon->target;
		channel->blocked = 0;
		channel->retries = 0;
	}
	pthread_mutex_unlock(&balloon->lock);
}

void balloon_step(struct balloon_channel *channel)
{
	struct balloon *balloon = channel->balloon;

	while (balloon->state == BALLOON_READY && !channel->closing) {
		struct balloon_view view;
		struct balloon_step step;

		sync_target(channel);
		view = view_of(channel);
		step = balloon_plan(&view);
		if (step.act == BALLOON_ACT_NONE) {
			rest(channel, &view);
			return;
		}
		pthread_mutex_lock(&balloon->lock);
		balloon->why = NULL;
		pthread_mutex_unlock(&balloon->lock);
		balloon_count(&balloon->requests[step.act], 1);
		channel->asked = step.pages;
		channel->got = 0;
		balloon_set_state(balloon, acts[step.act].state);
		if (acts[step.act].ask(channel, step.pages))
			return;
		balloon_set_state(balloon, BALLOON_READY);
		channel->blocked |= 1u << step.act;
	}
}

void balloon_request_done(struct balloon_channel *channel, bool block)
{
	struct balloon *balloon = channel->balloon;

	if (block)
		channel->blocked |= 1u << act_of(balloon->state);
	balloon_wait(channel, 0);
	balloon_set_state(balloon, BALLOON_READY);
	balloon_step(channel);
}

/*
 * A request that is not answered stays: what the guest still gives is taken, and nothing else is asked, for it could not be told which of
 * the two an answer is for.
 */
void balloon_late(struct balloon_channel *channel)
{
	struct balloon *balloon = channel->balloon;
	enum balloon_act act = act_of(balloon->state);

	if (balloon->state == BALLOON_READY) {
		channel->blocked &= ~(1u << BALLOON_ACT_ADD);
		channel->retries++;
		balloon_step(channel);
		return;
	}
	if (act == BALLOON_ACT_NONE)
		return;
	balloon_count(&balloon->timeouts, 1);
	pthread_mutex_lock(&balloon->lock);
	balloon->silent = true;
	pthread_mutex_unlock(&balloon->lock);
	log_warn("dm0: the guest does not answer a request about its memory; nothing else is asked of it until it does");
}
