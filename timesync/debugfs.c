// SPDX-License-Identifier: GPL-2.0
/*
 * What this module says about itself below /sys/kernel/debug/hvis_timesync: clock and timers of the machine, and for each device what became of
 * what the host said. Lines of "name value".
 */
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "internal.h"
#include "stimer.h"
#include "vmbus.h"

static struct dentry *folder;

static const char *const count_names[COUNTS] = {
	[COUNT_SAMPLES] = "samples",
	[COUNT_SYNCS] = "syncs",
	[COUNT_STEPS] = "steps",
	[COUNT_REFUSED_SHORT] = "refused_short",
	[COUNT_REFUSED_YEAR] = "refused_year",
	[COUNT_REFUSED_FUTURE] = "refused_future",
	[COUNT_REFUSED_OLD] = "refused_old",
	[COUNT_REFUSED_BACK] = "refused_back",
};

static int clock_show(struct seq_file *file, void *unused)
{
	struct reference *reference = &timesync_reference;

	seq_printf(file, "now %llu\n", timesync_now());
	seq_printf(file, "page %s\n", !reference->page ? "none" : timesync_kernel_owns() ? "kernel" : "ours");
	seq_printf(file, "sequence %u\n", READ_ONCE(reference->known.sequence));
	seq_printf(file, "scale %llu\n", READ_ONCE(reference->known.scale));
	seq_printf(file, "offset %lld\n", READ_ONCE(reference->known.offset));
	seq_printf(file, "changes %d\n", atomic_read(&reference->changes));
	seq_printf(file, "held %d\n", atomic_read(&reference->held));
	seq_printf(file, "fallbacks %d\n", atomic_read(&reference->fallbacks));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(clock);

static int stimer_show(struct seq_file *file, void *unused)
{
	unsigned int cpu;

	seq_printf(file, "way %s\n", stimer_way_name());
	for_each_possible_cpu(cpu)
		if (stimer_of(cpu)->state != STIMER_OFF)
			seq_printf(file, "cpu%u %lu\n", cpu, READ_ONCE(stimer_of(cpu)->expired));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stimer);

static int host_show(struct seq_file *file, void *unused)
{
	struct timesync *timesync = file->private;
	struct host_time newest;
	int i;

	for (i = 0; i < COUNTS; i++)
		seq_printf(file, "%s %d\n", count_names[i], atomic_read(&timesync->counts[i]));
	if (!timesync_newest(timesync, &newest))
		return 0;
	seq_printf(file, "offset_ns %lld\n", READ_ONCE(timesync->offset_ns));
	seq_printf(file, "age_ms %lld\n", (s64)(timesync_now() - newest.reference) / (TLFS_REFERENCE_HZ / 1000));
	seq_printf(file, "leap %u\nstratum %u\n", newest.leap, newest.stratum);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(host);

/** timesync_debugfs_start() - the folder and what is of the machine; may sleep */
void timesync_debugfs_start(void)
{
	folder = debugfs_create_dir("hvis_timesync", NULL);
	debugfs_create_file("clock", 0444, folder, NULL, &clock_fops);
	debugfs_create_file("stimer", 0444, folder, NULL, &stimer_fops);
}

/** timesync_debugfs_stop() - undo timesync_debugfs_start(); nobody reads it when it returns; may sleep */
void timesync_debugfs_stop(void)
{
	debugfs_remove(folder);
}

/** timesync_debugfs_add() - a device's folder; may sleep */
void timesync_debugfs_add(struct timesync *timesync)
{
	timesync->debugfs = debugfs_create_dir(dev_name(&timesync->device->dev), folder);
	debugfs_create_file("host", 0444, timesync->debugfs, timesync, &host_fops);
}

/** timesync_debugfs_remove() - undo timesync_debugfs_add(); may sleep */
void timesync_debugfs_remove(struct timesync *timesync)
{
	debugfs_remove(timesync->debugfs);
}
