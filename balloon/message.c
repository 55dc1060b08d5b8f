// SPDX-License-Identifier: GPL-2.0
/*
 * The one gate for what the host says: type and length of each message. What a message asks for is judged by who acts on it.
 * Pure functions on a private copy.
 * Invariant: nothing of a message is read before its length was compared with both the packet's and the header's.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "message.h"

static struct balloon_run run_of(u64 range)
{
	return (struct balloon_run){ DM_RANGE_PFN(range), DM_RANGE_PAGES(range) };
}

/* The least size of each message that a host sends; 0: it sends none of the kind. */
static u32 least(u16 type)
{
	switch (type) {
	case DM_VERSION_RESPONSE:
		return sizeof(struct dm_version_response);
	case DM_CAPS_RESPONSE:
		return sizeof(struct dm_caps_response);
	case DM_BALLOON_REQUEST:
		return offsetofend(struct dm_balloon_request, page_count);
	case DM_UNBALLOON_REQUEST:
		return sizeof(struct dm_unballoon_request);
	case DM_HOT_ADD_REQUEST:
		return sizeof(struct dm_hot_add_request);
	case DM_INFO:
		return sizeof(struct dm_info);
	case DM_HOT_REMOVE_REQUEST:
		return sizeof(struct dm_hot_remove_request);
	default:
		return 0;
	}
}

static enum balloon_verdict read_flags(struct balloon_message *message, const u8 *at)
{
	memcpy(&message->flags, at + offsetof(struct dm_caps_response, flags), sizeof(message->flags));
	return BALLOON_FINE;
}

static enum balloon_verdict read_balloon(struct balloon_message *message, const u8 *at)
{
	memcpy(&message->pages, at + offsetof(struct dm_balloon_request, page_count), sizeof(message->pages));
	return BALLOON_FINE;
}

static enum balloon_verdict read_unballoon(struct balloon_message *message, const u8 *at, u32 size)
{
	struct dm_unballoon_request request;

	memcpy(&request, at, sizeof(request));
	if (request.range_count > (size - sizeof(request)) / sizeof(u64))
		return BALLOON_RANGES;
	message->more = request.flags & DM_MORE_PAGES;
	message->range_count = request.range_count;
	message->ranges = at + sizeof(request);
	return BALLOON_FINE;
}

/* The region is there if the header counts it, all of it. */
static enum balloon_verdict read_hot_add(struct balloon_message *message, const u8 *at, u32 size)
{
	const u32 base = sizeof(struct dm_hot_add_request);
	u64 range;

	memcpy(&range, at + offsetof(struct dm_hot_add_request, range), sizeof(range));
	message->run = run_of(range);
	if (size == base)
		return BALLOON_FINE;
	if (size < base + sizeof(range))
		return BALLOON_RANGES;
	memcpy(&range, at + base, sizeof(range));
	message->region = run_of(range);
	return BALLOON_FINE;
}

static enum balloon_verdict read_info(struct balloon_message *message, const u8 *at, u32 size)
{
	struct dm_info info;

	memcpy(&info, at, sizeof(info));
	if (info.info_type != DM_INFO_MAX_PAGE_COUNT || info.data_size != sizeof(u64) || size < sizeof(info) + sizeof(u64))
		return BALLOON_INFO;
	memcpy(&message->page_count_max, at + sizeof(info), sizeof(u64));
	return BALLOON_FINE;
}

static enum balloon_verdict read_hot_remove(struct balloon_message *message, const u8 *at)
{
	struct dm_hot_remove_request request;

	memcpy(&request, at, sizeof(request));
	message->pages = request.page_count;
	message->qos = request.qos_flags;
	message->node = request.virtual_node;
	return BALLOON_FINE;
}

/**
 * balloon_message_check() - the gate
 * @message: filled in; meaningless, but for type and trans_id, if the verdict is not FINE
 * @payload: of a packet, private copy; @message refers to it
 * @bytes: its length
 *
 * Any context. Source: include/wire/dm.h.
 *
 * Return: a verdict.
 */
enum balloon_verdict balloon_message_check(struct balloon_message *message, const void *payload, u32 bytes)
{
	struct dm_header header;

	memset(message, 0, sizeof(*message));
	if (bytes < sizeof(header))
		return BALLOON_SHORT;
	memcpy(&header, payload, sizeof(header));
	message->type = header.type;
	message->trans_id = header.trans_id;
	if (!least(header.type))
		return BALLOON_TYPE;
	if (header.size > bytes)
		return BALLOON_SIZE;
	if (header.size < least(header.type))
		return BALLOON_SHORT;
	switch (header.type) {
	case DM_BALLOON_REQUEST:
		return read_balloon(message, payload);
	case DM_UNBALLOON_REQUEST:
		return read_unballoon(message, payload, header.size);
	case DM_HOT_ADD_REQUEST:
		return read_hot_add(message, payload, header.size);
	case DM_INFO:
		return read_info(message, payload, header.size);
	case DM_HOT_REMOVE_REQUEST:
		return read_hot_remove(message, payload);
	default:
		return read_flags(message, payload);
	}
}

/** balloon_message_range() - the range @index, below range_count, of an UNBALLOON_REQUEST; any context */
struct balloon_run balloon_message_range(const struct balloon_message *message, u32 index)
{
	u64 range;

	memcpy(&range, message->ranges + index * sizeof(range), sizeof(range));
	return run_of(range);
}
