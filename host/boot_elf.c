// SPDX-License-Identifier: GPL-2.0
/*
 * A vmlinux: the kernel as it was linked, which starts without unpacking itself. It has no setup header, so it gets one here.
 * Fields and rules: System V ABI (program headers), Documentation/x86/boot.rst: a 64-bit kernel is entered with the zero page's
 * address in RSI, whether by its decompressor or by us; include/asm/page_64_types.h for where Linux maps its text.
 */
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "boot_internal.h"

#define SEGMENTS_MAX	   64u /* a vmlinux has about five */
#define KERNEL_MAP	   0xffffffff80000000ull /* of physical address 0 */
#define PROTOCOL	   0x020c /* what this knows of */
#define INITRD_MAX	   0x7fffffff
#define COMMAND_LINE_BYTES 2047 /* COMMAND_LINE_SIZE of x86, less the terminator */

struct segments {
	unsigned int count;
	Elf64_Phdr list[SEGMENTS_MAX];
};

static const char *what_is_wrong(const Elf64_Ehdr *elf)
{
	if (elf->e_ident[EI_CLASS] != ELFCLASS64 || elf->e_ident[EI_DATA] != ELFDATA2LSB || elf->e_machine != EM_X86_64)
		return "an ELF file, but not for x86-64";
	if (elf->e_type != ET_EXEC)
		return "an ELF file, but not a Linux kernel (vmlinux)";
	if (elf->e_phentsize != sizeof(Elf64_Phdr) || !elf->e_phnum || elf->e_phnum > SEGMENTS_MAX)
		return "vmlinux with bad program headers";
	return NULL;
}

static int read_segments(const struct boot_loader *loader, const struct boot_input *input, const Elf64_Ehdr *elf,
			 struct segments *segments)
{
	uint64_t bytes = (uint64_t)elf->e_phnum * sizeof(Elf64_Phdr);

	segments->count = elf->e_phnum;
	if (elf->e_phoff > input->bytes || bytes > input->bytes - elf->e_phoff)
		return boot_input_fail(loader, input, EINVAL, "truncated");
	return boot_input_read(loader, input, elf->e_phoff, segments->list, bytes);
}

/* Not used before it is known to lie in the file, and in memory that a kernel may have. */
static int check_segment(const struct boot_loader *loader, const struct boot_input *input, const Elf64_Phdr *segment)
{
	if (segment->p_filesz > segment->p_memsz)
		return boot_input_fail(loader, input, EINVAL, "vmlinux with a segment that is longer than its memory");
	if (segment->p_offset > input->bytes || segment->p_filesz > input->bytes - segment->p_offset)
		return boot_input_fail(loader, input, EINVAL, "truncated");
	if (segment->p_paddr < BOOT_KERNEL_MIN_GPA)
		return boot_input_fail(loader, input, EINVAL, "vmlinux with a bad load address");
	return boot_check_room(loader, input, segment->p_paddr, segment->p_memsz);
}

/* That the entry is in text which Linux maps where it always does tells a kernel from other programs. */
static bool has_entry(const Elf64_Phdr *segment, uint64_t entry)
{
	return segment->p_vaddr == segment->p_paddr + KERNEL_MAP && entry >= segment->p_paddr &&
	       entry - segment->p_paddr < segment->p_filesz;
}

static int load_segments(struct boot_loader *loader, const struct boot_input *input, const struct segments *segments)
{
	bool entered = false;
	int error = 0;

	loader->kernel_start = UINT64_MAX;
	for (unsigned int i = 0; i < segments->count && !error; i++) {
		const Elf64_Phdr *segment = &segments->list[i];

		if (segment->p_type != PT_LOAD || !segment->p_memsz)
			continue;
		error = check_segment(loader, input, segment);
		if (!error)
			error = boot_input_load(loader, input, segment->p_offset, segment->p_paddr, segment->p_filesz);
		if (segment->p_paddr < loader->kernel_start)
			loader->kernel_start = segment->p_paddr;
		if (segment->p_paddr + segment->p_memsz > loader->kernel_end)
			loader->kernel_end = segment->p_paddr + segment->p_memsz;
		entered |= has_entry(segment, loader->entry_gpa);
	}
	if (!error && !entered)
		return boot_input_fail(loader, input, EINVAL, "an ELF file, but not a Linux kernel (vmlinux)");
	return error;
}

/* What a bzImage of such a kernel would say. */
static void make_header(struct boot_loader *loader)
{
	loader->header = (struct setup_header){
		.boot_flag = BOOT_FLAG,
		.header = BOOT_HEADER_MAGIC,
		.version = PROTOCOL,
		.loadflags = LOADED_HIGH,
		.initrd_addr_max = INITRD_MAX,
		.xloadflags = XLF_KERNEL_64,
		.cmdline_size = COMMAND_LINE_BYTES,
		.pref_address = loader->kernel_start,
		.init_size = (uint32_t)(loader->kernel_end - loader->kernel_start),
	};
	loader->header_bytes = sizeof(loader->header);
}

int boot_elf(struct boot_loader *loader, const struct boot_input *input)
{
	struct segments segments;
	const char *wrong;
	Elf64_Ehdr elf;
	int error;

	if (input->bytes < sizeof(elf))
		return boot_input_fail(loader, input, EINVAL, "truncated");
	error = boot_input_read(loader, input, 0, &elf, sizeof(elf));
	if (error)
		return error;
	wrong = what_is_wrong(&elf);
	if (wrong)
		return boot_input_fail(loader, input, EINVAL, wrong);
	loader->entry_gpa = elf.e_entry;
	error = read_segments(loader, input, &elf, &segments);
	if (!error)
		error = load_segments(loader, input, &segments);
	if (!error)
		make_header(loader);
	return error;
}
