// SPDX-License-Identifier: GPL-2.0
/*
 * Where the reference time comes from on this machine: the hypervisor's page, which this file gives to it and takes back, the TSC, and the
 * register. How they become time is reference.c's.
 *
 * The page is the kernel's own (hv_get_tsc_page()), which lies in vmlinux and is there for good, since user space may map it (vdso.c). Where
 * the kernel's Hyper-V code is active it has given that page to the hypervisor itself: then it is only read.
 * Invariant: the hypervisor has no page but that one, and none that we gave it after reference_stop().
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/io.h>
#include <asm/hypervisor.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <clocksource/hyperv_timer.h>

#include "internal.h"

struct reference timesync_reference;

static struct tlfs_reference_tsc *kernel_page(void)
{
	return (struct tlfs_reference_tsc *)hv_get_tsc_page();
}

static u64 notrace counter(void)
{
	return rdtsc_ordered();
}

static u64 notrace read_register(void)
{
	u64 value;

	rdmsrl(TLFS_MSR_TIME_REF_COUNT, value);
	return value;
}

/** timesync_features() - CPUID TLFS_CPUID_FEATURES, EAX: TLFS_ACCESS_*; any context */
u32 timesync_features(void)
{
	return cpuid_eax(TLFS_CPUID_FEATURES);
}

/** timesync_kernel_owns() - the kernel's Hyper-V code is active: page and timers are its own; any context */
bool timesync_kernel_owns(void)
{
	return x86_hyper_type == X86_HYPER_MS_HYPERV;
}

/* Reserved bits are kept, as TLFS 12.7 demands. */
static int write_page_msr(bool enable)
{
	u64 value = 0;

	if (rdmsrl_safe(TLFS_MSR_REFERENCE_TSC, &value))
		return -EIO;
	value &= TLFS_PAGE_SIZE - 1 - TLFS_MSR_ENABLE;
	if (enable)
		value |= virt_to_phys(kernel_page()) | TLFS_MSR_ENABLE;
	if (wrmsrl_safe(TLFS_MSR_REFERENCE_TSC, value) || rdmsrl_safe(TLFS_MSR_REFERENCE_TSC, &value))
		return -EIO;
	return !!(value & TLFS_MSR_ENABLE) == enable ? 0 : -EIO;
}

static int give_page(void)
{
	int error = timesync_kernel_owns() ? 0 : write_page_msr(true);

	if (error)
		pr_err("the hypervisor refused the reference TSC page\n");
	else
		timesync_reference.page = kernel_page();
	return error;
}

/**
 * reference_start() - from now on reference_read() tells the time
 *
 * May sleep. Return: 0; -ENODEV, -EIO after one line: there is no reference time.
 */
int reference_start(void)
{
	struct reference *reference = &timesync_reference;
	u32 features = timesync_features();
	int error = -ENODEV;

	reference->counter = counter;
	if (features & TLFS_ACCESS_REFERENCE_COUNTER)
		reference->reg = read_register;
	if (features & TLFS_ACCESS_REFERENCE_TSC)
		error = give_page();
	if (!error || reference->reg)
		return 0;
	pr_err("the hypervisor offers no reference time (CPUID 0x%x)\n", TLFS_CPUID_FEATURES);
	return error;
}

/**
 * reference_stop() - undo reference_start(): the hypervisor has no page; who still reads is told the register's time
 *
 * Programs that were stopped in the middle of reading the clock may still have the page before their eyes: its sequence, now ours, sends
 * them to the kernel. May sleep.
 */
void reference_stop(void)
{
	if (!timesync_reference.page || timesync_kernel_owns())
		return;
	write_page_msr(false);
	WRITE_ONCE(kernel_page()->sequence, TLFS_REFERENCE_TSC_INVALID);
	WRITE_ONCE(timesync_reference.page, NULL);
}

/** reference_crash() - the hypervisor has no page, which stays as it is for who still reads it in this kernel; any context */
void reference_crash(void)
{
	if (timesync_reference.page && !timesync_kernel_owns())
		write_page_msr(false);
}

/** reference_again() - the machine has slept: the hypervisor may have forgotten the page; one CPU, interrupts off */
void reference_again(void)
{
	if (timesync_reference.page && !timesync_kernel_owns())
		write_page_msr(true);
}

/** timesync_now() - the reference time, units of 100 ns; any context */
u64 notrace timesync_now(void)
{
	return reference_read(&timesync_reference);
}
