// SPDX-License-Identifier: GPL-2.0
/*
 * The time-sync service from offer to removal: a PTP clock, the bus's end of the conversation (vmbus_ic.h), news of resume. What messages mean
 * is sample.c's.
 * Invariant: the PTP clock outlives the conversation, so a sample always has a place to go.
 */
#include <linux/slab.h>
#include <linux/suspend.h>

#include "internal.h"
#include "vmbus.h"
#include "vmbus_ic.h"

static const struct ic_version versions[] = { { 4, 0 }, { 3, 0 }, { 1, 0 } };

static u32 request(void *context, const struct hvis_ic_request *request)
{
	return timesync_take(context, request->version, request->body, request->bytes);
}

static void drained(void *context)
{
	timesync_apply(context);
}

static const struct hvis_ic_service service = {
	.name = "time synchronisation",
	.type = IC_TIMESYNC,
	.versions = versions,
	.version_count = ARRAY_SIZE(versions),
	.request = request,
	.drained = drained,
};

/* While the machine slept the host's clock went on: the next sample is believed at once. */
static int on_pm(struct notifier_block *block, unsigned long event, void *unused)
{
	struct timesync *timesync = container_of(block, struct timesync, pm_block);

	if (event == PM_POST_SUSPEND || event == PM_POST_HIBERNATION)
		WRITE_ONCE(timesync->sync, true);
	return NOTIFY_DONE;
}

/**
 * timesync_newest() - what the host said last
 * @timesync: the device
 * @newest: filled in
 *
 * Process context. Return: whether it has said something.
 */
bool timesync_newest(struct timesync *timesync, struct host_time *newest)
{
	bool known;

	spin_lock(&timesync->lock);
	*newest = timesync->newest;
	known = timesync->known;
	spin_unlock(&timesync->lock);
	return known;
}

static struct timesync *create(struct vmbus_device *device)
{
	struct timesync *timesync = kzalloc(sizeof(*timesync), GFP_KERNEL);

	if (!timesync)
		return NULL;
	timesync->device = device;
	timesync->pm_block.notifier_call = on_pm;
	spin_lock_init(&timesync->lock);
	return timesync;
}

static int start(struct timesync *timesync)
{
	int error = timesync_ptp_start(timesync);

	if (error)
		return error;
	timesync->ic = hvis_ic_create(timesync->device, &service, timesync);
	if (IS_ERR(timesync->ic)) {
		timesync_ptp_stop(timesync);
		return PTR_ERR(timesync->ic);
	}
	register_pm_notifier(&timesync->pm_block);
	return 0;
}

/**
 * timesync_probe() - time synchronisation was offered
 * @device: the offer
 * @id: unused, there is one type
 *
 * May sleep, bounded. Return: 0 or negative errno, after one line that names the step.
 */
int timesync_probe(struct vmbus_device *device, const struct hv_vmbus_device_id *id)
{
	struct timesync *timesync = create(device);
	int error;

	if (!timesync)
		return -ENOMEM;
	dev_set_drvdata(&device->dev, timesync);
	error = start(timesync);
	if (error) {
		dev_set_drvdata(&device->dev, NULL);
		kfree(timesync);
		return error;
	}
	timesync_debugfs_add(timesync);
	return 0;
}

/** timesync_remove() - the device goes: rescinded, unbound, or the module is unloaded; may sleep, bounded */
void timesync_remove(struct vmbus_device *device)
{
	struct timesync *timesync = dev_get_drvdata(&device->dev);

	timesync_debugfs_remove(timesync);
	unregister_pm_notifier(&timesync->pm_block);
	hvis_ic_destroy(timesync->ic);
	timesync_ptp_stop(timesync);
	dev_set_drvdata(&device->dev, NULL);
	kfree(timesync);
}
