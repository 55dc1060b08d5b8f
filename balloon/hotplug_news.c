// SPDX-License-Identifier: GPL-2.0
/*
 * A memory block goes offline, by our own doing or the administrator's, with ballooned pages in it: they let themselves be taken along.
 *
 * What the administrator takes offline is no longer ballooned: should it come online again, all of it is the guest's, which the host
 * learns as when the guest takes pages back.
 * Invariant: between GOING_OFFLINE and its end nothing in the ledger's frozen range changes state; one block at a time, as the kernel does it.
 */
#include <linux/jiffies.h>
#include <linux/memory.h>
#include <linux/mm.h>

#include "internal.h"

static void freeze(struct balloon *balloon, struct balloon_run run)
{
	spin_lock(&balloon->lock);
	balloon->ledger.frozen = run;
	balloon_block_hold(balloon, run, false);
	spin_unlock(&balloon->lock);
}

/* Who goes offline has what the host had; @state: to where. */
static void pass(struct ledger *ledger, struct balloon_run range, enum ledger_state state)
{
	struct balloon_run run;
	u64 at;

	for (at = range.pfn; page_set_next(&ledger->in[state], at, range.pfn + range.pages, &run); at = run.pfn + run.pages)
		ledger_move(ledger, run, state, LEDGER_RETURNED);
}

static void thaw(struct balloon *balloon, struct balloon_run run, bool offline)
{
	struct ledger *ledger = &balloon->ledger;

	spin_lock(&balloon->lock);
	/* Somebody else may have objected before we were asked. */
	if (ledger->frozen.pages && ledger->frozen.pfn == run.pfn) {
		if (offline) {
			page_set_remove(&ledger->in[LEDGER_TAKEN], run);
			pass(ledger, run, LEDGER_AGAIN);
			pass(ledger, run, LEDGER_TOLD);
			pass(ledger, run, LEDGER_SETTLED);
		} else {
			balloon_block_hold(balloon, run, true);
		}
		ledger->frozen = (struct balloon_run){};
	}
	spin_unlock(&balloon->lock);
	wake_up_all(&balloon->wait);
}

static int news(struct notifier_block *block, unsigned long what, void *context)
{
	struct balloon *balloon = container_of(block, struct balloon, hotplug);
	const struct memory_notify *notice = context;
	const struct balloon_run run = { notice->start_pfn, notice->nr_pages };

	switch (what) {
	case MEM_GOING_OFFLINE:
		freeze(balloon, run);
		break;
	case MEM_OFFLINE:
	case MEM_CANCEL_OFFLINE:
		thaw(balloon, run, what == MEM_OFFLINE);
		break;
	}
	return NOTIFY_OK;
}

/** balloon_hotplug_start() - hear of it; may sleep. Return: 0 or negative errno. */
int balloon_hotplug_start(struct balloon *balloon)
{
	balloon->hotplug.notifier_call = news;
	return register_memory_notifier(&balloon->hotplug);
}

/** balloon_hotplug_stop() - undo it; may sleep */
void balloon_hotplug_stop(struct balloon *balloon)
{
	unregister_memory_notifier(&balloon->hotplug);
}

/** balloon_thaw_wait() - wait until nothing is on its way offline; not under locks. Return: 0, or -ETIMEDOUT after BALLOON_FROZEN_MS. */
int balloon_thaw_wait(struct balloon *balloon)
{
	return wait_event_timeout(balloon->wait, !READ_ONCE(balloon->ledger.frozen.pages), msecs_to_jiffies(BALLOON_FROZEN_MS)) ? 0 : -ETIMEDOUT;
}
