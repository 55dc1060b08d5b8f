// SPDX-License-Identifier: GPL-2.0
/*
 * What a worker writes: answers into the host-to-guest ring, or into the backlog while the ring is
 * full, and interrupts. When to flush and to interrupt is worker.c's decision.
 * Invariant: an answer is either in the ring or in the backlog, in order; the backlog never grows.
 */
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "worker_internal.h"

#define BREAKS_LOGGED_MAX 8 /* per channel: a guest cannot fill the log by opening and breaking */

/* One answer that waits for room in the ring. */
struct answer {
	struct packet_desc desc;
	uint32_t bytes;
	uint32_t reserved;
	uint8_t payload[];
};

void worker_break(struct channel_worker *worker, const char *rule)
{
	struct channel *channel = worker->channel;

	if (worker_broken(worker))
		return;
	atomic_store(&channel->broken, rule);
	worker_count(&channel->stats.refused, 1);
	if (channel->breaks_logged++ < BREAKS_LOGGED_MAX)
		log_warn("%s: channel broken by the guest: %s", channel->name, rule);
}

void worker_raise(struct channel_worker *worker, uint32_t flag)
{
	struct channel *channel = worker->channel;

	pthread_mutex_lock(&channel->interrupt_lock);
	if (channel->target_vp != CHANMSG_TARGET_VP_NONE) {
		bool raised = synic_signal(channel->host.synic, channel->target_vp, channel->sint,
					   flag);

		worker_count(raised ? &channel->stats.interrupts : &channel->stats.merged, 1);
		worker_trace_interrupt(worker, channel->target_vp, flag, raised);
	}
	pthread_mutex_unlock(&channel->interrupt_lock);
}

void worker_interrupt(struct channel_worker *worker)
{
	worker->raise = false;
	if (fault_armed(worker->channel->host.fault) && worker_fault_interrupt(worker))
		return;
	worker_raise(worker, worker->channel->relid);
}

static struct answer *backlog_at(struct channel_worker *worker, uint32_t position)
{
	uint32_t slot = (worker->backlog_first + position) % worker->backlog_max;

	return (struct answer *)(worker->backlog + (size_t)slot * worker->slot_bytes);
}

static uint32_t ring_bytes(uint32_t payload)
{
	return sizeof(struct packet_desc) + (payload + 7) / 8 * 8 + RING_TRAILER;
}

/* Return: as ring_write(). */
static int write_answer(struct channel_worker *worker, const struct packet_desc *desc,
			const void *payload, uint32_t bytes)
{
	struct channel_stats *stats = &worker->channel->stats;
	struct ring_piece piece = { payload, bytes };
	int error = ring_write(&worker->out, desc, &piece, 1);

	if (error == -EAGAIN)
		return error;
	if (error) {
		worker_break(worker, worker->out.ring.broken ? worker->out.ring.broken
							      : "ring too small for an answer");
		return error;
	}
	worker_trace_out(worker, desc, payload, bytes);
	worker_count(&stats->packets_out, 1);
	worker_count(&stats->bytes_out, ring_bytes(bytes));
	return 0;
}

static void backlog_add(struct channel_worker *worker, const struct packet_desc *desc,
			const void *payload, uint32_t bytes)
{
	struct answer *answer;

	if (worker->backlog_count == worker->backlog_max) {
		worker_break(worker, "too many messages not read by the guest");
		return;
	}
	answer = backlog_at(worker, worker->backlog_count++);
	answer->desc = *desc;
	answer->bytes = bytes;
	if (bytes)
		memcpy(answer->payload, payload, bytes);
	worker_count(&worker->channel->stats.ring_full, 1);
}

/*
 * Ask the guest to signal when @bytes are free (0: no longer). Return: true if that is news to the
 * guest: then the room must be looked at once more.
 */
static bool want_room(struct channel_worker *worker, uint32_t bytes)
{
	if (worker->wanted == bytes)
		return false;
	worker->wanted = bytes;
	ring_writer_want_room(&worker->out, bytes);
	return true;
}

void worker_flush(struct channel_worker *worker)
{
	while (worker->backlog_count && !worker_broken(worker)) {
		const struct answer *answer = backlog_at(worker, 0);
		int error = write_answer(worker, &answer->desc, answer->payload, answer->bytes);

		if (error == -EAGAIN && !want_room(worker, ring_bytes(answer->bytes)))
			return;
		if (error)
			continue;
		worker->backlog_first = (worker->backlog_first + 1) % worker->backlog_max;
		worker->backlog_count--;
	}
	if (!worker_broken(worker))
		want_room(worker, worker->room_wanted);
}

bool worker_has_room(struct channel_worker *worker)
{
	return !worker->backlog_count &&
	       (!worker->room_wanted || ring_writer_room(&worker->out) >= worker->room_wanted);
}

void worker_put(struct channel_worker *worker, const struct packet_desc *desc, const void *payload,
		uint32_t bytes, bool may_lose)
{
	bool queue = bytes <= worker->ops->completion_max &&
		     worker->backlog_count < worker->backlog_max;

	if (!worker->backlog_count && write_answer(worker, desc, payload, bytes) != -EAGAIN)
		return;
	if (queue || !may_lose)
		backlog_add(worker, desc, payload, bytes);
}

static void answer_guest(struct channel_worker *worker, const struct packet_desc *desc,
			 const void *payload, uint32_t bytes)
{
	if (worker_broken(worker))
		return;
	if (bytes > worker->ops->completion_max) {
		worker_break(worker, "answer longer than its protocol has");
		return;
	}
	if (fault_armed(worker->channel->host.fault) &&
	    worker_fault_out(worker, desc, payload, bytes))
		return;
	worker_put(worker, desc, payload, bytes, false);
}

void channel_complete(struct channel *channel, uint64_t transaction_id, const void *payload,
		      uint32_t bytes)
{
	struct packet_desc desc = { .type = PACKET_COMPLETION, .transaction_id = transaction_id };
	struct channel_worker *worker = channel->worker;

	if (worker->in_flight)
		worker_flying(worker, -1);
	if (!atomic_load_explicit(&channel->silent, memory_order_relaxed))
		answer_guest(worker, &desc, payload, bytes);
}

void channel_send(struct channel *channel, const void *payload, uint32_t bytes)
{
	struct packet_desc desc = { .type = PACKET_INBAND };

	answer_guest(channel->worker, &desc, payload, bytes);
}

bool channel_try_send(struct channel *channel, const struct packet_desc *desc, const void *body,
		      uint32_t bytes)
{
	struct channel_worker *worker = channel->worker;

	if (worker_broken(worker) || atomic_load_explicit(&channel->silent, memory_order_relaxed))
		return false;
	if (worker->backlog_count || ring_writer_room(&worker->out) < ring_bytes(bytes)) {
		worker->room_wanted = ring_bytes(bytes);
		worker->recall = true;
		return false;
	}
	if (!fault_armed(channel->host.fault) || !worker_fault_out(worker, desc, body, bytes))
		write_answer(worker, desc, body, bytes);
	worker->sent = true;
	return true;
}

bool worker_out_create(struct channel_worker *worker)
{
	worker->backlog_max = CHANNEL_IN_FLIGHT_MAX + CHANNEL_UNSOLICITED_MAX;
	worker->slot_bytes = sizeof(struct answer) + (worker->ops->completion_max + 7u) / 8 * 8;
	worker->backlog = calloc(worker->backlog_max, worker->slot_bytes);
	return worker->backlog;
}
