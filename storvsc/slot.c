// SPDX-License-Identifier: GPL-2.0
/*
 * Slots: who owns a command between the ring and its end. One per queue and tag, made with the
 * controller (queue.c), so that IO allocates nothing. They are no part of the command's own memory,
 * because with an IO scheduler that memory moves from tag to tag, and a generation must never
 * repeat on a tag.
 *
 *	free --lend--> lent --claim--> free, the claimer owns the command
 *
 * Invariant: taking an id out of a slot is one compare-and-exchange, so one claimer wins, and only
 * with the very id of the last packet. Everyone else goes away without having looked at the
 * command.
 */
#include "internal.h"
#include "trace.h"

/**
 * storvsc_slot_prepare() - the next id of a free slot
 * @slot: free, and the caller holds its tag, so nobody else prepares it
 * @cmd: the command that holds the tag
 * @queue: index of the slot's hardware queue
 * @link: index of the link the command will be sent on
 *
 * Nothing can be claimed yet. Any context.
 *
 * Return: the transaction id for the packet.
 */
u64 storvsc_slot_prepare(struct storvsc_slot *slot, struct scsi_cmnd *cmd, u32 queue, u32 link)
{
	slot->generation = storvsc_generation_next(slot->generation);
	slot->cmd = cmd;
	slot->address = storvsc_address(cmd->device);
	WRITE_ONCE(slot->link, link);
	return storvsc_id_make(slot->generation, queue, scsi_cmd_to_rq(cmd)->tag);
}

/**
 * storvsc_slot_lend() - from now on the command belongs to whoever claims @id
 * @slot: prepared
 * @id: from storvsc_slot_prepare()
 *
 * To be called when the packet is written and before it is committed: a host that guesses the id
 * may answer before it sees the packet, and the command can end while the caller is still here. Any
 * context.
 */
void storvsc_slot_lend(struct storvsc_slot *slot, u64 id)
{
	atomic64_set_release(&slot->id, id);
}

/**
 * storvsc_slot_claim() - take a command back
 * @slot: any
 * @id: the id of the packet it must have been lent with
 *
 * Any context.
 *
 * Return: the command, the caller's alone now; NULL if the slot is free or lent with another id.
 */
struct scsi_cmnd *storvsc_slot_claim(struct storvsc_slot *slot, u64 id)
{
	/* Fully ordered on success, on which storvsc_links_sync() relies. */
	if (!id || atomic64_cmpxchg(&slot->id, id, 0) != id)
		return NULL;
	return slot->cmd;
}

/**
 * storvsc_slot_is_free() - does the host owe nothing under this tag?
 * @slot: any
 */
bool storvsc_slot_is_free(const struct storvsc_slot *slot)
{
	return !atomic64_read_acquire(&slot->id);
}

static bool matches(const struct storvsc_slot *slot, u32 link, u32 address)
{
	return (link == STORVSC_LINK_ANY || READ_ONCE(slot->link) == link) &&
	       (address == STORVSC_ADDRESS_ANY || READ_ONCE(slot->address) == address);
}

/**
 * storvsc_slots_outstanding() - does the host owe answers?
 * @host: the controller
 * @link: index of a link, or STORVSC_LINK_ANY
 * @address: target and LUN, or STORVSC_ADDRESS_ANY
 *
 * Exact when no command of them is being queued, as under error handling. Any context.
 */
bool storvsc_slots_outstanding(struct storvsc_host *host, u32 link, u32 address)
{
	u32 queue, tag;

	for (queue = 0; queue < host->queue_count; queue++) {
		for (tag = 0; tag < host->limits.can_queue; tag++) {
			const struct storvsc_slot *slot = &host->queues[queue].slots[tag];

			if (!storvsc_slot_is_free(slot) && matches(slot, link, address))
				return true;
		}
	}
	return false;
}

/**
 * storvsc_command_end() - give a command back to the SCSI layer
 * @cmd: never lent, or claimed by the caller
 * @result: for scsi_cmnd.result
 * @moved: bytes transferred, at most its length
 *
 * A command that has timed out is the error handler's already; only the slot had to know that it
 * came back. Any context. The command is not the caller's any more.
 */
void storvsc_command_end(struct scsi_cmnd *cmd, u32 result, u32 moved)
{
	if (cmd->submitter == SUBMITTED_BY_BLOCK_LAYER &&
	    test_bit(SCMD_STATE_COMPLETE, &cmd->state))
		return;
	scsi_set_resid(cmd, scsi_bufflen(cmd) - moved);
	cmd->result = result;
	scsi_done(cmd);
}

static void fail_queue(struct storvsc_host *host, struct storvsc_queue *queue, u32 link,
		       int host_byte)
{
	u32 tag, tags = host->limits.can_queue;

	for (tag = 0; tag < tags; tag++) {
		struct storvsc_slot *slot = &queue->slots[tag];
		u64 id = atomic64_read_acquire(&slot->id); /* before its link */
		struct scsi_cmnd *cmd;

		if (!id || !matches(slot, link, STORVSC_ADDRESS_ANY))
			continue;
		cmd = storvsc_slot_claim(slot, id);
		if (!cmd)
			continue;
		trace_storvsc_io_error(host->shost->host_no, id, REFUSALS, host_byte << 16);
		storvsc_command_end(cmd, host_byte << 16, 0);
	}
}

/**
 * storvsc_slots_fail() - end every command the host still owes
 * @host: the controller
 * @link: index of a link, or STORVSC_LINK_ANY; the host touches the pages of commands sent on it no
 *	more
 * @host_byte: DID_*
 *
 * The caller stopped queueing on the link and called synchronize_rcu(), so none is added behind
 * this loop's back. Answers may still race with it; each command goes to one of the two. May sleep;
 * reaper tells storvsc_links_sync() that a claimed command may not have ended yet.
 */
void storvsc_slots_fail(struct storvsc_host *host, u32 link, int host_byte)
{
	u32 queue;

	mutex_lock(&host->reaper);
	for (queue = 0; queue < host->queue_count; queue++)
		fail_queue(host, &host->queues[queue], link, host_byte);
	mutex_unlock(&host->reaper);
}
