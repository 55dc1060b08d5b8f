// SPDX-License-Identifier: GPL-2.0
// links: host/boot.c host/boot_bzimage.c host/boot_elf.c host/acpi.c host/guestmem.c host/pagemap.c host/error.c
/*
 * Kernel loading and the ACPI tables: a bzImage made here, whole and damaged in every way the
 * loader knows, and tables walked from the RSDP on as a guest does.
 */
#define _GNU_SOURCE
#include <asm/bootparam.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "acpi.h"
#include "boot_files.h"
#include "error.h"

#define SETUP_SECTORS	 7
#define PAYLOAD_OFFSET	 ((SETUP_SECTORS + 1) * 512)
#define PAYLOAD_BYTES	 0x20000u
#define IMAGE_BYTES	 (PAYLOAD_OFFSET + PAYLOAD_BYTES)
#define LOAD_ADDRESS	 0x1000000ull
#define INIT_BYTES	 (32 * MIB)
#define COMMAND_LINE_MAX 2047

static uint8_t image[IMAGE_BYTES];

static struct setup_header *header(void)
{
	return (struct setup_header *)(image + 0x1f1);
}

/* A sound bzImage, with a payload that tells where each byte came from. */
static void make_image(void)
{
	struct setup_header *fields = header();

	memset(image, 0, sizeof(image));
	image[0x1ef] = 0xff; /* the sentinel, which must not reach the zero page */
	*fields = (struct setup_header){
		.setup_sects = SETUP_SECTORS,
		.syssize = PAYLOAD_BYTES / 16,
		.boot_flag = 0xaa55,
		.jump = 0x6aeb, /* the header ends at 0x202 + 0x6a */
		.header = 0x53726448,
		.version = 0x020f,
		.loadflags = LOADED_HIGH,
		.initrd_addr_max = 0x7fffffff,
		.kernel_alignment = 0x200000,
		.relocatable_kernel = 1,
		.xloadflags = XLF_KERNEL_64,
		.cmdline_size = COMMAND_LINE_MAX,
		.pref_address = LOAD_ADDRESS,
		.init_size = INIT_BYTES,
	};
	image[0x290 - 1] = 0x77; /* beyond the header: not to be copied */
	for (uint32_t i = 0; i < PAYLOAD_BYTES; i++)
		image[PAYLOAD_OFFSET + i] = (uint8_t)(i * 7 + (i >> 8));
}

static int make_case(void **state)
{
	struct files *files = *state;
	uint8_t initrd[5000];

	make_image();
	memset(initrd, 0xa5, sizeof(initrd));
	write_file(files->kernel, image, sizeof(image));
	write_file(files->initrd, initrd, sizeof(initrd));
	return 0;
}

static const char *image_says(const struct files *files, size_t bytes)
{
	write_file(files->kernel, image, bytes);
	return load_says(files, 64 * MIB, NULL, false);
}

static void a_sound_kernel_is_placed(void **state)
{
	const struct files *files = *state;
	struct boot_config config = {files->kernel, files->initrd, "console=ttyS0 quiet", 0xe0000};
	struct guestmem *mem = guestmem_create(64 * MIB);
	char error[ERROR_BYTES] = "";
	struct boot_entry entry;
	struct boot_params *zero;
	uint8_t *initrd;

	assert_int_equal(boot_load(mem, &config, &entry, error), 0);
	assert_string_equal(error, "");
	assert_true(entry.rip == LOAD_ADDRESS + 0x200);
	assert_memory_equal(guestmem_ptr(mem, gpa(LOAD_ADDRESS), PAYLOAD_BYTES),
			    image + PAYLOAD_OFFSET, PAYLOAD_BYTES);
	zero = guestmem_ptr(mem, gpa(entry.rsi), sizeof(*zero));
	assert_int_equal(zero->hdr.type_of_loader, 0xff);
	assert_int_equal(zero->hdr.header, 0x53726448);
	assert_int_equal(zero->sentinel, 0);
	assert_int_equal(((uint8_t *)zero)[0x28f], 0);
	assert_true(zero->acpi_rsdp_addr == 0xe0000);
	assert_string_equal(guestmem_ptr(mem, gpa(zero->hdr.cmd_line_ptr), 20),
			    "console=ttyS0 quiet");
	assert_int_equal(zero->hdr.ramdisk_size, 5000);
	assert_true(zero->hdr.ramdisk_image == ((64 * MIB - 5000) & ~0xfffull));
	initrd = guestmem_ptr(mem, gpa(zero->hdr.ramdisk_image), 5000);
	assert_true(initrd[0] == 0xa5 && initrd[4999] == 0xa5);
	guestmem_destroy(mem);
}

