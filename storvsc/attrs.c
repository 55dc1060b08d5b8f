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

static struct attribute *host_attrs[] = {
	&dev_attr_vstor_version.attr,
	&dev_attr_max_transfer_bytes.attr,
	&dev_attr_refused.attr,
	NULL,
};

static const struct attribute_group host_group = {
	.attrs = host_attrs,
};

const struct attribute_group *storvsc_host_groups[] = {
	&host_group,
	NULL,
};
