// SPDX-License-Identifier: GPL-2.0
/*
 * See pagemap.h. Work goes by words of 64 pages; whole units are one comparison.
 * Invariant: while nobody changes the map, a unit's count is the number of bits that are set in it.
 */
#include "pagemap.h"

#include <stdlib.h>

#define WORD 64u
#define UNIT_WORDS (PAGEMAP_UNIT / WORD)

struct pagemap *pagemap_create(uint64_t pages)
{
	struct pagemap *map = calloc(1, sizeof(*map));
	uint64_t units = (pages + PAGEMAP_UNIT - 1) / PAGEMAP_UNIT;

	if (!map)
		return NULL;
	map->pages = units * PAGEMAP_UNIT;
	map->bits = calloc(units * UNIT_WORDS, sizeof(map->bits[0]));
	map->counts = calloc(units, sizeof(map->counts[0]));
	if (map->bits && map->counts)
		return map;
	pagemap_destroy(map);
	return NULL;
}

void pagemap_destroy(struct pagemap *map)
{
	if (!map)
		return;
	free((void *)map->bits);
	free((void *)map->counts);
	free(map);
}

/* The bits from page @first on in its word, as far as they are below @end. */
static uint64_t mask_of(uint64_t first, uint64_t end)
{
	uint64_t shift = first % WORD, left = end - first;
	uint64_t mask = UINT64_MAX << shift;

	if (left < WORD - shift)
		mask &= UINT64_MAX >> (WORD - shift - left);
	return mask;
}

static uint64_t word_at(const struct pagemap *map, uint64_t page)
{
	return atomic_load_explicit(&map->bits[page / WORD], memory_order_relaxed);
}

static uint64_t next_word(uint64_t page)
{
	return (page / WORD + 1) * WORD;
}

static void put(struct pagemap *map, uint64_t page, uint64_t word)
{
	unsigned int old = (unsigned int)__builtin_popcountll(word_at(map, page)), new = (unsigned int)__builtin_popcountll(word);
	_Atomic uint16_t *count = &map->counts[page / PAGEMAP_UNIT];

	atomic_store_explicit(&map->bits[page / WORD], word, memory_order_relaxed);
	atomic_store_explicit(count, (uint16_t)(pagemap_in_unit(map, page) + new - old), memory_order_relaxed);
}

void pagemap_set(struct pagemap *map, uint64_t first, uint64_t pages)
{
	uint64_t end = first + pages;

	for (; first < end; first = next_word(first))
		put(map, first, word_at(map, first) | mask_of(first, end));
}

void pagemap_clear(struct pagemap *map, uint64_t first, uint64_t pages)
{
	uint64_t end = first + pages;

	for (; first < end; first = next_word(first))
		put(map, first, word_at(map, first) & ~mask_of(first, end));
}

/* No further than the map; @first may be behind it. */
static uint64_t end_of(const struct pagemap *map, uint64_t first, uint64_t pages)
{
	if (first >= map->pages)
		return first;
	return pages < map->pages - first ? first + pages : map->pages;
}

static uint64_t next_unit(uint64_t page)
{
	return (page / PAGEMAP_UNIT + 1) * PAGEMAP_UNIT;
}

uint64_t pagemap_count(const struct pagemap *map, uint64_t first, uint64_t pages)
{
	uint64_t end = end_of(map, first, pages), sum = 0;

	while (first < end) {
		unsigned int in_unit = pagemap_in_unit(map, first);

		if (!in_unit || (first % PAGEMAP_UNIT == 0 && end - first >= PAGEMAP_UNIT)) {
			sum += in_unit;
			first = next_unit(first);
			continue;
		}
		sum += (unsigned int)__builtin_popcountll(word_at(map, first) & mask_of(first, end));
		first = next_word(first);
	}
	return sum;
}

bool pagemap_any(const struct pagemap *map, uint64_t first, uint64_t pages)
{
	uint64_t end = end_of(map, first, pages);

	while (first < end) {
		if (!pagemap_in_unit(map, first)) {
			first = next_unit(first);
			continue;
		}
		if (word_at(map, first) & mask_of(first, end))
			return true;
		first = next_word(first);
	}
	return false;
}

bool pagemap_all(const struct pagemap *map, uint64_t first, uint64_t pages)
{
	return pagemap_count(map, first, pages) == pages;
}

static uint64_t first_set(const struct pagemap *map, uint64_t first, uint64_t end)
{
	while (first < end) {
		uint64_t word;

		if (!pagemap_in_unit(map, first)) {
			first = next_unit(first);
			continue;
		}
		word = word_at(map, first) & mask_of(first, end);
		if (word)
			return first / WORD * WORD + (unsigned int)__builtin_ctzll(word);
		first = next_word(first);
	}
	return end;
}

static uint64_t first_clear(const struct pagemap *map, uint64_t first, uint64_t end)
{
	while (first < end) {
		uint64_t word;

		if (first % PAGEMAP_UNIT == 0 && pagemap_in_unit(map, first) == PAGEMAP_UNIT) {
			first += PAGEMAP_UNIT;
			continue;
		}
		word = ~word_at(map, first) & mask_of(first, end);
		if (word)
			return first / WORD * WORD + (unsigned int)__builtin_ctzll(word);
		first = next_word(first);
	}
	return end;
}

uint64_t pagemap_run(const struct pagemap *map, uint64_t first, uint64_t end, uint64_t *pages)
{
	uint64_t start, stop;

	if (end > map->pages)
		end = map->pages;
	start = first_set(map, first, end);
	stop = first_clear(map, start, end);
	*pages = (stop < end ? stop : end) - start;
	return start;
}
