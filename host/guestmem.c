// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory: owns the memfd, the mapping of each RAM region and the table that tells RAM from
 * holes. Leaves KVM memory slots to vm.c, the e820 map to boot.c, and who takes pages away to memory.c.
 * Invariant: the regions never change while the memory lives, the window for memory to come included: it is mapped from the start, and
 * only a map of pages says what of it is there. So all look-ups are lock free, and a pointer once given never dangles.
 */
#define _GNU_SOURCE
#include "guestmem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "pagemap.h"

#define PAGE_BYTES 4096ull
#define PAGE_SHIFT 12
#define HUGE_BYTES GUESTMEM_UNIT

struct guestmem {
	int fd;
	unsigned int region_count; /* RAM from the start, then maybe the window */
	unsigned int ram_count;
	struct guestmem_region regions[3];
	struct pagemap *gone; /* NULL: memory is not dynamic */
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
	mem->ram_count = 1;
	if (bytes > low) {
		mem->regions[1] =
			(struct guestmem_region){.gpa = GUESTMEM_HIGH, .bytes = bytes - low, .offset = low};
		mem->ram_count = 2;
	}
	mem->region_count = mem->ram_count;
}

static uint64_t end_of(const struct guestmem_region *region)
{
	return region->gpa + region->bytes;
}

/* Above all RAM and above 4 GiB. Its bytes of the memfd begin at a huge page, too. */
static void add_window(struct guestmem *mem, uint64_t bytes, uint64_t window)
{
	uint64_t start = end_of(&mem->regions[mem->ram_count - 1]);

	if (start < GUESTMEM_HIGH)
		start = GUESTMEM_HIGH;
	start = (start + GUESTMEM_WINDOW_ALIGN - 1) & ~(GUESTMEM_WINDOW_ALIGN - 1);
	mem->regions[mem->region_count++] = (struct guestmem_region){
		.gpa = start,
		.bytes = window,
		.offset = (bytes + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1),
	};
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

static int map_all(struct guestmem *mem)
{
	const struct guestmem_region *last = &mem->regions[mem->region_count - 1];

	mem->fd = memfd_create("hvis-guest", MFD_CLOEXEC);
	if (mem->fd < 0)
		return errno;
	if (ftruncate(mem->fd, (off_t)(last->offset + last->bytes)))
		return errno;
	for (unsigned int i = 0; i < mem->region_count; i++) {
		int error = map_region(mem, &mem->regions[i]);

		if (error)
			return error;
	}
	return 0;
}

static struct guestmem *create(uint64_t bytes, uint64_t window, bool dynamic)
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
	mem->fd = -1;
	lay_out(mem, bytes);
	if (window)
		add_window(mem, bytes, window);
	if (dynamic)
		mem->gone = pagemap_create(end_of(&mem->regions[mem->region_count - 1]) >> PAGE_SHIFT);
	error = dynamic && !mem->gone ? ENOMEM : map_all(mem);
	if (error) {
		guestmem_destroy(mem);
		errno = error;
		return NULL;
	}
	return mem;
}

struct guestmem *guestmem_create(uint64_t bytes)
{
	return create(bytes, 0, false);
}

struct guestmem *guestmem_create_dynamic(uint64_t bytes, uint64_t window)
{
	struct guestmem *mem = create(bytes, window, true);

	if (mem && window)
		guestmem_set_gone(mem, guestmem_window(mem)->gpa >> PAGE_SHIFT, window >> PAGE_SHIFT, true);
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
	pagemap_destroy(mem->gone);
	free(mem);
}

unsigned int guestmem_regions(const struct guestmem *mem, const struct guestmem_region **regions)
{
	*regions = mem->regions;
	return mem->ram_count;
}

const struct guestmem_region *guestmem_window(const struct guestmem *mem)
{
	return mem->region_count > mem->ram_count ? &mem->regions[mem->ram_count] : NULL;
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

/* The same, if none of it is gone. */
static const struct guestmem_region *find_present(const struct guestmem *mem, uint64_t address, uint64_t bytes)
{
	const struct guestmem_region *region = find_region(mem, address, bytes);

	if (!region || !mem->gone)
		return region;
	return pagemap_any(mem->gone, address >> PAGE_SHIFT, (address % PAGE_BYTES + bytes + PAGE_BYTES - 1) >> PAGE_SHIFT) ? NULL : region;
}

void *guestmem_ptr(const struct guestmem *mem, gpa_t address, size_t bytes)
{
	const struct guestmem_region *region = find_present(mem, address.addr, bytes);

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
	region = find_present(mem, pfn << PAGE_SHIFT, bytes);
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

bool guestmem_covers(const struct guestmem *mem, uint64_t pfn, uint64_t pages)
{
	uint64_t max = UINT64_MAX >> PAGE_SHIFT;

	return pages && pfn <= max && pages <= max && find_region(mem, pfn << PAGE_SHIFT, pages << PAGE_SHIFT);
}

bool guestmem_gone(const struct guestmem *mem, uint64_t pfn, uint64_t pages)
{
	return mem->gone && pagemap_any(mem->gone, pfn, pages);
}

uint64_t guestmem_count_gone(const struct guestmem *mem, uint64_t pfn, uint64_t pages)
{
	return mem->gone ? pagemap_count(mem->gone, pfn, pages) : 0;
}

void guestmem_set_gone(struct guestmem *mem, uint64_t pfn, uint64_t pages, bool gone)
{
	if (gone)
		pagemap_set(mem->gone, pfn, pages);
	else
		pagemap_clear(mem->gone, pfn, pages);
}

int guestmem_punch(struct guestmem *mem, uint64_t pfn, uint64_t pages)
{
	const struct guestmem_region *region = find_region(mem, pfn << PAGE_SHIFT, pages << PAGE_SHIFT);
	off_t offset;

	if (!region)
		return -EINVAL;
	offset = (off_t)(region->offset + ((pfn << PAGE_SHIFT) - region->gpa));
	if (fallocate(mem->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, (off_t)(pages << PAGE_SHIFT)))
		return -errno;
	return 0;
}

uint64_t guestmem_resident(const struct guestmem *mem)
{
	struct stat status;

	return fstat(mem->fd, &status) ? 0 : (uint64_t)status.st_blocks * 512;
}
