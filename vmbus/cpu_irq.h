/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interrupts that the hypervisor raises by vector on one CPU, for the SynIC. What drivers may use of them is in vmbus_cpu.h.
 */
#ifndef HVIS_VMBUS_CPU_IRQ_H
#define HVIS_VMBUS_CPU_IRQ_H

#include <linux/interrupt.h>
#include <linux/types.h>

int cpu_irq_init(void);
void cpu_irq_exit(void);
int cpu_irq_request(unsigned int cpu, irq_handler_t handler, unsigned long flags, const char *name, void *context, bool auto_eoi);

#endif
