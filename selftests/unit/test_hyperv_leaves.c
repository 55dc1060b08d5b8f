// SPDX-License-Identifier: GPL-2.0
// links: host/hyperv_leaves.c host/crash.c host/tsc_page.c host/guestmem.c host/pagemap.c
/*
 * What a guest is told of Hyper-V, with a KVM of the test's own that can more or less; what it leaves behind when it crashes; its TSC page.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <cmocka.h>

#include "crash.h"
#include "hyperv_leaves.h"
#include "log.h"
#include "msr.h"
#include "tsc_page.h"
#include "wire/tlfs.h"

#define MEMORY_BYTES (1ull << 20)

static struct {
	uint32_t feature_eax, feature_ebx, feature_edx, hint, spin;
	uint64_t crash[5], tsc_page;
} kvm;
static struct guestmem *mem;
static char said[8192];

void log_line(enum log_level level, const char *format, ...)
{
	size_t used = strlen(said);
	va_list arguments;

	(void)level;
	va_start(arguments, format);
	vsnprintf(said + used, sizeof(said) - used, format, arguments);
	va_end(arguments);
	strncat(said, "\n", sizeof(said) - strlen(said) - 1);
}

static int give_leaves(struct kvm_cpuid2 *leaves)
{
	assert_true(leaves->nent >= 2);
	leaves->nent = 2;
	leaves->entries[0] = (struct kvm_cpuid_entry2){ .function = TLFS_CPUID_FEATURES,
							.eax = kvm.feature_eax,
							.ebx = kvm.feature_ebx,
							.ecx = 0xFFFF,
							.edx = kvm.feature_edx };
	leaves->entries[1] = (struct kvm_cpuid_entry2){ .function = TLFS_CPUID_HINTS, .eax = kvm.hint, .ebx = kvm.spin };
	return 0;
}

static int give_msr(struct one_msr *msr)
{
	if (msr->entry.index == TLFS_MSR_REFERENCE_TSC)
		msr->entry.data = kvm.tsc_page;
	else if (msr->entry.index >= TLFS_MSR_CRASH_P0 && msr->entry.index < TLFS_MSR_CRASH_CTL)
		msr->entry.data = kvm.crash[msr->entry.index - TLFS_MSR_CRASH_P0];
	else
		return 0;
	return 1;
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;
	void *argument;

	(void)fd;
	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	switch (request) {
	case KVM_GET_SUPPORTED_HV_CPUID:
		return give_leaves(argument);
	case KVM_GET_MSRS:
		return give_msr(argument);
	case KVM_GET_REGS:
		*(struct kvm_regs *)argument = (struct kvm_regs){ .rip = 0x1111, .rsp = 0x2222 };
		return 0;
	case KVM_GET_SREGS:
		*(struct kvm_sregs *)argument = (struct kvm_sregs){ .cr2 = 0x3333, .cr3 = 0x4444 };
		return 0;
	default:
		errno = EINVAL;
		return -1;
	}
}

static int setup(void **state)
{
	(void)state;
	memset(&kvm, 0xFF, sizeof(kvm));
	memset(kvm.crash, 0, sizeof(kvm.crash));
	kvm.spin = 0xFFF;
	said[0] = 0;
	mem = guestmem_create(MEMORY_BYTES);
	return mem ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	guestmem_destroy(mem);
	return 0;
}

static void leaves_of(struct hyperv_features features, struct kvm_cpuid_entry2 *leaves)
{
	assert_int_equal(hyperv_leaves(3, 4, &features, leaves), 0);
}

/* The set of what has @name. */
static struct hyperv_features without(const char *name, enum hyperv_apicv apicv)
{
	struct hyperv_features features = { .apicv = apicv };

	for (unsigned int i = 0; hyperv_feature_name(i); i++)
		if (!strcmp(hyperv_feature_name(i), name))
			features.without = 1u << i;
	assert_true(features.without);
	return features;
}

static void all_that_kvm_can(void **state)
{
	struct kvm_cpuid_entry2 leaves[HYPERV_LEAVES];
	const struct hyperv_features all = { .apicv = HYPERV_APICV_ON };

	(void)state;
	leaves_of(all, leaves);
	assert_int_equal(leaves[0].eax, TLFS_CPUID_LIMITS);
	assert_memory_equal(&leaves[0].ebx, "Micr", 4);
	assert_int_equal(leaves[3].eax, 0xA7E);
	assert_int_equal(leaves[3].ebx, 0x30); /* never CpuManagement: the guest would think it is the root */
	assert_int_equal(leaves[3].ecx, 0);
	assert_int_equal(leaves[3].edx, 0x80500);
	assert_int_equal(leaves[4].eax, 0xE24);
	assert_int_equal(leaves[4].ebx, 0xFFF);
	assert_int_equal(leaves[5].eax, 4);
}

