/* SPDX-License-Identifier: GPL-2.0 */
/* Answers that list ranges: answer.c. */
#ifndef HVIS_BALLOON_ANSWER_H
#define HVIS_BALLOON_ANSWER_H

#include "message.h"

/**
 * struct balloon_answer - a BALLOON_RESPONSE or a HOT_REMOVE_RESPONSE that is being made
 * @type: which of them
 * @ranges: in it
 * @pages: in them
 * @bytes: the message
 */
struct balloon_answer {
	u16 type;
	u32 ranges;
	u64 pages;
	u8 bytes[DM_MESSAGE_MAX] __aligned(8);
};

void balloon_answer_begin(struct balloon_answer *answer, u16 type);
u64 balloon_answer_add(struct balloon_answer *answer, struct balloon_run run);
struct balloon_run balloon_answer_range(const struct balloon_answer *answer, u32 index);
u32 balloon_answer_end(struct balloon_answer *answer, u32 trans_id, u32 result, bool more);

#endif
