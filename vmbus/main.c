// SPDX-License-Identifier: GPL-2.0
/*
 * hvis_vmbus.ko, the ladder: every layer's init in order, its exit in reverse, and the tables that wire news from the
 * lower layers to the upper ones. All else is in the layers.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>

#include "channel.h"

struct bus hvis_bus;

static char *max_version = "5.3";
module_param(max_version, charp, 0444);
MODULE_PARM_DESC(max_version, "newest VMBus version to offer to the host: 5.3 (default), 5.2, 5.1, 5.0, 4.1, 4.0, 3.0");

static unsigned int timeout_ms = VMBUS_TIMEOUT_MS;
module_param(timeout_ms, uint, 0444);
MODULE_PARM_DESC(timeout_ms, "milliseconds the host may take for an answer, 100 to 600000 (default 10000); UNLOAD ten times as long");

static const struct synic_callbacks synic_callbacks = {
	.message = chanmsg_receive,
	.event = channel_event,
	.cpu_leaves = offer_cpu_leaves,
	.cpu_came = offer_cpu_came,
};

/* Power-off, reboot, kexec: after the shutdown of all devices below us. */
static void root_shutdown(struct platform_device *root)
{
	connect_shutdown();
	synic_disable_all();
	hypercall_stop();
}

static struct platform_driver root_driver = {
	.shutdown = root_shutdown,
	.driver = { .name = KBUILD_MODNAME, .suppress_bind_attrs = true },
};

static int check_parameters(u32 *version)
{
	if (connect_parse_version(max_version, version)) {
		pr_err("max_version=%s: must be one of 5.3, 5.2, 5.1, 5.0, 4.1, 4.0, 3.0\n", max_version);
		return -EINVAL;
	}
	if (timeout_ms < 100 || timeout_ms > 600000) {
		pr_err("timeout_ms=%u: must be 100 to 600000\n", timeout_ms);
		return -EINVAL;
	}
	return 0;
}

/* Two owners of one VMBus would each see half of its messages. */
static int check_alone(void)
{
	if (!__symbol_get("vmbus_driver_unregister"))
		return 0;
	__symbol_put("vmbus_driver_unregister");
	pr_err("the kernel's own hv_vmbus is loaded; unload it first, with all that uses it: modprobe -r hv_storvsc hv_netvsc hv_balloon hv_utils hv_vmbus\n");
	return -EBUSY;
}

static int init_root(void)
{
	struct platform_device *root;
	int error;

	error = platform_driver_register(&root_driver);
	if (error)
		return error;
	root = platform_device_register_simple(KBUILD_MODNAME, PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(root)) {
		platform_driver_unregister(&root_driver);
		return PTR_ERR(root);
	}
	hvis_bus.root = root;
	return 0;
}

static void exit_root(void)
{
	platform_device_unregister(hvis_bus.root);
	platform_driver_unregister(&root_driver);
}

/* The machine: hypercalls, interrupts, messages. */
static int init_machine(void)
{
	int error;

	error = hypercall_init();
	if (error)
		return error;
	error = synic_init(&synic_callbacks);
	if (error)
		goto exit_hypercall;
	error = chanmsg_init(message_rules, timeout_ms);
	if (error)
		goto exit_synic;
	error = synic_start();
	if (error)
		goto exit_chanmsg;
	return 0;

exit_chanmsg:
	chanmsg_exit();
exit_synic:
	synic_exit();
exit_hypercall:
	hypercall_exit();
	return error;
}

static void exit_machine(void)
{
	synic_stop();
	chanmsg_exit();
	synic_exit();
	hypercall_exit();
}

/* The bus: connected, with its devices. */
static int init_bus(u32 version)
{
	int error;

	error = device_init(&hvis_bus.root->dev);
	if (error)
		return error;
	error = offer_init(&device_offer_callbacks);
	if (error)
		goto exit_device;
	error = connect_start(version);
	if (error)
		goto exit_offer;
	error = crash_init();
	if (error)
		goto stop_connect;
	error = connect_request_offers();
	if (error)
		goto exit_crash;
	offer_settle();
	return 0;

exit_crash:
	crash_exit();
stop_connect:
	connect_stop();
exit_offer:
	offer_exit();
exit_device:
	device_exit();
	return error;
}

static void exit_bus(void)
{
	crash_exit();
	connect_stop();
	offer_exit();
	device_exit();
}

static int __init hvis_vmbus_init(void)
{
	u32 version;
	int error;

	error = check_parameters(&version);
	if (!error)
		error = check_alone();
	if (error)
		return error;
	error = init_root();
	if (error)
		return error;
	error = init_machine();
	if (error)
		goto exit_root;
	error = init_bus(version);
	if (error)
		goto exit_machine;
	version = hvis_bus.connection.version;
	pr_info("connected, VMBus %u.%u, %u channels offered\n", version >> 16, version & 0xFFFF,
		hvis_bus.offers.count);
	return 0;

exit_machine:
	exit_machine();
exit_root:
	exit_root();
	return error;
}

static void __exit hvis_vmbus_exit(void)
{
	exit_bus();
	exit_machine();
	exit_root();
}

module_init(hvis_vmbus_init);
module_exit(hvis_vmbus_exit);
MODULE_DESCRIPTION("VMBus of Hyper-V and compatible hypervisors");
MODULE_LICENSE("GPL");
