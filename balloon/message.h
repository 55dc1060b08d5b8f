/* SPDX-License-Identifier: GPL-2.0 */
/* What the host says, checked: message.c. */
#ifndef HVIS_BALLOON_MESSAGE_H
#define HVIS_BALLOON_MESSAGE_H

#include <linux/types.h>

#include "wire/dm.h"

/**
 * enum balloon_verdict - what the gate says of a message
 * @BALLOON_FINE: type and length are right
 * @BALLOON_SHORT: shorter than a header, or than what its type needs
 * @BALLOON_SIZE: its header says more bytes than came
 * @BALLOON_TYPE: no message of a host's
 * @BALLOON_RANGES: fewer ranges came than it counts, or part of one
 * @BALLOON_INFO: information of unknown type or of another length than its type has
 */
enum balloon_verdict {
	BALLOON_FINE,
	BALLOON_SHORT,
	BALLOON_SIZE,
	BALLOON_TYPE,
	BALLOON_RANGES,
	BALLOON_INFO,
};

/**
 * struct balloon_run - pages in a row
 * @pfn: the number of the first
 * @pages: how many
 */
struct balloon_run {
	u64 pfn;
	u64 pages;
};

/**
 * struct balloon_message - a message that passed the gate
 * @type: DM_*, of those that a host sends
 * @trans_id: the host's
 * @flags: of a VERSION_RESPONSE or a CAPS_RESPONSE
 * @pages: asked for by a BALLOON_REQUEST or a HOT_REMOVE_REQUEST
 * @qos: DM_REMOVE_QOS_* of a HOT_REMOVE_REQUEST
 * @node: of a HOT_REMOVE_REQUEST
 * @more: another UNBALLOON_REQUEST of this transaction follows
 * @range_count: of an UNBALLOON_REQUEST
 * @ranges: they, anywhere in the packet: read by balloon_message_range()
 * @run: of a HOT_ADD_REQUEST
 * @region: of a HOT_ADD_REQUEST; no pages: it has none
 * @page_count_max: of an INFO
 */
struct balloon_message {
	u16 type;
	u32 trans_id;
	u64 flags;
	u32 pages;
	u32 qos;
	u32 node;
	bool more;
	u32 range_count;
	const u8 *ranges;
	struct balloon_run run;
	struct balloon_run region;
	u64 page_count_max;
};

enum balloon_verdict balloon_message_check(struct balloon_message *message, const void *payload, u32 bytes);
struct balloon_run balloon_message_range(const struct balloon_message *message, u32 index);

#endif
