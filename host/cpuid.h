/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The CPUID table of a VP: what KVM supports, with our topology and, if wanted, Hyper-V's leaves in place of KVM's.
 */
#ifndef HVIS_HOST_CPUID_H
#define HVIS_HOST_CPUID_H

#include <linux/kvm.h>
#include <stdbool.h>

#define CPUID_ENTRIES_MAX 256

struct cpuid_table {
	struct kvm_cpuid2 head; /* followed at once by its entries, as KVM wants it */
	struct kvm_cpuid_entry2 entry[CPUID_ENTRIES_MAX];
};

/**
 * cpuid_base() - what all VPs have in common
 * @kvm: /dev/kvm
 * @hyperv: with Hyper-V's leaves; without, there are no hypervisor leaves at all
 *
 * Return: 0 or negative errno.
 */
int cpuid_base(int kvm, unsigned int cpus, bool hyperv, struct cpuid_table *table);

/** cpuid_personalise() - make it the table of VP @index: one socket, one thread a core, APIC id = index. */
void cpuid_personalise(struct cpuid_table *table, unsigned int index);

#endif
