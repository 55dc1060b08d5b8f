/* SPDX-License-Identifier: GPL-2.0 */
/* What the hypervisor recommends, and what the kernel does already. Pure. */
#ifndef HVIS_ENLIGHTEN_ADVICE_H
#define HVIS_ENLIGHTEN_ADVICE_H

#include <linux/types.h>

/**
 * struct advice_cpuid - what is to be known of the machine
 * @access: TLFS_CPUID_FEATURES, EAX
 * @features: TLFS_CPUID_FEATURES, EDX
 * @hints: TLFS_CPUID_HINTS, EAX
 * @spin: TLFS_CPUID_HINTS, EBX
 * @kernel_active: the kernel's own Hyper-V code found the hypervisor at boot
 */
struct advice_cpuid {
	u32 access;
	u32 features;
	u32 hints;
	u32 spin;
	bool kernel_active;
};

/**
 * enum advice - may an enlightenment be switched on?
 * @ADVICE_YES: the hypervisor recommends or offers it
 * @ADVICE_NO: it does not; "force" tries all the same
 * @ADVICE_KERNEL: the kernel does it itself, and a hook of ours would never be reached
 */
enum advice {
	ADVICE_YES,
	ADVICE_NO,
	ADVICE_KERNEL,
};

enum advice advice_spin(const struct advice_cpuid *cpuid);
enum advice advice_tlb(const struct advice_cpuid *cpuid);
enum advice advice_ipi(const struct advice_cpuid *cpuid);
enum advice advice_crash(const struct advice_cpuid *cpuid);

#endif