static void the_initrd_stays_below_its_limit(void **state)
{
	const struct files *files = *state;
	struct boot_config config = {.kernel = files->kernel, .initrd = files->initrd};
	struct guestmem *mem = guestmem_create(128 * MIB);
	char error[ERROR_BYTES];
	struct boot_entry entry;
	struct boot_params *zero;

	header()->initrd_addr_max = 60 * MIB - 1;
	write_file(files->kernel, image, sizeof(image));
	assert_int_equal(boot_load(mem, &config, &entry, error), 0);
	zero = guestmem_ptr(mem, gpa(entry.rsi), sizeof(*zero));
	assert_true(zero->hdr.ramdisk_image == ((60 * MIB - 5000) & ~0xfffull));
	guestmem_destroy(mem);
}

/* Entries ascend without overlap, RAM is exactly RAM, the ACPI area is neither. */
static void the_memory_map_is_true(void **state)
{
	const struct files *files = *state;
	struct boot_config config = {.kernel = files->kernel};
	struct guestmem *mem = guestmem_create(GUESTMEM_LOW_END + 64 * MIB);
	char error[ERROR_BYTES];
	struct boot_entry entry;
	struct boot_params *zero;
	uint64_t end = 0;
	uint64_t ram = 0;

	if (!mem && errno == ENOMEM)
		skip();
	assert_int_equal(boot_load(mem, &config, &entry, error), 0);
	zero = guestmem_ptr(mem, gpa(entry.rsi), sizeof(*zero));
	assert_int_equal(zero->e820_entries, 5);
	for (unsigned int i = 0; i < zero->e820_entries; i++) {
		struct boot_e820_entry e820 = zero->e820_table[i];

		assert_true(e820.addr >= end && e820.size > 0);
		end = e820.addr + e820.size;
		assert_non_null(guestmem_ptr(mem, gpa(e820.addr), e820.size));
		if (e820.type == 1)
			ram += e820.size;
		if (e820.addr <= ACPI_AREA_GPA && ACPI_AREA_GPA < end)
			assert_true(e820.type == 3 && end >= ACPI_AREA_GPA + ACPI_AREA_BYTES);
	}
	assert_true(end == GUESTMEM_HIGH + 64 * MIB);
	assert_true(ram == 0x9fc00 + GUESTMEM_LOW_END - MIB + 64 * MIB);
	guestmem_destroy(mem);
}

/* Walk the page tables as a CPU does. */
static uint64_t translate(const struct guestmem *mem, uint64_t cr3, uint64_t address)
{
	uint64_t table = cr3;

	for (int shift = 39; shift >= 21; shift -= 9) {
		uint64_t *entries = guestmem_ptr(mem, gpa(table & ~0xfffull), 4096);
		uint64_t entry = entries[address >> shift & 511];

		if ((entry & 3) != 3)
			return UINT64_MAX;
		if (entry & 0x80)
			return (entry & ~0x1fffffull) | (address & 0x1fffff);
		table = entry;
	}
	return UINT64_MAX;
}

