/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The CPUID table of a VP: what KVM supports, with our topology and, if wanted, Hyper-V's leaves in
 * place of KVM's.
 */
#ifndef HVIS_HOST_CPUID_H
#define HVIS_HOST_CPUID_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

#define CPUID_ENTRIES_MAX 256

/* struct kvm_cpuid2 with room for entries; that one ends in an array without a length. */
struct cpuid_table {
	uint32_t nent;
	uint32_t padding;
	struct kvm_cpuid_entry2 entry[CPUID_ENTRIES_MAX];
};
_Static_assert(__builtin_offsetof(struct cpuid_table, entry) ==
		       __builtin_offsetof(struct kvm_cpuid2, entries),
	       "kvm_cpuid2");

/**
 * cpuid_base() - what all VPs have in common
 * @kvm: /dev/kvm
 * @hyperv: what of Hyper-V's there shall be; NULL: there are no hypervisor leaves at all
 *
 * Return: 0 or negative errno.
 */
struct hyperv_features;
int cpuid_base(int kvm, unsigned int cpus, const struct hyperv_features *hyperv, struct cpuid_table *table);

/**
 * cpuid_personalise() - make it the table of VP @index: one socket, one thread a core, APIC id =
 * index.
 */
void cpuid_personalise(struct cpuid_table *table, unsigned int index);

#endif
