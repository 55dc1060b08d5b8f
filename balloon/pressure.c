// SPDX-License-Identifier: GPL-2.0
/*
 * Who notices that memory gets short: PSI cannot be asked by a module, so the kernel's own tracepoints are: kswapd wakes, or somebody who
 * allocates has to reclaim himself. Both cost nothing while nothing happens. And the last call before a process is killed.
 *
 * Invariant: what runs in the context of who allocates needs no memory and waits for nothing.
 */
#include <linux/oom.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "internal.h"
#include "trace.h"

/* Who takes memory for the host makes it short himself, and reports when he is done. */
static void notice(struct balloon *balloon)
{
	if (READ_ONCE(balloon->state) != BALLOON_INFLATING)
		balloon_status_soon(balloon);
}

static void kswapd_wakes(void *context, int node, int zone, int order)
{
	notice(context);
}

static void reclaim_begins(void *context, int order, gfp_t flags)
{
	notice(context);
}

/* The second is called each time that memory is reclaimed for somebody: by then the report is planned, and nothing more happens. */
static const struct {
	const char *name;
	void *probe;
} signs[] = {
	{ "mm_vmscan_kswapd_wake", kswapd_wakes },
	{ "mm_vmscan_direct_reclaim_begin", reclaim_begins },
};

struct search {
	const char *name;
	struct tracepoint *found;
};

static void compare(struct tracepoint *point, void *context)
{
	struct search *search = context;

	if (!strcmp(point->name, search->name))
		search->found = point;
}

static struct tracepoint *find(const char *name)
{
	struct search search = { .name = name };

	for_each_kernel_tracepoint(compare, &search);
	return search.found;
}

/* There is no memory, and a process is about to be killed for it. */
static int nothing_left(struct notifier_block *block, unsigned long unused, void *freed)
{
	struct balloon *balloon = container_of(block, struct balloon, oom);
	u64 pages = balloon_surrender(balloon, BALLOON_SURRENDER_PAGES);

	balloon->counters.ooms++;
	*(unsigned long *)freed += pages;
	if (pages)
		dev_warn_ratelimited(&balloon->device->dev, "out of memory: %llu pages taken back from the host\n", pages);
	balloon_status_soon(balloon);
	return NOTIFY_OK;
}

/** balloon_pressure_start() - notice; may sleep. A kernel without a sign is no error. Return: 0 or negative errno. */
int balloon_pressure_start(struct balloon *balloon)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(signs); i++) {
		struct tracepoint *point = find(signs[i].name);

		if (!point || tracepoint_probe_register(point, signs[i].probe, balloon))
			dev_warn(&balloon->device->dev, "no tracepoint %s: pressure is reported each second only\n",
				 signs[i].name);
	}
	balloon->oom.notifier_call = nothing_left;
	return register_oom_notifier(&balloon->oom);
}

/** balloon_pressure_stop() - undo it; may sleep */
void balloon_pressure_stop(struct balloon *balloon)
{
	unsigned int i;

	unregister_oom_notifier(&balloon->oom);
	for (i = 0; i < ARRAY_SIZE(signs); i++) {
		struct tracepoint *point = find(signs[i].name);

		if (point)
			tracepoint_probe_unregister(point, signs[i].probe, balloon);
	}
	tracepoint_synchronize_unregister();
}