static void page_tables_and_gdt_fit_the_entry_state(void **state)
{
	static const uint64_t mapped[] = {0,	      0x2abc,	  LOAD_ADDRESS,
					  0xbfffffff, 0xfec00000, 0xffffffff};
	const struct files *files = *state;
	struct boot_config config = {.kernel = files->kernel};
	struct guestmem *mem = guestmem_create(64 * MIB);
	char error[ERROR_BYTES];
	struct boot_entry entry;
	uint64_t *gdt;

	assert_int_equal(boot_load(mem, &config, &entry, error), 0);
	for (size_t i = 0; i < sizeof(mapped) / sizeof(mapped[0]); i++)
		assert_true(translate(mem, entry.cr3, mapped[i]) == mapped[i]);
	assert_true(translate(mem, entry.cr3, 0x100000000ull) == UINT64_MAX);
	assert_int_equal(entry.gdt_limit, 31);
	gdt = guestmem_ptr(mem, gpa(entry.gdt_gpa), 32);
	assert_true(gdt[0] == 0);
	assert_true((gdt[BOOT_CS / 8] >> 40 & 0x9f) == 0x9b); /* present code */
	assert_true((gdt[BOOT_CS / 8] >> 52 & 0x6) == 0x2); /* L=1, D=0 */
	assert_true((gdt[BOOT_DS / 8] >> 40 & 0x9f) == 0x93); /* present data */
	guestmem_destroy(mem);
}

static void damaged_kernels_are_named(void **state)
{
	const struct files *files = *state;

	assert_says(image_says(files, 0), "--kernel ", "not a Linux bzImage (too short)");
	assert_says(image_says(files, 0x28f), "--kernel ", "not a Linux bzImage (too short)");
	assert_says(image_says(files, 0x290), "--kernel ", "truncated");
	assert_says(image_says(files, IMAGE_BYTES - 1), "--kernel ", "truncated");
	assert_string_equal(image_says(files, IMAGE_BYTES), "");
	header()->boot_flag = 0;
	assert_says(image_says(files, IMAGE_BYTES), "--kernel ", "neither a Linux bzImage nor a vmlinux");
	memcpy(image, "\177ELF", 4);
	assert_says(image_says(files, IMAGE_BYTES), "--kernel ", "an ELF file");
	make_image();
	header()->header++;
	assert_says(image_says(files, IMAGE_BYTES), "--kernel ", "neither a Linux bzImage nor a vmlinux");
}

static void unfit_headers_are_named(void **state)
{
	const struct files *files = *state;

	header()->version = 0x0205;
	assert_says(image_says(files, IMAGE_BYTES), "--kernel ", "boot protocol 2.05 is too old");
	make_image();
	header()->xloadflags = 0;
	assert_says(image_says(files, IMAGE_BYTES), "--kernel ", "has no 64-bit entry point");
	make_image();
	header()->loadflags = 0;
	assert_says(image_says(files, IMAGE_BYTES), "--kernel ", "not a bzImage but a zImage");
	make_image();
	header()->jump = 0x20eb;
	assert_says(image_says(files, IMAGE_BYTES), "--kernel ", "setup header too short");
	make_image();
	header()->syssize = 0;
	assert_says(image_says(files, IMAGE_BYTES), "--kernel ", "names no kernel");
	make_image();
	header()->syssize = UINT32_MAX;
	assert_says(image_says(files, IMAGE_BYTES), "--kernel ", "truncated");
}

static void bad_addresses_are_named(void **state)
{
	static const uint64_t bad[] = {0, 0xff000, LOAD_ADDRESS + 1};
	static const uint64_t far[] = {64 * MIB, 1ull << 40, UINT64_MAX & ~0xfffull};
	const struct files *files = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		header()->pref_address = bad[i];
		assert_says(image_says(files, IMAGE_BYTES), "--kernel ", "bad load address");
	}
	for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
		header()->pref_address = far[i];
		assert_says(image_says(files, IMAGE_BYTES), "--memory 64M", "needs at least");
	}
	/* init_size may be wrong: the payload itself must fit all the same */
	header()->pref_address = 64 * MIB - 4096;
	header()->init_size = 0;
	assert_says(image_says(files, IMAGE_BYTES), "--memory 64M", "needs at least");
	/* a header that reaches beyond what the zero page holds is cut */
	make_image();
	header()->jump = 0xffeb;
	assert_string_equal(image_says(files, IMAGE_BYTES), "");
}

