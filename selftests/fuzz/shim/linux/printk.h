/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The log of the unit tests' shim, but warnings are looked at on their way: see one_thread.c.
 */
#ifndef SHIM_FUZZ_PRINTK_H
#define SHIM_FUZZ_PRINTK_H

#include_next <linux/printk.h>

void shim_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

#undef pr_warn
#define pr_warn(format, ...) shim_warn(pr_fmt(format), ##__VA_ARGS__)

#endif
