/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What sysfs shows of a device and its channels, for device.c to put there and take away.
 */
#ifndef HVIS_VMBUS_DEVICE_H
#define HVIS_VMBUS_DEVICE_H

#include <linux/sysfs.h>

#include "channel.h"

/* device_attrs.c */
extern const struct attribute_group *device_attr_groups[];

/* device_channels.c */
int device_channel_add(struct vmbus_channel *channel);
void device_channel_remove(struct vmbus_channel *channel);
void device_channel_remove_all(struct vmbus_device *device);

#endif
