// SPDX-License-Identifier: GPL-2.0
/*
 * Answers that list ranges, filled to the last byte, as the fewer messages the better. Pure functions; sending is server.c's.
 * Invariant: an answer is never longer than DM_MESSAGE_MAX, and no range longer than its 24 bits say.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "answer.h"

static u32 head_bytes(u16 type)
{
	return type == DM_BALLOON_RESPONSE ? sizeof(struct dm_balloon_response) : sizeof(struct dm_hot_remove_response);
}

/** balloon_answer_begin() - an answer without ranges; @type: DM_BALLOON_RESPONSE or DM_HOT_REMOVE_RESPONSE; any context */
void balloon_answer_begin(struct balloon_answer *answer, u16 type)
{
	answer->type = type;
	answer->ranges = 0;
	answer->pages = 0;
}

/**
 * balloon_answer_add() - name pages
 * @answer: begun
 * @run: page numbers of at most 40 bits
 *
 * Any context. Return: how many of its first pages are in the answer now; less than all: it is full.
 */
u64 balloon_answer_add(struct balloon_answer *answer, struct balloon_run run)
{
	const u32 head = head_bytes(answer->type), room = (DM_MESSAGE_MAX - head) / sizeof(u64);
	u64 named = 0;

	while (named < run.pages && answer->ranges < room) {
		u64 part = min_t(u64, run.pages - named, DM_RANGE_PAGES_MAX);
		u64 range = DM_RANGE(run.pfn + named, part);

		memcpy(answer->bytes + head + answer->ranges++ * sizeof(range), &range, sizeof(range));
		named += part;
	}
	answer->pages += named;
	return named;
}

/** balloon_answer_range() - the range @index of those that were added; any context */
struct balloon_run balloon_answer_range(const struct balloon_answer *answer, u32 index)
{
	u64 range;

	memcpy(&range, answer->bytes + head_bytes(answer->type) + index * sizeof(range), sizeof(range));
	return (struct balloon_run){ DM_RANGE_PFN(range), DM_RANGE_PAGES(range) };
}

/**
 * balloon_answer_end() - the message is complete
 * @answer: begun
 * @trans_id: of the message
 * @result: of a HOT_REMOVE_RESPONSE
 * @more: another one of the same transaction follows
 *
 * Any context. Return: its length.
 */
u32 balloon_answer_end(struct balloon_answer *answer, u32 trans_id, u32 result, bool more)
{
	const u32 bytes = head_bytes(answer->type) + answer->ranges * sizeof(u64);
	const struct dm_header header = { .type = answer->type, .size = bytes, .trans_id = trans_id };
	const struct dm_balloon_response balloon = {
		.header = header, .flags = (more ? DM_MORE_PAGES : 0) | answer->ranges << DM_BALLOON_RANGES_SHIFT,
	};
	const struct dm_hot_remove_response remove = {
		.header = header, .result = result, .range_count = answer->ranges, .more_pages = more,
	};

	if (answer->type == DM_BALLOON_RESPONSE)
		memcpy(answer->bytes, &balloon, sizeof(balloon));
	else
		memcpy(answer->bytes, &remove, sizeof(remove));
	return bytes;
}
