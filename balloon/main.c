// SPDX-License-Identifier: GPL-2.0
/*
 * hvis_balloon: dynamic memory of Hyper-V. This file is only the ladder: what the module registers with the bus, and its parameters.
 * Start reading at device.c.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/moduleparam.h>

#include "internal.h"

#define STATUS_MS_MIN 100
#define CONNECT_MS_MIN 500
#define MS_MAX 60000

bool balloon_balloon = true;
module_param_named(balloon, balloon_balloon, bool, 0444);
MODULE_PARM_DESC(balloon, "Give pages to the host when it asks for them (default Y)");

bool balloon_hot_add = true;
module_param_named(hot_add, balloon_hot_add, bool, 0444);
MODULE_PARM_DESC(hot_add, "Add and remove memory when the host says so (default Y)");

bool balloon_movable = true;
module_param_named(movable, balloon_movable, bool, 0644);
MODULE_PARM_DESC(movable, "Added memory is for pages that can be moved, up to three times the other memory, so it can be removed (default Y)");

unsigned int balloon_floor_mb;
module_param_named(floor_mb, balloon_floor_mb, uint, 0644);
MODULE_PARM_DESC(floor_mb, "MiB that stay available whatever the host asks for (default 0: by the memory's size, see docs/balloon.md)");

unsigned int balloon_status_ms = 1000;
module_param_named(status_ms, balloon_status_ms, uint, 0444);
MODULE_PARM_DESC(status_ms, "Milliseconds between reports of memory pressure, 100..60000 (default 1000)");

unsigned int balloon_connect_ms = 5000;
module_param_named(connect_ms, balloon_connect_ms, uint, 0444);
MODULE_PARM_DESC(connect_ms, "Milliseconds for each answer of the host when a device starts, 500..60000 (default 5000)");

/* Folder of the module in debugfs. */
struct dentry *balloon_debugfs;

/* Reports are sent when there is no memory, too. */
struct workqueue_struct *balloon_wq;

static const struct hv_vmbus_device_id balloon_ids[] = {
	{ .guid = DM_GUID },
	{},
};
MODULE_DEVICE_TABLE(vmbus, balloon_ids);

static struct vmbus_driver balloon_driver = {
	.name = "hvis_balloon",
	.id_table = balloon_ids,
	.probe = balloon_probe,
	.remove = balloon_remove,
};

static bool ms_in_range(const char *name, unsigned int value, unsigned int min)
{
	if (value >= min && value <= MS_MAX)
		return true;
	pr_err("%s=%u is out of range %u..%u\n", name, value, min, MS_MAX);
	return false;
}

static int __init balloon_init(void)
{
	int error;

	if (!ms_in_range("status_ms", balloon_status_ms, STATUS_MS_MIN) || !ms_in_range("connect_ms", balloon_connect_ms, CONNECT_MS_MIN))
		return -EINVAL;
	balloon_wq = alloc_workqueue("hvis_balloon", WQ_MEM_RECLAIM | WQ_HIGHPRI, 0);
	if (!balloon_wq)
		return -ENOMEM;
	balloon_debugfs = debugfs_create_dir("hvis_balloon", NULL);
	error = hvis_driver_register(&balloon_driver, THIS_MODULE);
	if (error)
		goto destroy;
	return 0;

destroy:
	debugfs_remove(balloon_debugfs);
	destroy_workqueue(balloon_wq);
	return error;
}
module_init(balloon_init);

static void __exit balloon_exit(void)
{
	hvis_driver_unregister(&balloon_driver);
	debugfs_remove(balloon_debugfs);
	destroy_workqueue(balloon_wq);
}
module_exit(balloon_exit);

MODULE_DESCRIPTION("Hyper-V dynamic memory");
MODULE_LICENSE("GPL");
