// SPDX-License-Identifier: GPL-2.0
/*
 * Answers: taking packets from the ring, finding out whom they are for, and ending commands. What
 * an answer means is map.c's; what else follows from it, news.c's.
 *
 * Runs in the channel's hard interrupt, on the CPU that sent the command if each has its queue.
 * scsi_done() is made for that: it ends the request right here, or with a single queue raises the
 * block softirq, or where CPUs share a queue sends an IPI to the one that asked. A host that never
 * stops sending is left to a worker after one round, so it cannot hold a CPU in the interrupt.
 *
 * Invariant: a packet is refused before anything of a command is touched, or its command is ended
 * exactly once.
 */
#include "internal.h"
#include "trace.h"

#define ROUND_PACKETS 512

static const char *const refusals[REFUSALS] = {
	[REFUSED_UNKNOWN_ID] = "an id that no command can have",
	[REFUSED_STALE_ID] = "an id nobody waits for: late, doubled or made up",
	[REFUSED_OPERATION] = "an answer that is no COMPLETE_IO",
	[REFUSED_TYPE] = "an answer of the wrong packet type",
	[REFUSED_SHORT] = "a packet too short for VSTOR",
	[REFUSED_CHANNEL] = "an answer on a channel nobody asked on",
	[REFUSED_UNASKED] = "an unsolicited operation unknown here",
};

/**
 * storvsc_refuse() - a packet from the host is not acted on
 * @host: the controller
 * @reason: counted in sysfs, named in the log
 * @id: transaction id of the packet
 *
 * Any context.
 */
void storvsc_refuse(struct storvsc_host *host, enum storvsc_refusal reason, u64 id)
{
	atomic_inc(&host->refused[reason]);
	trace_storvsc_io_error(host->shost->host_no, id, reason, 0);
	dev_warn_ratelimited(&host->device->dev, "refused %s (id %016llx)\n", refusals[reason], id);
}

static void log_failure(struct storvsc_host *host, struct scsi_cmnd *cmd,
			const struct vstor_srb *srb)
{
	dev_warn_ratelimited(&host->device->dev,
			     "lun %llu: command %02x failed: srb status %02x, scsi status %02x\n",
			     cmd->device->lun, cmd->cmnd[0], srb->srb_status, srb->scsi_status);
}

/* The command is ours alone (claimed), until it is given back. */
static void end_command(struct storvsc_host *host, struct scsi_cmnd *cmd,
			const struct vstor_srb *srb)
{
	struct storvsc_verdict verdict;

	storvsc_judge(&verdict, srb, scsi_bufflen(cmd), cmd->underflow);
	if (verdict.sense_bytes)
		memcpy(cmd->sense_buffer, srb->sense, verdict.sense_bytes);
	if (host_byte(verdict.result) == DID_ERROR)
		log_failure(host, cmd, srb);
	if (verdict.action != STORVSC_ACT_NONE)
		storvsc_news_act(host, cmd->device, verdict.action);
	storvsc_command_end(cmd, verdict.result, verdict.moved);
}

static void receive_answer(struct storvsc_link *link, u64 id, const struct vstor_packet *vstor)
{
	struct storvsc_host *host = link->host;
	u32 queues = smp_load_acquire(&host->queue_count); /* before queues */
	struct storvsc_slot *slot;
	struct scsi_cmnd *cmd;
	u64 read, sent;
	u32 queue, tag;

	read = storvsc_clock();
	if (vstor->operation != VSTOR_COMPLETE_IO)
		return storvsc_refuse(host, REFUSED_OPERATION, id);
	if (!storvsc_id_parse(id, queues, host->limits.can_queue, &queue, &tag))
		return storvsc_refuse(host, REFUSED_UNKNOWN_ID, id);
	slot = &host->queues[queue].slots[tag];
	/* If it changes under this look, it does so with the id, and the claim fails. */
	if (READ_ONCE(slot->link) != link->index)
		return storvsc_refuse(host, REFUSED_CHANNEL, id);
	cmd = storvsc_slot_claim(slot, id);
	if (!cmd)
		return storvsc_refuse(host, REFUSED_STALE_ID, id);
	link->answered++;
	sent = slot->sent;
	trace_storvsc_io_completed(host->shost->host_no, id, link->index, &vstor->srb);
	end_command(host, cmd, &vstor->srb);
	if (static_branch_unlikely(&storvsc_latency_on))
		storvsc_latency_answered(&host->queues[queue], sent, read);
}

