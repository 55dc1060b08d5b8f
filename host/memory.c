// SPDX-License-Identifier: GPL-2.0
/*
 * The ledger of ballooned pages: taken, given back, and punched out of the memfd meanwhile. See memory.h; blocks that are hot-added are
 * memory_blocks.c's.
 * Invariant: a ballooned page is gone for guestmem.h, and its number is in exactly one of: the guest's, ballooned, absent. A page that the
 * guest did not give is never punched.
 */
#include "memory_internal.h"

#include <errno.h>
#include <stdlib.h>

#include "log.h"

struct memory *memory_create(struct guestmem *mem, const struct memory_slots *slots)
{
	struct memory *memory = calloc(1, sizeof(*memory));
	const struct guestmem_region *regions, *window = guestmem_window(mem);
	unsigned int count = guestmem_regions(mem, &regions);
	const struct guestmem_region *last = window ? window : &regions[count - 1];

	if (!memory)
		return NULL;
	memory->mem = mem;
	memory->slots = *slots;
	memory->end = (last->gpa + last->bytes) / MEMORY_PAGE;
	for (unsigned int i = 0; i < count; i++)
		memory->startup += regions[i].bytes / MEMORY_PAGE;
	if (window) {
		memory->window = window->gpa / MEMORY_PAGE;
		memory->window_pages = window->bytes / MEMORY_PAGE;
	}
	memory->block = MEMORY_BLOCK_MIN / MEMORY_PAGE;
	memory->ballooned = pagemap_create(memory->end);
	if (memory->ballooned)
		return memory;
	free(memory);
	return NULL;
}

void memory_destroy(struct memory *memory)
{
	if (!memory)
		return;
	pagemap_destroy(memory->ballooned);
	free(memory);
}

const struct memory_counters *memory_counters(const struct memory *memory)
{
	return &memory->counters;
}

uint64_t memory_startup(const struct memory *memory)
{
	return memory->startup;
}

uint64_t memory_resident(const struct memory *memory)
{
	return guestmem_resident(memory->mem);
}

uint64_t memory_assigned(const struct memory *memory)
{
	return memory->startup + memory_load(&memory->counters.added) - memory_load(&memory->counters.ballooned);
}

const char *memory_check(const struct memory *memory, uint64_t pfn, uint64_t pages, uint64_t limit)
{
	if (!pages)
		return "a range without pages";
	if (!guestmem_covers(memory->mem, pfn, pages))
		return "a range outside of memory";
	if (pages > limit)
		return "more pages than were asked for";
	return NULL;
}

const char *memory_take(struct memory *memory, uint64_t pfn, uint64_t pages, uint64_t limit)
{
	const char *why = memory_check(memory, pfn, pages, limit);

	if (why)
		return why;
	if (guestmem_gone(memory->mem, pfn, pages))
		return "a range of which pages are gone already";
	pagemap_set(memory->ballooned, pfn, pages);
	guestmem_set_gone(memory->mem, pfn, pages, true);
	memory_count(&memory->counters.ballooned, pages);
	return NULL;
}

/* Ballooned pages are the guest's again. */
static void return_pages(struct memory *memory, uint64_t pfn, uint64_t pages)
{
	guestmem_set_gone(memory->mem, pfn, pages, false);
	pagemap_clear(memory->ballooned, pfn, pages);
	memory_count(&memory->counters.ballooned, -pages);
}

void memory_untake(struct memory *memory, const struct memory_range *range)
{
	return_pages(memory, range->pfn, range->pages);
}

static int by_pfn(const void *left, const void *right)
{
	const struct memory_range *a = left, *b = right;

	return (a->pfn > b->pfn) - (a->pfn < b->pfn);
}

static bool unit_gone(const struct memory *memory, uint64_t first)
{
	return guestmem_count_gone(memory->mem, first, PAGEMAP_UNIT) == PAGEMAP_UNIT;
}

