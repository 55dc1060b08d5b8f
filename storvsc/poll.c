// SPDX-License-Identifier: GPL-2.0
/*
 * Polled queues: commands whose submitter waits by asking (io_uring with IOPOLL) and not by
 * sleeping. Their sub-channels are opened so that the host never interrupts for an answer; whoever
 * polls takes the answers, for all who wait on the same queue.
 *
 * Should nobody ask any more, a timer takes them: it runs every STORVSC_REAP_MS while commands are
 * outstanding on the link and at no other time. It is a timer of the tick, so on a CPU that is busy
 * polling it costs no interrupt of its own.
 *
 * Invariant: one reader at a time, poll_lock, which is only ever tried, so that the timer may find
 * a poller on its own CPU; who does not get it leaves the ring to the other, and the timer comes
 * again while anything is outstanding.
 */
#include <linux/jiffies.h>
#include <linux/timer.h>

#include "internal.h"

/* Each side counts its own; a look at both is only a hint unless a barrier says more. */
static bool outstanding(const struct storvsc_link *link)
{
	return READ_ONCE(link->sent) != READ_ONCE(link->answered);
}

/* Return: how many commands it ended. */
static u32 poll_link(struct storvsc_link *link)
{
	u32 found = 0;

	if (!spin_trylock(&link->poll_lock))
		return 0;
	if (!test_bit(LINK_STOPPED, &link->flags)) {
		found = link->answered;
		storvsc_read_round(link);
		found = link->answered - found;
	}
	spin_unlock(&link->poll_lock);
	return found;
}

/**
 * storvsc_mq_poll() - take answers for who polls
 * @shost: the controller
 * @hwq: a polled hardware queue
 *
 * Does not sleep. Where the queue had to fall back to the primary channel there is nothing to take:
 * its answers come by interrupt.
 *
 * Return: how many commands ended.
 */
int storvsc_mq_poll(struct Scsi_Host *shost, unsigned int hwq)
{
	struct storvsc_host *host = shost_priv(shost);
	struct storvsc_link *link = READ_ONCE(host->queues[hwq].link);

	return link->polled ? poll_link(link) : 0;
}

static void reap(struct timer_list *timer)
{
	struct storvsc_link *link = from_timer(link, timer, reap);

	WRITE_ONCE(link->reaped, link->reaped + poll_link(link));
	/* The timer is not pending now; the barrier pairs with the one of who sent. */
	smp_mb();
	if (outstanding(link) && !test_bit(LINK_STOPPED, &link->flags))
		mod_timer(timer, jiffies + msecs_to_jiffies(STORVSC_REAP_MS));
}

/**
 * storvsc_poll_arm() - commands were sent on a polled link
 * @link: the link
 *
 * Once per batch. Any context.
 */
void storvsc_poll_arm(struct storvsc_link *link)
{
	/* sent before the look at the timer, which looks at sent after it is no longer pending. */
	smp_mb();
	if (!timer_pending(&link->reap))
		mod_timer(&link->reap, jiffies + msecs_to_jiffies(STORVSC_REAP_MS));
}

/**
 * storvsc_poll_init() - once per link
 * @link: the link, polled or not
 */
void storvsc_poll_init(struct storvsc_link *link)
{
	spin_lock_init(&link->poll_lock);
	timer_setup(&link->reap, reap, 0);
}

/**
 * storvsc_poll_stop() - end all polling before the channel is closed
 * @link: LINK_STOPPED is set, and nobody sends
 *
 * May sleep.
 */
void storvsc_poll_stop(struct storvsc_link *link)
{
	/* A reader is inside or sees the flag. */
	spin_lock(&link->poll_lock);
	spin_unlock(&link->poll_lock);
	del_timer_sync(&link->reap);
}