/* The gate: type and length are right behind it. */
static void receive(struct storvsc_link *link, const struct hvis_packet *packet)
{
	struct storvsc_host *host = link->host;
	u64 id = packet->transaction_id;

	if (!id)
		return storvsc_news_unasked(host, packet);
	if (packet->type != PACKET_COMPLETION)
		return storvsc_refuse(host, REFUSED_TYPE, id);
	if (packet->payload_bytes < sizeof(struct vstor_packet))
		return storvsc_refuse(host, REFUSED_SHORT, id);
	if (!(id & STORVSC_ID_CONTROL))
		return receive_answer(link, id, packet->payload);
	if (!storvsc_control_answer(host, id, packet->payload))
		storvsc_refuse(host, REFUSED_STALE_ID, id);
}

/**
 * storvsc_read_round() - take at most ROUND_PACKETS from the ring
 * @link: its channel open; the caller is the only reader: the bus does not call event() while the
 *	worker has the ring, nor ever for a polled one
 *
 * Any context but NMI.
 *
 * Return: 0: the ring is empty; 1: there may be more; negative: the channel is broken or closed.
 */
int storvsc_read_round(struct storvsc_link *link)
{
	struct hvis_packet packet;
	int left = ROUND_PACKETS;
	int more = 1;

	WRITE_ONCE(link->rounds, link->rounds + 1);
	while (left-- && more > 0) {
		more = hvis_channel_recv(link->channel, &packet);
		if (more > 0)
			receive(link, &packet);
	}
	smp_store_release(&link->rounds, link->rounds + 1); /* after the commands' ends */
	if (wq_has_sleeper(&link->host->answered))
		wake_up_all(&link->host->answered);
	if (more < 0)
		storvsc_report_broken(link);
	return more;
}

/**
 * storvsc_event() - the host signalled the channel
 * @channel: whose
 * @context: the link
 *
 * Hard interrupt. A link that is being stopped is not read any more; its ring goes on masked until
 * it is closed.
 *
 * Return: DRAINED if the ring is empty (or broken); POLLING if the worker goes on.
 */
enum hvis_event_result storvsc_event(struct vmbus_channel *channel, void *context)
{
	struct storvsc_link *link = context;
	int more;

	if (test_bit(LINK_STOPPED, &link->flags))
		return HVIS_EVENT_POLLING;
	more = storvsc_read_round(link);
	if (more > 0)
		queue_work(link->host->wq, &link->drain);
	return more > 0 ? HVIS_EVENT_POLLING : HVIS_EVENT_DRAINED;
}

/**
 * storvsc_drain_work() - read on where the interrupt stopped
 * @work: drain of a link
 *
 * One round per run, so that other work gets its turn; back to the interrupt when the ring is
 * empty.
 */
void storvsc_drain_work(struct work_struct *work)
{
	struct storvsc_link *link = container_of(work, struct storvsc_link, drain);
	int more;

	if (test_bit(LINK_STOPPED, &link->flags))
		return;
	more = storvsc_read_round(link);
	if (more > 0)
		queue_work(link->host->wq, &link->drain);
	else if (!more)
		hvis_channel_resume(link->channel);
}

static bool round_is_over(struct storvsc_link *link, unsigned int round)
{
	return smp_load_acquire(&link->rounds) != round; /* before looking at the command */
}

static bool link_sync(struct storvsc_link *link)
{
	unsigned int round = READ_ONCE(link->rounds);

	if (!(round & 1))
		return true;
	return wait_event_timeout(link->host->answered, round_is_over(link, round),
				  msecs_to_jiffies(STORVSC_DRAIN_MS));
}

/**
 * storvsc_links_sync() - wait until a command that is already claimed has ended, too
 * @host: the controller
 *
 * A free slot says that its command was claimed, not that the claimer is done with it. Claiming is
 * fully ordered and happens inside a round, so after seeing a free slot, the round counted here, if
 * any, is that one or a later one; storvsc_slots_fail() holds reaper. May sleep; a round is short,
 * and the bound is for the worst.
 *
 * Return: false if a round did not end in time.
 */
bool storvsc_links_sync(struct storvsc_host *host)
{
	u32 i;

	mutex_lock(&host->reaper);
	mutex_unlock(&host->reaper);
	smp_mb(); /* the caller's look at its slot comes before the look at rounds */
	for (i = 0; i < host->link_count; i++) {
		if (!link_sync(&host->links[i]))
			return false;
	}
	return true;
}
