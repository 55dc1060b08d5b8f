/* SPDX-License-Identifier: GPL-2.0 */
/* One array element per CPU. */
#ifndef SHIM_LINUX_PERCPU_H
#define SHIM_LINUX_PERCPU_H

#include <linux/cpumask.h>

#define per_cpu_ptr(pointer, cpu) ((pointer) + (cpu))

#endif
