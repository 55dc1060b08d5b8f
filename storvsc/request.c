// SPDX-License-Identifier: GPL-2.0
/*
 * From a SCSI command to a packet in the ring: queuecommand and what restarts it. Answers are
 * completion.c's.
 *
 * No allocation and no lock but the ring's. The packet names the pages of the command's data by
 * their physical page numbers, without scsi_dma_map(): the device is the hypervisor, which
 * addresses memory as the guest's CPUs do, so there is no IOMMU between and nothing to bounce. (Not
 * so in an isolated VM; the bus does not open channels there.)
 *
 * Doorbells: the block layer marks the last command of a batch or calls commit_rqs(); only then the
 * host is woken, besides when the ring is full, since the host must be awake to empty it.
 *
 * Invariant: between storvsc_slot_lend() and return nothing of the command is touched; it may have
 * ended.
 */
#include <linux/blk-mq.h>
#include <linux/pfn.h>
#include <linux/rcupdate.h>

#include "internal.h"
#include "trace.h"

static_assert(PAGE_SIZE == STORVSC_PAGE_SIZE);

#define QUEUE_TAG_NONE 0xFF

/**
 * struct extent - a command's data as one range of pages
 * @bytes: in all
 * @offset: of the first byte in the first page
 * @pages: exactly as many as the bytes lie on; 0: no data
 */
struct extent {
	u32 bytes;
	u32 offset;
	u32 pages;
};

/*
 * One range cannot describe a hole, so inside the data no element may begin or end within a page.
 * virt_boundary_mask promises that; what it should miss would corrupt memory, so look.
 */
static int measure(struct storvsc_host *host, struct scsi_cmnd *cmd, struct extent *extent)
{
	u32 left = scsi_bufflen(cmd);
	struct scatterlist *sg;
	int i;

	*extent = (struct extent){.bytes = left};
	if (!left)
		return 0;
	if (!scsi_sg_count(cmd))
		return -EINVAL;
	extent->offset = offset_in_page(scsi_sglist(cmd)->offset);
	extent->pages = PFN_UP((u64)extent->offset + left);
	if (extent->pages > host->limits.pages_max)
		return -EINVAL;
	scsi_for_each_sg(cmd, sg, scsi_sg_count(cmd), i) {
		if (i && offset_in_page(sg->offset))
			return -EINVAL;
		if (left <= sg->length)
			return 0;
		if (offset_in_page(sg->offset + sg->length))
			return -EINVAL;
		left -= sg->length;
	}
	return -EINVAL;
}

static void write_pages(u64 *pages, struct scsi_cmnd *cmd, const struct extent *extent)
{
	u32 left = extent->bytes;
	struct scatterlist *sg;
	int i;

	scsi_for_each_sg(cmd, sg, scsi_sg_count(cmd), i) {
		u32 bytes = min(left, sg->length);
		u64 page = page_to_pfn(sg_page(sg)) + (sg->offset >> PAGE_SHIFT);
		u32 count = PFN_UP(offset_in_page(sg->offset) + bytes);

		while (count--)
			*pages++ = page++;
		left -= bytes;
		if (!left)
			break;
	}
}

static void write_srb(struct vstor_srb *srb, struct scsi_cmnd *cmd, u32 bytes)
{
	srb->length = sizeof(*srb);
	srb->target = cmd->device->id;
	srb->lun = cmd->device->lun;
	srb->cdb_length = cmd->cmd_len;
	srb->sense_length = VSTOR_SENSE_MAX;
	srb->transfer_length = bytes;
	memcpy(srb->cdb, cmd->cmnd, cmd->cmd_len);
	srb->srb_flags = VSTOR_SRB_DISABLE_SYNCH_TRANSFER;
	srb->timeout = DIV_ROUND_UP(scsi_cmd_to_rq(cmd)->timeout, HZ);

	if (!bytes) {
		srb->data_direction = VSTOR_DATA_NONE;
	} else if (cmd->sc_data_direction == DMA_TO_DEVICE) {
		srb->data_direction = VSTOR_DATA_OUT;
		srb->srb_flags |= VSTOR_SRB_DATA_OUT;
	} else {
		srb->data_direction = VSTOR_DATA_IN;
		srb->srb_flags |= VSTOR_SRB_DATA_IN;
	}
	if (cmd->device->tagged_supported) {
		srb->srb_flags |= VSTOR_SRB_QUEUE_ACTION_ENABLE | VSTOR_SRB_NO_QUEUE_FREEZE;
		srb->queue_action = VSTOR_SRB_SIMPLE_TAG;
		srb->queue_tag = QUEUE_TAG_NONE;
	}
}

