// SPDX-License-Identifier: GPL-2.0
/*
 * A bzImage: the setup header says where its payload goes, which then unpacks itself.
 * Fields and rules: Documentation/x86/boot.rst (setup header, 64-bit protocol).
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "boot_internal.h"

#define HEADER_OFFSET	      0x1f1 /* of the setup header, in file and zero page alike */
#define HEADER_END_OFFSET     0x201 /* the header reaches to 0x202 + this byte */
#define HEADER_END_MAX	      0x290 /* what follows in the zero page is not the header's */
#define SECTOR_BYTES	      512u
#define SETUP_SECTORS_DEFAULT 4 /* what 0 means */
#define PROTOCOL_MIN	      0x020c
#define ENTRY_64_OFFSET	      0x200
#define SYSSIZE_UNIT	      16

static int check_magic(const struct boot_loader *loader, const struct boot_input *input)
{
	if (loader->header.boot_flag == BOOT_FLAG && loader->header.header == BOOT_HEADER_MAGIC)
		return 0;
	return boot_input_fail(loader, input, EINVAL, "neither a Linux bzImage nor a vmlinux");
}

static int check_protocol(const struct boot_loader *loader, const struct boot_input *input)
{
	const struct setup_header *header = &loader->header;

	if (header->version < PROTOCOL_MIN)
		return boot_fail(loader, EINVAL,
				 "%s %.120s: boot protocol %u.%02u is too old, wanted is 2.12 or newer",
				 input->option, input->path, header->version >> 8,
				 header->version & 0xff);
	if (!(header->xloadflags & XLF_KERNEL_64))
		return boot_input_fail(loader, input, EINVAL, "has no 64-bit entry point");
	if (!(header->loadflags & LOADED_HIGH))
		return boot_input_fail(loader, input, EINVAL, "not a bzImage but a zImage");
	return 0;
}

/*
 * How much of the header the file has; the rest of our copy stays zero, which is what older
 * versions mean.
 */
static int measure_header(struct boot_loader *loader, const struct boot_input *input, const uint8_t *head)
{
	uint32_t end = 0x202u + head[HEADER_END_OFFSET];

	if (end > HEADER_END_MAX)
		end = HEADER_END_MAX;
	/* init_size is the last field used here, and there since 2.10 */
	if (end < HEADER_OFFSET + offsetof(struct setup_header, handover_offset))
		return boot_input_fail(loader, input, EINVAL, "setup header too short for its version");
	loader->header_bytes = end - HEADER_OFFSET;
	if (loader->header_bytes > sizeof(loader->header))
		loader->header_bytes = sizeof(loader->header);
	memset((uint8_t *)&loader->header + loader->header_bytes, 0,
	       sizeof(loader->header) - loader->header_bytes);
	return 0;
}

static int read_header(struct boot_loader *loader, const struct boot_input *input)
{
	uint8_t head[HEADER_END_MAX];
	int error;

	if (input->bytes < sizeof(head))
		return boot_input_fail(loader, input, EINVAL, "not a Linux bzImage (too short)");
	error = boot_input_read(loader, input, 0, head, sizeof(head));
	if (error)
		return error;
	memcpy(&loader->header, head + HEADER_OFFSET, sizeof(loader->header));
	error = check_magic(loader, input);
	if (!error)
		error = check_protocol(loader, input);
	if (!error)
		error = measure_header(loader, input, head);
	return error;
}

/* @offset, @bytes: of the file, what is loaded. */
static int place_kernel(struct boot_loader *loader, const struct boot_input *input, uint64_t *offset,
			uint64_t *bytes)
{
	const struct setup_header *header = &loader->header;
	uint32_t sectors = header->setup_sects ? header->setup_sects : SETUP_SECTORS_DEFAULT;
	uint64_t needed;

	*offset = (uint64_t)(sectors + 1) * SECTOR_BYTES;
	*bytes = (uint64_t)header->syssize * SYSSIZE_UNIT;
	if (*bytes <= ENTRY_64_OFFSET)
		return boot_input_fail(loader, input, EINVAL, "setup header names no kernel");
	if (*offset + *bytes > input->bytes)
		return boot_input_fail(loader, input, EINVAL, "truncated");
	if (header->pref_address < BOOT_KERNEL_MIN_GPA || header->pref_address % BOOT_PAGE_BYTES)
		return boot_input_fail(loader, input, EINVAL, "setup header has a bad load address");
	needed = *bytes > header->init_size ? *bytes : header->init_size;
	loader->kernel_start = header->pref_address;
	loader->entry_gpa = header->pref_address + ENTRY_64_OFFSET;
	loader->kernel_end = header->pref_address + needed;
	return boot_check_room(loader, input, header->pref_address, needed);
}

int boot_bzimage(struct boot_loader *loader, const struct boot_input *input)
{
	uint64_t offset, bytes;
	int error = read_header(loader, input);

	if (!error)
		error = place_kernel(loader, input, &offset, &bytes);
	if (!error)
		error = boot_input_load(loader, input, offset, loader->kernel_start, bytes);
	return error;
}
