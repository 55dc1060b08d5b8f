/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The CPUID leaves by which a guest learns what of Hyper-V there is, and which parts of that can be left out for tests.
 */
#ifndef HVIS_HOST_HYPERV_LEAVES_H
#define HVIS_HOST_HYPERV_LEAVES_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

#define HYPERV_LEAVES 6

/*
 * Whether the processor does a guest's APIC by itself (APICv, AVIC). Then an EOI is no exit, but writing it to Hyper-V's MSR is, and
 * AutoEOI switches that off for the whole VM; without it each EOI that can be spared spares an exit.
 */
enum hyperv_apicv {
	HYPERV_APICV_ASK_KVM,
	HYPERV_APICV_ON,
	HYPERV_APICV_OFF,
};

/* What --hyperv says of them. */
struct hyperv_features {
	enum hyperv_apicv apicv;
	uint32_t without; /* set of rows of hyperv_feature_name() */
	bool spin_given;
	uint32_t spin; /* tries for a spinlock until the guest is to notify the hypervisor */
};

/** hyperv_feature_name() - what can be left out. Return: NULL: there are no more rows. */
const char *hyperv_feature_name(unsigned int row);

/** hyperv_feature_off() - whether @name is left out. */
bool hyperv_feature_off(const struct hyperv_features *features, const char *name);

/**
 * hyperv_kvm_has_apicv() - whether KVM has the processor do APICs
 * @modules: folder of loaded modules: HYPERV_MODULES
 *
 * Return: true, too, where that cannot be told.
 */
bool hyperv_kvm_has_apicv(const char *modules);
#define HYPERV_MODULES "/sys/module"

/**
 * hyperv_leaves() - the CPUID leaves 0x40000000 to 0x40000005
 * @kvm: /dev/kvm
 * @entries: room for HYPERV_LEAVES
 *
 * What we want to offer, cut down to what this KVM supports and to @features. Return: 0 or negative errno.
 */
int hyperv_leaves(int kvm, unsigned int cpus, const struct hyperv_features *features, struct kvm_cpuid_entry2 *entries);

#endif