/* A huge page of which these pages were the last goes in whole: pieces punched before were maybe only zeroed, not freed. */
static void widen(const struct memory *memory, struct memory_range *range)
{
	uint64_t end = range->pfn + range->pages, edge = range->pfn / PAGEMAP_UNIT * PAGEMAP_UNIT;

	if (edge < range->pfn && unit_gone(memory, edge))
		range->pfn = edge;
	edge = end / PAGEMAP_UNIT * PAGEMAP_UNIT;
	if (edge < end && unit_gone(memory, edge))
		end = edge + PAGEMAP_UNIT;
	range->pages = end - range->pfn;
}

static void punch(struct memory *memory, struct memory_range range)
{
	uint64_t pages = range.pages;
	int ret;

	widen(memory, &range);
	ret = guestmem_punch(memory->mem, range.pfn, range.pages);
	memory_count(&memory->counters.punches, 1);
	if (!ret) {
		memory_count(&memory->counters.punched, pages);
		return;
	}
	memory_count(&memory->counters.punch_errors, 1);
	if (!memory->logged)
		log_warn("memory: pages that the guest gave cannot be freed: error %d (more of these are only counted)", -ret);
	memory->logged = true;
}

/* RAM and the window may be neighbours for the guest, but not in the memfd. */
static bool joins(const struct memory *memory, const struct memory_range *left, const struct memory_range *right)
{
	return left->pfn + left->pages == right->pfn && guestmem_covers(memory->mem, left->pfn, left->pages + right->pages);
}

void memory_punch(struct memory *memory, struct memory_range *ranges, unsigned int count)
{
	unsigned int next;

	if (count)
		qsort(ranges, count, sizeof(ranges[0]), by_pfn);
	for (unsigned int i = 0; i < count; i = next) {
		struct memory_range all = ranges[i];

		for (next = i + 1; next < count && joins(memory, &all, &ranges[next]); next++)
			all.pages += ranges[next].pages;
		punch(memory, all);
	}
}

/* One run at or behind @from; @whole: of whole units, or of broken ones. */
static bool find_run(const struct memory *memory, bool whole, uint64_t *from, struct memory_range *run)
{
	while (*from < memory->end) {
		uint64_t edge;

		run->pfn = pagemap_run(memory->ballooned, *from, memory->end, &run->pages);
		if (!run->pages)
			return false;
		edge = (run->pfn / PAGEMAP_UNIT + 1) * PAGEMAP_UNIT;
		if ((pagemap_in_unit(memory->ballooned, run->pfn) == PAGEMAP_UNIT) == whole) {
			if (!whole && run->pages > edge - run->pfn)
				run->pages = edge - run->pfn;
			if (whole && run->pages >= PAGEMAP_UNIT)
				run->pages -= run->pages % PAGEMAP_UNIT;
			return true;
		}
		*from = edge;
	}
	return false;
}

unsigned int memory_give(struct memory *memory, uint64_t pages, struct memory_range *ranges, unsigned int room)
{
	unsigned int count = 0;

	for (unsigned int whole = 0; whole < 2; whole++) {
		uint64_t from = 0;
		struct memory_range run;

		while (pages && count < room && find_run(memory, whole, &from, &run)) {
			if (run.pages > pages)
				run.pages = pages;
			return_pages(memory, run.pfn, run.pages);
			pages -= run.pages;
			from = run.pfn + run.pages;
			if (count && ranges[count - 1].pfn + ranges[count - 1].pages == run.pfn)
				ranges[count - 1].pages += run.pages;
			else
				ranges[count++] = run;
		}
	}
	return count;
}

void memory_give_all(struct memory *memory)
{
	struct memory_range run = { 0 };

	for (;;) {
		run.pfn = pagemap_run(memory->ballooned, run.pfn, memory->end, &run.pages);
		if (!run.pages)
			return;
		return_pages(memory, run.pfn, run.pages);
	}
}
