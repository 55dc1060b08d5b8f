/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What storvsc decides without a kernel around it: transaction ids, limits, and what an answer
 * means. map.c and this file compile in user space for the unit tests, so they include no more than
 * types and constants.
 */
#ifndef HVIS_STORVSC_MAP_H
#define HVIS_STORVSC_MAP_H

#include <linux/types.h>

#include "wire/packet.h"
#include "wire/ring.h"
#include "wire/vstor.h"

#define STORVSC_PAGE_SIZE  4096u /* of the wire, whatever the guest's is */

/*
 * Transaction ids, three kinds that cannot meet:
 *
 *	0			the host speaks unasked
 *	0:gen31:queue16:tag16	a command: its slot's generation (1..2^31-1), its hardware queue,
 *				its tag in that queue plus one
 *	1:sequence63		a control request (initialisation, resets)
 *
 * A slot's generation moves on with every packet, so an answer that is late, doubled or made up
 * does not match.
 */
#define STORVSC_ID_CONTROL (1ULL << 63)

u32 storvsc_generation_next(u32 generation);
u64 storvsc_id_make(u32 generation, u32 queue, u32 tag);
bool storvsc_id_parse(u64 id, u32 queues, u32 tags, u32 *queue, u32 *tag);

/**
 * struct storvsc_plan - how many hardware queues
 * @queues: whose answers come by interrupt; at least 1
 * @polled: whose answers are polled for
 */
struct storvsc_plan {
	u32 queues;
	u32 polled;
};

void storvsc_plan_fit(struct storvsc_plan *plan, u32 channels);
u32 storvsc_spread(u32 index, u32 count, u32 queues);
u32 storvsc_spread_first(u32 queue, u32 count, u32 queues);
u32 storvsc_ring_bytes_for(u32 channels);

/**
 * struct storvsc_limits - how large and how many the requests to one controller may be
 * @max_bytes: of one request, whole pages
 * @pages_max: page numbers in one request: one more than max_bytes fill, as a buffer may
 *	start inside a page
 * @can_queue: requests at a time
 */
struct storvsc_limits {
	u32 max_bytes;
	u32 pages_max;
	u32 can_queue;
};

/* Latencies in powers of two of a ns: the last bucket begins at 4.3 s. */
#define STORVSC_BUCKETS 33u
u32 storvsc_bucket(u64 ns);

u32 storvsc_packet_bytes(u32 pages);
int storvsc_limits_derive(struct storvsc_limits *limits, u32 host_max_bytes, u32 ring_bytes);

int storvsc_luns_parse(const u8 *list, u32 bytes, u64 *luns);

/**
 * enum storvsc_action - what else an answer asks for, beside ending its command
 * @STORVSC_ACT_NONE: nothing
 * @STORVSC_ACT_RESCAN: the LUN changed (capacity, block size, inquiry data): read them again
 * @STORVSC_ACT_SCAN: the list of LUNs changed
 * @STORVSC_ACT_REMOVE: the LUN is not there any more
 */
enum storvsc_action {
	STORVSC_ACT_NONE,
	STORVSC_ACT_RESCAN,
	STORVSC_ACT_SCAN,
	STORVSC_ACT_REMOVE,
};

/**
 * struct storvsc_verdict - what an answer means to the SCSI layer
 * @result: for scsi_cmnd.result
 * @moved: bytes transferred, never more than were asked for
 * @sense_bytes: bytes of srb.sense that are sense data; 0: there is none, whatever the bytes
 *	look like
 * @action: what else is to be done
 */
struct storvsc_verdict {
	u32 result;
	u32 moved;
	u32 sense_bytes;
	enum storvsc_action action;
};

void storvsc_judge(struct storvsc_verdict *verdict, const struct vstor_srb *srb, u32 bytes,
		   u32 underflow);

#endif