/* @packet is ring memory: written once, front to back, and never read. */
static void write_packet(void *packet, struct scsi_cmnd *cmd, const struct extent *extent, u64 id)
{
	u32 bytes = storvsc_packet_bytes(extent->pages);
	struct packet_gpa_direct *head = packet;
	struct gpa_range *range = (struct gpa_range *)(head + 1);
	struct vstor_packet vstor = {
		.operation = VSTOR_EXECUTE_SRB,
		.flags = VSTOR_FLAG_REQUEST_COMPLETION,
	};

	head->desc = (struct packet_desc){
		.type = extent->pages ? PACKET_GPA_DIRECT : PACKET_INBAND,
		.offset8 = (bytes - sizeof(vstor)) / 8,
		.len8 = bytes / 8,
		.flags = PACKET_FLAG_COMPLETION_REQUESTED,
		.transaction_id = id,
	};
	if (extent->pages) {
		head->reserved = 0;
		head->range_count = 1;
		range->byte_count = extent->bytes;
		range->byte_offset = extent->offset;
		write_pages((u64 *)(range + 1), cmd, extent);
	}
	write_srb(&vstor.srb, cmd, extent->bytes);
	memcpy(packet + bytes - sizeof(vstor), &vstor, sizeof(vstor));
}

/* One command on its way to the ring. */
struct passage {
	struct storvsc_queue *queue;
	struct storvsc_link *link;
	u32 hwq;
	u32 tag;
	u64 began;
};

/* The primary channel interrupts, whatever the queue is for. */
static void use_link(struct passage *passage, struct scsi_cmnd *cmd, struct storvsc_link *link)
{
	struct request *request = scsi_cmd_to_rq(cmd);

	passage->link = link;
	if (unlikely(request->cmd_flags & REQ_POLLED && !link->polled))
		storvsc_poll_forgo(request);
}

/* Errors of sending that say that the channel takes nothing any more. */
static bool is_over(int error)
{
	return error == -EIO || error == -ENODEV;
}

/* The command does not reach the ring, but if it ends a batch, the others need their doorbell. */
static int end_at_once(struct storvsc_link *link, struct scsi_cmnd *cmd, int host_byte)
{
	if (cmd->flags & SCMD_LAST && host_byte != DID_NO_CONNECT)
		storvsc_link_kick(link);
	trace_storvsc_io_error(cmd->device->host->host_no, 0, REFUSALS, host_byte << 16);
	storvsc_command_end(cmd, host_byte << 16, 0);
	return 0;
}

/*
 * A full ring: HOST_BUSY makes the SCSI layer put the command back and come again after the next
 * completion on this controller (a full ring means there are some to come), or after 3 ms if there
 * are none. send_room() can only make it earlier, so it does no harm that it may come before the
 * command is back in its queue.
 */
static int no_room(const struct passage *passage, struct scsi_cmnd *cmd, int error)
{
	struct storvsc_link *link = passage->link;

	if (is_over(error))
		return end_at_once(link, cmd, DID_NO_CONNECT);
	if (error != -EAGAIN)
		return end_at_once(link, cmd, DID_ERROR);
	storvsc_latency_full(passage->queue, passage->began);
	storvsc_link_kick(link);
	return SCSI_MLQUEUE_HOST_BUSY;
}

/*
 * The last command of a batch is the last for its LUN; the block layer may have a plug full of
 * others for other LUNs, which it sends one LUN after the other.
 */
static bool more_in_plug(void)
{
	return in_task() && current->plug && !COMPAT_RQ_LIST_EMPTY(&current->plug->mq_list);
}

/* The host has answered all commands but the one just sent. A guess: others send, and answers are taken, meanwhile. */
static bool is_alone(const struct storvsc_link *link)
{
	return READ_ONCE(link->sent) - READ_ONCE(link->answered) <= 1;
}

/* Return: 0 or the errors of hvis_channel_reserve(), with which nothing was done. */
static int send(const struct passage *passage, struct scsi_cmnd *cmd, const struct extent *extent)
{
	struct storvsc_slot *slot = &passage->queue->slots[passage->tag];
	struct storvsc_link *link = passage->link;
	u32 bytes = storvsc_packet_bytes(extent->pages);
	bool last = cmd->flags & SCMD_LAST;
	unsigned long irq_flags;
	void *packet;
	u64 id;

	/* While the host may write to the last command's pages, the tag carries no other. */
	if (WARN_ON_ONCE(!storvsc_slot_is_free(slot)))
		return -EBUSY;

	packet = hvis_channel_reserve(link->channel, bytes, &irq_flags);
	if (packet == ERR_PTR(-EIO))
		storvsc_report_broken(link);
	if (IS_ERR(packet))
		return PTR_ERR(packet);
	id = storvsc_slot_prepare(slot, cmd, passage->hwq, link->index);
	write_packet(packet, cmd, extent, id);
	slot->sent = 0;
	if (static_branch_unlikely(&storvsc_latency_on))
		slot->sent = storvsc_latency_sent(passage->queue, passage->began);
	trace_storvsc_io_sent(link->host->shost->host_no, id, link->index, bytes);
	storvsc_slot_lend(slot, id);
	link->sent++;
	hvis_channel_commit(link->channel, irq_flags);
	if (last && !hvis_bell_holds(link->bell, more_in_plug(), is_alone(link)))
		storvsc_link_kick(link);
	return 0;
}

