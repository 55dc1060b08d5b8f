// SPDX-License-Identifier: GPL-2.0
/*
 * Decisions of storvsc that need nothing but their arguments: the arithmetic of transaction ids and
 * limits, and the table from the host's SRB status, SCSI status and sense to a result for the SCSI
 * layer. Acting on it is completion.c's and news.c's.
 * Invariant: whatever bytes the host sent, the verdict stays inside the command's own bounds.
 */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <scsi/scsi_proto.h>
#include <scsi/scsi_status.h>

#include "map.h"

#define GENERATION_MASK	   0x7FFFFFFFu

#define RINGS_BYTES	   (4u << 20)
#define RING_BYTES_MOST	   (128u << 10)
#define RING_BYTES_LEAST   (32u << 10)

#define MAX_TRANSFER_BYTES (4u << 20) /* more than the block layer ever asks for unless told to */
#define CAN_QUEUE_MAX	   1024u
#define TYPICAL_PAGES	   17u /* of an unaligned 64-KiB request */

/* Sense data shorter than its own header is none. */
#define SENSE_MIN	   8

/**
 * storvsc_generation_next() - the generation of a slot's next packet
 * @generation: of its last one, 0 if there was none
 *
 * Return: 1..2^31-1, starting over at 1. A late answer would have to wait for 2^31 packets of one
 * slot to match.
 */
u32 storvsc_generation_next(u32 generation)
{
	generation = (generation + 1) & GENERATION_MASK;
	return generation ? generation : 1;
}

/**
 * storvsc_id_make() - the transaction id of a command
 * @generation: from storvsc_generation_next()
 * @queue: the hardware queue it came through
 * @tag: of the command in that queue, less than 65535
 *
 * Return: the id; neither 0 nor a control id.
 */
u64 storvsc_id_make(u32 generation, u32 queue, u32 tag)
{
	return (u64)(generation & GENERATION_MASK) << 32 | (queue & 0xFFFF) << 16 | (tag + 1);
}

/**
 * storvsc_id_parse() - which slot an id from the host points at
 * @id: as received, anything at all
 * @queues: number of hardware queues
 * @tags: number of slots of each
 * @queue: set to the queue on success
 * @tag: set to the slot's index in it on success
 *
 * Says nothing about whether that slot waits for this id.
 *
 * Return: false if no command can ever have had this id.
 */
bool storvsc_id_parse(u64 id, u32 queues, u32 tags, u32 *queue, u32 *tag)
{
	u32 high = (u32)id >> 16;
	u32 low = (u32)id & 0xFFFF;

	if (id & STORVSC_ID_CONTROL || !(id >> 32) || high >= queues || !low || low > tags)
		return false;
	*queue = high;
	*tag = low - 1;
	return true;
}

/**
 * storvsc_plan_fit() - how many hardware queues there can be with so many channels
 * @plan: what is wanted; what is possible on return
 * @channels: the primary and the sub-channels, at least 1
 *
 * A queue that is polled has a channel to itself, so with the primary alone there is none. Where
 * channels are short, whoever asked for polling gets up to half of them.
 */
void storvsc_plan_fit(struct storvsc_plan *plan, u32 channels)
{
	u32 polled = min(plan->polled, channels / 2);

	plan->queues = min(plan->queues, channels - polled);
	plan->polled = min(plan->polled, channels - plan->queues);
}

/**
 * storvsc_spread() - which queue a CPU uses
 * @index: of the CPU among @count
 * @count: CPUs
 * @queues: 1..@count
 *
 * Neighbours share a queue: they are the likeliest to share a cache.
 */
u32 storvsc_spread(u32 index, u32 count, u32 queues)
{
	return (u64)index * queues / count;
}

/**
 * storvsc_spread_first() - the first CPU that uses a queue: the one its channel interrupts
 * @queue: 0..@queues-1
 * @count: CPUs
 * @queues: 1..@count
 */
u32 storvsc_spread_first(u32 queue, u32 count, u32 queues)
{
	return ((u64)queue * count + queues - 1) / queues;
}

/**
 * storvsc_ring_bytes_for() - size of each ring when nobody asked for one
 * @channels: of the controller
 *
 * All rings of a controller together take up to 4 MiB, and each at least 32 KiB.
 */
u32 storvsc_ring_bytes_for(u32 channels)
{
	u32 share = RINGS_BYTES / 2 / channels / STORVSC_PAGE_SIZE * STORVSC_PAGE_SIZE;

	return share < RING_BYTES_LEAST ? RING_BYTES_LEAST : min(share, RING_BYTES_MOST);
}

/**
 * storvsc_bucket() - the bucket of a histogram for a time
 * @ns: any
 *
 * Return: bucket i has the times from 2^i to 2^(i+1)-1; the first those below 2, too, the last all
 * that are longer.
 */
