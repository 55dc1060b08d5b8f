// SPDX-License-Identifier: GPL-2.0
/*
 * hvis_netvsc: the synthetic network adapter of Hyper-V as a Linux net_device. This file is only the ladder: what the
 * module registers with the bus, and its parameters. Start reading at device.c.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/moduleparam.h>

#include "internal.h"

#define RING_BYTES_MIN (16 * 1024)
#define RING_BYTES_MAX (8 * 1024 * 1024) /* both rings go into one GPADL */
#define RECV_BYTES_MIN (256 * 1024)
#define SEND_BYTES_MIN (64 * 1024)

unsigned int netvsc_ring_bytes = 128 * 1024;
module_param_named(ring_bytes, netvsc_ring_bytes, uint, 0444);
MODULE_PARM_DESC(ring_bytes, "Data bytes of each ring, 16384..8388608 (default 131072)");

unsigned int netvsc_recv_bytes = 8 * 1024 * 1024;
module_param_named(recv_bytes, netvsc_recv_bytes, uint, 0444);
MODULE_PARM_DESC(recv_bytes, "Bytes of the receive buffer, 262144..32505856 (default 8388608; ethtool -G changes it)");

unsigned int netvsc_send_bytes = 1024 * 1024;
module_param_named(send_bytes, netvsc_send_bytes, uint, 0444);
MODULE_PARM_DESC(send_bytes, "Bytes of the send buffer, 65536..15728640 (default 1048576; ethtool -G changes it)");

unsigned int netvsc_copy_limit = 6144;
module_param_named(copy_limit, netvsc_copy_limit, uint, 0644);
MODULE_PARM_DESC(copy_limit, "Frames up to so many bytes, header included, are copied to the send buffer (default 6144)");

bool netvsc_hold = true;
module_param_named(hold, netvsc_hold, bool, 0444);
MODULE_PARM_DESC(hold, "One doorbell for what a task sends one by one without sleeping (default Y)");

unsigned int netvsc_probe_ms = NETVSC_PROBE_MS;
module_param_named(probe_ms, netvsc_probe_ms, uint, 0444);
MODULE_PARM_DESC(probe_ms, "Milliseconds the host may take for the conversation when an adapter appears (default 60000)");

unsigned int netvsc_connect_ms = NETVSC_CONNECT_MS;
module_param_named(connect_ms, netvsc_connect_ms, uint, 0444);
MODULE_PARM_DESC(connect_ms, "Milliseconds the host may take for a later one, which holds the RTNL (default 8000)");

static const struct hv_vmbus_device_id netvsc_ids[] = {
	{ .guid = NVSP_GUID },
	{},
};
MODULE_DEVICE_TABLE(vmbus, netvsc_ids);

static struct vmbus_driver netvsc_driver = {
	.name = "hvis_netvsc",
	.id_table = netvsc_ids,
	.probe = netvsc_probe,
	.remove = netvsc_remove,
};

static bool check(const char *name, unsigned int value, unsigned int min, unsigned int max)
{
	if (value >= min && value <= max)
		return true;
	pr_err("%s=%u is out of range %u..%u\n", name, value, min, max);
	return false;
}

static int __init netvsc_init(void)
{
	if (!check("ring_bytes", netvsc_ring_bytes, RING_BYTES_MIN, RING_BYTES_MAX) ||
	    !check("recv_bytes", netvsc_recv_bytes, RECV_BYTES_MIN, NVSP_RECV_BUF_MAX) ||
	    !check("send_bytes", netvsc_send_bytes, SEND_BYTES_MIN, NVSP_SEND_BUF_MAX))
		return -EINVAL;
	return hvis_driver_register(&netvsc_driver, THIS_MODULE);
}
module_init(netvsc_init);

static void __exit netvsc_exit(void)
{
	hvis_driver_unregister(&netvsc_driver);
}
module_exit(netvsc_exit);

MODULE_DESCRIPTION("Hyper-V synthetic network adapter");
MODULE_LICENSE("GPL");
