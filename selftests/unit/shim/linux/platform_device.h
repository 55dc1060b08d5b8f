/* SPDX-License-Identifier: GPL-2.0 */
/* For struct definitions; nothing that works. */
#ifndef SHIM_LINUX_PLATFORM_DEVICE_H
#define SHIM_LINUX_PLATFORM_DEVICE_H

#include <linux/device.h>

struct platform_device {
	struct device dev;
};

#endif
