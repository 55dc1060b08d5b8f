/* SPDX-License-Identifier: GPL-2.0 */
/*
 * GPADL arithmetic: turns an array of page numbers into the control messages that describe it to
 * the host. It sends nothing and allocates nothing; the conversation (post, wait for
 * GPADL_CREATED, teardown) is the channel's.
 * Invariant: the messages of one iterator together carry each page number exactly once, in order.
 */
#ifndef HVIS_VMBUS_GPADL_H
#define HVIS_VMBUS_GPADL_H

#include <linux/types.h>

#include "wire/gpadl.h"

/**
 * struct gpadl_iter - where the building of one GPADL's messages stands
 * @pfns: guest page numbers, 4096-byte pages; the caller's, alive until the last message is built
 * @count: how many
 * @sent: how many are in messages already built
 * @messages: messages already built
 * @relid: the channel
 * @gpadl: the handle that the guest chose
 */
struct gpadl_iter {
	const u64 *pfns;
	u32 count;
	u32 sent;
	u32 messages;
	u32 relid;
	u32 gpadl;
};

int gpadl_iter_init(struct gpadl_iter *iter, u32 relid, u32 gpadl, const u64 *pfns, u32 count);
u32 gpadl_message(struct gpadl_iter *iter, void *buffer);

#endif
