// SPDX-License-Identifier: GPL-2.0
/*
 * Polled queues: commands whose submitter waits by asking (io_uring with IOPOLL) and not by
 * sleeping. Their sub-channels are opened so that the host never interrupts for an answer; whoever
 * polls takes the answers, for all who wait on the same queue.
 *
 * Should nobody ask any more, a piece of work takes them: it runs every STORVSC_REAP_MS while
 * commands are outstanding on the link and at no other time. Its timer is one of the tick, so on a
 * CPU that is busy polling it costs no interrupt of its own. Work and not the timer itself, because
 * the block layer of 6.1 wants polled requests to end in process context.
 *
 * Invariant: one reader at a time, poll_lock, which readers only try: who does not get it leaves
 * the ring to the other, and the work comes again while anything is outstanding.
 */
#include <linux/blk-mq.h>
#include <linux/jiffies.h>
#include <linux/workqueue.h>

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

static void arm(struct storvsc_link *link)
{
	queue_delayed_work(link->host->wq, &link->reap, msecs_to_jiffies(STORVSC_REAP_MS));
}

static void reap(struct work_struct *work)
{
	struct storvsc_link *link = container_of(to_delayed_work(work), struct storvsc_link, reap);

	WRITE_ONCE(link->reaped, link->reaped + poll_link(link));
	/* The work is not pending now; the barrier pairs with the one of who sent. */
	smp_mb();
	if (outstanding(link) && !test_bit(LINK_STOPPED, &link->flags))
		arm(link);
}

/**
 * storvsc_poll_arm() - commands were sent on a polled link
 * @link: the link
 *
 * Once per batch. Any context.
 */
void storvsc_poll_arm(struct storvsc_link *link)
{
	/* sent before the look at the work, which looks at sent after it is no longer pending. */
	smp_mb();
	if (!delayed_work_pending(&link->reap))
		arm(link);
}

/**
 * storvsc_poll_forgo() - a request for a polled queue goes to a channel that interrupts
 * @request: not sent yet
 *
 * Whoever polls for it asks in vain, and sees it end all the same.
 */
void storvsc_poll_forgo(struct request *request)
{
	struct bio *bio;

	request->cmd_flags &= ~REQ_POLLED;
	__rq_for_each_bio(bio, request)
		bio_clear_polled(bio);
}

/**
 * storvsc_poll_init() - once per link
 * @link: the link, polled or not
 */
void storvsc_poll_init(struct storvsc_link *link)
{
	spin_lock_init(&link->poll_lock);
	INIT_DELAYED_WORK(&link->reap, reap);
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
	cancel_delayed_work_sync(&link->reap);
}
