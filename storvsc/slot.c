// SPDX-License-Identifier: GPL-2.0
/*
 * Slots: who owns a command between the ring and its end. One per tag, made with the controller, so
 * that IO allocates nothing. They are no part of the command's own memory, because with an IO
 * scheduler that memory moves from tag to tag, and a generation must never repeat on a tag.
 *
 *	free --lend--> lent --claim--> free, the claimer owns the command
 *
 * Invariant: taking an id out of a slot is one compare-and-exchange, so one claimer wins, and only
 * with the very id of the last packet. Everyone else goes away without having looked at the
 * command.
 */
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "internal.h"

/**
 * storvsc_slots_create() - one slot per tag
 * @queue: gets them
 * @count: number of tags
 *
 * May sleep. An interrupt may look for slots already, so their number comes last.
 *
 * Return: 0 or -ENOMEM.
 */
int storvsc_slots_create(struct storvsc_queue *queue, u32 count)
{
	queue->slots = kvcalloc(count, sizeof(*queue->slots), GFP_KERNEL);
	if (!queue->slots)
		return -ENOMEM;
	smp_store_release(&queue->slot_count, count); /* after slots; receive_answer() */
	return 0;
}

/**
 * storvsc_slots_destroy() - no command is left and the channel is closed
 * @queue: had them, or not
 *
 * May sleep. A reset by ioctl may still come; it finds the controller dead and no slots.
 */
void storvsc_slots_destroy(struct storvsc_queue *queue)
{
	mutex_lock(&queue->host->reaper);
	queue->slot_count = 0;
	kvfree(queue->slots);
	queue->slots = NULL;
	mutex_unlock(&queue->host->reaper);
}

/**
 * storvsc_slot_prepare() - the next id of a free slot
 * @slot: free, and the caller holds its tag, so nobody else prepares it
 * @cmd: the command that holds the tag
 * @tag: the tag
 *
 * Nothing can be claimed yet. Any context.
 *
 * Return: the transaction id for the packet.
 */
u64 storvsc_slot_prepare(struct storvsc_slot *slot, struct scsi_cmnd *cmd, u32 tag)
{
	slot->generation = storvsc_generation_next(slot->generation);
	slot->cmd = cmd;
	slot->address = storvsc_address(cmd->device);
	return storvsc_id_make(slot->generation, tag);
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
	/* Fully ordered on success, on which storvsc_queue_sync() relies. */
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

/**
 * storvsc_slots_outstanding() - does the host owe answers of one LUN, or at all?
 * @queue: whose
 * @address: target and LUN, or STORVSC_ADDRESS_ANY
 *
 * Exact when no command of that LUN is being queued, as under error handling. Any context.
 */
bool storvsc_slots_outstanding(struct storvsc_queue *queue, u32 address)
{
	u32 i;

	for (i = 0; i < queue->slot_count; i++) {
		const struct storvsc_slot *slot = &queue->slots[i];

		if (!storvsc_slot_is_free(slot) &&
		    (address == STORVSC_ADDRESS_ANY || READ_ONCE(slot->address) == address))
			return true;
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

/**
 * storvsc_slots_fail() - end every command the host still owes
 * @queue: whose; the host touches its commands' pages no more
 * @host_byte: DID_*
 *
 * The caller stopped queueing and called synchronize_rcu(), so none is added behind this loop's
 * back. Answers may still race with it; each command goes to one of the two. May sleep; reaper
 * tells storvsc_queue_sync() that a claimed command may not have ended yet.
 */
void storvsc_slots_fail(struct storvsc_queue *queue, int host_byte)
{
	u32 i;

	mutex_lock(&queue->host->reaper);
	for (i = 0; i < queue->slot_count; i++) {
		struct storvsc_slot *slot = &queue->slots[i];
		struct scsi_cmnd *cmd = storvsc_slot_claim(slot, atomic64_read(&slot->id));

		if (cmd)
			storvsc_command_end(cmd, host_byte << 16, 0);
	}
	mutex_unlock(&queue->host->reaper);
}
