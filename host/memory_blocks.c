// SPDX-License-Identifier: GPL-2.0
/*
 * Hot-added memory: blocks in the window above RAM, each behind a memory slot of its own. See memory.h.
 * Invariant: a block with a page that is not absent has its slot; the slot is there before the guest hears of the block and goes only
 * after all its pages are gone and punched.
 */
#include <errno.h>

#include "log.h"
#include "memory_internal.h"

uint64_t memory_window(uint64_t bytes)
{
	return (bytes + MEMORY_BLOCK_MIN - 1) & ~(MEMORY_BLOCK_MIN - 1);
}

static uint64_t blocks(const struct memory *memory)
{
	return memory->window_pages / memory->block;
}

static uint64_t block_at(const struct memory *memory, uint64_t index)
{
	return memory->window + index * memory->block;
}

bool memory_set_block(struct memory *memory, uint64_t bytes)
{
	if (bytes < MEMORY_BLOCK_MIN)
		bytes = MEMORY_BLOCK_MIN;
	if (bytes / MEMORY_PAGE == memory->block)
		return true;
	if (bytes > MEMORY_BLOCK_MAX)
		return false;
	for (uint64_t i = 0; i < blocks(memory); i++)
		if (memory->slot_set[i])
			return false;
	memory->block = bytes / MEMORY_PAGE;
	return true;
}

uint64_t memory_block(const struct memory *memory)
{
	return memory->block;
}

uint64_t memory_room(const struct memory *memory)
{
	uint64_t room = 0;

	for (uint64_t i = 0; i < blocks(memory); i++)
		room += memory->slot_set[i] ? 0 : memory->block;
	return room;
}

static int set_slot(struct memory *memory, uint64_t index, bool there)
{
	const struct guestmem_region *window = guestmem_window(memory->mem);
	uint64_t offset = index * memory->block * MEMORY_PAGE;
	int ret = memory->slots.set(memory->slots.context, (unsigned int)index, window->gpa + offset,
				    there ? memory->block * MEMORY_PAGE : 0, (uint8_t *)window->host + offset);

	if (!ret)
		memory->slot_set[index] = there;
	else if (!there)
		log_error("memory: block %u cannot be taken out of the guest's address space: error %d", (unsigned int)index, -ret);
	return ret;
}

/* The pages are the guest's, or absent. */
static void set_absent(struct memory *memory, uint64_t pfn, uint64_t pages, bool absent)
{
	guestmem_set_gone(memory->mem, pfn, pages, absent);
	memory_count(&memory->counters.added, absent ? -pages : pages);
}

/* How many blocks from @first on are free, @most are enough. */
static uint64_t free_run(const struct memory *memory, uint64_t first, uint64_t most)
{
	uint64_t count = 0;

	while (count < most && first + count < blocks(memory) && !memory->slot_set[first + count])
		count++;
	return count;
}

int memory_add(struct memory *memory, uint64_t pages, struct memory_range *range)
{
	uint64_t first = 0, count, wanted = pages / memory->block;
	int ret = 0;

	while (first < blocks(memory) && memory->slot_set[first])
		first++;
	count = free_run(memory, first, wanted);
	if (!count)
		return -ENOSPC;
	for (uint64_t i = 0; i < count && !ret; i++) {
		ret = set_slot(memory, first + i, true);
		if (ret)
			count = i;
	}
	if (!count)
		return ret;
	*range = (struct memory_range){ block_at(memory, first), count * memory->block };
	set_absent(memory, range->pfn, range->pages, false);
	return 0;
}

void memory_add_end(struct memory *memory, const struct memory_range *range, uint64_t pages)
{
	struct memory_range rest = { range->pfn + pages, range->pages - pages };

	if (!rest.pages)
		return;
	set_absent(memory, rest.pfn, rest.pages, true);
	memory_punch(memory, &rest, 1);
	memory_trim(memory);
}

/* Pages that are absent: gone, but not ballooned. */
static uint64_t count_absent(const struct memory *memory, uint64_t pfn, uint64_t pages)
{
	return guestmem_count_gone(memory->mem, pfn, pages) - pagemap_count(memory->ballooned, pfn, pages);
}

const char *memory_remove(struct memory *memory, uint64_t pfn, uint64_t pages, uint64_t limit)
{
	const char *why = memory_check(memory, pfn, pages, limit);
	uint64_t ballooned;

	if (why)
		return why;
	if (pfn < memory->window || !memory->window_pages)
		return "a range that was not hot-added";
	if (count_absent(memory, pfn, pages))
		return "a range of which pages are gone already";
	ballooned = pagemap_count(memory->ballooned, pfn, pages);
	pagemap_clear(memory->ballooned, pfn, pages);
	memory_count(&memory->counters.ballooned, -ballooned);
	set_absent(memory, pfn, pages, true);
	return NULL;
}

void memory_unremove(struct memory *memory, const struct memory_range *range)
{
	set_absent(memory, range->pfn, range->pages, false);
}

void memory_trim(struct memory *memory)
{
	for (uint64_t i = 0; i < blocks(memory); i++)
		if (memory->slot_set[i] && count_absent(memory, block_at(memory, i), memory->block) == memory->block)
			set_slot(memory, i, false);
}
