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

/* What --hyperv says of them. */
struct hyperv_features {
	uint32_t without; /* set of rows of hyperv_feature_name() */
	bool spin_given;
	uint32_t spin; /* tries for a spinlock until the guest is to notify the hypervisor */
};

/** hyperv_feature_name() - what can be left out. Return: NULL: there are no more rows. */
const char *hyperv_feature_name(unsigned int row);

/** hyperv_feature_off() - whether @name is left out. */
bool hyperv_feature_off(const struct hyperv_features *features, const char *name);

/**
 * hyperv_leaves() - the CPUID leaves 0x40000000 to 0x40000005
 * @kvm: /dev/kvm
 * @entries: room for HYPERV_LEAVES
 *
 * What we want to offer, cut down to what this KVM supports and to @features. Return: 0 or negative errno.
 */
int hyperv_leaves(int kvm, unsigned int cpus, const struct hyperv_features *features, struct kvm_cpuid_entry2 *entries);

#endif
