/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Direct boot of a Linux kernel, bzImage or vmlinux: puts kernel, initrd, command line, zero page, page tables and GDT
 * into guest memory and says with which registers a vCPU starts. It knows files and guest memory;
 * it knows no KVM.
 * Source: Documentation/x86/boot.rst (64-bit boot protocol) and zero-page.rst.
 */
#ifndef HVIS_HOST_BOOT_H
#define HVIS_HOST_BOOT_H

#include <stdint.h>

#include "guestmem.h"

/* Selectors of the GDT that boot_load() writes. */
#define BOOT_CS		 0x10
#define BOOT_DS		 0x18

/**
 * struct boot_config - what to boot
 * @kernel: path of a bzImage with a 64-bit entry point (protocol 2.12 or newer), or of a vmlinux for x86-64
 * @initrd: path, or NULL for none
 * @append: kernel command line, or NULL for an empty one
 * @rsdp: guest physical address of the ACPI RSDP, as acpi_build() returned it; 0: none
 */
struct boot_config {
	const char *kernel;
	const char *initrd;
	const char *append;
	uint64_t rsdp;
};

/**
 * struct boot_entry - the state the first vCPU starts in
 *
 * Long mode with paging on (CR0.PE|PG, CR4.PAE, EFER.LME|LMA), interrupts off, CS = BOOT_CS (64-bit
 * code), DS = ES = SS = BOOT_DS, both flat.
 */
struct boot_entry {
	uint64_t rip;
	uint64_t rsi; /* guest physical address of the zero page */
	uint64_t cr3; /* identity map of the first 4 GiB */
	uint64_t gdt_gpa;
	uint16_t gdt_limit;
};

/**
 * boot_load() - load a kernel and all it needs
 * @mem: guest memory, not yet running
 * @config: what to boot
 * @entry: filled in on success
 * @error: ERROR_BYTES; on failure one line that names the argument and what is wrong
 *	with it, for example "--initrd /x: No such file or directory"
 *
 * Return: 0 or a negative errno.
 */
int boot_load(struct guestmem *mem, const struct boot_config *config, struct boot_entry *entry,
	      char *error);

#endif
