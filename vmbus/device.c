// SPDX-License-Identifier: GPL-2.0
/*
 * VMBus in Linux' driver model: the bus "vmbus", one device per primary channel named by its instance, drivers matched
 * by interface type. Names, modalias and attributes are those of the kernel's own bus, so that lsvmbus and udev rules
 * work; when channels come and go is offer.c's.
 * Invariant: a device holds a reference to its channel, from device_add() until its last user is gone.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/export.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/uuid.h>

#include "channel.h"

#define VENDOR_MICROSOFT 0x1414

/* The numbers under which the kernel's bus shows interface types in the attribute "device". */
static const guid_t known_types[] = {
	[0] = GUID_INIT(0x32412632, 0x86cb, 0x44a2, 0x9b, 0x5c, 0x50, 0xd1, 0x41, 0x73, 0x54, 0xf5), /* IDE */
	[1] = GUID_INIT(0xba6163d9, 0x04a1, 0x4d29, 0xb6, 0x05, 0x72, 0xe2, 0xff, 0xb1, 0xdc, 0x7f), /* SCSI */
	[2] = GUID_INIT(0x2f9bcc4a, 0x0069, 0x4af3, 0xb7, 0x6b, 0x6f, 0xd0, 0xbe, 0x52, 0x8c, 0xda), /* FC */
	[3] = GUID_INIT(0xf8615163, 0xdf3e, 0x46c5, 0x91, 0x3f, 0xf2, 0xd2, 0xf9, 0x65, 0xed, 0x0e), /* network */
	[9] = GUID_INIT(0xa9a0f4e7, 0x5a45, 0x4d96, 0xb8, 0x27, 0x8a, 0x84, 0x1e, 0x8c, 0x03, 0xe6), /* KVP */
	[10] = GUID_INIT(0x35fa2e29, 0xea23, 0x4236, 0x96, 0xae, 0x3a, 0x6e, 0xba, 0xcb, 0xa4, 0x40), /* VSS */
	[12] = GUID_INIT(0x0e0b6031, 0x5213, 0x4934, 0x81, 0x8b, 0x38, 0xd9, 0x0c, 0xed, 0x39, 0xdb), /* shutdown */
	[15] = GUID_INIT(0x525074dc, 0x8985, 0x46e2, 0x80, 0x57, 0xa3, 0x07, 0xdc, 0x18, 0xa5, 0x02), /* memory */
};

#define to_vmbus_driver(d) container_of(d, struct vmbus_driver, driver)

static const struct hv_vmbus_device_id *find_id(const struct vmbus_driver *driver, const guid_t *type)
{
	const struct hv_vmbus_device_id *id;

	for (id = driver->id_table; id && !guid_is_null(&id->guid); id++)
		if (guid_equal(&id->guid, type))
			return id;
	return NULL;
}

/* Attributes. */

static struct vmbus_channel *dev_channel(struct device *dev)
{
	return to_vmbus_device(dev)->channel;
}

static ssize_t id_show(struct device *dev, struct device_attribute *attr, char *text)
{
	return sysfs_emit(text, "%u\n", dev_channel(dev)->relid);
}
static DEVICE_ATTR_RO(id);

static ssize_t state_show(struct device *dev, struct device_attribute *attr, char *text)
{
	/* The kernel's numbers: 1 opening, 2 offered, 3 opened. */
	switch (READ_ONCE(dev_channel(dev)->state)) {
	case CHANNEL_OPENING:
		return sysfs_emit(text, "1\n");
	case CHANNEL_OPEN:
		return sysfs_emit(text, "3\n");
	default:
		return sysfs_emit(text, "2\n");
	}
}
static DEVICE_ATTR_RO(state);

static ssize_t class_id_show(struct device *dev, struct device_attribute *attr, char *text)
{
	return sysfs_emit(text, "{%pUl}\n", &to_vmbus_device(dev)->type);
}
static DEVICE_ATTR_RO(class_id);

static ssize_t device_id_show(struct device *dev, struct device_attribute *attr, char *text)
{
	return sysfs_emit(text, "{%pUl}\n", &to_vmbus_device(dev)->instance);
}
static DEVICE_ATTR_RO(device_id);

static ssize_t modalias_show(struct device *dev, struct device_attribute *attr, char *text)
{
	return sysfs_emit(text, "vmbus:%*phN\n", UUID_SIZE, &to_vmbus_device(dev)->type);
}
static DEVICE_ATTR_RO(modalias);

static ssize_t vendor_show(struct device *dev, struct device_attribute *attr, char *text)
{
	return sysfs_emit(text, "0x%x\n", VENDOR_MICROSOFT);
}
static DEVICE_ATTR_RO(vendor);

static ssize_t device_show(struct device *dev, struct device_attribute *attr, char *text)
{
	const guid_t *type = &to_vmbus_device(dev)->type;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known_types); i++)
		if (!guid_is_null(&known_types[i]) && guid_equal(&known_types[i], type))
			return sysfs_emit(text, "0x%x\n", i);
	return sysfs_emit(text, "0x10\n");
}
static DEVICE_ATTR_RO(device);

static ssize_t channel_vp_mapping_show(struct device *dev, struct device_attribute *attr, char *text)
{
	return sysfs_emit(text, "%u:%u\n", dev_channel(dev)->relid, hvis_channel_cpu(dev_channel(dev)));
}
static DEVICE_ATTR_RO(channel_vp_mapping);

static struct attribute *vmbus_dev_attrs[] = {
	&dev_attr_id.attr,
	&dev_attr_state.attr,
	&dev_attr_class_id.attr,
	&dev_attr_device_id.attr,
	&dev_attr_modalias.attr,
	&dev_attr_vendor.attr,
	&dev_attr_device.attr,
	&dev_attr_channel_vp_mapping.attr,
	NULL,
};
ATTRIBUTE_GROUPS(vmbus_dev);

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
	channel_abandon(dev_channel(dev));
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
	.dev_groups = vmbus_dev_groups,
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

static void arrived(struct vmbus_channel *channel)
{
	struct vmbus_device *device;
	int error = -ENOMEM;

	if (channel->primary)
		return;
	device = kzalloc(sizeof(*device), GFP_KERNEL);
	if (!device)
		goto complain;
	kref_get(&channel->ref);
	device->channel = channel;
	device->type = channel->type;
	device->instance = channel->instance;
	device->dev.bus = &vmbus_type;
	device->dev.parent = hvis_bus.parent;
	device->dev.release = device_free;
	device_initialize(&device->dev);
	error = dev_set_name(&device->dev, "%pUl", &device->instance);
	if (!error)
		error = device_add(&device->dev);
	if (error) {
		put_device(&device->dev);
		goto complain;
	}
	channel->device = device;
	return;

complain:
	pr_err("channel %u {%pUl} has no device (error %d)\n", channel->relid, &channel->instance, error);
}

static void left(struct vmbus_channel *channel)
{
	if (!channel->device)
		return;
	device_unregister(&channel->device->dev);
	channel->device = NULL;
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
