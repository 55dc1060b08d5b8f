// SPDX-License-Identifier: GPL-2.0
/*
 * The attributes of a device, under the names and in the forms of the kernel's own bus, so that lsvmbus and other tools
 * that read them work. Those of the monitor pages are not there but for monitor_id, since deferred doorbells are not
 * used.
 */
#include <linux/topology.h>
#include <linux/uuid.h>

#include "device.h"

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
	return offer_show_cpus(dev_channel(dev), text);
}
static DEVICE_ATTR_RO(channel_vp_mapping);

#ifdef CONFIG_NUMA
static ssize_t numa_node_show(struct device *dev, struct device_attribute *attr, char *text)
{
	return sysfs_emit(text, "%d\n", cpu_to_node(hvis_channel_cpu(dev_channel(dev))));
}
static DEVICE_ATTR_RO(numa_node);
#endif

static ssize_t monitor_id_show(struct device *dev, struct device_attribute *attr, char *text)
{
	return sysfs_emit(text, "%u\n", dev_channel(dev)->monitor_id);
}
static DEVICE_ATTR_RO(monitor_id);

/* The primary channel's rings. @offset: of a u32 in struct ring_figures. */
static ssize_t show_ring(struct device *dev, char *text, bool outbound, size_t offset)
{
	struct ring_figures out, in;
	int error = channel_ring_figures(dev_channel(dev), &out, &in);

	if (error)
		return error;
	return sysfs_emit(text, "%u\n", *(u32 *)((void *)(outbound ? &out : &in) + offset));
}

#define RING_ATTR(name, outbound, member)									\
static ssize_t name##_show(struct device *dev, struct device_attribute *attr, char *text)			\
{														\
	return show_ring(dev, text, outbound, offsetof(struct ring_figures, member));				\
}														\
static DEVICE_ATTR_RO(name)

RING_ATTR(out_intr_mask, true, mask);
RING_ATTR(out_read_index, true, read);
RING_ATTR(out_write_index, true, write);
RING_ATTR(out_read_bytes_avail, true, readable);
RING_ATTR(out_write_bytes_avail, true, writable);
RING_ATTR(in_intr_mask, false, mask);
RING_ATTR(in_read_index, false, read);
RING_ATTR(in_write_index, false, write);
RING_ATTR(in_read_bytes_avail, false, readable);
RING_ATTR(in_write_bytes_avail, false, writable);

static struct attribute *vmbus_dev_attrs[] = {
	&dev_attr_id.attr,
	&dev_attr_state.attr,
	&dev_attr_class_id.attr,
	&dev_attr_device_id.attr,
	&dev_attr_modalias.attr,
	&dev_attr_vendor.attr,
	&dev_attr_device.attr,
	&dev_attr_channel_vp_mapping.attr,
#ifdef CONFIG_NUMA
	&dev_attr_numa_node.attr,
#endif
	&dev_attr_monitor_id.attr,
	&dev_attr_out_intr_mask.attr,
	&dev_attr_out_read_index.attr,
	&dev_attr_out_write_index.attr,
	&dev_attr_out_read_bytes_avail.attr,
	&dev_attr_out_write_bytes_avail.attr,
	&dev_attr_in_intr_mask.attr,
	&dev_attr_in_read_index.attr,
	&dev_attr_in_write_index.attr,
	&dev_attr_in_read_bytes_avail.attr,
	&dev_attr_in_write_bytes_avail.attr,
	NULL,
};

static umode_t is_visible(struct kobject *kobj, struct attribute *attr, int index)
{
	if (attr == &dev_attr_monitor_id.attr && !dev_channel(kobj_to_dev(kobj))->monitored)
		return 0;
	return attr->mode;
}

static const struct attribute_group vmbus_dev_group = { .attrs = vmbus_dev_attrs, .is_visible = is_visible };

const struct attribute_group *device_attr_groups[] = { &vmbus_dev_group, NULL };
