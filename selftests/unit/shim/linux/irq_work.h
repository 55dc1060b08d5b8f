/* SPDX-License-Identifier: GPL-2.0 */
/* For struct definitions; nothing that works. */
#ifndef SHIM_LINUX_IRQ_WORK_H
#define SHIM_LINUX_IRQ_WORK_H

struct irq_work {
	void (*func)(struct irq_work *work);
};

#endif
