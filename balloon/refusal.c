// SPDX-License-Identifier: GPL-2.0
/*
 * What of the host's was refused: counted by reason, traced, and named in the log at a limited rate.
 * Invariant: a refusal changes nothing else; whoever refuses goes on with the next range or message.
 */
#include <linux/ratelimit.h>

#include "internal.h"
#include "trace.h"

static const char *const names[REFUSALS] = {
	[REFUSED_PACKET_TYPE] = "refused_packet_type",
	[REFUSED_SHORT] = "refused_short",
	[REFUSED_SIZE] = "refused_size",
	[REFUSED_MESSAGE_TYPE] = "refused_message_type",
	[REFUSED_RANGE_COUNT] = "refused_range_count",
	[REFUSED_INFO] = "refused_info",
	[REFUSED_STATE] = "refused_state",
	[REFUSED_RANGE_EMPTY] = "refused_range_empty",
	[REFUSED_RANGE_BEYOND] = "refused_range_beyond",
	[REFUSED_RANGE_FOREIGN] = "refused_range_foreign",
	[REFUSED_RANGE_FROZEN] = "refused_range_frozen",
	[REFUSED_ADD_EMPTY] = "refused_add_empty",
	[REFUSED_ADD_BEYOND] = "refused_add_beyond",
	[REFUSED_ADD_REGION] = "refused_add_region",
	[REFUSED_ADD_OVERLAP] = "refused_add_overlap",
	[REFUSED_ADD_LIMIT] = "refused_add_limit",
	[REFUSED_ADD_BLOCK] = "refused_add_block",
	[REFUSED_ADD_OFF] = "refused_add_off",
	[REFUSED_REMOVE_VERSION] = "refused_remove_version",
	[REFUSED_BALLOON_OFF] = "refused_balloon_off",
};

static const char *const meanings[REFUSALS] = {
	[REFUSED_PACKET_TYPE] = "a packet that is no in-band data",
	[REFUSED_SHORT] = "a message shorter than its type",
	[REFUSED_SIZE] = "a header that says more bytes than came",
	[REFUSED_MESSAGE_TYPE] = "a message of a type that no host sends",
	[REFUSED_RANGE_COUNT] = "more ranges counted than came",
	[REFUSED_INFO] = "information of unknown type or wrong length",
	[REFUSED_STATE] = "a message that does not belong here now",
	[REFUSED_RANGE_EMPTY] = "an empty range given back",
	[REFUSED_RANGE_BEYOND] = "a range given back that is beyond memory",
	[REFUSED_RANGE_FOREIGN] = "a range given back that the host never had",
	[REFUSED_RANGE_FROZEN] = "a range given back while its memory block stayed half offline",
	[REFUSED_ADD_EMPTY] = "no pages to be added",
	[REFUSED_ADD_BEYOND] = "memory to be added beyond what can be addressed",
	[REFUSED_ADD_REGION] = "memory to be added outside of its region",
	[REFUSED_ADD_OVERLAP] = "memory to be added where there is memory",
	[REFUSED_ADD_LIMIT] = "memory to be added above the limit that the host has set itself",
	[REFUSED_ADD_BLOCK] = "memory to be added that holds no whole memory block",
	[REFUSED_ADD_OFF] = "memory to be added, which is switched off (hot_add)",
	[REFUSED_REMOVE_VERSION] = "memory to be removed in a version of the protocol without that",
	[REFUSED_BALLOON_OFF] = "pages asked for, which is switched off (balloon)",
};

/** balloon_refusal_name() - as in debugfs; any context */
const char *balloon_refusal_name(enum balloon_refusal reason)
{
	return names[reason];
}

/**
 * balloon_refuse() - something the host said is not acted on
 * @balloon: the device
 * @reason: counted in debugfs, named in the log
 * @pfn: of the range it was about, or 0
 * @pages: of that range, or 0
 *
 * Any context.
 */
void balloon_refuse(struct balloon *balloon, enum balloon_refusal reason, u64 pfn, u64 pages)
{
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 10);

	atomic_inc(&balloon->refused[reason]);
	trace_balloon_refused(reason, pfn, pages);
	if (__ratelimit(&limit))
		dev_warn(&balloon->device->dev, "the host: %s (%s: page 0x%llx, %llu pages)\n", meanings[reason],
			 names[reason], pfn, pages);
}
