// SPDX-License-Identifier: GPL-2.0
/*
 * hvis_enlighten: what a hypervisor can do for a running kernel, switched on and off by parameters. This file is only the
 * ladder, and the table of what there is. Start reading at spin.c, then switch.c.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/reboot.h>
#include <asm/hypervisor.h>
#include <asm/processor.h>

#include "internal.h"

struct advice_cpuid enlighten_cpuid;

struct enlightenment *const enlightenments[ENLIGHTENMENTS] = {
	&enlighten_spin,
	&enlighten_tlb,
	&enlighten_ipi,
	&enlighten_crash,
};

module_param_cb(spin, &enlighten_param_ops, &enlighten_spin, 0644);
MODULE_PARM_DESC(spin, "Tell the hypervisor of long waits for spinlocks (default: if it recommends so; 0, 1, force)");
module_param_cb(tlb, &enlighten_param_ops, &enlighten_tlb, 0644);
MODULE_PARM_DESC(tlb, "Flush other CPUs' TLBs by hypercall (default: if the hypervisor recommends it; 0, 1, force)");
module_param_cb(ipi, &enlighten_param_ops, &enlighten_ipi, 0644);
MODULE_PARM_DESC(ipi, "Interrupt other CPUs by hypercall (default: if the hypervisor recommends it; 0, 1, force)");
module_param_cb(crash, &enlighten_param_ops, &enlighten_crash, 0644);
MODULE_PARM_DESC(crash, "Report a panic to the host, with the log's end (default: if the hypervisor offers it; 0, 1, force)");

bool enlighten_sets;
module_param_named(sets, enlighten_sets, bool, 0644);
MODULE_PARM_DESC(sets, "Name CPUs by sets where one word would do, as with more than 64 of them; for tests (default N)");

static void read_cpuid(struct advice_cpuid *says)
{
	u32 unused;

	cpuid(TLFS_CPUID_FEATURES, &says->access, &unused, &unused, &says->features);
	cpuid(TLFS_CPUID_HINTS, &says->hints, &says->spin, &unused, &unused);
	says->kernel_active = x86_hyper_type == X86_HYPER_MS_HYPERV;
}

/* Power-off, reboot, kexec: before the devices, of which the bus is one. */
static int on_reboot(struct notifier_block *block, unsigned long event, void *data)
{
	enlighten_silence_all();
	return NOTIFY_DONE;
}

static struct notifier_block reboot_block = {
	.notifier_call = on_reboot,
};

/* The bus, which we need for its hypercalls, has found out that there is a Hyper-V interface. */
static int __init enlighten_init(void)
{
	int error;

	read_cpuid(&enlighten_cpuid);
	error = vp_init();
	if (error)
		return error;
	error = register_reboot_notifier(&reboot_block);
	if (error)
		goto exit_vp;
	error = enlighten_start_all();
	if (error)
		goto unregister;
	enlighten_debugfs_init();
	return 0;

unregister:
	unregister_reboot_notifier(&reboot_block);
exit_vp:
	vp_exit();
	return error;
}
module_init(enlighten_init);

static void __exit enlighten_exit(void)
{
	enlighten_debugfs_exit();
	enlighten_stop_all();
	unregister_reboot_notifier(&reboot_block);
	vp_exit();
}
module_exit(enlighten_exit);

MODULE_DESCRIPTION("Hyper-V enlightenments of a running kernel");
MODULE_LICENSE("GPL");
