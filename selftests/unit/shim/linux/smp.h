/* SPDX-License-Identifier: GPL-2.0 */
/* For struct definitions; nothing that works. */
#ifndef SHIM_LINUX_SMP_H
#define SHIM_LINUX_SMP_H

typedef struct {
	void (*func)(void *info);
	void *info;
} call_single_data_t;

#endif
