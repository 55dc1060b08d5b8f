// SPDX-License-Identifier: GPL-2.0
/*
 * Kernel loader: owns the layout of low guest memory and everything the kernel finds there when it starts. Leaves the kernel
 * itself to boot_bzimage.c and boot_elf.c, registers to vcpu_state.c, the ACPI tables to acpi.c.
 * Fields and rules: Documentation/x86/boot.rst (64-bit protocol), zero-page.rst.
 * Invariant: nothing that a file says is used before it was checked against the file's and memory's
 * size.
 */
#include "boot_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
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

#define LARGE_PAGE_BYTES      0x200000ull
#define PTE_PRESENT_WRITE     0x3ull
#define PTE_LARGE	      0x80ull

#define LOADER_UNDEFINED      0xff

#define E820_RAM	      1
#define E820_RESERVED	      2
#define E820_ACPI	      3

static_assert(offsetof(struct boot_params, hdr) == 0x1f1, "zero-page.rst");
static_assert(offsetof(struct boot_params, acpi_rsdp_addr) == 0x070, "zero-page.rst");
static_assert(sizeof(struct boot_params) == BOOT_PAGE_BYTES, "zero-page.rst");

/* Rounded up. */
static unsigned long long mebibytes(uint64_t bytes)
{
	return (bytes + 0xfffff) >> 20;
}

int boot_input_fail(const struct boot_loader *loader, const struct boot_input *input, int code,
		    const char *what)
{
	return boot_fail(loader, code, "%s %.120s: %s", input->option, input->path, what);
}

