/* SPDX-License-Identifier: GPL-2.0 */
/* The largest and smallest of each type. */
#ifndef SHIM_LINUX_LIMITS_H
#define SHIM_LINUX_LIMITS_H

#include <limits.h>
#include_next <linux/limits.h>

#define U8_MAX	0xFF
#define U16_MAX 0xFFFF
#define U32_MAX 0xFFFFFFFFU
#define U64_MAX 0xFFFFFFFFFFFFFFFFULL

#endif
