/* SPDX-License-Identifier: GPL-2.0 */
/* Enough of the driver model for struct definitions; nothing that works. */
#ifndef SHIM_LINUX_DEVICE_H
#define SHIM_LINUX_DEVICE_H

#include <linux/container_of.h>
#include <linux/types.h>

struct module;

struct device {
	void *driver_data;
};

struct device_driver {
	const char *name;
};

#endif
