/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The state in which VPs start: CPUID, MSRs, registers, and one TSC offset for all. It knows KVM's
 * VP file descriptors; threads and exits are vcpu.c's.
 */
#ifndef HVIS_HOST_VCPU_STATE_H
#define HVIS_HOST_VCPU_STATE_H

#include "boot.h"
#include "cpuid.h"

/**
 * vcpu_state_init() - CPUID, Hyper-V and MSRs of VP @index
 * @base: from cpuid_base(); altered
 * Return: 0 or negative errno.
 */
int vcpu_state_init(int fd, unsigned int index, bool hyperv, struct cpuid_table *base);

/**
 * vcpu_state_boot() - the first VP starts at @entry; the others wait for its start-up IPI. Return:
 * 0 or negative errno.
 */
int vcpu_state_boot(int fd, const struct boot_entry *entry);

/**
 * vcpu_state_share_tsc() - give @fd the TSC offset @offset
 *
 * KVM has a master clock, and with it a valid reference TSC page, only while all VPs have the same
 * offset. It compares them itself when the TSC MSR is written, but only within a second: on a slow
 * machine VPs are created further apart.
 * Return: 0 or negative errno.
 */
int vcpu_state_share_tsc(int fd, uint64_t offset);

/** vcpu_state_tsc_offset() - read it. Return: 0 or negative errno. */
int vcpu_state_tsc_offset(int fd, uint64_t *offset);

#endif
