// SPDX-License-Identifier: GPL-2.0
/*
 * Sets of pages by number. Bits, not ranges: neighbours are one range without anybody merging them, any part may leave without memory
 * being needed, and no page is in a set twice. Pure logic; the caller keeps others away.
 * Invariant: count is the number of bits; once prepared, a page can be added and removed without memory for ever after.
 */
#include <linux/bitmap.h>
#include <linux/kernel.h>
#include <linux/slab.h>

#include "page_set.h"

struct chunk {
	unsigned long bits[PAGE_SET_CHUNK_PAGES / 64];
};

/* What of @run lies in the chunk of its first page: @at, and the pages returned. */
static u32 first_part(struct balloon_run run, u32 *at)
{
	*at = run.pfn % PAGE_SET_CHUNK_PAGES;
	return min_t(u64, run.pages, PAGE_SET_CHUNK_PAGES - *at);
}

static struct chunk *chunk_of(struct page_set *set, u64 pfn)
{
	return xa_load(&set->chunks, pfn / PAGE_SET_CHUNK_PAGES);
}

/** page_set_init() - an empty set; any context */
void page_set_init(struct page_set *set)
{
	xa_init(&set->chunks);
	set->count = 0;
}

/** page_set_destroy() - give back its memory, whatever was in it; may sleep */
void page_set_destroy(struct page_set *set)
{
	struct chunk *chunk;
	unsigned long index;

	xa_for_each(&set->chunks, index, chunk)
		kfree(chunk);
	xa_destroy(&set->chunks);
	set->count = 0;
}

static int prepare_chunk(struct page_set *set, u64 index, gfp_t flags)
{
	struct chunk *chunk = kzalloc(sizeof(*chunk), flags);
	int error;

	if (!chunk)
		return -ENOMEM;
	error = xa_insert(&set->chunks, index, chunk, flags);
	if (error)
		kfree(chunk);
	return error;
}

/**
 * page_set_prepare() - memory for bits of these pages
 * @set: others may read it meanwhile
 * @run: not past the last page number that fits in 64 bits
 * @flags: GFP_*
 *
 * One caller at a time. Context: as @flags says. Return: 0 or -ENOMEM.
 */
int page_set_prepare(struct page_set *set, struct balloon_run run, gfp_t flags)
{
	u64 index = run.pfn / PAGE_SET_CHUNK_PAGES, last = (run.pfn + run.pages - 1) / PAGE_SET_CHUNK_PAGES;
	int error = 0;

	for (; run.pages && index <= last && !error; index++) {
		if (!xa_load(&set->chunks, index))
			error = prepare_chunk(set, index, flags);
	}
	return error;
}

static u32 weight(const unsigned long *bits, u32 at, u32 end)
{
	u32 sum = 0;

	while (at < end) {
		u32 next = min(end, at / 64 * 64 + 64);

		sum += hweight64(bits[at / 64] & GENMASK_ULL((next - 1) % 64, at % 64));
		at = next;
	}
	return sum;
}

static u64 change(struct page_set *set, struct balloon_run run, bool add)
{
	u64 before = set->count;

	while (run.pages) {
		u32 at, part = first_part(run, &at), had;
		struct chunk *chunk = chunk_of(set, run.pfn);

		if (chunk) {
			had = weight(chunk->bits, at, at + part);
			if (add)
				bitmap_set(chunk->bits, at, part);
			else
				bitmap_clear(chunk->bits, at, part);
			set->count += add ? part - had : -(u64)had;
		}
		run.pfn += part;
		run.pages -= part;
	}
	return add ? set->count - before : before - set->count;
}

/** page_set_add() - add pages that were prepared for; any context. Return: how many were not in it. */
u64 page_set_add(struct page_set *set, struct balloon_run run)
{
	return change(set, run, true);
}

/** page_set_remove() - remove pages, whether in it or not; any context. Return: how many were in it. */
u64 page_set_remove(struct page_set *set, struct balloon_run run)
{
	return change(set, run, false);
}

/**
 * page_set_pour() - move all pages of one set into another
 * @from: empty afterwards
 * @to: prepared for all pages that were ever in @from
 *
 * Any context; time is that of the memory that the sets were prepared for, a few microseconds per GiB.
 */
void page_set_pour(struct page_set *from, struct page_set *to)
{
	struct chunk *chunk, *into;
	unsigned long index;

	if (!from->count)
		return;
	xa_for_each(&from->chunks, index, chunk) {
		into = xa_load(&to->chunks, index);
		to->count -= weight(into->bits, 0, PAGE_SET_CHUNK_PAGES);
		bitmap_or(into->bits, into->bits, chunk->bits, PAGE_SET_CHUNK_PAGES);
		to->count += weight(into->bits, 0, PAGE_SET_CHUNK_PAGES);
		bitmap_zero(chunk->bits, PAGE_SET_CHUNK_PAGES);
	}
	from->count = 0;
}

/** page_set_has() - is this page in it? Any context. */
bool page_set_has(struct page_set *set, u64 pfn)
{
	struct chunk *chunk = chunk_of(set, pfn);

	return chunk && test_bit(pfn % PAGE_SET_CHUNK_PAGES, chunk->bits);
}

/** page_set_first_gap() - how many pages from the first one of @run on are in the set; any context */
u64 page_set_first_gap(struct page_set *set, struct balloon_run run)
{
	u64 done = 0;

	while (run.pages) {
		u32 at, part = first_part(run, &at), end;
		struct chunk *chunk = chunk_of(set, run.pfn);

		if (!chunk)
			return done;
		end = find_next_zero_bit(chunk->bits, at + part, at);
		done += end - at;
		if (end < at + part)
			return done;
		run.pfn += part;
		run.pages -= part;
	}
	return done;
}

/* The first page in the set from @from on, below @to; @to: there is none. */
static u64 next_page(struct page_set *set, u64 from, u64 to)
{
	unsigned long index = from / PAGE_SET_CHUNK_PAGES;
	struct chunk *chunk;

	for (chunk = xa_find(&set->chunks, &index, ULONG_MAX, XA_PRESENT); chunk;
	     chunk = xa_find_after(&set->chunks, &index, ULONG_MAX, XA_PRESENT)) {
		u64 base = (u64)index * PAGE_SET_CHUNK_PAGES;
		u32 at = from > base ? from - base : 0;

		if (base >= to)
			break;
		at = find_next_bit(chunk->bits, PAGE_SET_CHUNK_PAGES, at);
		if (at < PAGE_SET_CHUNK_PAGES)
			return min(base + at, to);
	}
	return to;
}

/**
 * page_set_next() - the next pages in a row
 * @set: the set
 * @from: first page number to look at
 * @to: first one not to look at
 * @run: filled in if there is one; ends where the row ends, or at @to
 *
 * Any context; time is that of the run and of the chunks before it. Return: whether there is one.
 */
bool page_set_next(struct page_set *set, u64 from, u64 to, struct balloon_run *run)
{
	u64 first;

	if (from >= to)
		return false;
	first = next_page(set, from, to);
	if (first == to)
		return false;
	run->pfn = first;
	run->pages = page_set_first_gap(set, (struct balloon_run){ first, to - first });
	return true;
}
