/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guest physical memory: one shareable memfd, mapped once. The only place that turns a guest
 * physical address into a pointer, and only together with a length.
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
void guestmem_destroy(struct guestmem *mem);

/** guestmem_regions() - the RAM regions, for KVM memory slots and the e820 map; at most 2. */
unsigned int guestmem_regions(const struct guestmem *mem, const struct guestmem_region **regions);
int guestmem_fd(const struct guestmem *mem);

/**
 * guestmem_ptr() - host pointer to a guest range
 *
 * Return: a pointer valid for @bytes bytes as long as the memory lives, or NULL if any byte of the
 * range is not RAM (overflow included). Any thread, lock free. @bytes 0 is valid inside RAM.
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
