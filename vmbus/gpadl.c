// SPDX-License-Identifier: GPL-2.0
/*
 * Builds the GPADL_HEADER and GPADL_BODY messages of one list of pages, one message at a time.
 * Posting them and the host's answer are channel.c's; the byte layout is wire/gpadl.h's.
 * Invariant: no message is longer than CHANMSG_SIZE_MAX, and every byte up to the returned length
 * is written.
 */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "gpadl.h"
#include "wire/tlfs.h"

/**
 * gpadl_iter_init() - start the messages of one GPADL: one range of whole pages
 * @iter: filled in
 * @relid: the channel it belongs to
 * @gpadl: handle, chosen by the guest, not in use on this connection
 * @pfns: page numbers, kept by reference
 * @count: how many; 1 to GPADL_PFNS_MAX, what the 16-bit range_buflen can describe
 *
 * Return: 0, or -EINVAL for a count outside these bounds. Any context.
 */
int gpadl_iter_init(struct gpadl_iter *iter, u32 relid, u32 gpadl, const u64 *pfns, u32 count)
{
	if (!count || count > GPADL_PFNS_MAX)
		return -EINVAL;

	*iter = (struct gpadl_iter){ .pfns = pfns, .count = count, .relid = relid, .gpadl = gpadl };
	return 0;
}

/* Appends as many page numbers as fit @max; returns their bytes. */
static u32 append_pfns(struct gpadl_iter *iter, void *to, u32 max)
{
	u32 count = min(iter->count - iter->sent, max);

	memcpy(to, iter->pfns + iter->sent, count * sizeof(u64));
	iter->sent += count;
	return count * sizeof(u64);
}

static u32 build_header(struct gpadl_iter *iter, u8 *buffer)
{
	const struct chanmsg_gpadl_header header = {
		.header.type = CHANMSG_GPADL_HEADER,
		.relid = iter->relid,
		.gpadl = iter->gpadl,
		.range_buflen = sizeof(struct gpa_range) + iter->count * sizeof(u64),
		.rangecount = 1,
	};
	const struct gpa_range range = { .byte_count = iter->count * TLFS_PAGE_SIZE };
	u32 length = sizeof(header) + sizeof(range);

	/* By memcpy: the page numbers start at byte 28, so a u64 in there is not aligned. */
	memcpy(buffer, &header, sizeof(header));
	memcpy(buffer + sizeof(header), &range, sizeof(range));
	return length + append_pfns(iter, buffer + length, GPADL_HEADER_PFNS);
}

static u32 build_body(struct gpadl_iter *iter, u8 *buffer)
{
	const struct chanmsg_gpadl_body body = {
		.header.type = CHANMSG_GPADL_BODY,
		.msgnumber = iter->messages,
		.gpadl = iter->gpadl,
	};

	memcpy(buffer, &body, sizeof(body));
	return sizeof(body) + append_pfns(iter, buffer + sizeof(body), GPADL_BODY_PFNS);
}

/**
 * gpadl_message() - build the next message
 * @iter: from gpadl_iter_init()
 * @buffer: CHANMSG_SIZE_MAX bytes, any alignment
 *
 * The first one is the GPADL_HEADER; bodies follow, numbered from 1. They must be posted in this
 * order.
 *
 * Return: its length in bytes, or 0 when all page numbers are out. Any context.
 */
u32 gpadl_message(struct gpadl_iter *iter, void *buffer)
{
	u32 length;

	if (iter->sent == iter->count)
		return 0;

	length = iter->messages ? build_body(iter, buffer) : build_header(iter, buffer);
	iter->messages++;
	return length;
}
