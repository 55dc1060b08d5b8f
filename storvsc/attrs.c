// SPDX-License-Identifier: GPL-2.0
/*
 * What a controller tells user space beside the SCSI layer's own attributes:
 * /sys/class/scsi_host/hostN/. Read only; one value per file.
 */
#include <linux/device.h>
#include <linux/sysfs.h>

#include "internal.h"

static struct storvsc_host *host_of(struct device *dev)
{
	return shost_priv(class_to_shost(dev));
}

static ssize_t vstor_version_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	u16 version = host_of(dev)->version;

	return sysfs_emit(buf, "%u.%u\n", version >> 8, version & 0xFF);
}
static DEVICE_ATTR_RO(vstor_version);

static ssize_t max_transfer_bytes_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", host_of(dev)->limits.max_bytes);
}
static DEVICE_ATTR_RO(max_transfer_bytes);

/* Packets of the host that were refused, for any of the reasons of enum storvsc_refusal. */
static ssize_t refused_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct storvsc_host *host = host_of(dev);
	unsigned int sum = 0;
	int i;

	for (i = 0; i < REFUSALS; i++)
		sum += atomic_read(&host->refused[i]);
	return sysfs_emit(buf, "%u\n", sum);
}
static DEVICE_ATTR_RO(refused);

/* Hardware queues whose answers come by interrupt. */
static ssize_t queues_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", host_of(dev)->plan.queues);
}
static DEVICE_ATTR_RO(queues);

static ssize_t poll_queues_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", host_of(dev)->plan.polled);
}
static DEVICE_ATTR_RO(poll_queues);

/* Channels in use right now; fewer than queues if the host took some away. */
static ssize_t channels_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct storvsc_host *host = host_of(dev);
	u32 i, up = 0;

	for (i = 0; i < host->link_count; i++)
		up += READ_ONCE(host->links[i].up);
	return sysfs_emit(buf, "%u\n", up);
}
static DEVICE_ATTR_RO(channels);

/* Commands of polled queues that ended because the timed work looked, not a poller. */
static ssize_t reaped_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct storvsc_host *host = host_of(dev);
	u32 i, reaped = 0;

	for (i = 0; i < host->link_count; i++)
		reaped += READ_ONCE(host->links[i].reaped);
	return sysfs_emit(buf, "%u\n", reaped);
}
static DEVICE_ATTR_RO(reaped);

static ssize_t ring_bytes_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", host_of(dev)->ring_bytes);
}
static DEVICE_ATTR_RO(ring_bytes);

static struct attribute *host_attrs[] = {
	&dev_attr_vstor_version.attr,
	&dev_attr_max_transfer_bytes.attr,
	&dev_attr_refused.attr,
	&dev_attr_queues.attr,
	&dev_attr_poll_queues.attr,
	&dev_attr_channels.attr,
	&dev_attr_reaped.attr,
	&dev_attr_ring_bytes.attr,
	NULL,
};

static const struct attribute_group host_group = {
	.attrs = host_attrs,
};

const struct attribute_group *storvsc_host_groups[] = {
	&host_group,
	NULL,
};
