// SPDX-License-Identifier: GPL-2.0
/*
 * CPUID of a VP. See cpuid.h. KVM reports what the physical processor has; its topology is that of
 * the machine we run on and must be replaced, or guests build wrong scheduling domains and refuse
 * APIC ids.
 * Source: Intel SDM volume 2 (CPUID), AMD APM volume 3 appendix E.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "cpuid.h"
#include "hyperv_leaves.h"

#define HYPERVISOR_LEAVES 0x40000000u
#define HYPERVISOR_LEAVES_END 0x40010000u

#define LEAF1_ECX_TSC_DEADLINE (1u << 24)
#define LEAF1_ECX_HYPERVISOR (1u << 31)
#define LEAF1_EDX_HTT (1u << 28)
#define LEAF80000001_ECX_CMP_LEGACY (1u << 1)

static bool is_hypervisor_leaf(const struct kvm_cpuid_entry2 *entry)
{
	return entry->function >= HYPERVISOR_LEAVES && entry->function < HYPERVISOR_LEAVES_END;
}

static bool is_topology_leaf(const struct kvm_cpuid_entry2 *entry)
{
	return entry->function == 0xB || entry->function == 0x1F;
}

/* Smallest n with 2^n >= cpus. */
static unsigned int id_bits(unsigned int cpus)
{
	unsigned int bits = 0;

	while ((1u << bits) < cpus)
		bits++;
	return bits;
}

static int add(struct cpuid_table *table, const struct kvm_cpuid_entry2 *entry)
{
	if (table->nent >= CPUID_ENTRIES_MAX)
		return -E2BIG;
	table->entry[table->nent++] = *entry;
	return 0;
}

/* Levels SMT (one thread), core (all VPs), end; the x2APIC id is filled in per VP. */
static int add_topology(struct cpuid_table *table, uint32_t function, unsigned int cpus)
{
	const struct kvm_cpuid_entry2 level[] = {
		{ .index = 0, .eax = 0, .ebx = 1, .ecx = 1 << 8 | 0 },
		{ .index = 1, .eax = id_bits(cpus), .ebx = cpus, .ecx = 2 << 8 | 1 },
		{ .index = 2, .ecx = 2 },
	};
	int ret = 0;

	for (unsigned int i = 0; !ret && i < 3; i++) {
		struct kvm_cpuid_entry2 entry = level[i];

		entry.function = function;
		entry.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
		ret = add(table, &entry);
	}
	return ret;
}

/* Caches: those below the last level belong to one core, the last one to all. */
static void set_sharing(struct kvm_cpuid_entry2 *entry, unsigned int cpus, bool intel)
{
	unsigned int level = entry->eax >> 5 & 7;
	unsigned int sharers = level >= 3 ? 1u << id_bits(cpus) : 1;

	if ((entry->eax & 0x1F) == 0)
		return;
	entry->eax &= ~(0xFFFu << 14);
	entry->eax |= (sharers - 1) << 14;
	if (intel) {
		entry->eax &= ~(0x3Fu << 26);
		entry->eax |= ((1u << id_bits(cpus)) - 1) << 26;
	}
}

static void set_topology(struct kvm_cpuid_entry2 *entry, unsigned int cpus)
{
	switch (entry->function) {
	case 1:
		entry->ebx = (entry->ebx & 0x0000FFFF) | (1u << id_bits(cpus)) << 16;
		if (cpus > 1)
			entry->edx |= LEAF1_EDX_HTT;
		else
			entry->edx &= ~LEAF1_EDX_HTT;
		break;
	case 4:
		set_sharing(entry, cpus, true);
		break;
	case 0x80000001:
		entry->ecx &= ~LEAF80000001_ECX_CMP_LEGACY;
		if (cpus > 1)
			entry->ecx |= LEAF80000001_ECX_CMP_LEGACY;
		break;
	case 0x80000008:
		entry->ecx = (entry->ecx & ~0xF0FFu) | id_bits(cpus) << 12 | (cpus - 1);
		break;
	case 0x8000001D:
		set_sharing(entry, cpus, false);
		break;
	}
}

static int add_hypervisor_leaves(struct cpuid_table *table, int kvm, unsigned int cpus, const struct hyperv_features *hyperv)
{
	struct kvm_cpuid_entry2 leaves[HYPERV_LEAVES];
	int ret = hyperv_leaves(kvm, cpus, hyperv, leaves);

	for (unsigned int i = 0; !ret && i < HYPERV_LEAVES; i++)
		ret = add(table, &leaves[i]);
	return ret;
}

int cpuid_base(int kvm, unsigned int cpus, const struct hyperv_features *hyperv, struct cpuid_table *table)
{
	bool deadline = ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0;
	struct cpuid_table supported = { .nent = CPUID_ENTRIES_MAX };
	uint32_t topology[2] = { 0 };
	int ret;

	if (ioctl(kvm, KVM_GET_SUPPORTED_CPUID, &supported))
		return -errno;
	memset(table, 0, sizeof(*table));
	for (unsigned int i = 0; i < supported.nent; i++) {
		struct kvm_cpuid_entry2 *entry = &supported.entry[i];

		if (is_topology_leaf(entry))
			topology[entry->function == 0x1F] = entry->function;
		if (is_hypervisor_leaf(entry) || is_topology_leaf(entry))
			continue;
		if (entry->function == 1) {
			entry->ecx |= LEAF1_ECX_HYPERVISOR;
			if (deadline)
				entry->ecx |= LEAF1_ECX_TSC_DEADLINE;
		}
		set_topology(entry, cpus);
		ret = add(table, entry);
		if (ret)
			return ret;
	}
	for (unsigned int i = 0; i < 2; i++) {
		ret = topology[i] ? add_topology(table, topology[i], cpus) : 0;
		if (ret)
			return ret;
	}
	return hyperv ? add_hypervisor_leaves(table, kvm, cpus, hyperv) : 0;
}

void cpuid_personalise(struct cpuid_table *table, unsigned int index)
{
	for (unsigned int i = 0; i < table->nent; i++) {
		struct kvm_cpuid_entry2 *entry = &table->entry[i];

		if (entry->function == 1)
			entry->ebx = (entry->ebx & 0x00FFFFFF) | index << 24;
		else if (is_topology_leaf(entry))
			entry->edx = index;
		else if (entry->function == 0x8000001E) {
			entry->eax = index;
			entry->ebx = index & 0xFF; /* core id; one thread a core */
			entry->ecx = 0; /* node 0, one node */
		}
	}
}
