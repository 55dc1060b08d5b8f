/* SPDX-License-Identifier: GPL-2.0 */
/* GUIDs as they lie in memory. */
#ifndef SHIM_LINUX_UUID_H
#define SHIM_LINUX_UUID_H

#include <linux/types.h>

typedef struct {
	__u8 b[16];
} guid_t;

#endif