/*
 * A sub-channel that has just ended: what is in its ring is repeated when it is closed; this
 * command was not sent and goes to the primary.
 */
static int pass(struct passage *passage, struct scsi_cmnd *cmd, const struct extent *extent)
{
	int error = send(passage, cmd, extent);

	if (unlikely(is_over(error) && passage->link->index)) {
		use_link(passage, cmd, storvsc_link_leave(passage->link));
		error = send(passage, cmd, extent);
	}
	return likely(!error) ? 0 : no_room(passage, cmd, error);
}

static int submit(struct storvsc_host *host, struct scsi_cmnd *cmd)
{
	u32 unique = blk_mq_unique_tag(scsi_cmd_to_rq(cmd));
	struct passage passage = {
		.hwq = blk_mq_unique_tag_to_hwq(unique),
		.tag = blk_mq_unique_tag_to_tag(unique),
		.began = storvsc_clock(),
	};
	struct extent extent;

	trace_storvsc_io_queued(cmd, passage.hwq, passage.tag);
	switch (READ_ONCE(host->state)) {
	case STORVSC_RUNNING:
		break;
	case STORVSC_CLOSED:
		return SCSI_MLQUEUE_HOST_BUSY;
	default:
		return end_at_once(NULL, cmd, DID_NO_CONNECT);
	}
	passage.queue = &host->queues[passage.hwq];
	use_link(&passage, cmd, READ_ONCE(passage.queue->link));
	if (measure(host, cmd, &extent)) {
		dev_warn_ratelimited(&host->device->dev,
				     "command %02x: %u bytes in %u pieces do not make one range\n",
				     cmd->cmnd[0], scsi_bufflen(cmd), scsi_sg_count(cmd));
		return end_at_once(passage.link, cmd, DID_ERROR);
	}
	return pass(&passage, cmd, &extent);
}

/**
 * storvsc_queuecommand() - give a command to the host
 * @shost: the controller
 * @cmd: with its data in a scatterlist
 *
 * Called by the block layer and by the error handler's thread; does not sleep. The RCU section is
 * what closing and rerouting wait for (storvsc_set_state(), link.c): inside it, a state of RUNNING
 * means that the channel of the queue's link is open.
 *
 * Return: 0: taken, or ended already; SCSI_MLQUEUE_HOST_BUSY: not now, the SCSI layer comes again.
 */
int storvsc_queuecommand(struct Scsi_Host *shost, struct scsi_cmnd *cmd)
{
	int busy;

	rcu_read_lock();
	busy = submit(shost_priv(shost), cmd);
	rcu_read_unlock();
	return busy;
}

/**
 * storvsc_commit_rqs() - the batch ends here after all
 * @shost: the controller
 * @hwq: which hardware queue
 *
 * Called when the block layer could not queue the command it meant to be the last. Does not sleep.
 */
void storvsc_commit_rqs(struct Scsi_Host *shost, u16 hwq)
{
	struct storvsc_host *host = shost_priv(shost);

	rcu_read_lock();
	if (READ_ONCE(host->state) == STORVSC_RUNNING)
		storvsc_link_kick(READ_ONCE(host->queues[hwq].link));
	rcu_read_unlock();
}

/**
 * storvsc_send_room() - there is room again in a ring that was full
 * @channel: whose
 * @context: the link
 *
 * Hard interrupt, where queues cannot be run.
 */
void storvsc_send_room(struct vmbus_channel *channel, void *context)
{
	struct storvsc_link *link = context;

	queue_work(link->host->wq, &link->restart);
}

/**
 * storvsc_restart_work() - let the SCSI layer try again at once
 * @work: restart of a link
 *
 * HOST_BUSY left host_blocked set, which otherwise the next completion clears.
 */
void storvsc_restart_work(struct work_struct *work)
{
	struct storvsc_link *link = container_of(work, struct storvsc_link, restart);
	struct Scsi_Host *shost = link->host->shost;

	atomic_set(&shost->host_blocked, 0);
	scsi_unblock_requests(shost);
}
