// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory: owns the memfd, the mapping of each RAM region and the table that tells RAM from
 * holes. Leaves KVM memory slots to vm.c and the e820 map to boot.c.
 * Invariant: the regions never change while the memory lives, so all look-ups are lock free.
 */
#define _GNU_SOURCE
#include "guestmem.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#define PAGE_BYTES 4096ull
#define PAGE_SHIFT 12
#define HUGE_BYTES 0x200000ull

struct guestmem {
	int fd;
	unsigned int region_count;
	struct guestmem_region regions[2];
};

/*
 * The memfd is sparse, so no call below would refuse more than the machine can ever hold: ask
 * first.
 */
static int check_size(uint64_t bytes)
{
	struct sysinfo info;

	if (!bytes || bytes % PAGE_BYTES)
		return EINVAL;
	if (sysinfo(&info))
		return errno;
	if (bytes / info.mem_unit > (uint64_t)info.totalram + info.totalswap)
		return ENOMEM;
	return 0;
}

static void lay_out(struct guestmem *mem, uint64_t bytes)
{
	uint64_t low = bytes < GUESTMEM_LOW_END ? bytes : GUESTMEM_LOW_END;

	mem->regions[0] = (struct guestmem_region){.gpa = 0, .bytes = low, .offset = 0};
	mem->region_count = 1;
	if (bytes == low)
		return;
	mem->regions[1] =
		(struct guestmem_region){.gpa = GUESTMEM_HIGH, .bytes = bytes - low, .offset = low};
	mem->region_count = 2;
}

/*
 * Guest and host addresses must agree in their low 21 bits, or KVM cannot use huge pages: reserve 2
 * MiB more than needed, map at the aligned place in it, give the rest back.
 */
static int map_region(const struct guestmem *mem, struct guestmem_region *region)
{
	size_t reserved = region->bytes + HUGE_BYTES;
	uint8_t *base;
	uint8_t *host;

	base = mmap(NULL, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return errno;
	host = base + (-(uintptr_t)base & (HUGE_BYTES - 1));
	if (mmap(host, region->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, mem->fd,
		 (off_t)region->offset) == MAP_FAILED) {
		int error = errno;

		munmap(base, reserved);
		return error;
	}
	if (host > base)
		munmap(base, (size_t)(host - base));
	munmap(host + region->bytes, (size_t)(base + reserved - (host + region->bytes)));
	region->host = host;
	/* Advice only: without it memory is slower, and core dumps larger. */
	madvise(host, region->bytes, MADV_HUGEPAGE);
	madvise(host, region->bytes, MADV_DONTDUMP);
	return 0;
}

static int map_all(struct guestmem *mem, uint64_t bytes)
{
	mem->fd = memfd_create("hvis-guest", MFD_CLOEXEC);
	if (mem->fd < 0)
		return errno;
	if (ftruncate(mem->fd, (off_t)bytes))
		return errno;
	for (unsigned int i = 0; i < mem->region_count; i++) {
		int error = map_region(mem, &mem->regions[i]);

		if (error)
			return error;
	}
	return 0;
}

struct guestmem *guestmem_create(uint64_t bytes)
{
	struct guestmem *mem;
	int error = check_size(bytes);

	if (error) {
		errno = error;
		return NULL;
	}
	mem = calloc(1, sizeof(*mem));
	if (!mem)
		return NULL;
	lay_out(mem, bytes);
	error = map_all(mem, bytes);
	if (error) {
		guestmem_destroy(mem);
		errno = error;
		return NULL;
	}
	return mem;
}

void guestmem_destroy(struct guestmem *mem)
{
	if (!mem)
		return;
	for (unsigned int i = 0; i < mem->region_count; i++)
		if (mem->regions[i].host)
			munmap(mem->regions[i].host, mem->regions[i].bytes);
	if (mem->fd >= 0)
		close(mem->fd);
	free(mem);
}

unsigned int guestmem_regions(const struct guestmem *mem, const struct guestmem_region **regions)
{
	*regions = mem->regions;
	return mem->region_count;
}

int guestmem_fd(const struct guestmem *mem)
{
	return mem->fd;
}

/* The region that holds all of the range, or NULL. Subtractions only, so nothing can overflow. */
static const struct guestmem_region *find_region(const struct guestmem *mem, uint64_t address,
						 uint64_t bytes)
{
	for (unsigned int i = 0; i < mem->region_count; i++) {
		const struct guestmem_region *region = &mem->regions[i];

		if (address < region->gpa || address - region->gpa >= region->bytes)
			continue;
		if (bytes > region->bytes - (address - region->gpa))
			return NULL;
		return region;
	}
	return NULL;
}

void *guestmem_ptr(const struct guestmem *mem, gpa_t address, size_t bytes)
{
	const struct guestmem_region *region = find_region(mem, address.addr, bytes);

	return region ? (uint8_t *)region->host + (address.addr - region->gpa) : NULL;
}

/* How many pages from pfns[0] on are neighbours, so that one mmap serves them all. */
static unsigned int run_length(const uint64_t *pfns, unsigned int count)
{
	unsigned int run = 1;

	while (run < count && pfns[run] == pfns[0] + run)
		run++;
	return run;
}

static int map_run(const struct guestmem *mem, void *where, uint64_t pfn, unsigned int pages)
{
	const struct guestmem_region *region;
	uint64_t bytes = pages * PAGE_BYTES;

	if (pfn > UINT64_MAX >> PAGE_SHIFT)
		return EFAULT;
	region = find_region(mem, pfn << PAGE_SHIFT, bytes);
	if (!region)
		return EFAULT;
	if (mmap(where, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, mem->fd,
		 (off_t)(region->offset + ((pfn << PAGE_SHIFT) - region->gpa))) == MAP_FAILED)
		return errno;
	return 0;
}

void *guestmem_map(const struct guestmem *mem, const uint64_t *pfns, unsigned int count)
{
	uint8_t *base;
	unsigned int run;
	int error;

	if (!count) {
		errno = EINVAL;
		return NULL;
	}
	base = mmap(NULL, count * PAGE_BYTES, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return NULL;
	for (unsigned int i = 0; i < count; i += run) {
		run = run_length(pfns + i, count - i);
		error = map_run(mem, base + i * PAGE_BYTES, pfns[i], run);
		if (error)
			goto unmap;
	}
	return base;

unmap:
	munmap(base, count * PAGE_BYTES);
	errno = error;
	return NULL;
}

void guestmem_unmap(void *mapping, unsigned int count)
{
	if (mapping)
		munmap(mapping, count * PAGE_BYTES);
}