static void too_little_memory_is_named(void **state)
{
	const struct files *files = *state;

	assert_says(load_says(files, 4096, NULL, false), "--memory", "too small");
	assert_says(load_says(files, MIB, NULL, false), "--memory", "too small");
	assert_says(load_says(files, 47 * MIB, NULL, false), "--memory 47M", "needs at least 48M");
	assert_string_equal(load_says(files, 48 * MIB, NULL, false), "");
	assert_says(load_says(files, 48 * MIB, NULL, true), "--initrd ", "do not fit");
	assert_says(load_says(files, 48 * MIB + 8192, NULL, true), "--initrd ", "do not fit");
	assert_string_equal(load_says(files, 48 * MIB + 12288, NULL, true), "");
}

static void unreadable_files_are_named(void **state)
{
	const struct files *files = *state;
	struct files other = *files;

	snprintf(other.kernel, sizeof(other.kernel), "%s/absent", files->directory);
	assert_says(load_says(&other, 64 * MIB, NULL, false), "--kernel ", "/absent: No such file");
	snprintf(other.kernel, sizeof(other.kernel), "%s", files->directory);
	assert_says(load_says(&other, 64 * MIB, NULL, false), "--kernel ", "not a regular file");
	other = *files;
	snprintf(other.initrd, sizeof(other.initrd), "%s/absent", files->directory);
	assert_says(load_says(&other, 64 * MIB, NULL, true), "--initrd ", "/absent: No such file");
	snprintf(other.initrd, sizeof(other.initrd), "/dev/null");
	assert_says(load_says(&other, 64 * MIB, NULL, true), "--initrd ", "not a regular file");
	write_file(files->initrd, "", 0);
	assert_says(load_says(files, 64 * MIB, NULL, true), "--initrd ", "empty file");
}

/* A named pipe must be refused, not waited for. */
static void a_pipe_does_not_block(void **state)
{
	const struct files *files = *state;

	unlink(files->initrd);
	assert_int_equal(mkfifo(files->initrd, 0600), 0);
	assert_says(load_says(files, 64 * MIB, NULL, true), "--initrd ", "not a regular file");
	unlink(files->initrd);
}

static void long_command_lines_are_refused(void **state)
{
	const struct files *files = *state;
	char *text = malloc(0x20001);

	memset(text, 'x', 0x20000);
	text[COMMAND_LINE_MAX] = 0;
	assert_string_equal(load_says(files, 64 * MIB, text, false), "");
	text[COMMAND_LINE_MAX] = 'x';
	text[COMMAND_LINE_MAX + 1] = 0;
	assert_says(load_says(files, 64 * MIB, text, false), "--append: 2048 characters",
		    "at most 2047");
	/* a header that allows any length: what our place holds is the limit */
	header()->cmdline_size = UINT32_MAX;
	write_file(files->kernel, image, sizeof(image));
	text[COMMAND_LINE_MAX + 1] = 'x';
	text[0x10000] = 0;
	assert_says(load_says(files, 64 * MIB, text, false), "--append: 65536 characters",
		    "at most 65535");
	free(text);
}

