// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of a channel's two rings: their pages, and the mapping with the data pages twice in a row. That the host
 * gets and gives back the pages is pages.c's.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "channel.h"
#include "gpadl.h"

/* Header, data, data again. vmap() keeps no reference to the list. */
static void *map_ring(struct page **pages, u32 count)
{
	const u32 data = count - 1;
	struct page **list;
	void *address;

	list = kvmalloc_array(1 + 2 * data, sizeof(*list), GFP_KERNEL);
	if (!list)
		return NULL;
	list[0] = pages[0];
	memcpy(list + 1, pages + 1, data * sizeof(*list));
	memcpy(list + 1 + data, pages + 1, data * sizeof(*list));
	address = vmap(list, 1 + 2 * data, VM_MAP, PAGE_KERNEL);
	kvfree(list);
	return address;
}

/**
 * ring_memory_create() - zeroed, mapped pages for both rings; the host knows nothing of them
 * @memory: filled in
 * @send_bytes: data bytes of the guest-to-host ring, rounded up to whole pages
 * @recv_bytes: of the host-to-guest ring
 * @node: NUMA node to prefer
 *
 * May sleep. Return: 0, -EINVAL (a size is 0, or too much for one GPADL), -ENOMEM.
 */
int ring_memory_create(struct ring_memory *memory, u32 send_bytes, u32 recv_bytes, int node)
{
	u64 send_pages = 1 + DIV_ROUND_UP_ULL(send_bytes, PAGE_SIZE);
	u64 recv_pages = 1 + DIV_ROUND_UP_ULL(recv_bytes, PAGE_SIZE);
	int error;

	if (!send_bytes || !recv_bytes || send_pages + recv_pages > GPADL_PFNS_MAX)
		return -EINVAL;

	*memory = (struct ring_memory){ .send_pages = send_pages };
	error = shared_pages_create(&memory->shared, send_pages + recv_pages, node);
	if (error)
		return error;
	memory->send = map_ring(memory->shared.pages, send_pages);
	if (!memory->send)
		goto free_pages;
	memory->recv = map_ring(memory->shared.pages + send_pages, recv_pages);
	if (!memory->recv)
		goto unmap_send;
	return 0;

unmap_send:
	vunmap(memory->send);
free_pages:
	shared_pages_destroy(&memory->shared);
	return -ENOMEM;
}

/** ring_memory_destroy() - undo ring_memory_create(); the host is done with the pages; may sleep */
void ring_memory_destroy(struct ring_memory *memory)
{
	vunmap(memory->recv);
	vunmap(memory->send);
	shared_pages_destroy(&memory->shared);
	*memory = (struct ring_memory){};
}

/**
 * ring_memory_leak() - give up the pages: the host may still use them, so nobody else ever can
 * @memory: created
 * @relid: for the log
 * @why: likewise
 *
 * Mapping and bookkeeping go. May sleep.
 */
void ring_memory_leak(struct ring_memory *memory, u32 relid, const char *why)
{
	vunmap(memory->recv);
	vunmap(memory->send);
	shared_pages_leak(&memory->shared, relid, "ring", why);
	*memory = (struct ring_memory){};
}
