/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel's header of this name brings along. */
#ifndef SHIM_LINUX_KERNEL_H
#define SHIM_LINUX_KERNEL_H

#include <linux/align.h>
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/container_of.h>
#include <linux/limits.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/printk.h>
#include <linux/types.h>
/* System headers ask for this one too. */
#include_next <linux/kernel.h>

#define offsetofend(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define upper_32_bits(n)  ((u32)((u64)(n) >> 32))
#define lower_32_bits(n)  ((u32)(n))

#endif