static void long_paths_keep_the_error(void **state)
{
	struct boot_config config = {0};
	struct guestmem *mem = guestmem_create(64 * MIB);
	char error[ERROR_BYTES];
	struct boot_entry entry;
	char path[3000];

	(void)state;
	memset(path, 'p', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = 0;
	config.kernel = path;
	assert_true(boot_load(mem, &config, &entry, error) < 0);
	assert_says(error, "--kernel /ppp", "File name too long");
	guestmem_destroy(mem);
}

static uint8_t sum(const uint8_t *bytes, size_t count)
{
	uint8_t total = 0;

	while (count--)
		total = (uint8_t)(total + *bytes++);
	return total;
}

static uint32_t get32(const uint8_t *table, unsigned int offset)
{
	uint32_t value;

	memcpy(&value, table + offset, sizeof(value));
	return value;
}

static uint64_t get64(const uint8_t *table, unsigned int offset)
{
	uint64_t value;

	memcpy(&value, table + offset, sizeof(value));
	return value;
}

/* The table at a guest address: inside the ACPI area, checksum right. */
static const uint8_t *table_at(const struct guestmem *mem, uint64_t address, const char *signature)
{
	const uint8_t *table = guestmem_ptr(mem, gpa(address), 36);

	assert_non_null(table);
	assert_memory_equal(table, signature, 4);
	assert_true(address >= ACPI_AREA_GPA);
	assert_true(address + get32(table, 4) <= ACPI_AREA_GPA + ACPI_AREA_BYTES);
	assert_int_equal(address % 16, 0);
	if (strcmp(signature, "FACS"))
		assert_int_equal(sum(table, get32(table, 4)), 0);
	return table;
}

static const uint8_t *xsdt_of(const struct guestmem *mem, uint64_t rsdp_gpa)
{
	const uint8_t *rsdp = guestmem_ptr(mem, gpa(rsdp_gpa), 36);

	assert_non_null(rsdp);
	assert_memory_equal(rsdp, "RSD PTR ", 8);
	assert_int_equal(sum(rsdp, 20), 0);
	assert_int_equal(sum(rsdp, 36), 0);
	return table_at(mem, get64(rsdp, 24), "XSDT");
}

static void acpi_tables_can_be_walked(void **state)
{
	struct guestmem *mem = guestmem_create(64 * MIB);
	uint64_t rsdp = acpi_build(mem, 2, NULL);
	const uint8_t *xsdt;
	const uint8_t *fadt;
	const uint8_t *dsdt;

	(void)state;
	assert_true(rsdp == ACPI_AREA_GPA);
	xsdt = xsdt_of(mem, rsdp);
	assert_int_equal(get32(xsdt, 4), 36 + 3 * 8);
	fadt = table_at(mem, get64(xsdt, 36), "FACP");
	assert_int_equal(get32(fadt, 56), ACPI_PM1A_EVENT_PORT);
	assert_int_equal(get32(fadt, 64), ACPI_PM1A_CONTROL_PORT);
	assert_int_equal(get32(fadt, 76), ACPI_PM_TIMER_PORT);
	assert_int_equal(fadt[109], 0x25); /* legacy devices, no VGA, no RTC, no 8042 */
	assert_true(get64(fadt, 120) == ACPI_RESET_PORT && fadt[128] == ACPI_RESET_VALUE);
	table_at(mem, get32(fadt, 36), "FACS");
	dsdt = table_at(mem, get64(fadt, 140), "DSDT");
	assert_non_null(memmem(dsdt, get32(dsdt, 4), "VMBus", 6));
	assert_non_null(memmem(dsdt, get32(dsdt, 4), "_S5_", 4));
	assert_null(memmem(dsdt, get32(dsdt, 4), "_S4_", 4));
	guestmem_destroy(mem);
}

/* Only who asks for one more table gets it; the others stay where they were, byte for byte. */
static void acpi_takes_one_more_table(void **state)
{
	struct guestmem *plain = guestmem_create(64 * MIB), *mem = guestmem_create(64 * MIB);
	uint8_t table[52] = "SSDT";
	const uint8_t *xsdt, *other;

	(void)state;
	table[4] = sizeof(table);
	table[9] = (uint8_t)-sum(table, sizeof(table));
	other = xsdt_of(plain, acpi_build(plain, 2, NULL));
	xsdt = xsdt_of(mem, acpi_build(mem, 2, table));
	assert_int_equal(get32(xsdt, 4), 36 + 4 * 8);
	assert_memory_equal(xsdt + 36, other + 36, 3 * 8);
	assert_memory_equal(table_at(mem, get64(xsdt, 36 + 3 * 8), "SSDT"), table, sizeof(table));
	assert_memory_equal(table_at(mem, get64(xsdt, 36), "FACP"), table_at(plain, get64(other, 36), "FACP"), 276);
	guestmem_destroy(mem);
	guestmem_destroy(plain);
}

/* Count the interrupt controller structures of each type. */
static void count_madt(const uint8_t *madt, unsigned int *types, uint32_t *next_cpu)
{
	uint32_t end = get32(madt, 4);
	uint32_t at = 44;

	while (at < end) {
		const uint8_t *entry = madt + at;

		assert_true(entry[0] < 16 && entry[1] >= 2 && at + entry[1] <= end);
		types[entry[0]]++;
		if (entry[0] == 0)
			assert_int_equal(entry[3], (*next_cpu)++);
		if (entry[0] == 9)
			assert_int_equal(get32(entry, 4), (*next_cpu)++);
		at += entry[1];
	}
	assert_int_equal(at, end);
}

static void every_processor_is_described(void **state)
{
	static const unsigned int counts[] = {1, 2, 64, 255, 256, ACPI_CPUS_MAX};
	struct guestmem *mem = guestmem_create(64 * MIB);

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		const uint8_t *xsdt = xsdt_of(mem, acpi_build(mem, counts[i], NULL));
		const uint8_t *ssdt = table_at(mem, get64(xsdt, 52), "SSDT");
		unsigned int types[16] = {0};
		uint32_t cpus = 0;

		count_madt(table_at(mem, get64(xsdt, 44), "APIC"), types, &cpus);
		assert_int_equal(cpus, counts[i]);
		assert_int_equal(types[0], counts[i] < 255 ? counts[i] : 255);
		assert_int_equal(types[1], 1);
		assert_int_equal(types[2], 2);
		assert_int_equal(get32(ssdt, 4), 36 + 10 + counts[i] * 30);
	}
	guestmem_destroy(mem);
}

