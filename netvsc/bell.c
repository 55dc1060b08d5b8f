// SPDX-License-Identifier: GPL-2.0
/*
 * What the host is not told of at once, and who tells it later: frames of a task that goes on sending, and answers to received packets,
 * which the host does not wait for while it has enough of the receive buffer. Each CPU has one bell per adapter, since it is that CPU's
 * tasks that it listens to, whichever queues they send on; it rings for all queues that something was left on from there.
 * Invariant: whatever was left (tx.left, owed) is written before the queue's bit is looked at, and the bit before the bell is asked.
 */
#include <linux/percpu.h>

#include "internal.h"

#define LATE_TICKS 1 /* that frames of a task that does not sleep are held, in jiffies */
#define HELD_MAX 16u /* frames, so many at most */

/**
 * struct netvsc_bell - of a CPU
 * @nv: whose
 * @bell: NULL: the CPU was not online when the adapter was made, or there was no memory; then nothing is held
 * @queues: on which something was left
 */
struct netvsc_bell {
	struct netvsc *nv;
	struct hvis_bell *bell;
	DECLARE_BITMAP(queues, NETVSC_CHANNELS_MAX);
};

/* Process context or a softirq. */
static void ring(void *context)
{
	struct netvsc_bell *bell = context;
	unsigned int index;

	for_each_set_bit(index, bell->queues, NETVSC_CHANNELS_MAX) {
		if (test_and_clear_bit(index, bell->queues))
			netvsc_tx_ring(&bell->nv->queues[index]);
	}
}

/* Those who call cannot leave their CPU: they hold a transmit lock, or are poll(). */
static struct hvis_bell *mine(struct netvsc_queue *queue)
{
	struct netvsc_bell *bell = this_cpu_ptr(queue->nv->bells);

	smp_mb(); /* what was left before the bit; ring() the other way round */
	if (bell->bell && !test_bit(queue->index, bell->queues))
		set_bit(queue->index, bell->queues);
	return bell->bell;
}

/** netvsc_bell_holds() - a frame was left in @queue, whose transmit lock is held, and all @alone; will netvsc_tx_ring() be called? */
bool netvsc_bell_holds(struct netvsc_queue *queue, bool alone)
{
	return hvis_bell_holds(mine(queue), false, alone);
}

/** netvsc_bell_waits() - acknowledgements were left in @queue, whose transmit lock is held; will netvsc_tx_ring() be called soon? */
bool netvsc_bell_waits(struct netvsc_queue *queue)
{
	return hvis_bell_waits(mine(queue));
}

/** netvsc_bell_later() - answers were left in @queue, by its poll(); will netvsc_tx_ring() be called? */
bool netvsc_bell_later(struct netvsc_queue *queue)
{
	return hvis_bell_later(mine(queue));
}

/**
 * netvsc_bells_create() - one for each CPU that is online
 * @nv: new, with its queues
 *
 * May sleep. Return: 0 or -ENOMEM.
 */
int netvsc_bells_create(struct netvsc *nv)
{
	unsigned int cpu;

	nv->bells = alloc_percpu(struct netvsc_bell);
	if (!nv->bells)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		struct netvsc_bell *bell = per_cpu_ptr(nv->bells, cpu);

		bell->nv = nv;
		if (netvsc_hold && cpu_online(cpu))
			bell->bell = hvis_bell_create(cpu, LATE_TICKS, HELD_MAX, ring, bell);
	}
	return 0;
}

/** netvsc_bells_destroy() - undo netvsc_bells_create(), or nothing; all queues are closed; may sleep */
void netvsc_bells_destroy(struct netvsc *nv)
{
	unsigned int cpu;

	if (!nv->bells)
		return;
	for_each_possible_cpu(cpu)
		hvis_bell_destroy(per_cpu_ptr(nv->bells, cpu)->bell);
	free_percpu(nv->bells);
	nv->bells = NULL;
}
