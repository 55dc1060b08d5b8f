/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guest physical memory: one shareable memfd, mapped once. The only place that turns a guest
 * physical address into a pointer, and only together with a length. Where memory is dynamic, pages may be gone: not there, as far as the
 * guest may name them. Which pages are, memory.c decides.
 */
#ifndef HVIS_HOST_GUESTMEM_H
#define HVIS_HOST_GUESTMEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A guest physical address. A struct, so that it cannot be used as a pointer or an offset by
 * mistake.
 */
typedef struct {
	uint64_t addr;
} gpa_t;

static inline gpa_t gpa(uint64_t addr)
{
	return (gpa_t){addr};
}

/*
 * RAM lies below GUESTMEM_LOW_END and, where there is more, from GUESTMEM_HIGH on; MMIO and APICs
 * in between.
 */
#define GUESTMEM_LOW_END 0xC0000000ull
#define GUESTMEM_HIGH	 0x100000000ull
#define GUESTMEM_WINDOW_ALIGN 0x80000000ull /* of the window: no guest on x86 has memory blocks above 2 GiB */
#define GUESTMEM_WINDOW_MAX 0x2000000000ull /* bytes of it */
#define GUESTMEM_UNIT	 0x200000ull /* a huge page */

struct guestmem;

struct guestmem_region {
	uint64_t gpa;
	uint64_t bytes;
	uint64_t offset; /* into the memfd */
	void *host;
};

/**
 * guestmem_create() - allocate guest memory
 * @bytes: size, a multiple of 4096
 *
 * Return: the memory, zero filled, or NULL with errno set.
 */
struct guestmem *guestmem_create(uint64_t bytes);
/**
 * guestmem_create_dynamic() - the same, where pages come and go
 * @window: bytes of addresses above RAM in which memory may appear while the guest runs, a multiple of GUESTMEM_UNIT; 0: none. All of
 *	them are gone at first
 *
 * The window costs address space only, as long as nobody touches it.
 */
struct guestmem *guestmem_create_dynamic(uint64_t bytes, uint64_t window);
void guestmem_destroy(struct guestmem *mem);

/** guestmem_regions() - the RAM regions, for KVM memory slots and the e820 map; at most 2. */
unsigned int guestmem_regions(const struct guestmem *mem, const struct guestmem_region **regions);
int guestmem_fd(const struct guestmem *mem);
/** guestmem_window() - where memory may appear; NULL: nowhere. */
const struct guestmem_region *guestmem_window(const struct guestmem *mem);

/**
 * guestmem_covers() - whether all of @pages from page @pfn on are RAM or in the window, gone or not
 *
 * Any thread.
 */
bool guestmem_covers(const struct guestmem *mem, uint64_t pfn, uint64_t pages);
/** guestmem_gone() - whether any of these pages, which are covered, is gone. Any thread. */
bool guestmem_gone(const struct guestmem *mem, uint64_t pfn, uint64_t pages);
/** guestmem_count_gone() - how many of them are. Any thread. */
uint64_t guestmem_count_gone(const struct guestmem *mem, uint64_t pfn, uint64_t pages);
/** guestmem_set_gone() - these pages, which are covered, are gone, or are back. Dynamic memory only; one thread at a time. */
void guestmem_set_gone(struct guestmem *mem, uint64_t pfn, uint64_t pages, bool gone);
/**
 * guestmem_punch() - give these pages, which are in one region, back to this machine; they read as zeros from then on
 * Return: 0 or negative errno.
 */
int guestmem_punch(struct guestmem *mem, uint64_t pfn, uint64_t pages);
/** guestmem_resident() - bytes that this machine spends on the guest's memory. Any thread. */
uint64_t guestmem_resident(const struct guestmem *mem);

/**
 * guestmem_ptr() - host pointer to a guest range
 *
 * Return: a pointer valid for @bytes bytes as long as the memory lives, or NULL if any byte of the
 * range is not RAM (overflow included), or gone. Any thread, lock free. @bytes 0 is valid inside RAM. The pointer stays valid when the page
 * goes later: what is written there then is the guest's loss.
 */
void *guestmem_ptr(const struct guestmem *mem, gpa_t address, size_t bytes);

/**
 * guestmem_map() - map scattered guest pages side by side
 * @pfns: guest page numbers, in the order wanted; a page may be named more than once (ring
 *	data twice in a row)
 *
 * Return: a mapping of @count pages sharing the guest's memory, or NULL with errno EFAULT (a page
 * that is not RAM) or of mmap. Undo with guestmem_unmap().
 */
void *guestmem_map(const struct guestmem *mem, const uint64_t *pfns, unsigned int count);
void guestmem_unmap(void *mapping, unsigned int count);

#endif
