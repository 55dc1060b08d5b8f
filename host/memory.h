/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What memory a VM has: from the start, ballooned, hot-added. A ledger of pages that the guest gave and of blocks that it was given, and
 * the work on this machine's side: pages punched out of the memfd, memory slots of KVM. Knows no protocol: balloon.h has that.
 * Threads: one at a time changes it, which is the worker of the channel that balloons; numbers may be read by any.
 */
#ifndef HVIS_HOST_MEMORY_H
#define HVIS_HOST_MEMORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "guestmem.h"

#define MEMORY_PAGE 4096ull
#define MEMORY_BLOCK_MIN (128ull << 20) /* bytes; of hot-added memory, as Linux wants them */
#define MEMORY_BLOCK_MAX GUESTMEM_WINDOW_ALIGN
#define MEMORY_RANGES_MAX 510u /* at a time: as many as a message of 4 KiB has */

struct memory;

struct memory_range {
	uint64_t pfn, pages;
};

/**
 * struct memory_slots - who makes memory appear in the guest's address space
 * @set: @slot, a number from 0 on, is @bytes at @host from @gpa on; 0 bytes: gone. Return: 0 or negative errno
 */
struct memory_slots {
	int (*set)(void *context, unsigned int slot, uint64_t gpa, uint64_t bytes, void *host);
	void *context;
};

/* Numbers of pages, readable at any time; each by itself is true, together they may be of different moments. */
struct memory_counters {
	_Atomic uint64_t ballooned; /* given by the guest and not given back */
	_Atomic uint64_t added; /* hot-added and not removed, ballooned ones included */
	_Atomic uint64_t punched; /* given back to this machine, ever */
	_Atomic uint64_t punches; /* system calls for that */
	_Atomic uint64_t punch_errors;
};

/**
 * memory_window() - bytes that guestmem_create_dynamic() needs for a VM that may grow by @bytes
 */
uint64_t memory_window(uint64_t bytes);
/**
 * memory_create() - a ledger in which all of @mem's RAM is the guest's and nothing else is
 * @mem: dynamic
 *
 * Return: NULL: out of memory.
 */
struct memory *memory_create(struct guestmem *mem, const struct memory_slots *slots);
void memory_destroy(struct memory *memory);

const struct memory_counters *memory_counters(const struct memory *memory);
/** memory_startup() - pages from the start. memory_resident() - bytes that this machine spends on the guest's memory. Any thread. */
uint64_t memory_startup(const struct memory *memory);
uint64_t memory_resident(const struct memory *memory);
/** memory_assigned() - pages that the guest has: startup + added - ballooned. Any thread. */
uint64_t memory_assigned(const struct memory *memory);

/**
 * memory_take() - the guest says that it does not use @pages from @pfn on any more
 * @limit: as many it may be
 *
 * All of the range or nothing. They are gone from now on; memory_punch() gives them to this machine. Return: NULL, or why not.
 */
const char *memory_take(struct memory *memory, uint64_t pfn, uint64_t pages, uint64_t limit);
/** memory_untake() - of a range just taken and not punched: it was a lie. */
void memory_untake(struct memory *memory, const struct memory_range *range);
/**
 * memory_punch() - give what was just taken, or removed, back to this machine
 * @ranges: @count of them; are sorted and merged, so that as few system calls as possible do it. A huge page that is gone in whole by now
 *	goes in whole, even where the pages of it came in different messages
 */
void memory_punch(struct memory *memory, struct memory_range *ranges, unsigned int count);

/**
 * memory_give() - choose ballooned pages to be the guest's again, @pages or fewer
 * @ranges: filled in; @room of them at most
 *
 * Those of broken huge pages first, so that the guest gets them whole again; then ascending. They are the guest's from now on, for it may
 * use them as soon as it hears. Return: how many ranges.
 */
unsigned int memory_give(struct memory *memory, uint64_t pages, struct memory_range *ranges, unsigned int room);
/** memory_give_all() - nothing is ballooned any more: the guest's driver has gone, and who knows what it freed. */
void memory_give_all(struct memory *memory);

/** memory_set_block() - hot-added memory comes in blocks of @bytes, a power of two. Return: false: they cannot be of this size (any more). */
bool memory_set_block(struct memory *memory, uint64_t bytes);
/** memory_block() - pages of a block. */
uint64_t memory_block(const struct memory *memory);
/** memory_room() - pages in blocks that could be added. */
uint64_t memory_room(const struct memory *memory);
/**
 * memory_add() - make the next free blocks appear to the guest
 * @pages: at most; whole blocks
 * @range: which they are
 *
 * They are the guest's from now on, as with memory_give(). Return: 0 or negative errno.
 */
int memory_add(struct memory *memory, uint64_t pages, struct memory_range *range);
/** memory_add_end() - the guest has taken only the first @pages of @range; the rest goes again. */
void memory_add_end(struct memory *memory, const struct memory_range *range, uint64_t pages);
/** memory_remove() - the guest says that this range is no memory of its any more. As memory_take(); ballooned pages of it are then not. */
const char *memory_remove(struct memory *memory, uint64_t pfn, uint64_t pages, uint64_t limit);
/** memory_unremove() - as memory_untake(); of the range nothing is ballooned then. */
void memory_unremove(struct memory *memory, const struct memory_range *range);
/** memory_trim() - after memory_punch(): what has no page left of a block disappears from the guest's address space. */
void memory_trim(struct memory *memory);

#endif
