// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware queues: how many, which CPU uses which, and their slots. What a queue's commands travel
 * on is link.c's.
 * Invariant: the number of queues never changes once the SCSI layer knows it, whatever the host
 * does to the channels; how many are asked for follows from the CPUs present, not from the host.
 */
#include <linux/blk-mq.h>
#include <linux/crash_dump.h>
#include <linux/cpumask.h>
#include <linux/slab.h>

#include "internal.h"

#define BELL_LATE 3 /* ticks that commands of a task that does not sleep are held */
#define BELL_HELD 32u /* commands, so many at most: the usual depth, whether it comes from one queue of the block layer or from 32 */

static u32 cpus(void)
{
	/* The block layer has one queue in a kernel that only saves a crash dump. */
	return is_kdump_kernel() ? 1 : num_present_cpus();
}

static unsigned int nth_cpu(u32 index)
{
	unsigned int cpu;

	for_each_present_cpu(cpu) {
		if (!index--)
			return cpu;
	}
	return cpumask_first(cpu_present_mask);
}

/* Which CPU the channel of a queue is for. */
static unsigned int cpu_of(const struct storvsc_plan *plan, u32 queue)
{
	u32 count = num_present_cpus();

	if (queue < plan->queues)
		return nth_cpu(storvsc_spread_first(queue, count, plan->queues));
	return nth_cpu(storvsc_spread_first(queue - plan->queues, count, plan->polled));
}

static void wish(struct storvsc_plan *plan)
{
	plan->queues = min(cpus(), STORVSC_QUEUES);
	if (storvsc_queue_limit)
		plan->queues = min(plan->queues, storvsc_queue_limit);
	plan->polled = min3(storvsc_poll_queues, cpus(), STORVSC_QUEUES);
	if (is_kdump_kernel())
		plan->polled = 0;
}

static void link_init(struct storvsc_link *link, struct storvsc_host *host, unsigned int index)
{
	link->host = host;
	link->index = index;
	INIT_WORK(&link->drain, storvsc_drain_work);
	INIT_WORK(&link->restart, storvsc_restart_work);
	INIT_WORK(&link->drop, storvsc_link_drop_work);
	storvsc_poll_init(link);
}

/**
 * storvsc_links_create() - as many links as there will be queues at most
 * @host: new; gets the wishes, too
 *
 * May sleep. The links have no channel yet but the primary. storvsc_queues_destroy() frees them.
 *
 * Return: 0 or -ENOMEM.
 */
int storvsc_links_create(struct storvsc_host *host)
{
	u32 i;

	wish(&host->wanted);
	host->plan = host->wanted;
	host->link_count = host->wanted.queues + host->wanted.polled;
	host->ring_bytes = storvsc_ring_bytes ? storvsc_ring_bytes
					      : storvsc_ring_bytes_for(host->link_count);
	host->links = kvcalloc(host->link_count, sizeof(*host->links), GFP_KERNEL);
	if (!host->links)
		return -ENOMEM;
	for (i = 0; i < host->link_count; i++)
		link_init(&host->links[i], host, i);
	host->links[0].channel = host->device->channel;
	host->links[0].cpu = host->link_count > 1 ? cpu_of(&host->plan, 0) : HVIS_CPU_ANY;
	return 0;
}

/**
 * storvsc_queues_plan() - settle the number of queues
 * @host: no queues yet
 * @channels: primary and sub-channels there are
 */
void storvsc_queues_plan(struct storvsc_host *host, u32 channels)
{
	u32 i;

	storvsc_plan_fit(&host->plan, channels);
	for (i = 1; i < host->plan.queues + host->plan.polled; i++) {
		host->links[i].cpu = cpu_of(&host->plan, i);
		host->links[i].polled = i >= host->plan.queues;
	}
}

static int node_of(const struct storvsc_link *link)
{
	return link->cpu == HVIS_CPU_ANY ? NUMA_NO_NODE : cpu_to_node(link->cpu);
}

