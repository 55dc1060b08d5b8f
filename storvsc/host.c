// SPDX-License-Identifier: GPL-2.0
/*
 * One controller from offer to removal: its Scsi_Host, its state. The conversation with
 * the host is init.c's, commands are request.c's and completion.c's.
 * Invariant: DEAD is final, and from then on every command ends at once with DID_NO_CONNECT.
 */
#include <linux/rcupdate.h>

#include "internal.h"

/**
 * storvsc_set_state() - the one way to change a controller's state
 * @host: the controller
 * @from: what it has to be in
 * @to: what it is then
 *
 * A caller who needs no command to be on its way into the ring any more calls synchronize_rcu()
 * afterwards. Any context.
 *
 * Return: false, and nothing changed, if it was not in @from.
 */
bool storvsc_set_state(struct storvsc_host *host, enum storvsc_state from, enum storvsc_state to)
{
	if (WARN_ON_ONCE(from == STORVSC_DEAD))
		return false;
	return cmpxchg(&host->state, from, to) == from;
}

/**
 * storvsc_die() - the host will answer nothing any more
 * @host: the controller; its channel is rescinded or closed, so the host no longer touches
 *	its commands' pages
 *
 * Ends what waits and lets nothing new in. Callable again. May sleep, bounded; takes no lock over a
 * wait for the host and none that is held over one, so a rescind gets through while error handling
 * waits.
 */
void storvsc_die(struct storvsc_host *host)
{
	xchg(&host->state, STORVSC_DEAD);
	storvsc_control_fail(host, -ENODEV);
	synchronize_rcu();
	storvsc_slots_fail(host, STORVSC_LINK_ANY, DID_NO_CONNECT);
	wake_up_all(&host->answered);
}

/* The Scsi_Host with our part of it may live on: let the device not point into it. */
static void host_put(struct storvsc_host *host)
{
	if (host->device->dev.dma_parms == &host->dma_parms)
		host->device->dev.dma_parms = NULL;
	scsi_host_put(host->shost);
}

static void host_init(struct storvsc_host *host, struct Scsi_Host *shost,
		      struct vmbus_device *device)
{
	host->shost = shost;
	host->device = device;
	host->state = STORVSC_CLOSED;
	if (!device->dev.dma_parms)
		device->dev.dma_parms = &host->dma_parms;
	mutex_init(&host->recovery);
	mutex_init(&host->reaper);
	spin_lock_init(&host->control_lock);
	spin_lock_init(&host->route_lock);
	init_waitqueue_head(&host->answered);
	INIT_WORK(&host->broken, storvsc_broken_work);
	storvsc_news_init(host);
}

static struct storvsc_host *host_create(struct vmbus_device *device)
{
	struct Scsi_Host *shost = scsi_host_alloc(&storvsc_template, sizeof(struct storvsc_host));
	struct storvsc_host *host;

	if (!shost)
		return NULL;
	host = shost_priv(shost);
	host_init(host, shost, device);
	if (storvsc_links_create(host))
		goto put_host;
	host->wq = alloc_workqueue("hvis_storvsc_%u", WQ_MEM_RECLAIM | WQ_HIGHPRI, 0,
				   shost->host_no);
	if (!host->wq)
		goto destroy_queues;
	return host;

destroy_queues:
	storvsc_queues_destroy(host);
put_host:
	host_put(host);
	return NULL;
}

/* Nothing of the controller runs any more, its channels are closed. */
static void host_destroy(struct storvsc_host *host)
{
	destroy_workqueue(host->wq);
	storvsc_queues_destroy(host);
	host_put(host);
}

/* What the SCSI layer may ask for follows from what the host said in the conversation. */
static void shost_configure(struct storvsc_host *host)
{
	const struct storvsc_limits *limits = &host->limits;
	struct Scsi_Host *shost = host->shost;

	shost->max_channel = 0;
	shost->max_id = STORVSC_TARGETS;
	shost->max_lun = STORVSC_LUNS;
	shost->max_cmd_len = VSTOR_CDB_MAX;
	shost->no_scsi2_lun_in_cdb = 1;
	shost->max_sectors = limits->max_bytes / SECTOR_SIZE;
	shost->sg_tablesize = limits->pages_max;
	shost->can_queue = limits->can_queue;
	shost->cmd_per_lun = limits->can_queue;
	shost->nr_hw_queues = host->plan.queues + host->plan.polled;
	shost->nr_maps = host->plan.polled ? HCTX_MAX_TYPES : 1;
	/* No walk over 64 silent LUNs before the channel is reopened. */
	shost->eh_deadline = 30 * HZ;
}

