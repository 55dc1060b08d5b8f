// SPDX-License-Identifier: GPL-2.0
/*
 * hvis_storvsc: the synthetic SCSI controller of Hyper-V as a Linux SCSI host. This file is only
 * the ladder: what the module registers with the bus and with the SCSI layer. Start reading at
 * host.c.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/moduleparam.h>
#include <scsi/scsi_devinfo.h>

#include "internal.h"

unsigned int storvsc_ring_bytes;
module_param_named(ring_bytes, storvsc_ring_bytes, uint, 0444);
MODULE_PARM_DESC(ring_bytes, "Data bytes of each ring, 16384..8388608 (default 131072, from 17 channels on less)");

unsigned int storvsc_queue_limit;
module_param_named(queues, storvsc_queue_limit, uint, 0444);
MODULE_PARM_DESC(queues, "Hardware queues of a controller, each a channel (default: one per CPU)");

unsigned int storvsc_connect_ms = STORVSC_CONNECT_MS;
module_param_named(connect_ms, storvsc_connect_ms, uint, 0444);
MODULE_PARM_DESC(connect_ms, "Milliseconds the host may take to start (default 180000; also bounds resets)");

#define RING_BYTES_MIN (16 * 1024)
#define RING_BYTES_MAX (8 * 1024 * 1024) /* both rings go into one GPADL, of 8190 pages at most */

#define IO_TIMEOUT_S 60

bool storvsc_hold = true;
module_param_named(hold, storvsc_hold, bool, 0444);
MODULE_PARM_DESC(hold, "One doorbell for what a task sends one by one without sleeping (default Y)");

unsigned int storvsc_poll_queues;
module_param_named(mq_poll, storvsc_poll_queues, uint, 0444);
MODULE_PARM_DESC(mq_poll, "Hardware queues for polled IO beside them, each a channel (default 0)");

static int slave_alloc(struct scsi_device *sdev)
{
	/* The SCSI layer takes LUN max_lun, too, from the host's REPORT LUNS. */
	if (sdev->id >= STORVSC_TARGETS || sdev->lun >= STORVSC_LUNS)
		return -ENXIO;
	/*
	 * Microsoft's disks may call themselves SPC-2, yet know REPORT LUNS and VPD pages; without
	 * the latter there would be no discard.
	 */
	sdev->sdev_bflags |= BLIST_REPORTLUN2 | BLIST_TRY_VPD_PAGES;
	return 0;
}

static int slave_configure(struct scsi_device *sdev)
{
	blk_queue_rq_timeout(sdev->request_queue, IO_TIMEOUT_S * HZ);
	/*
	 * Real hosts have no REPORT SUPPORTED OPERATION CODES. Without it sd takes WRITE SAME on
	 * trust and stops using it at the first ILLEGAL REQUEST, so zeroing and discard work where
	 * the host has them.
	 */
	sdev->no_report_opcodes = 1;
	/* sd asks only SPC-3 and later for READ CAPACITY(16), which announces discard. */
	if (!strncmp(sdev->vendor, "Msft", 4) && sdev->scsi_level < SCSI_SPC_3)
		sdev->scsi_level = SCSI_SPC_3;
	return 0;
}

struct scsi_host_template storvsc_template = {
	.module = THIS_MODULE,
	.name = "hvis_storvsc",
	.proc_name = "hvis_storvsc",
	.queuecommand = storvsc_queuecommand,
	.commit_rqs = storvsc_commit_rqs,
	.map_queues = storvsc_map_queues,
	.mq_poll = storvsc_mq_poll,
	/* No eh_timed_out: what takes too long goes to error handling, no time is ever renewed. */
	.eh_abort_handler = storvsc_eh_abort,
	.eh_device_reset_handler = storvsc_eh_device_reset,
	.eh_bus_reset_handler = storvsc_eh_bus_reset,
	.eh_host_reset_handler = storvsc_eh_host_reset,
	.eh_should_retry_cmd = storvsc_eh_should_retry,
	.slave_alloc = slave_alloc,
	.slave_configure = slave_configure,
	.change_queue_depth = scsi_change_queue_depth,
	.shost_groups = storvsc_host_groups,
	.this_id = -1,
	.track_queue_depth = 1,
	.skip_settle_delay = 1,
	/* Inside its data a scatterlist has no partial page (request.c). */
	.virt_boundary_mask = STORVSC_PAGE_SIZE - 1,
	/* A full ring is over as soon as one command completes: do not sit out several. */
	.max_host_blocked = 1,
};

static const struct hv_vmbus_device_id storvsc_ids[] = {
	{ .guid = VSTOR_SCSI_GUID },
	{},
};
MODULE_DEVICE_TABLE(vmbus, storvsc_ids);

static struct vmbus_driver storvsc_driver = {
	.name = "hvis_storvsc",
	/* A controller whose host is slow to answer holds up no other. */
	.driver.probe_type = PROBE_PREFER_ASYNCHRONOUS,
	.id_table = storvsc_ids,
	.probe = storvsc_probe,
	.remove = storvsc_remove,
	.shutdown = storvsc_shutdown,
};

static int __init storvsc_init(void)
{
	int error;

	if (storvsc_ring_bytes &&
	    (storvsc_ring_bytes < RING_BYTES_MIN || storvsc_ring_bytes > RING_BYTES_MAX)) {
		pr_err("ring_bytes=%u is out of range %u..%u\n", storvsc_ring_bytes, RING_BYTES_MIN,
		       RING_BYTES_MAX);
		return -EINVAL;
	}
	storvsc_ring_bytes = PAGE_ALIGN(storvsc_ring_bytes);
	storvsc_latency_init();
	error = hvis_driver_register(&storvsc_driver, THIS_MODULE);
	if (error)
		storvsc_latency_exit();
	return error;
}
module_init(storvsc_init);

static void __exit storvsc_exit(void)
{
	hvis_driver_unregister(&storvsc_driver);
	storvsc_latency_exit();
}
module_exit(storvsc_exit);

MODULE_DESCRIPTION("Hyper-V synthetic SCSI controller");
MODULE_LICENSE("GPL");