u32 storvsc_bucket(u64 ns)
{
	if (ns < 2)
		return 0;
	return min_t(u32, 63 - __builtin_clzll(ns), STORVSC_BUCKETS - 1);
}

/**
 * storvsc_packet_bytes() - size of a request packet without its trailer
 * @pages: page numbers in its only range; 0: no data, an INBAND packet without range
 */
u32 storvsc_packet_bytes(u32 pages)
{
	if (!pages)
		return sizeof(struct packet_desc) + sizeof(struct vstor_packet);
	return sizeof(struct packet_gpa_direct) + sizeof(struct gpa_range) + pages * sizeof(u64) +
	       sizeof(struct vstor_packet);
}

/**
 * storvsc_limits_derive() - limits from what the host offers and what the ring holds
 * @limits: filled in on success
 * @host_max_bytes: max_transfer_bytes of QUERY_PROPERTIES, anything at all
 * @ring_bytes: data bytes of the outgoing ring
 *
 * The largest request takes at most a quarter of the ring, so that it gets in soon even under load.
 * The ring holds can_queue requests of 64 KiB; a burst of larger ones meets a full ring and waits.
 *
 * Return: 0, or -EINVAL if the host or the ring allows less than one page.
 */
int storvsc_limits_derive(struct storvsc_limits *limits, u32 host_max_bytes, u32 ring_bytes)
{
	u32 room = ring_bytes / 4;
	u32 overhead = storvsc_packet_bytes(2) + RING_TRAILER;
	u32 pages;

	if (host_max_bytes < STORVSC_PAGE_SIZE || room < overhead)
		return -EINVAL;
	pages = min(host_max_bytes, MAX_TRANSFER_BYTES) / STORVSC_PAGE_SIZE;
	pages = min_t(u32, pages, 1 + (room - overhead) / sizeof(u64));

	limits->max_bytes = pages * STORVSC_PAGE_SIZE;
	limits->pages_max = pages + 1;
	limits->can_queue =
		ring_bytes /
		(storvsc_packet_bytes(min(limits->pages_max, TYPICAL_PAGES)) + RING_TRAILER);
	limits->can_queue = min(limits->can_queue, CAN_QUEUE_MAX);
	return 0;
}

/**
 * storvsc_luns_parse() - the answer to REPORT LUNS
 * @list: as the host sent it, anything at all, a private copy
 * @bytes: how much of it there is
 * @luns: a bit for each LUN below 64 that is in the list
 *
 * A list that was cut short is no list: what it lacks is not gone. LUNs of other forms than a
 * number on the first level, and above 63, cannot be ours.
 *
 * Return: 0 or -EINVAL.
 */
int storvsc_luns_parse(const u8 *list, u32 bytes, u64 *luns)
{
	u32 length, i;

	if (bytes < 8)
		return -EINVAL;
	length = (u32)list[0] << 24 | list[1] << 16 | list[2] << 8 | list[3];
	if (length % 8 || length > bytes - 8)
		return -EINVAL;
	*luns = 0;
	for (i = 8; i < 8 + length; i += 8) {
		/* The peripheral and the flat form of a small number differ in the first byte. */
		bool plain = list[i] == 0 || list[i] == 0x40;
		bool alone = !(list[i + 2] | list[i + 3] | list[i + 4] | list[i + 5] | list[i + 6] |
			       list[i + 7]);

		if (plain && alone && list[i + 1] < 64)
			*luns |= 1ULL << list[i + 1];
	}
	return 0;
}

/* Sense is there if the host says so in its status, its length and its first byte. */
static u32 sense_bytes(const struct vstor_srb *srb)
{
	u8 code = srb->sense[0] & 0x7F;

	if (!(srb->srb_status & SRB_STATUS_AUTOSENSE_VALID))
		return 0;
	if (srb->sense_length < SENSE_MIN || srb->sense_length > VSTOR_SENSE_MAX)
		return 0;
	return code >= 0x70 && code <= 0x73 ? srb->sense_length : 0;
}

/* Additional sense code and qualifier as 0xAACC; 0 if the sense data is too short to have them. */
static unsigned int sense_code(const struct vstor_srb *srb)
{
	if ((srb->sense[0] & 0x7F) >= 0x72)
		return srb->sense[2] << 8 | srb->sense[3];
	return srb->sense_length >= 14 ? srb->sense[12] << 8 | srb->sense[13] : 0;
}

static enum storvsc_action sense_action(const struct vstor_srb *srb)
{
	unsigned int code = sense_code(srb);

	if (code == 0x3F0E) /* reported LUNs data has changed */
		return STORVSC_ACT_SCAN;
	if (code == 0x2A09 ||
	    code >> 8 == 0x3F) /* capacity, target operating conditions have changed */
		return STORVSC_ACT_RESCAN;
	return STORVSC_ACT_NONE;
}

