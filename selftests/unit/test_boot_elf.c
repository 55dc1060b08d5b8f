// SPDX-License-Identifier: GPL-2.0
// links: host/boot.c host/boot_bzimage.c host/boot_elf.c host/acpi.c host/guestmem.c host/pagemap.c host/error.c
/*
 * Loading a vmlinux: one made here, with a segment of text, one of data whose memory is longer than its bytes, and a note;
 * whole, and damaged in every way the loader knows.
 */
#define _GNU_SOURCE
#include <asm/bootparam.h>
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "boot_files.h"
#include "error.h"

#define MAP	    0xffffffff80000000ull
#define TEXT_GPA    0x1000000ull
#define TEXT_BYTES  0x3000u
#define DATA_GPA    0x1200000ull
#define DATA_BYTES  0x1000u
#define DATA_MEMORY 0x5000u
#define ENTRY	    (TEXT_GPA + 0x40)

struct kernel {
	Elf64_Ehdr elf;
	Elf64_Phdr segments[3];
	uint8_t text[TEXT_BYTES];
	uint8_t data[DATA_BYTES];
};

static struct kernel kernel;

static int make_case(void **state)
{
	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	memcpy(kernel.elf.e_ident, ELFMAG, SELFMAG);
	kernel.elf.e_ident[EI_CLASS] = ELFCLASS64;
	kernel.elf.e_ident[EI_DATA] = ELFDATA2LSB;
	kernel.elf.e_type = ET_EXEC;
	kernel.elf.e_machine = EM_X86_64;
	kernel.elf.e_entry = ENTRY;
	kernel.elf.e_phoff = offsetof(struct kernel, segments);
	kernel.elf.e_phentsize = sizeof(Elf64_Phdr);
	kernel.elf.e_phnum = 3;
	kernel.segments[0] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_offset = offsetof(struct kernel, text), .p_vaddr = MAP + TEXT_GPA,
					   .p_paddr = TEXT_GPA, .p_filesz = TEXT_BYTES, .p_memsz = TEXT_BYTES };
	kernel.segments[1] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_offset = offsetof(struct kernel, data), .p_paddr = DATA_GPA,
					   .p_filesz = DATA_BYTES, .p_memsz = DATA_MEMORY };
	kernel.segments[2] = (Elf64_Phdr){ .p_type = PT_NOTE, .p_offset = UINT64_MAX, .p_filesz = UINT64_MAX };
	memset(kernel.text, 0x90, sizeof(kernel.text));
	memset(kernel.data, 0xda, sizeof(kernel.data));
	return 0;
}

static const char *kernel_says(const struct files *files, size_t bytes)
{
	write_file(files->kernel, &kernel, bytes);
	return load_says(files, 64 * MIB, NULL, false);
}

static const char *says(const struct files *files)
{
	return kernel_says(files, sizeof(kernel));
}

static void a_sound_kernel_is_placed(void **state)
{
	const struct files *files = *state;
	uint8_t initrd[5000] = { 0xa5 };
	struct boot_config config = { files->kernel, files->initrd, "quiet", 0xe0000 };
	struct guestmem *mem = guestmem_create(64 * MIB);
	char error[ERROR_BYTES] = "";
	struct boot_entry entry;
	struct boot_params *zero;
	const uint8_t *data;

	write_file(files->kernel, &kernel, sizeof(kernel));
	write_file(files->initrd, initrd, sizeof(initrd));
	assert_int_equal(boot_load(mem, &config, &entry, error), 0);
	assert_true(entry.rip == ENTRY);
	assert_memory_equal(guestmem_ptr(mem, gpa(TEXT_GPA), TEXT_BYTES), kernel.text, TEXT_BYTES);
	data = guestmem_ptr(mem, gpa(DATA_GPA), DATA_MEMORY);
	assert_memory_equal(data, kernel.data, DATA_BYTES);
	for (unsigned int i = DATA_BYTES; i < DATA_MEMORY; i++)
		assert_int_equal(data[i], 0);
	zero = guestmem_ptr(mem, gpa(entry.rsi), sizeof(*zero));
	assert_int_equal(zero->hdr.boot_flag, 0xaa55);
	assert_int_equal(zero->hdr.header, 0x53726448);
	assert_int_equal(zero->hdr.type_of_loader, 0xff);
	assert_true(zero->acpi_rsdp_addr == 0xe0000);
	assert_string_equal(guestmem_ptr(mem, gpa(zero->hdr.cmd_line_ptr), 6), "quiet");
	assert_int_equal(zero->hdr.ramdisk_size, sizeof(initrd));
	assert_memory_equal(guestmem_ptr(mem, gpa(zero->hdr.ramdisk_image), sizeof(initrd)), initrd, sizeof(initrd));
	guestmem_destroy(mem);
}

