// SPDX-License-Identifier: GPL-2.0
/*
 * When the host hears of what was sent: at once, at the end of the poll() that runs, or when the task that sends sleeps.
 * Invariant: tx.left is set before it is looked whether anybody will come by, and whoever came looks at it after saying that he
 * is gone; so nothing is left to nobody.
 */
#include "internal.h"

/**
 * netvsc_tx_push() - commit the messages that were gathered
 * @queue: its transmit lock is held
 *
 * Return: true: something was committed since the last time; the caller signals the host, with the lock or without.
 */
bool netvsc_tx_push(struct netvsc_queue *queue)
{
	struct netvsc_tx *tx = &queue->tx;
	bool unkicked;

	WRITE_ONCE(tx->left, false);
	tx->acks = 0;
	netvsc_tx_flush(queue);
	unkicked = tx->unkicked;
	tx->unkicked = false;
	tx->kicks += unkicked;
	return unkicked;
}

/** netvsc_tx_push_and_kick() - netvsc_tx_push(), and signal the host; the transmit lock is held */
void netvsc_tx_push_and_kick(struct netvsc_queue *queue)
{
	if (netvsc_tx_push(queue))
		netvsc_kick(queue);
}

/**
 * netvsc_tx_collect() - what was left to poll() is committed
 * @queue: poll() is at its end
 *
 * Return: true: the host is to be signalled.
 */
bool netvsc_tx_collect(struct netvsc_queue *queue)
{
	struct netdev_queue *txq = netvsc_txq(queue);
	bool unkicked;

	if (!READ_ONCE(queue->tx.left))
		return false;
	__netif_tx_lock(txq, smp_processor_id());
	unkicked = READ_ONCE(queue->nv->carrying) && netvsc_tx_push(queue);
	__netif_tx_unlock(txq);
	return unkicked;
}

/** netvsc_tx_ring() - for a bell: nothing that was left on @queue waits any longer; process context or a softirq */
void netvsc_tx_ring(struct netvsc_queue *queue)
{
	struct netdev_queue *txq = netvsc_txq(queue);

	if (!READ_ONCE(queue->tx.left) && !READ_ONCE(queue->owed))
		return;
	__netif_tx_lock_bh(txq);
	if (queue->opened && ((READ_ONCE(queue->nv->carrying) && netvsc_tx_push(queue)) || READ_ONCE(queue->owed)))
		netvsc_kick(queue);
	__netif_tx_unlock_bh(txq);
}

/** netvsc_tx_settle() - no more frames come, those that wait go out now; @queue: its channel open; may sleep */
void netvsc_tx_settle(struct netvsc_queue *queue)
{
	struct netdev_queue *txq = netvsc_txq(queue);

	__netif_tx_lock_bh(txq);
	netvsc_tx_push_and_kick(queue);
	__netif_tx_unlock_bh(txq);
}

/* So many acknowledgements without data wait at most: a fast sender's window is larger, and it hears of it in time. */
#define ACKS_WAIT_MAX 8

/*
 * Nobody sleeps until an acknowledgement arrives, but a sender whose window is full. It is put in the ring at once: a host that is awake,
 * since it sends what is acknowledged, finds it there without a doorbell.
 */
static bool ack_waits(struct netvsc_queue *queue)
{
	struct netvsc_tx *tx = &queue->tx;

	if (tx->acks >= ACKS_WAIT_MAX || !netvsc_tx_flush(queue) || !netvsc_bell_waits(queue))
		return false;
	tx->acks++;
	return true;
}

/* The host has answered all frames but the last. */
static bool is_alone(const struct netvsc_tx *tx)
{
	u32 unanswered = tx->slot_count - netvsc_pool_free(&tx->copies) - netvsc_pool_free(&tx->pages);

	return unanswered + tx->batch.messages <= 1;
}

/**
 * netvsc_tx_may_wait() - a frame is in the batch or in the ring; may the rest wait for others?
 * @queue: its transmit lock is held
 * @ack: the frame is a TCP acknowledgement without data
 *
 * Nobody announces more frames, but somebody will come by: poll(), which sends at its end, or the bell, when a task that goes on
 * sending sleeps. So answers to what one poll() received are one batch, and so is what a task sends one by one.
 * Return: false: netvsc_tx_push() now.
 */
bool netvsc_tx_may_wait(struct netvsc_queue *queue, bool ack)
{
	struct netvsc_tx *tx = &queue->tx;

	WRITE_ONCE(tx->left, true);
	smp_mb(); /* left before collecting; poll() the other way round */
	if (READ_ONCE(queue->collecting)) {
		tx->left_to_poll++;
		return true;
	}
	if (!(ack ? ack_waits(queue) : netvsc_bell_holds(queue, is_alone(tx))))
		return false;
	tx->held++;
	return true;
}

/**
 * netvsc_restart_work() - the ring has room again
 * @work: of the queue
 *
 * What waits in the batch goes first, since no frame may come after it.
 */
void netvsc_restart_work(struct work_struct *work)
{
	struct netvsc_queue *queue = container_of(work, struct netvsc_queue, restart);
	struct netdev_queue *txq = netvsc_txq(queue);

	__netif_tx_lock_bh(txq);
	if (READ_ONCE(queue->nv->carrying)) {
		if (netvsc_tx_flush(queue))
			netif_tx_wake_queue(txq);
		netvsc_tx_push_and_kick(queue);
	}
	__netif_tx_unlock_bh(txq);
}
