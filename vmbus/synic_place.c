// SPDX-License-Identifier: GPL-2.0
/*
 * Which CPU takes whose interrupts: which may be chosen, which must stay, how many channels each has. The SynICs
 * themselves are synic.c's.
 * Invariant: one that is pinned is not let go, and one that is not usable is chosen for nothing.
 */
#include <linux/percpu.h>

#include "internal.h"

/** synic_cpu() - the SynIC of a possible CPU; any context */
struct synic_cpu *synic_cpu(unsigned int cpu)
{
	return per_cpu_ptr(hvis_bus.synic.cpus, cpu);
}

/** synic_set_usable() - it may be chosen from now on; may sleep */
void synic_set_usable(unsigned int cpu)
{
	mutex_lock(&hvis_bus.synic.lock);
	synic_cpu(cpu)->usable = true;
	mutex_unlock(&hvis_bus.synic.lock);
}

/** synic_start_leaving() - it may be chosen no more; false, and nothing changed, if it is pinned; may sleep */
bool synic_start_leaving(unsigned int cpu)
{
	bool pinned;

	mutex_lock(&hvis_bus.synic.lock);
	pinned = synic_cpu(cpu)->pins;
	if (!pinned)
		synic_cpu(cpu)->usable = false;
	mutex_unlock(&hvis_bus.synic.lock);
	return !pinned;
}

/**
 * synic_pin() - choose the first usable CPU, which cannot go offline on most machines, and keep it online
 *
 * May sleep. Return: the CPU; give it back with synic_unpin().
 */
unsigned int synic_pin(void)
{
	unsigned int cpu, first = 0;

	mutex_lock(&hvis_bus.synic.lock);
	for_each_possible_cpu(cpu) {
		if (synic_cpu(cpu)->usable) {
			first = cpu;
			break;
		}
	}
	synic_cpu(first)->pins++;
	mutex_unlock(&hvis_bus.synic.lock);
	return first;
}

/** synic_unpin() - undo synic_pin(); may sleep */
void synic_unpin(unsigned int cpu)
{
	mutex_lock(&hvis_bus.synic.lock);
	synic_cpu(cpu)->pins--;
	mutex_unlock(&hvis_bus.synic.lock);
}

static unsigned int least_loaded(void)
{
	unsigned int cpu, best = nr_cpu_ids;

	lockdep_assert_held(&hvis_bus.synic.lock);
	for_each_possible_cpu(cpu)
		if (synic_cpu(cpu)->usable && (best == nr_cpu_ids || synic_cpu(cpu)->load < synic_cpu(best)->load))
			best = cpu;
	return best;
}

/**
 * synic_take() - choose a CPU for the interrupts of a channel
 * @wish: this one if it is usable; if not, or HVIS_CPU_ANY, the one with the fewest channels
 *
 * It may still go offline, but not before cpu_leaves() was called for it. May sleep.
 * Return: the CPU; give it back with synic_give().
 */
unsigned int synic_take(unsigned int wish)
{
	unsigned int cpu = wish;

	mutex_lock(&hvis_bus.synic.lock);
	if (cpu >= nr_cpu_ids || !synic_cpu(cpu)->usable)
		cpu = least_loaded();
	synic_cpu(cpu)->load++;
	mutex_unlock(&hvis_bus.synic.lock);
	return cpu;
}

/** synic_try_take() - the same for this possible CPU and no other; false: it is not usable; may sleep */
bool synic_try_take(unsigned int cpu)
{
	bool usable;

	mutex_lock(&hvis_bus.synic.lock);
	usable = synic_cpu(cpu)->usable;
	if (usable)
		synic_cpu(cpu)->load++;
	mutex_unlock(&hvis_bus.synic.lock);
	return usable;
}

/** synic_give() - undo synic_take() or synic_try_take(); may sleep */
void synic_give(unsigned int cpu)
{
	mutex_lock(&hvis_bus.synic.lock);
	synic_cpu(cpu)->load--;
	mutex_unlock(&hvis_bus.synic.lock);
}