/* Statuses the SCSI layer handles by itself; others would start its error handler for nothing. */
static bool status_is_sane(u8 status)
{
	switch (status) {
	case SAM_STAT_GOOD:
	case SAM_STAT_CONDITION_MET:
	case SAM_STAT_BUSY:
	case SAM_STAT_RESERVATION_CONFLICT:
	case SAM_STAT_TASK_SET_FULL:
	case SAM_STAT_TASK_ABORTED:
		return true;
	default:
		return false;
	}
}

/*
 * The host byte for an answer without sense data. The SCSI layer retries DID_ERROR and
 * DID_SOFT_ERROR a few counted times and fails DID_NO_CONNECT at once. DID_TIME_OUT and DID_RESET
 * are avoided on purpose: the first starts error handling for a command the host has already given
 * back, the second retries without counting.
 */
static u32 host_byte_of(u8 srb_status, bool block_io)
{
	switch (srb_status & SRB_STATUS_MASK) {
	case SRB_STATUS_SUCCESS:
		return DID_OK;
	case SRB_STATUS_DATA_OVERRUN:
		/*
		 * Hosts say so when the data did not fit the buffer, as with a short MAINTENANCE_IN
		 * or INQUIRY: the residue tells it all. Only block IO must have moved exactly what
		 * it asked for.
		 */
		return block_io ? DID_ERROR : DID_OK;
	case SRB_STATUS_ABORTED:
	case SRB_STATUS_BUS_RESET:
		return DID_SOFT_ERROR;
	case SRB_STATUS_NO_DEVICE:
	case SRB_STATUS_INVALID_LUN:
		return DID_NO_CONNECT;
	default: /* ERROR, INVALID_REQUEST, (SELECTION_)TIMEOUT, INTERNAL_ERROR; the unknown */
		return DID_ERROR;
	}
}

static u32 bytes_moved(const struct vstor_srb *srb, u32 bytes)
{
	switch (srb->srb_status & SRB_STATUS_MASK) {
	case SRB_STATUS_SUCCESS:
	case SRB_STATUS_DATA_OVERRUN:
		return min(srb->transfer_length, bytes);
	default: /* hosts leave the length as it was sent */
		return 0;
	}
}

/* The result of an answer without usable sense data. */
static u32 result_without_sense(const struct vstor_srb *srb, u32 moved, u32 underflow)
{
	u32 host = host_byte_of(srb->srb_status, underflow != 0);

	if (host == DID_NO_CONNECT)
		return DID_NO_CONNECT << 16;
	if (srb->scsi_status == SAM_STAT_GOOD || srb->scsi_status == SAM_STAT_CONDITION_MET) {
		if ((srb->srb_status & SRB_STATUS_MASK) == SRB_STATUS_BUSY)
			return SAM_STAT_BUSY; /* asked again after a pause */
		/* Success that moved too little would be asked for again, for ever. */
		if (host == DID_OK && moved < underflow)
			host = DID_ERROR;
		return host << 16 | srb->scsi_status;
	}
	/* CHECK CONDITION without sense, too: a virtual disk has none to be asked for later. */
	if (!status_is_sane(srb->scsi_status))
		return DID_ERROR << 16;
	return srb->scsi_status;
}

/**
 * storvsc_judge() - what an answer means
 * @verdict: filled in
 * @srb: as the host returned it, a private copy
 * @bytes: length of the command's data
 * @underflow: scsi_cmnd.underflow: fewer bytes are an error; not 0 for reads and writes of
 *	the block layer
 *
 * Sense data, when really there, decides: the SCSI layer knows what to make of it whichever SRB
 * status came along. It only looks at it under CHECK CONDITION, so that status is set where a
 * failing host left it out.
 */
void storvsc_judge(struct storvsc_verdict *verdict, const struct vstor_srb *srb, u32 bytes,
		   u32 underflow)
{
	u8 srb_status = srb->srb_status & SRB_STATUS_MASK;

	verdict->moved = bytes_moved(srb, bytes);
	verdict->action = STORVSC_ACT_NONE;
	verdict->sense_bytes = sense_bytes(srb);

	if (srb_status == SRB_STATUS_INVALID_LUN) {
		verdict->action = STORVSC_ACT_REMOVE;
		verdict->sense_bytes = 0;
	} else if (verdict->sense_bytes) {
		verdict->action = sense_action(srb);
	}

	if (verdict->sense_bytes &&
	    (srb->scsi_status == SAM_STAT_CHECK_CONDITION ||
	     (srb->scsi_status == SAM_STAT_GOOD && srb_status != SRB_STATUS_SUCCESS)))
		verdict->result = SAM_STAT_CHECK_CONDITION;
	else
		verdict->result = result_without_sense(srb, verdict->moved, underflow);
}
