/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What makes the partition a Hyper-V one: what KVM must be told per VP, and the exits
 * by which a guest talks to the hypervisor (hypercalls, SynIC registers). CPUID is hyperv_leaves.h's, the
 * SynIC itself synic.h's, what messages mean is vmbus.h's, crash registers crash.h's.
 */
#ifndef HVIS_HOST_HYPERV_H
#define HVIS_HOST_HYPERV_H

#include <linux/kvm.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "fault.h"
#include "guestmem.h"
#include "synic.h"
#include "vmbus.h"

#define HYPERV_CODES 0x100 /* hypercalls counted by their code; codes beyond are counted as one */

/* Exits of the Hyper-V kind since start. Written by VP threads, read by anyone (relaxed). */
struct hyperv_counters {
	_Atomic uint64_t hypercalls[HYPERV_CODES + 1];
	_Atomic uint64_t control, event_page, message_page; /* writes of the SynIC's registers */
};

/* One per VM, filled in by main.c; but for the counters read only while VPs run. */
struct hyperv {
	struct synic *synic;
	struct vmbus *vmbus;
	const struct guestmem *mem;
	struct hyperv_counters counters;
	struct fault *fault;
};

/**
 * hyperv_vp_enable() - SynIC, VP index and strict checking of features for one VP
 * @fd: its KVM file descriptor, CPUID already set
 * Return: 0 or negative errno.
 */
int hyperv_vp_enable(int fd, unsigned int vp);

/** enum hyperv_exit_kind - for counting */
enum hyperv_exit_kind {
	HYPERV_EXIT_SYNIC,
	HYPERV_EXIT_POST_MESSAGE,
	HYPERV_EXIT_SIGNAL_EVENT,
	HYPERV_EXIT_OTHER,
};

/**
 * hyperv_exit() - handle KVM_EXIT_HYPERV; a result for the guest is left in @exit. The VP's thread.
 */
enum hyperv_exit_kind hyperv_exit(struct hyperv *hyperv, unsigned int vp,
				  struct kvm_hyperv_exit *exit);

#endif
