/* SPDX-License-Identifier: GPL-2.0 */
/* Between memory.c, pages that are ballooned, and memory_blocks.c, blocks that are hot-added. */
#ifndef HVIS_HOST_MEMORY_INTERNAL_H
#define HVIS_HOST_MEMORY_INTERNAL_H

#include "memory.h"
#include "pagemap.h"

/* All in pages. A page of the window is absent while it is gone and not ballooned. */
struct memory {
	struct guestmem *mem;
	struct memory_slots slots;
	uint64_t startup, end;
	uint64_t window, window_pages; /* where it begins; 0 pages: there is none */
	uint64_t block;
	bool slot_set[GUESTMEM_WINDOW_MAX / MEMORY_BLOCK_MIN]; /* by block: it is in the guest's address space */
	struct pagemap *ballooned;
	bool logged; /* the first punch that failed */
	struct memory_counters counters;
};

static inline uint64_t memory_load(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

/* One writer. */
static inline void memory_count(_Atomic uint64_t *counter, uint64_t by)
{
	atomic_store_explicit(counter, memory_load(counter) + by, memory_order_relaxed);
}

/** memory_check() - what is wrong with any range that the guest names. */
const char *memory_check(const struct memory *memory, uint64_t pfn, uint64_t pages, uint64_t limit);

#endif
