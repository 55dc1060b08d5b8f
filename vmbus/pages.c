// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that the host may use for a while: single ones, so that no order of allocation can fail for fragmentation, and
 * the GPADL conversation that shows them to the host and takes them back. Who maps them how is the caller's business:
 * ring_memory.c for rings, memory.c for drivers.
 * Invariant: pages in a GPADL go back to the allocator only after the host confirmed its teardown, or never.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/slab.h>

#include "channel.h"
#include "gpadl.h"

static void free_array(struct page **pages, u32 count)
{
	while (count--)
		__free_page(pages[count]);
	kvfree(pages);
}

static struct page **alloc_array(u32 count, int node)
{
	struct page **pages = kvmalloc_array(count, sizeof(*pages), GFP_KERNEL);
	u32 i;

	if (!pages)
		return NULL;
	for (i = 0; i < count; i++) {
		pages[i] = alloc_pages_node(node, GFP_KERNEL | __GFP_ZERO, 0);
		if (!pages[i]) {
			free_array(pages, i);
			return NULL;
		}
	}
	return pages;
}

/**
 * shared_pages_create() - zeroed pages that the host knows nothing of
 * @shared: filled in
 * @count: 1 to GPADL_PFNS_MAX
 * @node: NUMA node to prefer
 *
 * May sleep. Return: 0, -EINVAL, -ENOMEM.
 */
int shared_pages_create(struct shared_pages *shared, u32 count, int node)
{
	if (!count || count > GPADL_PFNS_MAX)
		return -EINVAL;
	*shared = (struct shared_pages){ .count = count };
	shared->pages = alloc_array(count, node);
	return shared->pages ? 0 : -ENOMEM;
}

/** shared_pages_destroy() - undo shared_pages_create(); the host is done with the pages; may sleep */
void shared_pages_destroy(struct shared_pages *shared)
{
	free_array(shared->pages, shared->count);
	*shared = (struct shared_pages){};
}

/**
 * shared_pages_leak() - give up the pages: the host may still use them, so nobody else ever can
 * @shared: created
 * @relid: for the log
 * @what: likewise, as in "ring"
 * @why: likewise
 *
 * May sleep.
 */
void shared_pages_leak(struct shared_pages *shared, u32 relid, const char *what, const char *why)
{
	pr_warn("channel %u: %u %s pages leaked on purpose: %s\n", relid, shared->count, what, why);
	kvfree(shared->pages);
	*shared = (struct shared_pages){};
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

static u64 *page_numbers(const struct shared_pages *shared)
{
	u64 *pfns = kvmalloc_array(shared->count, sizeof(*pfns), GFP_KERNEL);
	u32 i;

	for (i = 0; pfns && i < shared->count; i++)
		pfns[i] = page_to_pfn(shared->pages[i]);
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
		pr_err("channel %u: the host refuses the memory (status 0x%x)\n", relid, created.status);
		return -EREMOTEIO;
	}
	if (!error && created.relid != relid) {
		pr_err("channel %u: the host took the memory for channel %u\n", relid, created.relid);
		return -EPROTO;
	}
	return error;
}

/**
 * shared_pages_share() - show the pages to the host
 * @shared: created
 * @relid: of the channel
 * @gone: becomes true when the host rescinds it
 *
 * May sleep. Return: 0; -ETIMEDOUT no answer, or -EPROTO one for another channel: the host may hold the pages, so leak
 * them; any other error (-EREMOTEIO refused, -ENODEV rescinded, what posting returns, -ENOMEM): the host holds nothing.
 */
int shared_pages_share(struct shared_pages *shared, u32 relid, const bool *gone)
{
	u32 handle = new_handle();
	u64 *pfns = page_numbers(shared);
	int error;

	if (!pfns)
		return -ENOMEM;
	error = create_gpadl(relid, gone, handle, pfns, shared->count);
	if (!error)
		shared->gpadl = handle;
	kvfree(pfns);
	return error;
}

/**
 * shared_pages_unshare() - take the pages back
 * @shared: shared
 * @relid: of the channel, which is closed
 * @gone: becomes true when the host rescinds it
 *
 * May sleep. Return: 0: the host is done with them, also because it rescinded the channel, which ends its GPADLs;
 * anything else: it may not be, so leak them.
 */
int shared_pages_unshare(struct shared_pages *shared, u32 relid, const bool *gone)
{
	const struct chanmsg_gpadl_teardown teardown = {
		.header.type = CHANMSG_GPADL_TEARDOWN, .relid = relid, .gpadl = shared->gpadl,
	};
	struct chanmsg_call call = { .answer = CHANMSG_GPADL_TORNDOWN, .key = shared->gpadl, .gone = gone };
	int error;

	chanmsg_call_begin(&call, NULL, 0);
	error = chanmsg_ask(&call, &teardown, sizeof(teardown), "GPADL_TEARDOWN");
	if (error && error != -ENODEV)
		return error;
	shared->gpadl = 0;
	return 0;
}
