// SPDX-License-Identifier: GPL-2.0
/*
 * See hyperv_leaves.h. Source: TLFS 2.4.
 * Invariant: nothing is advertised that KVM or we do not do; KVM enforces it (KVM_CAP_HYPERV_ENFORCE_CPUID), so that a hypercall or an
 * MSR that is left out here is refused when it is used all the same.
 */
#include "hyperv_leaves.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "wire/tlfs.h"

/*
 * Version of the hypervisor that guests print; 10.0.14393 is Windows Server 2016, the level KVM is
 * modelled on.
 */
#define BUILD_NUMBER 14393u
#define BUILD_VERSION (10u << 16)
#define LOGICAL_PROCESSORS_MAX 64
#define LEAVES_MAX 32 /* that KVM may report */

static const struct kvm_cpuid_entry2 wanted_features = {
	.function = TLFS_CPUID_FEATURES,
	.eax = TLFS_ACCESS_REFERENCE_COUNTER | TLFS_ACCESS_SYNIC | TLFS_ACCESS_STIMER | TLFS_ACCESS_APIC_MSRS |
	       TLFS_ACCESS_HYPERCALL_MSRS | TLFS_ACCESS_VP_INDEX | TLFS_ACCESS_REFERENCE_TSC | TLFS_ACCESS_FREQUENCY_MSRS,
	.ebx = TLFS_POST_MESSAGES | TLFS_SIGNAL_EVENTS,
	.edx = TLFS_FEATURE_FREQUENCY_MSRS | TLFS_FEATURE_CRASH_MSRS | TLFS_FEATURE_DIRECT_STIMER,
};

/* A guest without these cannot reach us at all. */
static const struct kvm_cpuid_entry2 features_needed = {
	.eax = TLFS_ACCESS_SYNIC | TLFS_ACCESS_HYPERCALL_MSRS | TLFS_ACCESS_VP_INDEX,
	.ebx = TLFS_POST_MESSAGES | TLFS_SIGNAL_EVENTS,
};

static const uint32_t wanted_hints = TLFS_HINT_APIC_MSRS | TLFS_HINT_REMOTE_TLB_FLUSH | TLFS_HINT_RELAXED_TIMING | TLFS_HINT_DEPRECATE_AUTO_EOI |
				     TLFS_HINT_CLUSTER_IPI | TLFS_HINT_EX_PROCESSOR_MASKS;

/* What each name takes away. */
static const struct row {
	const char *name;
	uint32_t feature_eax, feature_edx, hint;
} rows[] = {
	{ "refcount", .feature_eax = TLFS_ACCESS_REFERENCE_COUNTER },
	{ "reftsc", .feature_eax = TLFS_ACCESS_REFERENCE_TSC },
	{ "freq", .feature_eax = TLFS_ACCESS_FREQUENCY_MSRS, .feature_edx = TLFS_FEATURE_FREQUENCY_MSRS },
	{ "stimer", .feature_eax = TLFS_ACCESS_STIMER, .feature_edx = TLFS_FEATURE_DIRECT_STIMER },
	{ "stimer-direct", .feature_edx = TLFS_FEATURE_DIRECT_STIMER },
	{ "apic", .feature_eax = TLFS_ACCESS_APIC_MSRS, .hint = TLFS_HINT_APIC_MSRS },
	{ "crash", .feature_edx = TLFS_FEATURE_CRASH_MSRS },
	{ "relaxed", .hint = TLFS_HINT_RELAXED_TIMING },
	{ "apic-advice", .hint = TLFS_HINT_APIC_MSRS },
	{ "aeoi", .hint = TLFS_HINT_DEPRECATE_AUTO_EOI },
	{ "tlbflush", .hint = TLFS_HINT_REMOTE_TLB_FLUSH },
	{ "ipi", .hint = TLFS_HINT_CLUSTER_IPI },
	{ "ex", .hint = TLFS_HINT_EX_PROCESSOR_MASKS },
	{ .name = "spin" }, /* a number, not a bit: see below */
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))
#define ROW_SPIN (ROWS - 1)
_Static_assert(ROWS <= 32, "one bit each in hyperv_features.without");

const char *hyperv_feature_name(unsigned int row)
{
	return row < ROWS ? rows[row].name : NULL;
}

bool hyperv_feature_off(const struct hyperv_features *features, const char *name)
{
	for (unsigned int i = 0; i < ROWS; i++)
		if (!strcmp(rows[i].name, name))
			return features->without >> i & 1;
	return false;
}

