// SPDX-License-Identifier: GPL-2.0
/*
 * One device from offer to removal, and its state.
 *
 * Removal may come at any moment, by unload, unbinding or rescind: the state becomes GONE, which ends every loop and wait; the channel is
 * closed, so that the host takes nothing away any more; then all that it had is the guest's again. Hot-added memory stays.
 * Invariant: a page is given back without the host's word only after the channel is closed (or when the guest is out of memory).
 */
#include <linux/memory_hotplug.h>
#include <linux/slab.h>

#include "internal.h"
#include "trace.h"

static const char *const names[BALLOON_STATES] = {
	[BALLOON_NEGOTIATING] = "negotiating",
	[BALLOON_READY] = "ready",
	[BALLOON_INFLATING] = "inflating",
	[BALLOON_DEFLATING] = "deflating",
	[BALLOON_ADDING] = "adding",
	[BALLOON_REMOVING] = "removing",
	[BALLOON_GONE] = "gone",
};

/** balloon_state_name() - as in debugfs; any context */
const char *balloon_state_name(enum balloon_state state)
{
	return names[state];
}

/**
 * balloon_enter() - change the state
 * @balloon: the device
 * @from: the state it must be in
 * @to: the new one
 *
 * Any context but interrupts. Return: whether it was in @from, and is in @to now.
 */
bool balloon_enter(struct balloon *balloon, enum balloon_state from, enum balloon_state to)
{
	bool entered;

	spin_lock(&balloon->state_lock);
	entered = balloon->state == from;
	if (entered)
		WRITE_ONCE(balloon->state, to);
	spin_unlock(&balloon->state_lock);
	if (entered)
		trace_balloon_entered(from, to);
	return entered;
}

/** balloon_end() - there is no host any more: whatever goes on ends soon, nothing begins; process context */
void balloon_end(struct balloon *balloon)
{
	spin_lock(&balloon->state_lock);
	WRITE_ONCE(balloon->state, BALLOON_GONE);
	spin_unlock(&balloon->state_lock);
	balloon_connect_fail(balloon, -ENODEV);
	wake_up_all(&balloon->wait);
}

static struct balloon *create(struct vmbus_device *device)
{
	const struct range addresses = mhp_get_pluggable_range(true);
	struct balloon *balloon = kzalloc(sizeof(*balloon), GFP_KERNEL);

	if (!balloon)
		return NULL;
	balloon->device = device;
	balloon->state = BALLOON_NEGOTIATING;
	spin_lock_init(&balloon->state_lock);
	spin_lock_init(&balloon->ask.lock);
	spin_lock_init(&balloon->lock);
	init_waitqueue_head(&balloon->wait);
	INIT_LIST_HEAD(&balloon->added_blocks);
	page_set_init(&balloon->added);
	INIT_DELAYED_WORK(&balloon->report, balloon_status_work);
	ledger_init(&balloon->ledger, min_t(u64, (addresses.end >> PAGE_SHIFT) + 1, DM_RANGE_PFN_MAX + 1));
	return balloon;
}

static void destroy(struct balloon *balloon)
{
	balloon_added_forget(balloon);
	page_set_destroy(&balloon->added);
	ledger_destroy(&balloon->ledger);
	kfree(balloon);
}

static int negotiate(struct balloon *balloon)
{
	int error = balloon_channel_open(balloon);

	if (error)
		dev_err(&balloon->device->dev, "opening the channel failed: error %d\n", error);
	else
		error = balloon_connect(balloon);
	if (!error && balloon_is_gone(balloon))
		error = -ENODEV;
	return error;
}

static int start(struct balloon *balloon)
{
	int error = balloon_hotplug_start(balloon);

	if (error)
		return error;
	error = balloon_pressure_start(balloon);
	if (error)
		goto hotplug_stop;
	error = balloon_server_start(balloon);
	if (error)
		goto pressure_stop;
	return 0;

pressure_stop:
	balloon_pressure_stop(balloon);
hotplug_stop:
	balloon_hotplug_stop(balloon);
	return error;
}

/* Nobody uses the channel once the server and the reports have stopped, and the host takes nothing away once it is closed. */
static void stop(struct balloon *balloon)
{
	balloon_end(balloon);
	balloon_pressure_stop(balloon);
	balloon_server_stop(balloon);
	balloon_status_stop(balloon);
	hvis_channel_close(balloon->device->channel);
	balloon_release_all(balloon);
	balloon_hotplug_stop(balloon);
}

/**
 * balloon_probe() - dynamic memory was offered
 * @device: the offer
 * @id: unused, there is one type
 *
 * May sleep, bounded. Return: 0 or negative errno, after one line that names the step.
 */
int balloon_probe(struct vmbus_device *device, const struct hv_vmbus_device_id *id)
{
	struct balloon *balloon = create(device);
	int error;

	if (!balloon)
		return -ENOMEM;
	error = start(balloon);
	if (error)
		goto destroy;
	error = negotiate(balloon);
	if (error)
		goto stop;
	dev_set_drvdata(&device->dev, balloon);
	balloon_debugfs_start(balloon);
	dev_info(&device->dev, "dynamic memory %u.%u\n", balloon->version >> 16, balloon->version & 0xFFFF);
	balloon_status_soon(balloon);
	return 0;

stop:
	stop(balloon);
destroy:
	destroy(balloon);
	return error;
}

/** balloon_remove() - the device goes: rescinded, unbound, or the module is unloaded; may sleep, bounded */
void balloon_remove(struct vmbus_device *device)
{
	struct balloon *balloon = dev_get_drvdata(&device->dev);

	balloon_debugfs_stop(balloon);
	stop(balloon);
	dev_set_drvdata(&device->dev, NULL);
	destroy(balloon);
}
