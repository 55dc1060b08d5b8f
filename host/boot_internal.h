/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between the files of the loader: boot.c lays out low memory and has the initrd and the command line, boot_bzimage.c and
 * boot_elf.c the two kinds of kernel.
 */
#ifndef HVIS_HOST_BOOT_INTERNAL_H
#define HVIS_HOST_BOOT_INTERNAL_H

#include <asm/bootparam.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "boot.h"
#include "error.h"

#define BOOT_KERNEL_MIN_GPA 0x100000ull
#define BOOT_PAGE_BYTES	    0x1000ull
#define BOOT_FLAG	    0xaa55
#define BOOT_HEADER_MAGIC   0x53726448u /* "HdrS" */
#define BOOT_ELF_MAGIC	    "\177ELF"

/* A file being loaded, and the argument it came from, for messages. */
struct boot_input {
	const char *option;
	const char *path;
	int fd;
	uint64_t bytes;
};

struct boot_loader {
	struct guestmem *mem;
	const struct boot_config *config;
	char *error;
	uint64_t low_end; /* of RAM below 4 GiB */
	/* The kernel's, filled in by boot_bzimage() or boot_elf(): */
	struct setup_header header;
	uint32_t header_bytes; /* of it for the zero page */
	uint64_t kernel_start;
	uint64_t kernel_end; /* the kernel needs memory up to here to start */
	uint64_t entry_gpa;
	uint64_t initrd_gpa;
	uint64_t initrd_bytes;
};

#define boot_fail(loader, code, ...) (error_set((loader)->error, __VA_ARGS__), -(code))

/** boot_input_fail() - @what is wrong with the file. Return: -@code. */
int boot_input_fail(const struct boot_loader *loader, const struct boot_input *input, int code, const char *what);
/** boot_input_read() - @bytes at @offset of the file to @buffer. Return: 0 or a negative errno, with a message. */
int boot_input_read(const struct boot_loader *loader, const struct boot_input *input, uint64_t offset, void *buffer,
		    uint64_t bytes);
/** boot_input_load() - the same, to guest memory at @address, where they may not fit. */
int boot_input_load(const struct boot_loader *loader, const struct boot_input *input, uint64_t offset, uint64_t address,
		    uint64_t bytes);
/** boot_check_room() - does the kernel find @bytes of low memory at @start? Return: 0 or -ENOMEM, with a message. */
int boot_check_room(const struct boot_loader *loader, const struct boot_input *input, uint64_t start, uint64_t bytes);

/** boot_bzimage() - load a compressed kernel. Return: 0 or a negative errno, with a message. */
int boot_bzimage(struct boot_loader *loader, const struct boot_input *input);
/** boot_elf() - load a vmlinux. Return: 0 or a negative errno, with a message. */
int boot_elf(struct boot_loader *loader, const struct boot_input *input);

#endif