/* Return: whether the module is there; @on: what its parameter says. */
static bool read_parameter(const char *modules, const char *name, bool *on)
{
	char path[256];
	FILE *file;
	int value;

	snprintf(path, sizeof(path), "%s/%s", modules, name);
	file = fopen(path, "re");
	if (!file)
		return false;
	value = fgetc(file);
	fclose(file);
	*on = value != 'N' && value != '0';
	return value != EOF;
}

bool hyperv_kvm_has_apicv(const char *modules)
{
	bool on;

	if (!read_parameter(modules, "kvm_intel/parameters/enable_apicv", &on) && !read_parameter(modules, "kvm_amd/parameters/avic", &on))
		return true;
	return on;
}

/* Hints that are of no use with, or without, a processor that does APICs. */
static uint32_t hints_against(const struct hyperv_features *features)
{
	bool apicv = features->apicv == HYPERV_APICV_ON;

	if (features->apicv == HYPERV_APICV_ASK_KVM)
		apicv = hyperv_kvm_has_apicv(HYPERV_MODULES);
	return apicv ? TLFS_HINT_APIC_MSRS : TLFS_HINT_DEPRECATE_AUTO_EOI;
}

static int supported_leaves(int kvm, struct kvm_cpuid_entry2 *feature_leaf, struct kvm_cpuid_entry2 *hint_leaf)
{
	struct {
		uint32_t nent;
		uint32_t padding;
		struct kvm_cpuid_entry2 entry[LEAVES_MAX];
	} leaves = { .nent = LEAVES_MAX };

	if (ioctl(kvm, KVM_GET_SUPPORTED_HV_CPUID, &leaves))
		return -errno;
	for (unsigned int i = 0; i < leaves.nent; i++) {
		if (leaves.entry[i].function == TLFS_CPUID_FEATURES)
			*feature_leaf = leaves.entry[i];
		if (leaves.entry[i].function == TLFS_CPUID_HINTS)
			*hint_leaf = leaves.entry[i];
	}
	return 0;
}

static uint32_t spin(const struct hyperv_features *features, const struct kvm_cpuid_entry2 *can)
{
	if (features->without & 1u << ROW_SPIN)
		return TLFS_SPIN_NEVER_NOTIFY;
	return features->spin_given ? features->spin : can->ebx;
}

/* The features and hints leaves of @can become what is announced. */
static void cut_down(const struct hyperv_features *features, struct kvm_cpuid_entry2 *feature, struct kvm_cpuid_entry2 *hint)
{
	feature->eax &= wanted_features.eax;
	feature->ebx &= wanted_features.ebx;
	feature->ecx = 0;
	feature->edx &= wanted_features.edx;
	/* KVM loses a message-mode timer that expires before SIMP is on: direct ones or none, unless somebody wants to try just that. */
	if (!(feature->edx & TLFS_FEATURE_DIRECT_STIMER))
		feature->eax &= ~TLFS_ACCESS_STIMER;
	*hint = (struct kvm_cpuid_entry2){
		.function = TLFS_CPUID_HINTS,
		.eax = hint->eax & wanted_hints & ~hints_against(features),
		.ebx = spin(features, hint),
	};
	for (unsigned int i = 0; i < ROWS; i++) {
		if (!(features->without >> i & 1))
			continue;
		feature->eax &= ~rows[i].feature_eax;
		feature->edx &= ~rows[i].feature_edx;
		hint->eax &= ~rows[i].hint;
	}
}

int hyperv_leaves(int kvm, unsigned int cpus, const struct hyperv_features *features, struct kvm_cpuid_entry2 *entries)
{
	struct kvm_cpuid_entry2 can = { 0 }, hints = { 0 };
	uint32_t signature[3];
	int ret = supported_leaves(kvm, &can, &hints);

	if (ret)
		return ret;
	if (features_needed.eax & ~can.eax || features_needed.ebx & ~can.ebx)
		return -ENOTSUP;
	cut_down(features, &can, &hints);
	memcpy(signature, TLFS_SIGNATURE, sizeof(signature));
	entries[0] = (struct kvm_cpuid_entry2){
		.function = TLFS_CPUID_VENDOR,
		.eax = TLFS_CPUID_LIMITS,
		.ebx = signature[0],
		.ecx = signature[1],
		.edx = signature[2],
	};
	entries[1] = (struct kvm_cpuid_entry2){ .function = TLFS_CPUID_INTERFACE, .eax = TLFS_INTERFACE_HV1 };
	entries[2] = (struct kvm_cpuid_entry2){ .function = TLFS_CPUID_VERSION, .eax = BUILD_NUMBER, .ebx = BUILD_VERSION };
	entries[3] = can;
	entries[4] = hints;
	entries[5] = (struct kvm_cpuid_entry2){ .function = TLFS_CPUID_LIMITS, .eax = cpus, .ebx = LOGICAL_PROCESSORS_MAX };
	return 0;
}
