// SPDX-License-Identifier: GPL-2.0
/*
 * bzImage loader: owns the layout of low guest memory and everything the kernel finds there when it
 * starts. Leaves registers to vcpu_state.c, the ACPI tables to acpi.c.
 * Fields and rules: Documentation/x86/boot.rst (setup header, 64-bit protocol), zero-page.rst.
 * Invariant: nothing that a file says is used before it was checked against the file's and memory's
 * size.
 */
#include "boot.h"

#include <asm/bootparam.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "acpi.h"

/*
 * Low memory: below 0x9fc00 ours to lay out, from there to ACPI_AREA_GPA reserved as on a PC, then
 * the ACPI tables, from 1 MiB on the kernel.
 */
#define GDT_GPA		      0x1000ull
#define ZERO_PAGE_GPA	      0x2000ull
#define PML4_GPA	      0x3000ull
#define PDPT_GPA	      0x4000ull
#define PD_GPA		      0x5000ull /* PD_COUNT pages */
#define PD_COUNT	      4
#define COMMAND_LINE_GPA      0x20000ull
#define COMMAND_LINE_MAX      0x10000u /* with its terminator */
#define LOW_RAM_END	      0x9fc00ull
#define KERNEL_MIN_GPA	      0x100000ull

#define PAGE_BYTES	      0x1000ull
#define LARGE_PAGE_BYTES      0x200000ull
#define PTE_PRESENT_WRITE     0x3ull
#define PTE_LARGE	      0x80ull

#define HEADER_OFFSET	      0x1f1 /* of the setup header, in file and zero page alike */
#define HEADER_END_OFFSET     0x201 /* the header reaches to 0x202 + this byte */
#define HEADER_END_MAX	      0x290 /* what follows in the zero page is not the header's */
#define SECTOR_BYTES	      512u
#define SETUP_SECTORS_DEFAULT 4 /* what 0 means */
#define BOOT_FLAG	      0xaa55
#define HEADER_MAGIC	      0x53726448u /* "HdrS" */
#define PROTOCOL_MIN	      0x020c
#define LOADER_UNDEFINED      0xff
#define ENTRY_64_OFFSET	      0x200
#define SYSSIZE_UNIT	      16

#define E820_RAM	      1
#define E820_RESERVED	      2
#define E820_ACPI	      3

static_assert(offsetof(struct boot_params, hdr) == HEADER_OFFSET, "zero-page.rst");
static_assert(offsetof(struct boot_params, acpi_rsdp_addr) == 0x070, "zero-page.rst");
static_assert(sizeof(struct boot_params) == PAGE_BYTES, "zero-page.rst");

/* A file being loaded, and the argument it came from, for messages. */
struct input {
	const char *option;
	const char *path;
	int fd;
	uint64_t bytes;
};

struct loader {
	struct guestmem *mem;
	const struct boot_config *config;
	char *error;
	struct setup_header header;
	uint32_t header_bytes; /* of it in the file */
	uint64_t payload_offset;
	uint64_t payload_bytes;
	uint64_t low_end; /* of RAM below 4 GiB */
	uint64_t kernel_end; /* the kernel needs memory up to here to start */
	uint64_t initrd_gpa;
	uint64_t initrd_bytes;
};

#define fail(loader, code, ...) (snprintf((loader)->error, BOOT_ERROR_BYTES, __VA_ARGS__), -(code))

static unsigned long long mebibytes(uint64_t bytes)
{
	return (bytes + 0xfffff) >> 20;
}

static int input_fail(const struct loader *loader, const struct input *input, int code,
		      const char *what)
{
	return fail(loader, code, "%s %.120s: %s", input->option, input->path, what);
}