static int connect_first(struct storvsc_host *host)
{
	int error;

	mutex_lock(&host->recovery);
	error = storvsc_connect(host, storvsc_connect_ms);
	mutex_unlock(&host->recovery);
	return error;
}

/* Close, then fail what is left: the host lets go of the pages first. Once more does no harm. */
static void give_up(struct storvsc_host *host)
{
	u32 i;

	mutex_lock(&host->recovery);
	xchg(&host->state, STORVSC_DEAD);
	synchronize_rcu();
	storvsc_links_close(host);
	storvsc_die(host);
	mutex_unlock(&host->recovery);
	cancel_work_sync(&host->broken);
	for (i = 0; i < host->link_count; i++) {
		cancel_work_sync(&host->links[i].drop);
		cancel_work_sync(&host->links[i].restart);
	}
}

/**
 * storvsc_probe() - a controller was offered
 * @device: the offer
 * @id: unused, there is one type
 *
 * Disks appear later: the scan runs as work, so that a host which is slow with a LUN holds up
 * neither the bus nor a rescind. May sleep, bounded by storvsc_connect_ms and the bus's own time
 * limits.
 *
 * Return: 0 or negative errno, after one line that names the step.
 */
int storvsc_probe(struct vmbus_device *device, const struct hv_vmbus_device_id *id)
{
	struct storvsc_host *host = host_create(device);
	int error;

	if (!host)
		return -ENOMEM;
	error = connect_first(host);
	if (error)
		goto destroy_host;
	error = storvsc_queues_create(host);
	if (error)
		goto disconnect;
	if (!storvsc_set_state(host, STORVSC_CLOSED, STORVSC_RUNNING)) {
		error = -ENODEV;
		goto disconnect;
	}
	shost_configure(host);
	error = scsi_add_host(host->shost, &device->dev);
	if (error)
		goto disconnect;

	dev_set_drvdata(&device->dev, host);
	storvsc_latency_show(host);
	dev_info(&device->dev,
		 "VSTOR %u.%u, %u KiB per request, %u queues and %u polled of %u requests\n",
		 host->version >> 8, host->version & 0xFF, host->limits.max_bytes / 1024,
		 host->plan.queues, host->plan.polled, host->limits.can_queue);
	storvsc_news_start(host);
	return 0;

disconnect:
	dev_err(&device->dev, "no SCSI host: error %d\n", error);
	give_up(host);
destroy_host:
	host_destroy(host);
	return error;
}

/**
 * storvsc_remove() - the controller goes: rescinded, unbound, or the module is unloaded
 * @device: the offer
 *
 * Unless rescinded, the channel stays open while the SCSI layer removes the disks, for their last
 * flush. After a rescind everything has failed already, and the channel goes first, because
 * scsi_remove_host() waits until nobody has a disk open, which is up to user space. Otherwise
 * bounded by the time limits of error_handling.c. May sleep.
 */
void storvsc_remove(struct vmbus_device *device)
{
	struct storvsc_host *host = dev_get_drvdata(&device->dev);

	storvsc_latency_hide(host);
	storvsc_news_stop(host);
	if (hvis_channel_rescinded(device->channel))
		give_up(host);
	scsi_remove_host(host->shost);
	give_up(host);
	dev_set_drvdata(&device->dev, NULL);
	host_destroy(host);
}

/**
 * storvsc_shutdown() - power-off or kexec
 * @device: the offer
 *
 * The disks are its children, so they were flushed before this is called. What is left is to look
 * for no more disks; the bus ends the connection, and with it the host's access to our memory. May
 * sleep, bounded.
 */
void storvsc_shutdown(struct vmbus_device *device)
{
	struct storvsc_host *host = dev_get_drvdata(&device->dev);

	if (host)
		storvsc_news_stop(host);
}
