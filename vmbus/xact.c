// SPDX-License-Identifier: GPL-2.0
/*
 * One request that waits for one answer, the object behind every conversation with the host.
 * Who is asked, and how an answer finds its xact, is the caller's business.
 * Invariant: @answered goes from false to true once, under the lock; whoever moves it decides the
 * outcome (an answer, a failure, or the time limit) and everyone later is refused.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/printk.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "vmbus.h"

/**
 * hvis_xact_init() - get ready for one answer
 * @xact: need not be initialised; a stack object is fine
 * @reply: where the answer goes, or NULL if only its arrival matters
 * @reply_room: its size in bytes
 *
 * Before the request is sent, so that no answer can come too early. Any context.
 */
void hvis_xact_init(struct hvis_xact *xact, void *reply, u32 reply_room)
{
	init_completion(&xact->done);
	spin_lock_init(&xact->lock);
	xact->error = 0;
	xact->reply = reply;
	xact->reply_room = reply ? reply_room : 0;
	xact->reply_bytes = 0;
	xact->answered = false;
}
EXPORT_SYMBOL_GPL(hvis_xact_init);

/* The one transition. The lock is held; false: someone else was first. */
static bool settle(struct hvis_xact *xact, int error)
{
	lockdep_assert_held(&xact->lock);
	if (xact->answered)
		return false;
	xact->answered = true;
	xact->error = error;
	return true;
}

/**
 * hvis_xact_complete() - hand in the answer
 * @xact: initialised, and kept alive by the caller's lookup (see vmbus.h)
 * @reply: private copy of the answer, not ring memory
 * @bytes: its length; what goes beyond reply_room is left out (a newer host may append
 *	fields), so the waiter looks at reply_bytes before it looks at a field
 *
 * Return: true if this is the answer; false if one, a failure or the time limit came before. Any
 * context.
 */
bool hvis_xact_complete(struct hvis_xact *xact, const void *reply, u32 bytes)
{
	unsigned long flags;
	bool first;

	spin_lock_irqsave(&xact->lock, flags);
	first = settle(xact, 0);
	if (first) {
		xact->reply_bytes = min(bytes, xact->reply_room);
		if (xact->reply_bytes)
			memcpy(xact->reply, reply, xact->reply_bytes);
		complete(&xact->done);
	}
	spin_unlock_irqrestore(&xact->lock, flags);
	return first;
}
EXPORT_SYMBOL_GPL(hvis_xact_complete);

/**
 * hvis_xact_fail() - there will be no answer (the channel was rescinded, the ring broke, the post
 * failed)
 * @xact: as for hvis_xact_complete()
 * @error: negative errno for the waiter
 *
 * Does nothing if an answer was first. Any context.
 */
void hvis_xact_fail(struct hvis_xact *xact, int error)
{
	unsigned long flags;

	spin_lock_irqsave(&xact->lock, flags);
	if (settle(xact, error))
		complete(&xact->done);
	spin_unlock_irqrestore(&xact->lock, flags);
}
EXPORT_SYMBOL_GPL(hvis_xact_fail);

/**
 * hvis_xact_wait() - wait for the answer, not longer than it may take
 * @xact: initialised, its request sent
 * @timeout_ms: the bound
 * @what: names the request in the log line of a timeout, such as "OPEN of channel 3"
 *
 * May sleep, not interruptible, bounded. The lock is taken after the wait as well: the answerer
 * holds it over complete(), so it has let go of the xact when this returns. On a timeout, an
 * answer that comes in that last moment still counts; once this returned -ETIMEDOUT none is
 * accepted any more.
 *
 * Return: 0 and reply_bytes bytes in reply; -ETIMEDOUT; or the error of hvis_xact_fail().
 */
int hvis_xact_wait(struct hvis_xact *xact, unsigned int timeout_ms, const char *what)
{
	unsigned long flags;
	bool timed_out;
	int error;

	wait_for_completion_timeout(&xact->done, msecs_to_jiffies(timeout_ms));

	spin_lock_irqsave(&xact->lock, flags);
	timed_out = settle(xact, -ETIMEDOUT);
	error = xact->error;
	spin_unlock_irqrestore(&xact->lock, flags);

	if (timed_out)
		pr_warn("the host did not answer %s within %u ms\n", what, timeout_ms);
	return error;
}
EXPORT_SYMBOL_GPL(hvis_xact_wait);
