// SPDX-License-Identifier: GPL-2.0
/*
 * hvis_util: heartbeat and orderly shutdown, two services that are little more than a message each. This file is the ladder: which offer is
 * which service. The conversation is the bus's (vmbus_ic.h).
 * Invariant: a device's data is its conversation, from the end of probe() to the beginning of remove().
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/module.h>

#include "internal.h"

static const struct hv_vmbus_device_id util_ids[] = {
	{ .guid = IC_SHUTDOWN_GUID, .driver_data = (unsigned long)&shutdown_service },
	{ .guid = IC_HEARTBEAT_GUID, .driver_data = (unsigned long)&heartbeat_service },
	{},
};
MODULE_DEVICE_TABLE(vmbus, util_ids);

static int probe(struct vmbus_device *device, const struct hv_vmbus_device_id *id)
{
	const struct hvis_ic_service *service = (const void *)id->driver_data;
	struct hvis_ic *ic = hvis_ic_create(device, service, NULL);

	if (IS_ERR(ic))
		return PTR_ERR(ic);
	dev_set_drvdata(&device->dev, ic);
	return 0;
}

static void remove(struct vmbus_device *device)
{
	struct hvis_ic *ic = dev_get_drvdata(&device->dev);

	dev_set_drvdata(&device->dev, NULL);
	hvis_ic_destroy(ic);
}

static struct vmbus_driver util_driver = {
	.name = "hvis_util",
	.id_table = util_ids,
	.probe = probe,
	.remove = remove,
};

static int __init util_init(void)
{
	return hvis_driver_register(&util_driver, THIS_MODULE);
}
module_init(util_init);

static void __exit util_exit(void)
{
	hvis_driver_unregister(&util_driver);
}
module_exit(util_exit);

MODULE_DESCRIPTION("Hyper-V heartbeat and orderly shutdown");
MODULE_LICENSE("GPL");
