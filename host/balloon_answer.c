// SPDX-License-Identifier: GPL-2.0
/*
 * What the guest answers, and what of it is believed: every range is looked at by itself, against the ledger, against what was asked for,
 * and against the pages that channels use. A lie is refused and counted, the rest of the answer is served.
 * Invariant: no page is punched that the ledger did not take from the guest for this request.
 */
#include <string.h>

#include "balloon_internal.h"

/* The ranges of an answer; those that can be believed are in channel->ranges. Return: how many. */
static unsigned int believe(struct balloon_channel *channel, const uint8_t *ranges, uint32_t count,
			    const char *(*take)(struct memory *memory, uint64_t pfn, uint64_t pages, uint64_t limit))
{
	struct balloon *balloon = channel->balloon;
	unsigned int good = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct memory_range *range = &channel->ranges[good];
		const char *why;
		uint64_t word;

		memcpy(&word, ranges + i * sizeof(word), sizeof(word));
		*range = (struct memory_range){ DM_RANGE_PFN(word), DM_RANGE_PAGES(word) };
		why = take(balloon->memory, range->pfn, range->pages, channel->asked - channel->got);
		if (why) {
			balloon_refuse(balloon, BALLOON_BAD_RANGE, why);
			continue;
		}
		channel->got += range->pages;
		good++;
	}
	return good;
}

/* Pages that a channel uses cannot be given: the whole range is not believed. Return: how many are left. */
static unsigned int keep_lent(struct balloon_channel *channel, unsigned int count,
			      void (*untake)(struct memory *memory, const struct memory_range *range))
{
	struct balloon *balloon = channel->balloon;
	uint64_t pfn;

	while (count && channel_lends_gone(channel->channel, &pfn)) {
		struct memory_range *range = channel->ranges;

		while (range < channel->ranges + count && pfn - range->pfn >= range->pages)
			range++;
		if (range == channel->ranges + count)
			break;
		balloon_refuse(balloon, BALLOON_LENT, "pages that a channel of the guest still uses");
		untake(balloon->memory, range);
		channel->got -= range->pages;
		*range = channel->ranges[--count];
	}
	return count;
}

/* How many ranges an answer has: as many as it says, if they are there. */
static uint32_t ranges_in(struct balloon_channel *channel, uint32_t said, uint32_t bytes, uint32_t head)
{
	uint32_t there = (bytes - head) / sizeof(uint64_t);

	if (said <= there)
		return said;
	balloon_refuse(channel->balloon, BALLOON_BAD_MESSAGE, "an answer with more ranges than it has room for");
	return there;
}

static uint64_t available(struct balloon *balloon)
{
	uint64_t bytes;

	pthread_mutex_lock(&balloon->lock);
	bytes = balloon->status.available;
	pthread_mutex_unlock(&balloon->lock);
	return bytes;
}

/* The last of an answer decides whether the guest could do all of it. */
static void end_of_answer(struct balloon_channel *channel, bool more, uint64_t before)
{
	if (more) {
		if (channel->got > before)
			balloon_wait(channel, BALLOON_PATIENCE);
		return;
	}
	channel->spared = available(channel->balloon);
	balloon_request_done(channel, channel->got < channel->asked);
}

static void ballooned(struct balloon_channel *channel, const uint8_t *message, uint32_t bytes)
{
	struct dm_balloon_response answer;
	uint64_t before = channel->got;
	unsigned int count;

	memcpy(&answer, message, sizeof(answer));
	count = believe(channel, message + sizeof(answer), ranges_in(channel, answer.flags >> DM_BALLOON_RANGES_SHIFT, bytes, sizeof(answer)),
			memory_take);
	count = keep_lent(channel, count, memory_untake);
	memory_punch(channel->balloon->memory, channel->ranges, count);
	end_of_answer(channel, answer.flags & DM_MORE_PAGES, before);
}

static void unballooned(struct balloon_channel *channel, const uint8_t *message, uint32_t bytes)
{
	(void)message;
	(void)bytes;
	if (channel->got < channel->asked)
		balloon_refuse(channel->balloon, BALLOON_OUT_OF_TURN, "an answer before the end of the request");
	else
		balloon_request_done(channel, false);
}

/* Success without pages: none will ever be added. Fewer than asked for, or failure: maybe later. */
static void hot_added(struct balloon_channel *channel, const uint8_t *message, uint32_t bytes)
{
	struct dm_hot_add_response answer;
	uint64_t pages;

	(void)bytes;
	memcpy(&answer, message, sizeof(answer));
	pages = answer.page_count;
	if (pages > channel->asked) {
		balloon_refuse(channel->balloon, BALLOON_BAD_RANGE, "more pages than were asked for");
		pages = channel->asked;
	}
	memory_add_end(channel->balloon->memory, &channel->adding, pages);
	if (answer.result && !pages)
		channel->able &= ~(1u << BALLOON_ACT_ADD);
	balloon_request_done(channel, pages < channel->asked);
}

static void hot_removed(struct balloon_channel *channel, const uint8_t *message, uint32_t bytes)
{
	struct memory *memory = channel->balloon->memory;
	struct dm_hot_remove_response answer;
	uint64_t before = channel->got;
	unsigned int count;

	memcpy(&answer, message, sizeof(answer));
	count = believe(channel, message + sizeof(answer), ranges_in(channel, answer.range_count, bytes, sizeof(answer)), memory_remove);
	count = keep_lent(channel, count, memory_unremove);
	memory_punch(memory, channel->ranges, count);
	memory_trim(memory);
	end_of_answer(channel, answer.more_pages & 1, before);
}

static const struct {
	enum balloon_state state;
	void (*take)(struct balloon_channel *channel, const uint8_t *message, uint32_t bytes);
} answers[] = {
	[DM_BALLOON_RESPONSE] = { BALLOON_TAKING, ballooned },
	[DM_UNBALLOON_RESPONSE] = { BALLOON_GIVING, unballooned },
	[DM_HOT_ADD_RESPONSE] = { BALLOON_ADDING, hot_added },
	[DM_HOT_REMOVE_RESPONSE] = { BALLOON_REMOVING, hot_removed },
};

void balloon_answer(struct balloon_channel *channel, const uint8_t *message, uint32_t bytes)
{
	struct balloon *balloon = channel->balloon;
	struct dm_header header;

	memcpy(&header, message, sizeof(header));
	if (balloon->state != answers[header.type].state) {
		balloon_refuse(balloon, BALLOON_OUT_OF_TURN, "an answer to nothing that was asked");
		return;
	}
	pthread_mutex_lock(&balloon->lock);
	balloon->silent = false;
	pthread_mutex_unlock(&balloon->lock);
	answers[header.type].take(channel, message, bytes);
}