static int input_open(const struct loader *loader, struct input *input)
{
	struct stat status;

	input->fd = open(input->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (input->fd < 0)
		return input_fail(loader, input, errno, strerror(errno));
	if (!fstat(input->fd, &status) && S_ISREG(status.st_mode)) {
		input->bytes = (uint64_t)status.st_size;
		return 0;
	}
	close(input->fd);
	return input_fail(loader, input, EINVAL, "not a regular file");
}

/*
 * The file may shrink while it is read: the end that comes too early is an error, not a short
 * result.
 */
static int input_read(const struct loader *loader, const struct input *input, uint64_t offset,
		      void *buffer, uint64_t bytes)
{
	uint8_t *place = buffer;

	while (bytes) {
		ssize_t done = pread(input->fd, place, bytes, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return input_fail(loader, input, errno, strerror(errno));
		if (!done)
			return input_fail(loader, input, EINVAL, "truncated");
		place += done;
		offset += (uint64_t)done;
		bytes -= (uint64_t)done;
	}
	return 0;
}

static int input_load(const struct loader *loader, const struct input *input, uint64_t offset,
		      uint64_t address, uint64_t bytes)
{
	void *place = guestmem_ptr(loader->mem, gpa(address), bytes);

	if (!place)
		return input_fail(loader, input, ENOMEM, "does not fit into guest memory");
	return input_read(loader, input, offset, place, bytes);
}

static int check_magic(const struct loader *loader, const struct input *input, const uint8_t *head)
{
	if (loader->header.boot_flag == BOOT_FLAG && loader->header.header == HEADER_MAGIC)
		return 0;
	if (!memcmp(head, "\177ELF", 4))
		return input_fail(loader, input, EINVAL,
				  "an ELF file (vmlinux?), wanted is a bzImage");
	return input_fail(loader, input, EINVAL, "not a Linux bzImage");
}

static int check_protocol(const struct loader *loader, const struct input *input)
{
	const struct setup_header *header = &loader->header;

	if (header->version < PROTOCOL_MIN)
		return fail(loader, EINVAL,
			    "%s %.120s: boot protocol %u.%02u is too old, wanted is 2.12 or newer",
			    input->option, input->path, header->version >> 8,
			    header->version & 0xff);
	if (!(header->xloadflags & XLF_KERNEL_64))
		return input_fail(loader, input, EINVAL, "has no 64-bit entry point");
	if (!(header->loadflags & LOADED_HIGH))
		return input_fail(loader, input, EINVAL, "not a bzImage but a zImage");
	return 0;
}

/*
 * How much of the header the file has; the rest of our copy stays zero, which is what older
 * versions mean.
 */
static int measure_header(struct loader *loader, const struct input *input, const uint8_t *head)
{
	uint32_t end = 0x202u + head[HEADER_END_OFFSET];

	if (end > HEADER_END_MAX)
		end = HEADER_END_MAX;
	/* init_size is the last field used here, and there since 2.10 */
	if (end < HEADER_OFFSET + offsetof(struct setup_header, handover_offset))
		return input_fail(loader, input, EINVAL, "setup header too short for its version");
	loader->header_bytes = end - HEADER_OFFSET;
	if (loader->header_bytes > sizeof(loader->header))
		loader->header_bytes = sizeof(loader->header);
	memset((uint8_t *)&loader->header + loader->header_bytes, 0,
	       sizeof(loader->header) - loader->header_bytes);
	return 0;
}

static int read_header(struct loader *loader, const struct input *input)
{
	uint8_t head[HEADER_END_MAX];
	int error;

	if (input->bytes < sizeof(head))
		return input_fail(loader, input, EINVAL, "not a Linux bzImage (too short)");
	error = input_read(loader, input, 0, head, sizeof(head));
	if (error)
		return error;
	memcpy(&loader->header, head + HEADER_OFFSET, sizeof(loader->header));
	error = check_magic(loader, input, head);
	if (!error)
		error = check_protocol(loader, input);
	if (!error)
		error = measure_header(loader, input, head);
	return error;
}

static int place_kernel(struct loader *loader, const struct input *input)
{
	const struct setup_header *header = &loader->header;
	uint32_t sectors = header->setup_sects ? header->setup_sects : SETUP_SECTORS_DEFAULT;
	uint64_t needed;

	loader->payload_offset = (uint64_t)(sectors + 1) * SECTOR_BYTES;
	loader->payload_bytes = (uint64_t)header->syssize * SYSSIZE_UNIT;
	if (loader->payload_bytes <= ENTRY_64_OFFSET)
		return input_fail(loader, input, EINVAL, "setup header names no kernel");
	if (loader->payload_offset + loader->payload_bytes > input->bytes)
		return input_fail(loader, input, EINVAL, "truncated");
	if (header->pref_address < KERNEL_MIN_GPA || header->pref_address % PAGE_BYTES)
		return input_fail(loader, input, EINVAL, "setup header has a bad load address");
	needed = loader->payload_bytes > header->init_size ? loader->payload_bytes
							   : header->init_size;
	if (header->pref_address > loader->low_end ||
	    needed > loader->low_end - header->pref_address)
		return fail(
			loader, ENOMEM,
			"--memory %lluM: the kernel %.120s needs at least %lluM",
			mebibytes(loader->low_end), input->path,
			mebibytes(header->pref_address) + mebibytes(needed));
	loader->kernel_end = header->pref_address + needed;
	return 0;
}

static int load_kernel(struct loader *loader)
{
	struct input kernel = {.option = "--kernel", .path = loader->config->kernel};
	int error = input_open(loader, &kernel);

	if (error)
		return error;
	error = read_header(loader, &kernel);
	if (!error)
		error = place_kernel(loader, &kernel);
	if (!error)
		error = input_load(loader, &kernel, loader->payload_offset,
				   loader->header.pref_address, loader->payload_bytes);
	close(kernel.fd);
	return error;
}

/*
 * As high as the kernel allows, so that it is out of the way of a kernel that moves itself (KASLR).
 */
static int place_initrd(struct loader *loader, const struct input *input)
{
	uint64_t end = loader->low_end;
	uint64_t room;

	if (!input->bytes)
		return input_fail(loader, input, EINVAL, "empty file");
	if (end > (uint64_t)loader->header.initrd_addr_max + 1)
		end = (uint64_t)loader->header.initrd_addr_max + 1;
	room = end > loader->kernel_end ? end - loader->kernel_end : 0;
	/* Less a page, for what rounding down to a page boundary costs. */
	if (room < PAGE_BYTES || input->bytes > room - PAGE_BYTES)
		return fail(
			loader, ENOMEM,
			"%s %.120s: %llu MiB do not fit beside the kernel, which leaves %llu MiB",
			input->option, input->path, mebibytes(input->bytes),
			(unsigned long long)(room >> 20));
	loader->initrd_bytes = input->bytes;
	loader->initrd_gpa = (end - input->bytes) & ~(PAGE_BYTES - 1);
	return 0;
}

static int load_initrd(struct loader *loader)
{
	struct input initrd = {.option = "--initrd", .path = loader->config->initrd};
	int error;

	if (!initrd.path)
		return 0;
	error = input_open(loader, &initrd);
	if (error)
		return error;
	error = place_initrd(loader, &initrd);
	if (!error)
		error = input_load(loader, &initrd, 0, loader->initrd_gpa, loader->initrd_bytes);
	close(initrd.fd);
	return error;
}

static int load_command_line(const struct loader *loader)
{
	const char *text = loader->config->append ? loader->config->append : "";
	size_t limit = loader->header.cmdline_size;
	size_t bytes = strlen(text);

	if (limit > COMMAND_LINE_MAX - 1)
		limit = COMMAND_LINE_MAX - 1;
	if (bytes > limit)
		return fail(loader, E2BIG, "--append: %zu characters, the kernel takes at most %zu",
			    bytes, limit);
	memcpy(guestmem_ptr(loader->mem, gpa(COMMAND_LINE_GPA), bytes + 1), text, bytes + 1);
	return 0;
}

static void add_e820(struct boot_params *params, uint64_t start, uint64_t end, uint32_t type)
{
	params->e820_table[params->e820_entries++] =
		(struct boot_e820_entry){.addr = start, .size = end - start, .type = type};
}

static void fill_e820(const struct loader *loader, struct boot_params *params)
{
	const struct guestmem_region *regions;
	unsigned int count = guestmem_regions(loader->mem, &regions);

	add_e820(params, 0, LOW_RAM_END, E820_RAM);
	add_e820(params, LOW_RAM_END, ACPI_AREA_GPA, E820_RESERVED);
	add_e820(params, ACPI_AREA_GPA, ACPI_AREA_GPA + ACPI_AREA_BYTES, E820_ACPI);
	add_e820(params, KERNEL_MIN_GPA, loader->low_end, E820_RAM);
	for (unsigned int i = 1; i < count; i++)
		add_e820(params, regions[i].gpa, regions[i].gpa + regions[i].bytes, E820_RAM);
}

static void fill_zero_page(const struct loader *loader)
{
	struct boot_params *params = guestmem_ptr(loader->mem, gpa(ZERO_PAGE_GPA), sizeof(*params));

	memset(params, 0, sizeof(*params));
	memcpy(&params->hdr, &loader->header, loader->header_bytes);
	params->hdr.type_of_loader = LOADER_UNDEFINED;
	params->hdr.code32_start = (uint32_t)loader->header.pref_address;
	params->hdr.cmd_line_ptr = (uint32_t)COMMAND_LINE_GPA;
	params->hdr.ramdisk_image = (uint32_t)loader->initrd_gpa;
	params->hdr.ramdisk_size = (uint32_t)loader->initrd_bytes;
	params->hdr.setup_data = 0;
	params->acpi_rsdp_addr = loader->config->rsdp;
	fill_e820(loader, params);
}

/* The first 4 GiB, mapped to themselves in 2-MiB pages, which every CPU has. */
static void fill_page_tables(const struct loader *loader)
{
	uint64_t *pml4 = guestmem_ptr(loader->mem, gpa(PML4_GPA), PAGE_BYTES);
	uint64_t *pdpt = guestmem_ptr(loader->mem, gpa(PDPT_GPA), PAGE_BYTES);
	uint64_t *pd = guestmem_ptr(loader->mem, gpa(PD_GPA), PD_COUNT * PAGE_BYTES);

	memset(pml4, 0, PAGE_BYTES);
	memset(pdpt, 0, PAGE_BYTES);
	pml4[0] = PDPT_GPA | PTE_PRESENT_WRITE;
	for (unsigned int i = 0; i < PD_COUNT; i++)
		pdpt[i] = (PD_GPA + i * PAGE_BYTES) | PTE_PRESENT_WRITE;
	for (uint64_t i = 0; i < PD_COUNT * PAGE_BYTES / sizeof(*pd); i++)
		pd[i] = i * LARGE_PAGE_BYTES | PTE_LARGE | PTE_PRESENT_WRITE;
}

/*
 * Descriptors: flat, 4 GiB, present, accessed; code is execute/read with L=1, data is read/write.
 */
static void fill_gdt(const struct loader *loader, struct boot_entry *entry)
{
	static const uint64_t gdt[] = {
		[0] = 0,
		[BOOT_CS / 8] = 0x00af9b000000ffffull,
		[BOOT_DS / 8] = 0x00cf93000000ffffull,
	};

	memcpy(guestmem_ptr(loader->mem, gpa(GDT_GPA), sizeof(gdt)), gdt, sizeof(gdt));
	entry->gdt_gpa = GDT_GPA;
	entry->gdt_limit = sizeof(gdt) - 1;
}

static bool has_low_memory(struct loader *loader)
{
	const struct guestmem_region *regions;

	guestmem_regions(loader->mem, &regions);
	loader->low_end = regions[0].bytes;
	return loader->low_end > KERNEL_MIN_GPA;
}

int boot_load(struct guestmem *mem, const struct boot_config *config, struct boot_entry *entry,
	      char *error)
{
	struct loader loader = {.mem = mem, .config = config, .error = error};
	int result;

	if (!has_low_memory(&loader))
		return fail(&loader, ENOMEM, "--memory: too small to boot a kernel");
	result = load_kernel(&loader);
	if (!result)
		result = load_initrd(&loader);
	if (!result)
		result = load_command_line(&loader);
	if (result)
		return result;
	fill_zero_page(&loader);
	fill_page_tables(&loader);
	fill_gdt(&loader, entry);
	entry->rip = loader.header.pref_address + ENTRY_64_OFFSET;
	entry->rsi = ZERO_PAGE_GPA;
	entry->cr3 = PML4_GPA;
	return 0;
}
