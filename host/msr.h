/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One MSR of one VP at a time. By the VP's thread, or while the VP does not run.
 */
#ifndef HVIS_HOST_MSR_H
#define HVIS_HOST_MSR_H

#include <errno.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <sys/ioctl.h>

/* struct kvm_msrs with one entry; that one ends in an array without a length. */
struct one_msr {
	uint32_t count;
	uint32_t padding;
	struct kvm_msr_entry entry;
};
_Static_assert(__builtin_offsetof(struct one_msr, entry) ==
		       __builtin_offsetof(struct kvm_msrs, entries),
	       "kvm_msrs");

/** msr_get() - Return: 0, or -EIO if KVM does not have it. */
static inline int msr_get(int fd, uint32_t index, uint64_t *value)
{
	struct one_msr msr = { .count = 1, .entry.index = index };

	if (ioctl(fd, KVM_GET_MSRS, &msr) != 1)
		return -EIO;
	*value = msr.entry.data;
	return 0;
}

/** msr_set() - Return: 0, or -EIO if KVM refused. */
static inline int msr_set(int fd, uint32_t index, uint64_t value)
{
	struct one_msr msr = { .count = 1, .entry = { .index = index, .data = value } };

	return ioctl(fd, KVM_SET_MSRS, &msr) == 1 ? 0 : -EIO;
}

#endif
