/* SPDX-License-Identifier: GPL-2.0 */
/* For struct definitions; nothing that works. */
#ifndef SHIM_LINUX_TIMER_H
#define SHIM_LINUX_TIMER_H

struct timer_list {
	void (*function)(struct timer_list *timer);
};

#endif
