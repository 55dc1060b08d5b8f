// SPDX-License-Identifier: GPL-2.0
/*
 * Answers: taking packets from the ring, finding out whom they are for, and ending commands. What
 * an answer means is map.c's; what else follows from it, news.c's.
 *
 * Runs in the channel's hard interrupt. scsi_done() is made for that: it only marks the request and
 * raises the block softirq, or an IPI to the CPU that issued it. A host that never stops sending is
 * left to a worker after one round, so it cannot hold a CPU in the interrupt.
 *
 * Invariant: a packet is refused before anything of a command is touched, or its command is ended
 * exactly once.
 */
#include "internal.h"

#define ROUND_PACKETS 512

static const char *const refusals[REFUSALS] = {
	[REFUSED_UNKNOWN_ID] = "an id that no command can have",
	[REFUSED_STALE_ID] = "an id nobody waits for: late, doubled or made up",
	[REFUSED_OPERATION] = "an answer that is no COMPLETE_IO",
	[REFUSED_TYPE] = "an answer of the wrong packet type",
	[REFUSED_SHORT] = "a packet too short for VSTOR",
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

static void receive_answer(struct storvsc_queue *queue, u64 id, const struct vstor_packet *vstor)
{
	struct storvsc_host *host = queue->host;
	u32 slots = smp_load_acquire(&queue->slot_count); /* before slots */
	struct scsi_cmnd *cmd;
	u32 tag;

	if (vstor->operation != VSTOR_COMPLETE_IO)
		return storvsc_refuse(host, REFUSED_OPERATION, id);
	if (!storvsc_id_tag(id, slots, &tag))
		return storvsc_refuse(host, REFUSED_UNKNOWN_ID, id);
	cmd = storvsc_slot_claim(&queue->slots[tag], id);
	if (!cmd)
		return storvsc_refuse(host, REFUSED_STALE_ID, id);
	end_command(host, cmd, &vstor->srb);
}

/* The gate: type and length are right behind it. */
static void receive(struct storvsc_queue *queue, const struct hvis_packet *packet)
{
	struct storvsc_host *host = queue->host;
	u64 id = packet->transaction_id;

	if (!id)
		return storvsc_news_unasked(host, packet);
	if (packet->type != PACKET_COMPLETION)
		return storvsc_refuse(host, REFUSED_TYPE, id);
	if (packet->payload_bytes < sizeof(struct vstor_packet))
		return storvsc_refuse(host, REFUSED_SHORT, id);
	if (!(id & STORVSC_ID_CONTROL))
		return receive_answer(queue, id, packet->payload);
	if (!storvsc_control_answer(host, id, packet->payload))
		storvsc_refuse(host, REFUSED_STALE_ID, id);
}

/*
 * One round: at most ROUND_PACKETS from the ring. Only one at a time: the bus does not call event()
 * while the worker has the ring.
 * Return: 0: the ring is empty; 1: there may be more; negative: the channel is broken.
 */
static int read_round(struct storvsc_queue *queue)
{
	struct hvis_packet packet;
	int left = ROUND_PACKETS;
	int more = 1;

	WRITE_ONCE(queue->rounds, queue->rounds + 1);
	while (left-- && more > 0) {
		more = hvis_channel_recv(queue->channel, &packet);
		if (more > 0)
			receive(queue, &packet);
	}
	smp_store_release(&queue->rounds, queue->rounds + 1); /* after the commands' ends */
	if (wq_has_sleeper(&queue->answered))
		wake_up_all(&queue->answered);
	if (more < 0)
		storvsc_report_broken(queue);
	return more;
}

/**
 * storvsc_event() - the host signalled the channel
 * @channel: whose
 * @context: the queue
 *
 * Hard interrupt. A queue that is being stopped is not read any more; its ring goes on masked until
 * it is closed.
 *
 * Return: DRAINED if the ring is empty (or broken); POLLING if the worker goes on.
 */
enum hvis_event_result storvsc_event(struct vmbus_channel *channel, void *context)
{
	struct storvsc_queue *queue = context;
	int more;

	if (test_bit(QUEUE_STOPPED, &queue->flags))
		return HVIS_EVENT_POLLING;
	more = read_round(queue);
	if (more > 0)
		queue_work(queue->host->wq, &queue->drain);
	return more > 0 ? HVIS_EVENT_POLLING : HVIS_EVENT_DRAINED;
}

/**
 * storvsc_drain_work() - read on where the interrupt stopped
 * @work: drain of a queue
 *
 * One round per run, so that other work gets its turn; back to the interrupt when the ring is
 * empty.
 */
void storvsc_drain_work(struct work_struct *work)
{
	struct storvsc_queue *queue = container_of(work, struct storvsc_queue, drain);
	int more;

	if (test_bit(QUEUE_STOPPED, &queue->flags))
		return;
	more = read_round(queue);
	if (more > 0)
		queue_work(queue->host->wq, &queue->drain);
	else if (!more)
		hvis_channel_resume(queue->channel);
}

static bool round_is_over(struct storvsc_queue *queue, unsigned int round)
{
	return smp_load_acquire(&queue->rounds) != round; /* before looking at the command */
}

/**
 * storvsc_queue_sync() - wait until a command that is already claimed has ended, too
 * @queue: whose
 *
 * A free slot says that its command was claimed, not that the claimer is done with it. Claiming is
 * fully ordered and happens inside a round, so after seeing a free slot, the round counted here, if
 * any, is that one or a later one; storvsc_slots_fail() holds reaper. May sleep; a round is short,
 * and the bound is for the worst.
 *
 * Return: false if the round did not end in time.
 */
bool storvsc_queue_sync(struct storvsc_queue *queue)
{
	unsigned int round;

	mutex_lock(&queue->host->reaper);
	mutex_unlock(&queue->host->reaper);
	smp_mb(); /* the caller's look at its slot comes before the look at rounds */
	round = READ_ONCE(queue->rounds);
	if (!(round & 1))
		return true;
	return wait_event_timeout(queue->answered, round_is_over(queue, round),
				  msecs_to_jiffies(STORVSC_DRAIN_MS));
}
