// SPDX-License-Identifier: GPL-2.0
/*
 * One memory block comes or goes: added and brought online at once, emptied and removed. Which ones is hot_add.c's and hot_remove.c's.
 *
 * The kernel brings added memory online by itself, or leaves that to user space; a module has no call for it. So this writes what user
 * space would into the block's file "state", by the file's own function, which takes the locks it needs.
 * Invariant: a block is added and online, or not there.
 */
#include <linux/device.h>
#include <linux/jiffies.h>
#include <linux/memory.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "internal.h"

/* The kernel's own bound for memory of this kind (memory_hotplug.auto_movable_ratio). */
#define MOVABLE_TO_OTHER 3

/** memory_block_pages() - the size of one; any context */
u64 memory_block_pages(void)
{
	return memory_block_size_bytes() >> PAGE_SHIFT;
}

/* All devices are in one set, in which those of the bus "memory" have unique names. Return: referenced, or NULL. */
static struct device *find(struct balloon *balloon, u64 pfn)
{
	struct kobject *object;
	struct device *device;
	char name[32];

	snprintf(name, sizeof(name), "memory%llu", pfn / memory_block_pages());
	object = kset_find_obj(balloon->device->dev.kobj.kset, name);
	if (!object)
		return NULL;
	device = kobj_to_dev(object);
	if (device->bus && !strcmp(device->bus->name, "memory"))
		return device;
	put_device(device);
	return NULL;
}

static struct device_attribute *state_of(struct device *device)
{
	const struct attribute_group *const *group = device->groups;
	struct attribute **attribute;

	for (; group && *group; group++) {
		for (attribute = (*group)->attrs; attribute && *attribute; attribute++) {
			if (!strcmp((*attribute)->name, "state"))
				return container_of(*attribute, struct device_attribute, attr);
		}
	}
	return NULL;
}

/* Write into the file. Who finds its lock taken is asked to come again, in the way of a system call. */
static int write_state(struct device *device, const char *word)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(BALLOON_ONLINE_MS);
	struct device_attribute *state = state_of(device);
	ssize_t done;

	if (!state || !state->store)
		return -EOPNOTSUPP;
	do {
		done = state->store(device, state, word, strlen(word));
		if (done != -ERESTARTNOINTR)
			return done < 0 ? done : 0;
		flush_signals(current);
	} while (time_before(jiffies, deadline));
	return -ETIMEDOUT;
}

/* May as much more become movable, and still leave the kernel enough that is not? */
static bool want_movable(void)
{
	u64 movable = memory_block_pages(), other = 0;
	int node, i;

	for_each_online_node(node) {
		for (i = 0; i < MAX_NR_ZONES; i++) {
			u64 pages = NODE_DATA(node)->node_zones[i].present_pages;

			if (i == ZONE_MOVABLE)
				movable += pages;
			else
				other += pages;
		}
	}
	return READ_ONCE(balloon_movable) && movable <= MOVABLE_TO_OTHER * other;
}

#define OFFLINE_TRIES 5
#define OFFLINE_PAUSE_MS 20

/* A block that the kernel brought online just now: who took a page of it meanwhile may let go of it soon, which nobody tells. */
static int bring_offline(struct device *device)
{
	int tries, error = -EBUSY;

	for (tries = 0; error && tries < OFFLINE_TRIES; tries++) {
		if (tries)
			schedule_timeout_idle(msecs_to_jiffies(OFFLINE_PAUSE_MS));
		error = write_state(device, "offline");
	}
	return error;
}

/* A block that the kernel brought online by itself may be in the wrong zone: it is all but empty, so it can change. */
static int bring_online(struct device *device, u64 pfn)
{
	bool movable = want_movable();
	const char *word = movable ? "online_movable" : "online";
	int error;

	if (device->offline)
		return write_state(device, word);
	if (!movable || page_zonenum(pfn_to_page(pfn)) == ZONE_MOVABLE || bring_offline(device))
		return 0;
	error = write_state(device, word);
	return error ? write_state(device, "online") : 0;
}

/**
 * memory_block_add() - add a memory block, and bring it online
 * @balloon: the device
 * @pfn: its first page
 * @node: where it is
 *
 * May sleep. Return: 0; -EEXIST: something else is there; -ENOMEM and others: nothing was added.
 */
int memory_block_add(struct balloon *balloon, u64 pfn, int node)
{
	const u64 start = PFN_PHYS(pfn), bytes = memory_block_size_bytes();
	int error = add_memory(node, start, bytes, MHP_MERGE_RESOURCE);
	struct device *device;

	if (error)
		return error;
	device = find(balloon, pfn);
	error = device ? bring_online(device, pfn) : -ENODEV;
	if (device)
		put_device(device);
	if (error) {
		dev_warn(&balloon->device->dev, "memory block 0x%llx stays offline: error %d\n", start, error);
		if (remove_memory(start, bytes))
			dev_warn(&balloon->device->dev, "memory block 0x%llx stays, offline\n", start);
	}
	return error;
}

static void too_late(struct timer_list *timer)
{
	struct balloon *balloon = from_timer(balloon, timer, limit);

	send_sig(SIGALRM, balloon->server, 1);
}

/**
 * memory_block_remove() - empty a memory block, and remove it
 * @balloon: the device
 * @pfn: its first page
 * @limit_ms: how long it may take: the kernel would try for ever, until a signal
 *
 * The server's. May sleep. Return: 0; -EBUSY: a page in it cannot move; -EINTR: not in that time. Then it is online as before.
 */
int memory_block_remove(struct balloon *balloon, u64 pfn, unsigned int limit_ms)
{
	int error;

	timer_setup(&balloon->limit, too_late, 0);
	mod_timer(&balloon->limit, jiffies + msecs_to_jiffies(limit_ms));
	error = offline_and_remove_memory(PFN_PHYS(pfn), memory_block_size_bytes());
	del_timer_sync(&balloon->limit);
	flush_signals(current);
	return error;
}

/** memory_block_used() - about how many of its pages would have to move; a look without locks; any context */
u64 memory_block_used(u64 pfn)
{
	u64 end = pfn + memory_block_pages(), used = 0;

	for (; pfn < end; pfn++) {
		struct page *page = pfn_to_page(pfn);

		used += page_count(page) && !PageOffline(page);
	}
	return used;
}
