// SPDX-License-Identifier: GPL-2.0
/*
 * What can be seen, in /sys/kernel/debug/hvis_balloon/DEVICE/: memory (where all pages are), counters (what happened). Read only.
 * Invariant: one NAME VALUE a line; names never change.
 */
#include <linux/mm.h>
#include <linux/seq_file.h>

#include "internal.h"
#include "trace.h"

struct line {
	const char *name;
	u32 at;
};

#define LINE(name) { #name, offsetof(struct balloon_counters, name) }

static const struct line lines[] = {
	LINE(requests), LINE(partly), LINE(asked), LINE(inflated), LINE(blocks_large), LINE(blocks_gathered), LINE(gather_failed),
	LINE(blocks_middle), LINE(blocks_small), LINE(messages), LINE(ranges), LINE(unballoons), LINE(deflated), LINE(fulfilled),
	LINE(surrendered), LINE(ooms), LINE(hot_adds), LINE(added), LINE(hot_removes), LINE(removed), LINE(remove_failed),
	LINE(remove_late), LINE(reports), LINE(reports_early), LINE(reports_lost), LINE(send_failed),
};

static int counters_show(struct seq_file *file, void *unused)
{
	struct balloon *balloon = file->private;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lines); i++)
		seq_printf(file, "%s %llu\n", lines[i].name, READ_ONCE(*(u64 *)((u8 *)&balloon->counters + lines[i].at)));
	for (i = 0; i < REFUSALS; i++)
		seq_printf(file, "%s %d\n", balloon_refusal_name(i), atomic_read(&balloon->refused[i]));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(counters);

struct extent {
	u64 ranges;
	u64 largest;
	u64 smallest;
};

/* Of what the host has, a chunk at a time under the lock; a range that is settled in part counts as several. */
static struct extent measure(struct balloon *balloon, enum ledger_state state)
{
	struct extent extent = { .smallest = U64_MAX };
	struct balloon_run run;
	u64 at = 0;
	bool found;

	do {
		spin_lock(&balloon->lock);
		found = page_set_next(&balloon->ledger.in[state], at, balloon->ledger.page_limit, &run);
		spin_unlock(&balloon->lock);
		if (!found)
			break;
		extent.ranges++;
		extent.largest = max(extent.largest, run.pages);
		extent.smallest = min(extent.smallest, run.pages);
		at = run.pfn + run.pages;
		cond_resched();
	} while (found);
	if (!extent.ranges)
		extent.smallest = 0;
	return extent;
}

static void show_ledger(struct seq_file *file, struct balloon *balloon)
{
	u64 counts[LEDGER_STATES];
	int i;

	spin_lock(&balloon->lock);
	for (i = 0; i < LEDGER_STATES; i++)
		counts[i] = balloon->ledger.in[i].count;
	spin_unlock(&balloon->lock);
	seq_printf(file, "ballooned %llu\n", counts[LEDGER_TOLD] + counts[LEDGER_SETTLED]);
	seq_printf(file, "taken %llu\n", counts[LEDGER_TAKEN] + counts[LEDGER_AGAIN]);
	seq_printf(file, "told %llu\n", counts[LEDGER_TOLD]);
	seq_printf(file, "settled %llu\n", counts[LEDGER_SETTLED]);
	seq_printf(file, "returned %llu\n", counts[LEDGER_RETURNED]);
}

static int memory_show(struct seq_file *file, void *unused)
{
	struct balloon *balloon = file->private;
	struct extent told = measure(balloon, LEDGER_TOLD), settled = measure(balloon, LEDGER_SETTLED);
	u64 total = balloon_total(balloon);

	seq_printf(file, "state %s\n", balloon_state_name(READ_ONCE(balloon->state)));
	seq_printf(file, "version %u.%u\n", balloon->version >> 16, balloon->version & 0xFFFF);
	show_ledger(file, balloon);
	seq_printf(file, "ranges %llu\n", told.ranges + settled.ranges);
	seq_printf(file, "largest_range %llu\n", max(told.largest, settled.largest));
	seq_printf(file, "smallest_range %llu\n", told.ranges && settled.ranges ? min(told.smallest, settled.smallest) :
					 told.smallest + settled.smallest);
	seq_printf(file, "added %llu\n", READ_ONCE(balloon->added.count));
	seq_printf(file, "limit %llu\n", READ_ONCE(balloon->page_count_max));
	seq_printf(file, "total %llu\n", total);
	seq_printf(file, "floor %llu\n", balloon_floor(total, balloon_fixed_floor()));
	seq_printf(file, "available %ld\n", si_mem_available());
	seq_printf(file, "memory_block %llu\n", memory_block_pages());
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(memory);

/** balloon_debugfs_start() - its files; may sleep. Without debugfs nothing happens. */
void balloon_debugfs_start(struct balloon *balloon)
{
	balloon->folder = debugfs_create_dir(dev_name(&balloon->device->dev), balloon_debugfs);
	debugfs_create_file("memory", 0444, balloon->folder, balloon, &memory_fops);
	debugfs_create_file("counters", 0444, balloon->folder, balloon, &counters_fops);
}

/** balloon_debugfs_stop() - undo it; when it returns nobody reads them; may sleep */
void balloon_debugfs_stop(struct balloon *balloon)
{
	debugfs_remove(balloon->folder);
}
