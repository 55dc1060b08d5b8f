// SPDX-License-Identifier: GPL-2.0
/*
 * What the host is told of the guest's memory: every second, and at once when something changed, but not more often than every
 * BALLOON_PRESSURE_MS. The host also learns here that the guest took pages back.
 *
 * A report is the next thing in the ring behind an answer. A host that has read it has acted on the answer before, as it serves one message
 * after the other; then, and a second after the answer, pages are settled.
 * Invariant: one piece of work sends all reports, and plans the next one.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/mman.h>

#include "internal.h"
#include "trace.h"

/** balloon_total() - pages that the guest has, without what the host has; any context */
u64 balloon_total(const struct balloon *balloon)
{
	return totalram_pages();
}

/** balloon_fixed_floor() - the administrator's floor in pages, 0: the curve; any context */
u64 balloon_fixed_floor(void)
{
	return (u64)READ_ONCE(balloon_floor_mb) << (20 - PAGE_SHIFT);
}

/**
 * balloon_status_soon() - something changed: report it
 * @balloon: the device
 *
 * Any context but NMI. Many calls in a row become one report.
 */
void balloon_status_soon(struct balloon *balloon)
{
	unsigned long due = READ_ONCE(balloon->reported_at) + msecs_to_jiffies(BALLOON_PRESSURE_MS);

	if (balloon_is_gone(balloon) || test_and_set_bit(0, &balloon->early))
		return;
	mod_delayed_work(balloon_wq, &balloon->report, time_before(jiffies, due) ? due - jiffies : 0);
}

static void settle(struct balloon *balloon)
{
	unsigned long due = READ_ONCE(balloon->told_at) + msecs_to_jiffies(BALLOON_SETTLE_MS);

	if (!balloon->ledger.in[LEDGER_TOLD].count || time_before(jiffies, due) || !hvis_channel_all_read(balloon->device->channel))
		return;
	spin_lock(&balloon->lock);
	/* Nothing was told meanwhile. */
	if (time_after_eq(jiffies, READ_ONCE(balloon->told_at) + msecs_to_jiffies(BALLOON_SETTLE_MS)))
		ledger_settle(&balloon->ledger);
	spin_unlock(&balloon->lock);
}

static void fill(struct balloon *balloon, struct dm_status *status)
{
	u64 total = balloon_total(balloon), held;

	spin_lock(&balloon->lock);
	held = ledger_held(&balloon->ledger);
	spin_unlock(&balloon->lock);
	*status = (struct dm_status){
		.header = { DM_STATUS_REPORT, sizeof(*status), atomic_inc_return(&balloon->trans_id) },
		.available = max(si_mem_available(), 0l),
		.committed = vm_memory_committed() + held + balloon_floor(total, balloon_fixed_floor()),
	};
	trace_balloon_report(status->available, status->committed, held, total);
}

static void report(struct balloon *balloon, bool early)
{
	struct dm_status status;

	WRITE_ONCE(balloon->reported_at, jiffies);
	if (balloon->host_flags & DM_CAPS_SUPPRESS_PRESSURE)
		return;
	fill(balloon, &status);
	if (hvis_channel_send_inband(balloon->device->channel, &status, sizeof(status), 0, 0)) {
		balloon->counters.reports_lost++;
		return;
	}
	balloon->counters.reports++;
	balloon->counters.reports_early += early;
}

/** balloon_status_work() - send a report and plan the next one */
void balloon_status_work(struct work_struct *work)
{
	struct balloon *balloon = container_of(to_delayed_work(work), struct balloon, report);
	bool early = test_and_clear_bit(0, &balloon->early);

	if (balloon_is_gone(balloon) || READ_ONCE(balloon->state) == BALLOON_NEGOTIATING)
		return;
	/* What the last report lay behind in the ring was read if that is empty now. */
	settle(balloon);
	report(balloon, early);
	queue_delayed_work(balloon_wq, &balloon->report, msecs_to_jiffies(balloon_status_ms));
}

/** balloon_status_stop() - no more reports; the device is GONE; may sleep */
void balloon_status_stop(struct balloon *balloon)
{
	cancel_delayed_work_sync(&balloon->report);
}
