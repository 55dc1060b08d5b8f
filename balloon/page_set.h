/* SPDX-License-Identifier: GPL-2.0 */
/* Sets of pages by number, of 4 KiB of bits for each 128 MiB that they touch: page_set.c. */
#ifndef HVIS_BALLOON_PAGE_SET_H
#define HVIS_BALLOON_PAGE_SET_H

#include <linux/types.h>
#include <linux/xarray.h>

#include "message.h"

#define PAGE_SET_CHUNK_PAGES 32768u

/**
 * struct page_set - page numbers
 * @chunks: PAGE_SET_CHUNK_PAGES bits each, by number / PAGE_SET_CHUNK_PAGES
 * @count: of the pages in it
 */
struct page_set {
	struct xarray chunks;
	u64 count;
};

void page_set_init(struct page_set *set);
void page_set_destroy(struct page_set *set);
int page_set_prepare(struct page_set *set, struct balloon_run run, gfp_t flags);
u64 page_set_add(struct page_set *set, struct balloon_run run);
u64 page_set_remove(struct page_set *set, struct balloon_run run);
void page_set_pour(struct page_set *from, struct page_set *to);
bool page_set_has(struct page_set *set, u64 pfn);
u64 page_set_first_gap(struct page_set *set, struct balloon_run run);
bool page_set_next(struct page_set *set, u64 from, u64 to, struct balloon_run *run);

#endif
