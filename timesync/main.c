// SPDX-License-Identifier: GPL-2.0
/*
 * hvis_timesync: the reference time of the hypervisor as clocksource, its timers as clock event devices, and the host's wall clock. This file
 * is only the ladder, and the parameters. Start reading at reference.c for the machine's time, at device.c for the host's.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/panic_notifier.h>
#include <linux/reboot.h>

#include "internal.h"
#include "vmbus.h"

bool timesync_clocksource = true;
module_param_named(clocksource, timesync_clocksource, bool, 0444);
MODULE_PARM_DESC(clocksource, "Add the clocksources hvis_tsc_page and hvis_msr (default Y)");

bool timesync_vdso = true;
module_param_named(vdso, timesync_vdso, bool, 0444);
MODULE_PARM_DESC(vdso, "Let programs read hvis_tsc_page without a system call (default Y)");

static const struct hv_vmbus_device_id timesync_ids[] = {
	{ .guid = TIMESYNC_GUID },
	{},
};
MODULE_DEVICE_TABLE(vmbus, timesync_ids);

static struct vmbus_driver timesync_driver = {
	.name = "hvis_timesync",
	.id_table = timesync_ids,
	.probe = timesync_probe,
	.remove = timesync_remove,
	.driver = { .dev_groups = timesync_groups },
};

/*
 * Another kernel must find neither our timers running nor the hypervisor writing into what was our page. Until then the machine goes on with
 * the clock and the timers it had before.
 */
static int on_reboot(struct notifier_block *block, unsigned long event, void *data)
{
	stimer_stop();
	clocksource_stop();
	reference_stop();
	return NOTIFY_DONE;
}

static struct notifier_block reboot_block = { .notifier_call = on_reboot };

/* The same for a crash kernel, which has this CPU alone: no lock, no sleep, and nothing that the last words of this kernel need. */
static int on_panic(struct notifier_block *block, unsigned long event, void *data)
{
	stimer_crash();
	reference_crash();
	return NOTIFY_DONE;
}

static struct notifier_block panic_block = { .notifier_call = on_panic, .priority = INT_MIN };

/* The machine's time. */
static int init_machine(void)
{
	int error = reference_start();

	if (error)
		return error;
	error = clocksource_start();
	if (error)
		goto stop_reference;
	stimer_start();
	return 0;

stop_reference:
	reference_stop();
	return error;
}

static void exit_machine(void)
{
	stimer_stop();
	clocksource_stop();
	reference_stop();
}

static int __init timesync_init(void)
{
	int error = init_machine();

	if (error)
		return error;
	error = register_reboot_notifier(&reboot_block);
	if (error)
		goto exit_machine;
	error = atomic_notifier_chain_register(&panic_notifier_list, &panic_block);
	if (error)
		goto unregister_reboot;
	timesync_debugfs_start();
	error = hvis_driver_register(&timesync_driver, THIS_MODULE);
	if (error)
		goto unregister_panic;
	return 0;

unregister_panic:
	timesync_debugfs_stop();
	atomic_notifier_chain_unregister(&panic_notifier_list, &panic_block);
unregister_reboot:
	unregister_reboot_notifier(&reboot_block);
exit_machine:
	exit_machine();
	return error;
}
module_init(timesync_init);

static void __exit timesync_exit(void)
{
	hvis_driver_unregister(&timesync_driver);
	timesync_debugfs_stop();
	atomic_notifier_chain_unregister(&panic_notifier_list, &panic_block);
	unregister_reboot_notifier(&reboot_block);
	exit_machine();
}
module_exit(timesync_exit);

MODULE_DESCRIPTION("Hyper-V reference time, synthetic timers and time synchronisation");
MODULE_LICENSE("GPL");