static void acpi_refuses_what_it_cannot_describe(void **state)
{
	struct guestmem *mem = guestmem_create(64 * MIB);
	struct guestmem *small = guestmem_create(MIB - 4096);

	(void)state;
	assert_true(acpi_build(mem, 0, NULL) == 0);
	assert_true(acpi_build(mem, ACPI_CPUS_MAX + 1, NULL) == 0);
	assert_true(acpi_build(small, 1, NULL) == 0);
	guestmem_destroy(small);
	guestmem_destroy(mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_sound_kernel_is_placed, make_case),
		cmocka_unit_test_setup(the_initrd_stays_below_its_limit, make_case),
		cmocka_unit_test_setup(the_memory_map_is_true, make_case),
		cmocka_unit_test_setup(page_tables_and_gdt_fit_the_entry_state, make_case),
		cmocka_unit_test_setup(damaged_kernels_are_named, make_case),
		cmocka_unit_test_setup(unfit_headers_are_named, make_case),
		cmocka_unit_test_setup(bad_addresses_are_named, make_case),
		cmocka_unit_test_setup(too_little_memory_is_named, make_case),
		cmocka_unit_test_setup(unreadable_files_are_named, make_case),
		cmocka_unit_test_setup(a_pipe_does_not_block, make_case),
		cmocka_unit_test_setup(long_command_lines_are_refused, make_case),
		cmocka_unit_test_setup(long_paths_keep_the_error, make_case),
		cmocka_unit_test(acpi_tables_can_be_walked),
		cmocka_unit_test(acpi_takes_one_more_table),
		cmocka_unit_test(every_processor_is_described),
		cmocka_unit_test(acpi_refuses_what_it_cannot_describe),
	};

	return cmocka_run_group_tests_name("boot", tests, make_files, remove_files);
}
