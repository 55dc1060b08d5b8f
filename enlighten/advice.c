// SPDX-License-Identifier: GPL-2.0
/*
 * What the hypervisor recommends (TLFS 2.4.4, 2.4.5), and what a kernel whose own Hyper-V code is active does of it:
 * arch/x86/hyperv/{mmu,hv_apic,hv_spinlock}.c and drivers/hv/hv_common.c of Linux look at the same bits at boot.
 */
#include <linux/types.h>

#include "advice.h"
#include "spin_wait.h"
#include "wire/tlfs.h"

static enum advice advise(const struct advice_cpuid *cpuid, bool recommended)
{
	if (!recommended)
		return ADVICE_NO;
	return cpuid->kernel_active ? ADVICE_KERNEL : ADVICE_YES;
}

/**
 * advice_spin() - on HvCallNotifyLongSpinWait
 * @cpuid: of this machine
 *
 * The kernel's own way is another one, halting by the idle MSR and waking by IPI hypercalls; it needs both.
 */
enum advice advice_spin(const struct advice_cpuid *cpuid)
{
	if (cpuid->kernel_active && (cpuid->access & TLFS_ACCESS_GUEST_IDLE) && (cpuid->hints & TLFS_HINT_CLUSTER_IPI))
		return ADVICE_KERNEL;
	return spin_notify_recommended(cpuid->spin) ? ADVICE_YES : ADVICE_NO;
}

/** advice_tlb() - on the flush hypercalls */
enum advice advice_tlb(const struct advice_cpuid *cpuid)
{
	return advise(cpuid, cpuid->hints & TLFS_HINT_REMOTE_TLB_FLUSH);
}

/** advice_ipi() - on the IPI hypercalls */
enum advice advice_ipi(const struct advice_cpuid *cpuid)
{
	return advise(cpuid, cpuid->hints & TLFS_HINT_CLUSTER_IPI);
}

/** advice_crash() - on the crash registers */
enum advice advice_crash(const struct advice_cpuid *cpuid)
{
	return advise(cpuid, cpuid->features & TLFS_FEATURE_CRASH_MSRS);
}