static void other_programs_are_named(void **state)
{
	const struct files *files = *state;

	kernel.elf.e_ident[EI_CLASS] = ELFCLASS32;
	assert_says(says(files), "--kernel ", "not for x86-64");
	make_case(state);
	kernel.elf.e_ident[EI_DATA] = ELFDATA2MSB;
	assert_says(says(files), "--kernel ", "not for x86-64");
	make_case(state);
	kernel.elf.e_machine = EM_AARCH64;
	assert_says(says(files), "--kernel ", "not for x86-64");
	make_case(state);
	kernel.elf.e_type = ET_DYN;
	assert_says(says(files), "--kernel ", "not a Linux kernel");
	make_case(state);
	kernel.segments[0].p_vaddr = TEXT_GPA; /* a static program */
	assert_says(says(files), "--kernel ", "not a Linux kernel");
}

static void entries_outside_of_the_text_are_named(void **state)
{
	static const uint64_t bad[] = { 0, TEXT_GPA - 1, TEXT_GPA + TEXT_BYTES, DATA_GPA, UINT64_MAX };
	const struct files *files = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		kernel.elf.e_entry = bad[i];
		assert_says(says(files), "--kernel ", "not a Linux kernel");
	}
}

static void short_files_are_named(void **state)
{
	const struct files *files = *state;

	assert_says(kernel_says(files, 5), "--kernel ", "truncated");
	assert_says(kernel_says(files, sizeof(Elf64_Ehdr) - 1), "--kernel ", "truncated");
	assert_says(kernel_says(files, offsetof(struct kernel, text) - 1), "--kernel ", "truncated");
	assert_says(kernel_says(files, sizeof(kernel) - 1), "--kernel ", "truncated");
	assert_string_equal(kernel_says(files, sizeof(kernel)), "");
	kernel.elf.e_phoff = UINT64_MAX - 8;
	assert_says(says(files), "--kernel ", "truncated");
	make_case(state);
	kernel.segments[1].p_offset = UINT64_MAX - 8;
	assert_says(says(files), "--kernel ", "truncated");
}

static void bad_program_headers_are_named(void **state)
{
	const struct files *files = *state;

	kernel.elf.e_phentsize = 8;
	assert_says(says(files), "--kernel ", "bad program headers");
	make_case(state);
	kernel.elf.e_phnum = 0;
	assert_says(says(files), "--kernel ", "bad program headers");
	make_case(state);
	kernel.elf.e_phnum = UINT16_MAX;
	assert_says(says(files), "--kernel ", "bad program headers");
	make_case(state);
	kernel.segments[1].p_memsz = DATA_BYTES - 1;
	assert_says(says(files), "--kernel ", "longer than its memory");
}

static void segments_stay_in_the_memory_of_kernels(void **state)
{
	static const uint64_t far[] = { 64 * MIB, 64 * MIB - DATA_MEMORY + 1, 1ull << 40, UINT64_MAX };
	const struct files *files = *state;

	kernel.segments[1].p_paddr = MIB - 1; /* the tables that tell the kernel of the machine */
	assert_says(says(files), "--kernel ", "bad load address");
	for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
		kernel.segments[1].p_paddr = far[i];
		assert_says(says(files), "--memory 64M", "needs at least");
	}
	make_case(state);
	kernel.segments[1].p_memsz = UINT64_MAX;
	assert_says(says(files), "--memory 64M", "needs at least");
	kernel.segments[1].p_memsz = 46 * MIB;
	assert_string_equal(says(files), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_sound_kernel_is_placed, make_case),
		cmocka_unit_test_setup(other_programs_are_named, make_case),
		cmocka_unit_test_setup(entries_outside_of_the_text_are_named, make_case),
		cmocka_unit_test_setup(short_files_are_named, make_case),
		cmocka_unit_test_setup(bad_program_headers_are_named, make_case),
		cmocka_unit_test_setup(segments_stay_in_the_memory_of_kernels, make_case),
	};

	return cmocka_run_group_tests_name("boot_elf", tests, make_files, remove_files);
}
