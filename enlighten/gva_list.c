// SPDX-License-Identifier: GPL-2.0
/*
 * Ranges of virtual addresses. Source: TLFS 9.4.2 (HvCallFlushVirtualAddressList): an element is a page's address, and
 * in its low 12 bits how many pages after it.
 * Invariant: the elements cover the range, touch nothing beyond its last page, and never exceed the room.
 */
#include <linux/types.h>

#include "gva_list.h"
#include "wire/hypercall.h"

#define ELEMENT_PAGES (TLFS_FLUSH_MORE_PAGES_MAX + 1ull)

/**
 * gva_list_write() - the pages that [@start, @end) touches
 * @list: written to
 * @room: elements that there are
 * @start: need not be at the beginning of a page
 * @end: exclusive
 *
 * Return: elements written; 0 if there are no pages or they do not fit (then flush everything).
 */
unsigned int gva_list_write(u64 *list, unsigned int room, u64 start, u64 end)
{
	u64 page = start >> TLFS_PAGE_SHIFT, pages, n;
	unsigned int count = 0;

	if (end <= start)
		return 0;
	pages = ((end - 1) >> TLFS_PAGE_SHIFT) - page + 1;
	if ((pages + ELEMENT_PAGES - 1) / ELEMENT_PAGES > room)
		return 0;
	for (; pages; pages -= n, page += n) {
		n = pages < ELEMENT_PAGES ? pages : ELEMENT_PAGES;
		list[count++] = page << TLFS_PAGE_SHIFT | (n - 1);
	}
	return count;
}
