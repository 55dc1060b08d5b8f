/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A set of page numbers: a bit each, and how many are set in each 2 MiB, so that a question about pages of which none is set reads one
 * number. One thread changes it (its owner sees to that), any may ask; what is asked while it changes may have either answer.
 */
#ifndef HVIS_HOST_PAGEMAP_H
#define HVIS_HOST_PAGEMAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define PAGEMAP_UNIT 512u /* pages that are counted together: 2 MiB */

struct pagemap {
	uint64_t pages; /* numbers from 0 to below this, a multiple of PAGEMAP_UNIT */
	_Atomic uint64_t *bits;
	_Atomic uint16_t *counts; /* per unit */
};

/** pagemap_create() - an empty set for numbers below @pages, which is rounded up. Return: NULL: out of memory. */
struct pagemap *pagemap_create(uint64_t pages);
void pagemap_destroy(struct pagemap *map);

/** pagemap_set(), pagemap_clear() - all of @pages from @first on, which are below map->pages. @first + @pages does not overflow. */
void pagemap_set(struct pagemap *map, uint64_t first, uint64_t pages);
void pagemap_clear(struct pagemap *map, uint64_t first, uint64_t pages);

/** pagemap_any() - whether any of @pages from @first on is set. Beyond the map nothing is. Any thread, lock free. */
bool pagemap_any(const struct pagemap *map, uint64_t first, uint64_t pages);
/** pagemap_all() - whether all of them are. Any thread. */
bool pagemap_all(const struct pagemap *map, uint64_t first, uint64_t pages);
/** pagemap_count() - how many of them are set. Any thread. */
uint64_t pagemap_count(const struct pagemap *map, uint64_t first, uint64_t pages);
/** pagemap_in_unit() - how many are set in the unit with page @page. Any thread. */
static inline unsigned int pagemap_in_unit(const struct pagemap *map, uint64_t page)
{
	return atomic_load_explicit(&map->counts[page / PAGEMAP_UNIT], memory_order_relaxed);
}

/**
 * pagemap_run() - the first run of pages that are set, from @first on and below @end
 * @pages: how long it is
 *
 * Return: where it begins; @end: there is none. The owner's thread.
 */
uint64_t pagemap_run(const struct pagemap *map, uint64_t first, uint64_t end, uint64_t *pages);

#endif
