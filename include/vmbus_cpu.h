/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the bus (hvis_vmbus.ko) offers to drivers that work per CPU: an interrupt with a vector of its own on one CPU, and the messages of
 * synthetic timers. Who uses them registers with CPU hotplug itself, after the bus.
 */
#ifndef HVIS_VMBUS_CPU_H
#define HVIS_VMBUS_CPU_H

#include <linux/interrupt.h>
#include <linux/types.h>

int hvis_cpu_irq_request(unsigned int cpu, irq_handler_t handler, unsigned long flags, const char *name, void *context);
void hvis_cpu_irq_free(int irq, void *context);
u8 hvis_cpu_irq_vector(int irq);

int hvis_timer_listen(void (*expired)(void *context), void *context);
void hvis_timer_unlisten(void);

#endif
