/* SPDX-License-Identifier: GPL-2.0 */
/* The match table of VMBus drivers. */
#ifndef SHIM_LINUX_MOD_DEVICETABLE_H
#define SHIM_LINUX_MOD_DEVICETABLE_H

#include <linux/uuid.h>

struct hv_vmbus_device_id {
	guid_t guid;
	unsigned long driver_data;
};

#endif
