// SPDX-License-Identifier: GPL-2.0
/*
 * VMBus in Linux' driver model: the bus "vmbus", one device per primary channel named by its instance, drivers matched
 * by interface type. Names and modalias are those of the kernel's own bus, so that lsvmbus and udev rules work. What
 * sysfs shows is device_attrs.c's and device_channels.c's; when channels come and go is offer.c's.
 * Invariant: a device holds a reference to its channel, from device_add() until its last user is gone.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/export.h>
#include <linux/slab.h>
#include <linux/uuid.h>

#include "channel.h"
#include "device.h"

#define to_vmbus_driver(d) container_of(d, struct vmbus_driver, driver)

static const struct hv_vmbus_device_id *find_id(const struct vmbus_driver *driver, const guid_t *type)
{
	const struct hv_vmbus_device_id *id;

	for (id = driver->id_table; id && !guid_is_null(&id->guid); id++)
		if (guid_equal(&id->guid, type))
			return id;
	return NULL;
}

/* The bus. */

static int bus_match(struct device *dev, COMPAT_MATCH_DRIVER *driver)
{
	return find_id(to_vmbus_driver(driver), &to_vmbus_device(dev)->type) != NULL;
}

static int bus_uevent(COMPAT_UEVENT_DEVICE *dev, struct kobj_uevent_env *env)
{
	return add_uevent_var(env, "MODALIAS=vmbus:%*phN", UUID_SIZE, &to_vmbus_device(dev)->type);
}

static int bus_probe(struct device *dev)
{
	struct vmbus_device *device = to_vmbus_device(dev);
	struct vmbus_driver *driver = to_vmbus_driver(dev->driver);

	return driver->probe(device, find_id(driver, &device->type));
}

static void bus_remove(struct device *dev)
{
	to_vmbus_driver(dev->driver)->remove(to_vmbus_device(dev));
	channel_abandon(to_vmbus_device(dev)->channel);
}

static void bus_shutdown(struct device *dev)
{
	struct vmbus_driver *driver;

	if (!dev->driver)
		return;
	driver = to_vmbus_driver(dev->driver);
	if (driver->shutdown)
		driver->shutdown(to_vmbus_device(dev));
}

static struct bus_type vmbus_type = {
	.name = "vmbus",
	.dev_groups = device_attr_groups,
	.match = bus_match,
	.uevent = bus_uevent,
	.probe = bus_probe,
	.remove = bus_remove,
	.shutdown = bus_shutdown,
};

/**
 * hvis_driver_register() - add a driver; devices that are there are probed before it returns
 * @driver: static, lives until hvis_driver_unregister()
 * @owner: THIS_MODULE
 *
 * May sleep. Return: 0 or negative errno.
 */
int hvis_driver_register(struct vmbus_driver *driver, struct module *owner)
{
	driver->driver.name = driver->name;
	driver->driver.owner = owner;
	driver->driver.bus = &vmbus_type;
	return driver_register(&driver->driver);
}
EXPORT_SYMBOL_GPL(hvis_driver_register);

/** hvis_driver_unregister() - remove a driver; remove() has run for all its devices when it returns; may sleep */
void hvis_driver_unregister(struct vmbus_driver *driver)
{
	driver_unregister(&driver->driver);
}
EXPORT_SYMBOL_GPL(hvis_driver_unregister);

/* Devices. */

static void device_free(struct device *dev)
{
	struct vmbus_device *device = to_vmbus_device(dev);

	channel_put(device->channel);
	kfree(device);
}

static struct vmbus_device *create(struct vmbus_channel *channel)
{
	struct vmbus_device *device = kzalloc(sizeof(*device), GFP_KERNEL);

	if (!device)
		return NULL;
	kref_get(&channel->ref);
	device->channel = channel;
	device->type = channel->type;
	device->instance = channel->instance;
	device->dev.bus = &vmbus_type;
	device->dev.parent = hvis_bus.parent;
	device->dev.release = device_free;
	device_initialize(&device->dev);
	return device;
}

static int arrive_primary(struct vmbus_channel *channel)
{
	struct vmbus_device *device = create(channel);
	int error;

	if (!device)
		return -ENOMEM;
	error = dev_set_name(&device->dev, "%pUl", &device->instance);
	if (!error)
		error = device_add(&device->dev);
	if (error) {
		put_device(&device->dev);
		return error;
	}
	channel_device_set(channel, device);
	return device_channel_add(channel);
}

static void arrived(struct vmbus_channel *channel)
{
	int error = channel->primary ? device_channel_add(channel) : arrive_primary(channel);

	if (error)
		pr_err("channel %u {%pUl} is not in sysfs (error %d)\n", channel->relid, &channel->instance, error);
}

static void left(struct vmbus_channel *channel)
{
	struct vmbus_device *device = channel->device;

	device_channel_remove(channel);
	if (!device)
		return;
	channel_device_set(channel, NULL);
	device_channel_remove_all(device);
	device_unregister(&device->dev);
}

const struct offer_callbacks device_offer_callbacks = { .arrived = arrived, .left = left };

/**
 * device_init() - register the bus
 * @parent: of all devices on it
 *
 * May sleep. Return: 0 or negative errno.
 */
int device_init(struct device *parent)
{
	hvis_bus.parent = parent;
	return bus_register(&vmbus_type);
}

/** device_exit() - undo device_init(); no driver and no device is left; may sleep */
void device_exit(void)
{
	bus_unregister(&vmbus_type);
}