static void free_queues(struct storvsc_queue *queues, u32 count)
{
	while (count--)
		kvfree(queues[count].slots);
	kvfree(queues);
}

/**
 * storvsc_queues_create() - the planned queues with a slot for each tag
 * @host: its limits negotiated, its channels open
 *
 * May sleep. An interrupt may look for slots already, so the number of queues comes last.
 *
 * Return: 0 or -ENOMEM.
 */
int storvsc_queues_create(struct storvsc_host *host)
{
	u32 count = host->plan.queues + host->plan.polled;
	struct storvsc_queue *queues = kvcalloc(count, sizeof(*queues), GFP_KERNEL);
	size_t bytes = array_size(host->limits.can_queue, sizeof(*queues->slots));
	u32 i;

	if (!queues)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		queues[i].link = &host->links[0];
		queues[i].slots = kvzalloc_node(bytes, GFP_KERNEL,
						node_of(&host->links[i]));
		if (!queues[i].slots) {
			free_queues(queues, i);
			return -ENOMEM;
		}
	}
	for (i = 0; i < count && storvsc_hold; i++) {
		struct storvsc_link *link = &host->links[i];

		if (!link->polled)
			link->bell = hvis_bell_create(link->cpu, BELL_LATE, BELL_HELD, storvsc_link_ring, link);
	}
	host->queues = queues;
	smp_store_release(&host->queue_count, count); /* after queues; receive_answer() */
	storvsc_links_route(host);
	return 0;
}

/**
 * storvsc_queues_destroy() - no command is left and the channels are closed
 * @host: had queues, or not
 *
 * May sleep. A reset by ioctl may still come; it finds the controller dead and no slots.
 */
void storvsc_queues_destroy(struct storvsc_host *host)
{
	u32 i;

	for (i = 0; i < host->queue_count; i++)
		hvis_bell_destroy(host->links[i].bell);
	mutex_lock(&host->reaper);
	free_queues(host->queues, host->queue_count);
	host->queue_count = 0;
	host->queues = NULL;
	kvfree(host->links);
	host->links = NULL;
	host->link_count = 0;
	mutex_unlock(&host->reaper);
}

static void map_type(struct Scsi_Host *shost, enum hctx_type type, u32 queues, u32 offset)
{
	struct blk_mq_queue_map *map = &shost->tag_set.map[type];
	u32 index = 0, count = num_present_cpus();
	unsigned int cpu;

	map->nr_queues = queues;
	map->queue_offset = offset;
	if (!queues)
		return;
	for_each_possible_cpu(cpu) {
		u32 mine = cpu_present(cpu) && index < count ? index++ : cpu % count;

		map->mq_map[cpu] = offset + storvsc_spread(mine, count, queues);
	}
}

/**
 * storvsc_map_queues() - which CPU uses which queue
 * @shost: the controller, its queues settled
 *
 * Reads have no queues of their own. Process context.
 */
void storvsc_map_queues(struct Scsi_Host *shost)
{
	struct storvsc_host *host = shost_priv(shost);

	map_type(shost, HCTX_TYPE_DEFAULT, host->plan.queues, 0);
	if (!host->plan.polled)
		return;
	map_type(shost, HCTX_TYPE_READ, 0, 0);
	map_type(shost, HCTX_TYPE_POLL, host->plan.polled, host->plan.queues);
}

/**
 * storvsc_slot_of() - where the host's debt for a command is written down
 * @host: the controller
 * @cmd: holds a tag
 *
 * Any context. Return: the slot, or NULL when there are none any more.
 */
struct storvsc_slot *storvsc_slot_of(struct storvsc_host *host, struct scsi_cmnd *cmd)
{
	u32 unique = blk_mq_unique_tag(scsi_cmd_to_rq(cmd));
	u32 queue = blk_mq_unique_tag_to_hwq(unique), tag = blk_mq_unique_tag_to_tag(unique);

	if (queue >= host->queue_count || tag >= host->limits.can_queue)
		return NULL;
	return &host->queues[queue].slots[tag];
}
