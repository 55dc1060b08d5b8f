// SPDX-License-Identifier: GPL-2.0
/*
 * CPUs come and go: every channel is asked in turn. How one moves is channel_move.c's.
 * Invariant: each channel that is offered when a CPU starts to leave is visited once, and waits there for an open, a
 * close or another move in progress; whatever is opened or moved later avoids that CPU by itself.
 */
#include <linux/sysfs.h>

#include "channel.h"

/* The one with the next higher number, with a reference. */
static struct vmbus_channel *next_channel(u32 after)
{
	struct vmbus_channel *channel, *next = NULL;

	mutex_lock(&hvis_bus.offers.lock);
	list_for_each_entry(channel, &hvis_bus.offers.channels, link)
		if (channel->relid > after && (!next || channel->relid < next->relid))
			next = channel;
	if (next)
		kref_get(&next->ref);
	mutex_unlock(&hvis_bus.offers.lock);
	return next;
}

/* Ends at the first that fails: with a silent host each costs its time limit. */
static int visit_channels(int (*visit)(struct vmbus_channel *channel, unsigned int cpu), unsigned int cpu)
{
	struct vmbus_channel *channel;
	u32 relid = 0;
	int error = 0;

	if (!connect_is_up())
		return 0;
	while (!error && (channel = next_channel(relid))) {
		relid = channel->relid;
		error = visit(channel, cpu);
		channel_put(channel);
	}
	return error;
}

/** offer_cpu_leaves() - a CPU goes offline; see struct synic_callbacks; 0 or -EBUSY */
int offer_cpu_leaves(unsigned int cpu)
{
	return visit_channels(channel_leave_cpu, cpu) ? -EBUSY : 0;
}

/** offer_cpu_came() - a CPU is online; see struct synic_callbacks */
void offer_cpu_came(unsigned int cpu)
{
	visit_channels(channel_come_home, cpu);
}

/**
 * offer_show_cpus() - the line "number:CPU" of a primary channel and of each of its sub-channels
 * @primary: the former
 * @text: one page
 *
 * May sleep. Return: length.
 */
ssize_t offer_show_cpus(const struct vmbus_channel *primary, char *text)
{
	struct vmbus_channel *channel;
	int length;

	length = sysfs_emit(text, "%u:%u\n", primary->relid, hvis_channel_cpu(primary));
	mutex_lock(&hvis_bus.offers.lock);
	list_for_each_entry(channel, &hvis_bus.offers.channels, link)
		if (channel->primary == primary)
			length += sysfs_emit_at(text, length, "%u:%u\n", channel->relid, hvis_channel_cpu(channel));
	mutex_unlock(&hvis_bus.offers.lock);
	return length;
}
