// SPDX-License-Identifier: GPL-2.0
/*
 * What can be seen, in /sys/kernel/debug/hvis_enlighten/: state (what is on, and what the hypervisor recommends), counters
 * (what happened since the module was loaded). Read only. Invariant: one NAME VALUE a line; names never change.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "internal.h"
#include "spin_wait.h"

static struct dentry *folder;

static const char *advice_name(enum advice advice)
{
	static const char *const names[] = {
		[ADVICE_YES] = "recommended",
		[ADVICE_NO] = "not_recommended",
		[ADVICE_KERNEL] = "kernel",
	};

	return names[advice];
}

static unsigned int known_cpus(void)
{
	unsigned int cpu, count = 0;

	for_each_possible_cpu(cpu)
		count += vp_of_cpu(cpu) != VP_UNKNOWN;
	return count;
}

static int state_show(struct seq_file *file, void *unused)
{
	const struct enlightenment *row;
	unsigned int i;

	for (i = 0; i < ENLIGHTENMENTS; i++) {
		row = enlightenments[i];
		seq_printf(file, "%s %s\n", row->name, enlighten_state_name(atomic_read(&row->state)));
		seq_printf(file, "%s_advice %s\n", row->name, advice_name(row->advice(&enlighten_cpuid)));
	}
	seq_printf(file, "spin_tries %u\n", spin_notify_every(enlighten_cpuid.spin));
	seq_printf(file, "cpus %u\n", known_cpus());
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(state);

/* Read while others write: each figure is right, not their sum at one moment. */
static u64 total(const struct enlightenment *row, unsigned int index)
{
	unsigned int cpu;
	u64 sum = 0;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(row->counters, cpu)[index]);
	return sum;
}

static int counters_show(struct seq_file *file, void *unused)
{
	const struct enlightenment *row;
	unsigned int i, k;

	for (i = 0; i < ENLIGHTENMENTS; i++) {
		row = enlightenments[i];
		for (k = 0; k < row->counter_count; k++)
			seq_printf(file, "%s_%s %llu\n", row->name, row->counter_names[k], total(row, k));
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(counters);

/** enlighten_debugfs_init() - its files; may sleep. Without debugfs nothing happens. */
void enlighten_debugfs_init(void)
{
	folder = debugfs_create_dir("hvis_enlighten", NULL);
	debugfs_create_file("state", 0444, folder, NULL, &state_fops);
	debugfs_create_file("counters", 0444, folder, NULL, &counters_fops);
}

/** enlighten_debugfs_exit() - undo it; may sleep */
void enlighten_debugfs_exit(void)
{
	debugfs_remove(folder);
}