static int input_open(const struct boot_loader *loader, struct boot_input *input)
{
	struct stat status;

	input->fd = open(input->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (input->fd < 0)
		return boot_input_fail(loader, input, errno, strerror(errno));
	if (!fstat(input->fd, &status) && S_ISREG(status.st_mode)) {
		input->bytes = (uint64_t)status.st_size;
		return 0;
	}
	close(input->fd);
	return boot_input_fail(loader, input, EINVAL, "not a regular file");
}

/*
 * The file may shrink while it is read: the end that comes too early is an error, not a short
 * result.
 */
int boot_input_read(const struct boot_loader *loader, const struct boot_input *input, uint64_t offset,
		    void *buffer, uint64_t bytes)
{
	uint8_t *place = buffer;

	while (bytes) {
		ssize_t done = pread(input->fd, place, bytes, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return boot_input_fail(loader, input, errno, strerror(errno));
		if (!done)
			return boot_input_fail(loader, input, EINVAL, "truncated");
		place += done;
		offset += (uint64_t)done;
		bytes -= (uint64_t)done;
	}
	return 0;
}

int boot_input_load(const struct boot_loader *loader, const struct boot_input *input, uint64_t offset,
		    uint64_t address, uint64_t bytes)
{
	void *place = guestmem_ptr(loader->mem, gpa(address), bytes);

	if (!place)
		return boot_input_fail(loader, input, ENOMEM, "does not fit into guest memory");
	return boot_input_read(loader, input, offset, place, bytes);
}

int boot_check_room(const struct boot_loader *loader, const struct boot_input *input, uint64_t start, uint64_t bytes)
{
	if (start <= loader->low_end && bytes <= loader->low_end - start)
		return 0;
	return boot_fail(loader, ENOMEM, "--memory %lluM: the kernel %.120s needs at least %lluM", mebibytes(loader->low_end),
			 input->path, mebibytes(start) + mebibytes(bytes));
}

static int load_kernel(struct boot_loader *loader)
{
	struct boot_input kernel = {.option = "--kernel", .path = loader->config->kernel};
	char magic[sizeof(BOOT_ELF_MAGIC) - 1] = "";
	int error = input_open(loader, &kernel);

	if (error)
		return error;
	if (kernel.bytes > sizeof(magic))
		error = boot_input_read(loader, &kernel, 0, magic, sizeof(magic));
	if (!error)
		error = memcmp(magic, BOOT_ELF_MAGIC, sizeof(magic)) ? boot_bzimage(loader, &kernel)
								     : boot_elf(loader, &kernel);
	close(kernel.fd);
	return error;
}

/*
 * As high as the kernel allows, so that it is out of the way of a kernel that moves itself (KASLR).
 */
static int place_initrd(struct boot_loader *loader, const struct boot_input *input)
{
	uint64_t end = loader->low_end;
	uint64_t room;

	if (!input->bytes)
		return boot_input_fail(loader, input, EINVAL, "empty file");
	if (end > (uint64_t)loader->header.initrd_addr_max + 1)
		end = (uint64_t)loader->header.initrd_addr_max + 1;
	room = end > loader->kernel_end ? end - loader->kernel_end : 0;
	/* Less a page, for what rounding down to a page boundary costs. */
	if (room < BOOT_PAGE_BYTES || input->bytes > room - BOOT_PAGE_BYTES)
		return boot_fail(
			loader, ENOMEM,
			"%s %.120s: %llu MiB do not fit beside the kernel, which leaves %llu MiB",
			input->option, input->path, mebibytes(input->bytes),
			(unsigned long long)(room >> 20));
	loader->initrd_bytes = input->bytes;
	loader->initrd_gpa = (end - input->bytes) & ~(BOOT_PAGE_BYTES - 1);
	return 0;
}

static int load_initrd(struct boot_loader *loader)
{
	struct boot_input initrd = {.option = "--initrd", .path = loader->config->initrd};
	int error;

	if (!initrd.path)
		return 0;
	error = input_open(loader, &initrd);
	if (error)
		return error;
	error = place_initrd(loader, &initrd);
	if (!error)
		error = boot_input_load(loader, &initrd, 0, loader->initrd_gpa, loader->initrd_bytes);
	close(initrd.fd);
	return error;
}

static int load_command_line(const struct boot_loader *loader)
{
	const char *text = loader->config->append ? loader->config->append : "";
	size_t limit = loader->header.cmdline_size;
	size_t bytes = strlen(text);

	if (limit > COMMAND_LINE_MAX - 1)
		limit = COMMAND_LINE_MAX - 1;
	if (bytes > limit)
		return boot_fail(loader, E2BIG, "--append: %zu characters, the kernel takes at most %zu",
				 bytes, limit);
	memcpy(guestmem_ptr(loader->mem, gpa(COMMAND_LINE_GPA), bytes + 1), text, bytes + 1);
	return 0;
}

static void add_e820(struct boot_params *params, uint64_t start, uint64_t end, uint32_t type)
{
	params->e820_table[params->e820_entries++] =
		(struct boot_e820_entry){.addr = start, .size = end - start, .type = type};
}

static void fill_e820(const struct boot_loader *loader, struct boot_params *params)
{
	const struct guestmem_region *regions;
	unsigned int count = guestmem_regions(loader->mem, &regions);

	add_e820(params, 0, LOW_RAM_END, E820_RAM);
	add_e820(params, LOW_RAM_END, ACPI_AREA_GPA, E820_RESERVED);
	add_e820(params, ACPI_AREA_GPA, ACPI_AREA_GPA + ACPI_AREA_BYTES, E820_ACPI);
	add_e820(params, BOOT_KERNEL_MIN_GPA, loader->low_end, E820_RAM);
	for (unsigned int i = 1; i < count; i++)
		add_e820(params, regions[i].gpa, regions[i].gpa + regions[i].bytes, E820_RAM);
}

static void fill_zero_page(const struct boot_loader *loader)
{
	struct boot_params *params = guestmem_ptr(loader->mem, gpa(ZERO_PAGE_GPA), sizeof(*params));

	memset(params, 0, sizeof(*params));
	memcpy(&params->hdr, &loader->header, loader->header_bytes);
	params->hdr.type_of_loader = LOADER_UNDEFINED;
	params->hdr.code32_start = (uint32_t)loader->kernel_start;
	params->hdr.cmd_line_ptr = (uint32_t)COMMAND_LINE_GPA;
	params->hdr.ramdisk_image = (uint32_t)loader->initrd_gpa;
	params->hdr.ramdisk_size = (uint32_t)loader->initrd_bytes;
	params->hdr.setup_data = 0;
	params->acpi_rsdp_addr = loader->config->rsdp;
	fill_e820(loader, params);
}

/* The first 4 GiB, mapped to themselves in 2-MiB pages, which every CPU has. */
static void fill_page_tables(const struct boot_loader *loader)
{
	uint64_t *pml4 = guestmem_ptr(loader->mem, gpa(PML4_GPA), BOOT_PAGE_BYTES);
	uint64_t *pdpt = guestmem_ptr(loader->mem, gpa(PDPT_GPA), BOOT_PAGE_BYTES);
	uint64_t *pd = guestmem_ptr(loader->mem, gpa(PD_GPA), PD_COUNT * BOOT_PAGE_BYTES);

	memset(pml4, 0, BOOT_PAGE_BYTES);
	memset(pdpt, 0, BOOT_PAGE_BYTES);
	pml4[0] = PDPT_GPA | PTE_PRESENT_WRITE;
	for (unsigned int i = 0; i < PD_COUNT; i++)
		pdpt[i] = (PD_GPA + i * BOOT_PAGE_BYTES) | PTE_PRESENT_WRITE;
	for (uint64_t i = 0; i < PD_COUNT * BOOT_PAGE_BYTES / sizeof(*pd); i++)
		pd[i] = i * LARGE_PAGE_BYTES | PTE_LARGE | PTE_PRESENT_WRITE;
}

/*
 * Descriptors: flat, 4 GiB, present, accessed; code is execute/read with L=1, data is read/write.
 */
static void fill_gdt(const struct boot_loader *loader, struct boot_entry *entry)
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

static bool has_low_memory(struct boot_loader *loader)
{
	const struct guestmem_region *regions;

	guestmem_regions(loader->mem, &regions);
	loader->low_end = regions[0].bytes;
	return loader->low_end > BOOT_KERNEL_MIN_GPA;
}

int boot_load(struct guestmem *mem, const struct boot_config *config, struct boot_entry *entry,
	      char *error)
{
	struct boot_loader loader = {.mem = mem, .config = config, .error = error};
	int result;

	if (!has_low_memory(&loader))
		return boot_fail(&loader, ENOMEM, "--memory: too small to boot a kernel");
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
	entry->rip = loader.entry_gpa;
	entry->rsi = ZERO_PAGE_GPA;
	entry->cr3 = PML4_GPA;
	return 0;
}
