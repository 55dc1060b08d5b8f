// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of a channel's two rings: single pages, so that no order of allocation can fail for fragmentation; their
 * mapping, with the data pages twice in a row; and the GPADL conversation that shows them to the host and takes them
 * back.
 * Invariant: pages in a GPADL go back to the allocator only after the host confirmed its teardown, or never.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "channel.h"
#include "gpadl.h"

static void free_page_array(struct page **pages, u32 count)
{
	while (count--)
		__free_page(pages[count]);
	kvfree(pages);
}

static struct page **alloc_page_array(u32 count, int node)
{
	struct page **pages = kvmalloc_array(count, sizeof(*pages), GFP_KERNEL);
	u32 i;

	if (!pages)
		return NULL;
	for (i = 0; i < count; i++) {
		pages[i] = alloc_pages_node(node, GFP_KERNEL | __GFP_ZERO, 0);
		if (!pages[i]) {
			free_page_array(pages, i);
			return NULL;
		}
	}
	return pages;
}

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

	if (!send_bytes || !recv_bytes || send_pages + recv_pages > GPADL_PFNS_MAX)
		return -EINVAL;

	*memory = (struct ring_memory){ .count = send_pages + recv_pages, .send_pages = send_pages };
	memory->pages = alloc_page_array(memory->count, node);
	if (!memory->pages)
		return -ENOMEM;
	memory->send = map_ring(memory->pages, send_pages);
	if (!memory->send)
		goto free_pages;
	memory->recv = map_ring(memory->pages + send_pages, recv_pages);
	if (!memory->recv)
		goto unmap_send;
	return 0;

unmap_send:
	vunmap(memory->send);
free_pages:
	free_page_array(memory->pages, memory->count);
	return -ENOMEM;
}

/** ring_memory_destroy() - undo ring_memory_create(); the host is done with the pages; may sleep */
void ring_memory_destroy(struct ring_memory *memory)
{
	vunmap(memory->recv);
	vunmap(memory->send);
	free_page_array(memory->pages, memory->count);
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
	pr_warn("channel %u: %u ring pages leaked on purpose: %s\n", relid, memory->count, why);
	vunmap(memory->recv);
	vunmap(memory->send);
	kvfree(memory->pages);
	*memory = (struct ring_memory){};
}

/* Handles are never reused while this module lives, short of four billion of them. */
static u32 new_handle(void)
{
	u32 handle;

	do {
		handle = atomic_inc_return(&hvis_bus.next_id);
	} while (!handle);
	return handle;
}

static u64 *page_numbers(const struct ring_memory *memory)
{
	u64 *pfns = kvmalloc_array(memory->count, sizeof(*pfns), GFP_KERNEL);
	u32 i;

	for (i = 0; pfns && i < memory->count; i++)
		pfns[i] = page_to_pfn(memory->pages[i]);
	return pfns;
}

/* Return: 0, or the error of the post that failed. */
static int post_gpadl(struct gpadl_iter *iter)
{
	u8 buffer[CHANMSG_SIZE_MAX] __aligned(8);
	u32 bytes;
	int error = 0;

	while (!error && (bytes = gpadl_message(iter, buffer)))
		error = chanmsg_post(buffer, bytes);
	return error;
}

static int create_gpadl(u32 relid, const bool *gone, u32 handle, const u64 *pfns, u32 count)
{
	struct chanmsg_call call = { .answer = CHANMSG_GPADL_CREATED, .key = handle, .gone = gone };
	struct chanmsg_gpadl_created created = {};
	struct gpadl_iter iter;
	int error;

	error = gpadl_iter_init(&iter, relid, handle, pfns, count);
	if (error)
		return error;
	chanmsg_call_begin(&call, &created, sizeof(created));
	error = post_gpadl(&iter);
	if (error) {
		chanmsg_call_end(&call);
		/* The host may hold the pages of the messages before the one that failed. */
		return iter.messages > 1 ? -ETIMEDOUT : error;
	}
	error = chanmsg_call_wait(&call, hvis_bus.chanmsg.timeout_ms, "GPADL_HEADER");
	if (!error && created.status) {
		pr_err("channel %u: the host refuses the ring memory (status 0x%x)\n", relid, created.status);
		return -EREMOTEIO;
	}
	if (!error && created.relid != relid) {
		pr_err("channel %u: the host took the ring memory for channel %u\n", relid, created.relid);
		return -EPROTO;
	}
	return error;
}

/**
 * ring_memory_share() - show the pages to the host
 * @memory: created
 * @relid: of the channel
 * @gone: becomes true when the host rescinds it
 *
 * May sleep. Return: 0; -ETIMEDOUT no answer, or -EPROTO one for another channel: the host may hold the pages, so leak
 * them; any other error (-EREMOTEIO refused, -ENODEV rescinded, what posting returns, -ENOMEM): the host holds nothing.
 */
int ring_memory_share(struct ring_memory *memory, u32 relid, const bool *gone)
{
	u32 handle = new_handle();
	u64 *pfns = page_numbers(memory);
	int error;

	if (!pfns)
		return -ENOMEM;
	error = create_gpadl(relid, gone, handle, pfns, memory->count);
	if (!error)
		memory->gpadl = handle;
	kvfree(pfns);
	return error;
}

/**
 * ring_memory_unshare() - take the pages back
 * @memory: shared
 * @relid: of the channel, which is closed
 * @gone: becomes true when the host rescinds it
 *
 * May sleep. Return: 0: the host is done with them, also because it rescinded the channel, which ends its GPADLs;
 * anything else: it may not be, so leak them.
 */
int ring_memory_unshare(struct ring_memory *memory, u32 relid, const bool *gone)
{
	const struct chanmsg_gpadl_teardown teardown = {
		.header.type = CHANMSG_GPADL_TEARDOWN, .relid = relid, .gpadl = memory->gpadl,
	};
	struct chanmsg_call call = { .answer = CHANMSG_GPADL_TORNDOWN, .key = memory->gpadl, .gone = gone };
	int error;

	chanmsg_call_begin(&call, NULL, 0);
	error = chanmsg_ask(&call, &teardown, sizeof(teardown), "GPADL_TEARDOWN");
	if (error && error != -ENODEV)
		return error;
	memory->gpadl = 0;
	return 0;
}
