// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of a driver that the host may use, beside the rings: buffers of one GPADL, mapped in one piece. The pages and
 * the conversation are pages.c's.
 * Invariant: what the host may still use is unmapped and leaked, never freed.
 */
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "channel.h"

/**
 * struct hvis_memory - one buffer
 * @shared: its pages
 * @channel: that it is shared through, or NULL; a reference
 * @address: where it is mapped
 * @bytes: its length, whole pages
 */
struct hvis_memory {
	struct shared_pages shared;
	struct vmbus_channel *channel;
	void *address;
	u32 bytes;
};

/**
 * hvis_memory_create() - zeroed memory, which the host knows nothing of yet
 * @bytes: rounded up to whole pages; at most HVIS_MEMORY_MAX
 * @node: NUMA node to prefer, or NUMA_NO_NODE
 *
 * May sleep. Return: the memory; ERR_PTR(-EINVAL, -ENOMEM).
 */
struct hvis_memory *hvis_memory_create(u32 bytes, int node)
{
	struct hvis_memory *memory;
	int error;

	if (!bytes || bytes > HVIS_MEMORY_MAX)
		return ERR_PTR(-EINVAL);
	memory = kzalloc(sizeof(*memory), GFP_KERNEL);
	if (!memory)
		return ERR_PTR(-ENOMEM);
	memory->bytes = PAGE_ALIGN(bytes);
	error = shared_pages_create(&memory->shared, memory->bytes / PAGE_SIZE, node);
	if (error)
		goto free_memory;
	memory->address = vmap(memory->shared.pages, memory->shared.count, VM_MAP, PAGE_KERNEL);
	if (memory->address)
		return memory;
	error = -ENOMEM;
	shared_pages_destroy(&memory->shared);
free_memory:
	kfree(memory);
	return ERR_PTR(error);
}
EXPORT_SYMBOL_GPL(hvis_memory_create);

/** hvis_memory_address() - where it is mapped, from create to destroy; any context */
void *hvis_memory_address(const struct hvis_memory *memory)
{
	return memory->address;
}
EXPORT_SYMBOL_GPL(hvis_memory_address);

/** hvis_memory_bytes() - its length; any context */
u32 hvis_memory_bytes(const struct hvis_memory *memory)
{
	return memory->bytes;
}
EXPORT_SYMBOL_GPL(hvis_memory_bytes);

/**
 * hvis_memory_share() - show it to the host, as a GPADL
 * @memory: not shared
 * @channel: primary, open or closed; the driver's protocol tells the host what it is for
 * @gpadl: handle for that, set on success
 *
 * After an error that says the host may hold the pages, the memory is of no more use but to be destroyed, which leaks
 * it. May sleep, bounded by the bus's time limit. Protocol: GPADL_HEADER (include/linux/hyperv.h of Linux).
 *
 * Return: 0; -EBUSY shared already; -EREMOTEIO refused; -ENODEV rescinded; -ENOMEM; -ETIMEDOUT, -EPROTO: may be held.
 */
int hvis_memory_share(struct hvis_memory *memory, struct vmbus_channel *channel, u32 *gpadl)
{
	int error;

	if (memory->channel)
		return -EBUSY;
	if (hvis_channel_rescinded(channel))
		return -ENODEV;
	kref_get(&channel->ref);
	memory->channel = channel;
	error = shared_pages_share(&memory->shared, channel->relid, &channel->rescinded);
	if (!error) {
		*gpadl = memory->shared.gpadl;
	} else if (error != -ETIMEDOUT && error != -EPROTO) {
		memory->channel = NULL;
		channel_put(channel);
	}
	return error;
}
EXPORT_SYMBOL_GPL(hvis_memory_share);

/**
 * hvis_memory_unshare() - take it back from the host
 * @memory: shared, or not (then nothing happens)
 *
 * The channel is closed, so that the host has no use for it any more. May sleep, bounded.
 * Protocol: GPADL_TEARDOWN.
 *
 * Return: true: it is the driver's alone and may be shared again; false: the host may still use it, destroy it.
 */
bool hvis_memory_unshare(struct hvis_memory *memory)
{
	struct vmbus_channel *channel = memory->channel;

	if (!channel)
		return true;
	if (hvis_channel_rescinded(channel))
		memory->shared.gpadl = 0;
	else if (!memory->shared.gpadl || shared_pages_unshare(&memory->shared, channel->relid, &channel->rescinded))
		return false;
	memory->channel = NULL;
	channel_put(channel);
	return true;
}
EXPORT_SYMBOL_GPL(hvis_memory_unshare);

/**
 * hvis_memory_destroy() - undo hvis_memory_create()
 * @memory: in any state but in use by the driver; if the host may still use it, its pages are leaked with a log line.
 *	May be NULL
 *
 * May sleep, bounded.
 */
void hvis_memory_destroy(struct hvis_memory *memory)
{
	struct vmbus_channel *channel;

	if (!memory)
		return;
	hvis_memory_unshare(memory);
	channel = memory->channel;
	vunmap(memory->address);
	if (channel) {
		shared_pages_leak(&memory->shared, channel->relid, "buffer", "the host did not give them back");
		channel_put(channel);
	} else {
		shared_pages_destroy(&memory->shared);
	}
	kfree(memory);
}
EXPORT_SYMBOL_GPL(hvis_memory_destroy);
