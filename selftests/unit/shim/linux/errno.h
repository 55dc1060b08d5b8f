/* SPDX-License-Identifier: GPL-2.0 */
/* Error numbers, and those that only the kernel has. */
#ifndef SHIM_LINUX_ERRNO_H
#define SHIM_LINUX_ERRNO_H

#include <errno.h>
#include_next <linux/errno.h>

#define EPROBE_DEFER 517
#define ENOTSUPP     524

#endif