/* A KVM that can less: nothing is promised that it has not. */
static void a_small_kvm(void **state)
{
	struct kvm_cpuid_entry2 leaves[HYPERV_LEAVES];
	const struct hyperv_features all = { 0 };

	(void)state;
	kvm.hint = TLFS_HINT_RELAXED_TIMING;
	kvm.feature_edx = 0;
	leaves_of(all, leaves);
	assert_int_equal(leaves[4].eax, TLFS_HINT_RELAXED_TIMING);
	assert_int_equal(leaves[3].edx, 0);
	assert_false(leaves[3].eax & TLFS_ACCESS_STIMER); /* without direct ones none */
	kvm.feature_eax = ~TLFS_ACCESS_SYNIC;
	assert_int_equal(hyperv_leaves(3, 1, &all, leaves), -ENOTSUP);
}

static void one_by_one(void **state)
{
	struct kvm_cpuid_entry2 all[HYPERV_LEAVES], leaves[HYPERV_LEAVES];
	static const struct {
		const char *name;
		uint32_t feature_eax, feature_edx, hint;
		enum hyperv_apicv apicv;
	} cases[] = {
		{ "refcount", 1u << 1, 0, 0, HYPERV_APICV_ON },	     { "reftsc", 1u << 9, 0, 0, HYPERV_APICV_ON },
		{ "freq", 1u << 11, 1u << 8, 0, HYPERV_APICV_ON },   { "stimer", 1u << 3, 1u << 19, 0, HYPERV_APICV_ON },
		{ "stimer-direct", 0, 1u << 19, 0, HYPERV_APICV_ON }, { "apic", 1u << 4, 0, 0, HYPERV_APICV_ON },
		{ "apic", 1u << 4, 0, 1u << 3, HYPERV_APICV_OFF },   { "apic-advice", 0, 0, 1u << 3, HYPERV_APICV_OFF },
		{ "apic-advice", 0, 0, 0, HYPERV_APICV_ON },	     { "aeoi", 0, 0, 0, HYPERV_APICV_OFF },
		{ "crash", 0, 1u << 10, 0, HYPERV_APICV_ON },	     { "relaxed", 0, 0, 1u << 5, HYPERV_APICV_ON },
		{ "aeoi", 0, 0, 1u << 9, HYPERV_APICV_ON },	     { "tlbflush", 0, 0, 1u << 2, HYPERV_APICV_ON },
		{ "ipi", 0, 0, 1u << 10, HYPERV_APICV_ON },	     { "ex", 0, 0, 1u << 11, HYPERV_APICV_ON },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		leaves_of((struct hyperv_features){ .apicv = cases[i].apicv }, all);
		leaves_of(without(cases[i].name, cases[i].apicv), leaves);
		assert_int_equal(all[3].eax & ~leaves[3].eax, cases[i].feature_eax);
		assert_int_equal(all[3].edx & ~leaves[3].edx, cases[i].feature_edx);
		assert_int_equal(all[4].eax & ~leaves[4].eax, cases[i].hint);
		assert_int_equal(leaves[4].ebx, 0xFFF);
	}
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* Who does APICs, or not, is told the one or the other, never both. */
static void advice_on_apics(void **state)
{
	char root[] = "/tmp/hvis-modules-XXXXXX", path[128];
	struct kvm_cpuid_entry2 leaves[HYPERV_LEAVES];

	(void)state;
	leaves_of((struct hyperv_features){ .apicv = HYPERV_APICV_ON }, leaves);
	assert_int_equal(leaves[4].eax & (TLFS_HINT_APIC_MSRS | TLFS_HINT_DEPRECATE_AUTO_EOI), TLFS_HINT_DEPRECATE_AUTO_EOI);
	leaves_of((struct hyperv_features){ .apicv = HYPERV_APICV_OFF }, leaves);
	assert_int_equal(leaves[4].eax & (TLFS_HINT_APIC_MSRS | TLFS_HINT_DEPRECATE_AUTO_EOI), TLFS_HINT_APIC_MSRS);

	assert_non_null(mkdtemp(root));
	assert_true(hyperv_kvm_has_apicv(root)); /* nobody says */
	snprintf(path, sizeof(path), "mkdir -p %s/kvm_intel/parameters %s/kvm_amd/parameters", root, root);
	assert_int_equal(system(path), 0);
	snprintf(path, sizeof(path), "%s/kvm_amd/parameters/avic", root);
	write_file(path, "");
	assert_true(hyperv_kvm_has_apicv(root));
	write_file(path, "N\n");
	assert_false(hyperv_kvm_has_apicv(root));
	write_file(path, "Y\n");
	assert_true(hyperv_kvm_has_apicv(root));
	snprintf(path, sizeof(path), "%s/kvm_intel/parameters/enable_apicv", root);
	write_file(path, "0\n");
	assert_false(hyperv_kvm_has_apicv(root));
	snprintf(path, sizeof(path), "rm -r %s", root);
	assert_int_equal(system(path), 0);
}

static void spinning(void **state)
{
	struct kvm_cpuid_entry2 leaves[HYPERV_LEAVES];
	struct hyperv_features features = { .spin_given = true, .spin = 77 };

	(void)state;
	leaves_of(features, leaves);
	assert_int_equal(leaves[4].ebx, 77);
	leaves_of(without("spin", HYPERV_APICV_ON), leaves);
	assert_int_equal(leaves[4].ebx, TLFS_SPIN_NEVER_NOTIFY);
}

static void crash_with(uint64_t control, uint64_t address, uint64_t bytes)
{
	said[0] = 0;
	kvm.crash[3] = address;
	kvm.crash[4] = bytes;
	crash_report(3, 1, mem, control);
}

static void a_crash_with_a_message(void **state)
{
	static const char text[] = "<0>[ 1.0] Kernel panic\nsecond\x01line\n";

	(void)state;
	memcpy(guestmem_ptr(mem, gpa(0x3000), sizeof(text)), text, sizeof(text));
	crash_with(TLFS_CRASH_NOTIFY | TLFS_CRASH_NOTIFY_MSG, 0x3000, 4096);
	assert_non_null(strstr(said, "parameters 0 0 0 0x3000 0x1000"));
	assert_non_null(strstr(said, "VP 1: rip 0x1111 rsp 0x2222"));
	assert_non_null(strstr(said, "cr2 0x3333 cr3 0x4444"));
	assert_non_null(strstr(said, "guest: <0>[ 1.0] Kernel panic\nguest: second.line\n"));
	crash_with(0, 0x3000, 36); /* nobody saw the control register */
	assert_non_null(strstr(said, "Kernel panic"));
	crash_with(TLFS_CRASH_NOTIFY, 0x3000, 4096); /* registers, whatever they look like */
	assert_null(strstr(said, "Kernel panic"));
}

static void crash_messages_that_are_none(void **state)
{
	static const struct {
		uint64_t address, bytes;
		const char *why;
	} cases[] = {
		{ 0x3000, 0, "from 1 to 4096" },		 { 0x3000, 4097, "from 1 to 4096" },
		{ 0x3000, UINT64_MAX, "from 1 to 4096" },	 { MEMORY_BYTES - 1, 2, "not in the guest's memory" },
		{ UINT64_MAX, 4096, "not in the guest's memory" }, { MEMORY_BYTES, 1, "not in the guest's memory" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		crash_with(TLFS_CRASH_NOTIFY | TLFS_CRASH_NOTIFY_MSG, cases[i].address, cases[i].bytes);
		assert_non_null(strstr(said, cases[i].why));
	}
}

static void the_tsc_page(void **state)
{
	struct tsc_page page = { .mem = mem };
	uint32_t *there = guestmem_ptr(mem, gpa(0x5000), 4096), sequence;

	(void)state;
	kvm.tsc_page = 0;
	assert_false(tsc_page_act(&page, 3, TSC_PAGE_LOOK, &sequence));
	kvm.tsc_page = MEMORY_BYTES | TLFS_MSR_ENABLE; /* behind the end */
	assert_false(tsc_page_act(&page, 3, TSC_PAGE_INVALID, &sequence));
	kvm.tsc_page = 0x5000 | TLFS_MSR_ENABLE;
	there[0] = 7;
	there[1] = 0x12345678;
	assert_true(tsc_page_act(&page, 3, TSC_PAGE_INVALID, &sequence));
	assert_int_equal(there[0] | sequence, 0);
	assert_true(tsc_page_act(&page, 3, TSC_PAGE_INVALID, &sequence)); /* once more */
	assert_true(tsc_page_act(&page, 3, TSC_PAGE_VALID, &sequence));
	assert_int_equal(there[0], 8);
	assert_true(tsc_page_act(&page, 3, TSC_PAGE_VALID, &sequence));
	assert_int_equal(there[0], 9);
	there[0] = UINT32_MAX - 1;
	assert_true(tsc_page_act(&page, 3, TSC_PAGE_VALID, &sequence));
	assert_int_equal(there[0], 1);
	assert_int_equal(there[1], 0x12345678);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_that_kvm_can), TEST(a_small_kvm), TEST(one_by_one), TEST(advice_on_apics), TEST(spinning), TEST(a_crash_with_a_message),
		TEST(crash_messages_that_are_none), TEST(the_tsc_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
