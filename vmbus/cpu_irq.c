// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts that a hypervisor raises by vector on one CPU. The vector comes from the kernel's own allocator, through an irq domain of our
 * own below x86_vector_domain. What raises it is the caller's: synic.c, and drivers with timers.
 * Invariant: an interrupt is managed, so its affinity is that one CPU for good.
 */
#include <linux/export.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/topology.h>
#include <asm/hw_irq.h>
#include <asm/irqdomain.h>

#include "cpu_irq.h"
#include "internal.h"
#include "vmbus_cpu.h"

/* x86_vector_domain allocates, we only name the chip. */
static struct irq_chip synic_chip = {
	.name = "hvis-synic",
	.irq_ack = irq_chip_ack_parent,
	.irq_set_affinity = irq_chip_set_affinity_parent,
};

static void no_ack(struct irq_data *data)
{
}

/* The hypervisor ends these as it delivers them. An EOI written all the same would end another one. */
static struct irq_chip auto_eoi_chip = {
	.name = "hvis-synic",
	.irq_ack = no_ack,
	.irq_set_affinity = irq_chip_set_affinity_parent,
};

static int domain_alloc(struct irq_domain *domain, unsigned int irq, unsigned int count, void *info)
{
	int error = irq_domain_alloc_irqs_parent(domain, irq, count, info);

	if (error)
		return error;
	irq_domain_set_info(domain, irq, irq, &synic_chip, NULL, handle_edge_irq, NULL, "edge");
	return 0;
}

static const struct irq_domain_ops domain_ops = {
	.alloc = domain_alloc,
	.free = irq_domain_free_irqs_common,
};

/** cpu_irq_init() - the domain, no interrupt yet; may sleep; 0 or negative errno */
int cpu_irq_init(void)
{
	struct cpu_irqs *irqs = &hvis_bus.cpu_irqs;

	irqs->fwnode = irq_domain_alloc_named_fwnode("hvis-synic");
	if (!irqs->fwnode)
		return -ENOMEM;
	irqs->domain = irq_domain_create_hierarchy(x86_vector_domain, 0, 0, irqs->fwnode, &domain_ops, NULL);
	if (!irqs->domain) {
		irq_domain_free_fwnode(irqs->fwnode);
		return -ENOMEM;
	}
	return 0;
}

/** cpu_irq_exit() - undo cpu_irq_init(); all interrupts were freed; may sleep */
void cpu_irq_exit(void)
{
	irq_domain_remove(hvis_bus.cpu_irqs.domain);
	irq_domain_free_fwnode(hvis_bus.cpu_irqs.fwnode);
}

/** cpu_irq_request() - hvis_cpu_irq_request(); @auto_eoi: the hypervisor will be told to end it by itself */
int cpu_irq_request(unsigned int cpu, irq_handler_t handler, unsigned long flags, const char *name, void *context, bool auto_eoi)
{
	struct irq_affinity_desc affinity = { .is_managed = 1 };
	struct irq_alloc_info info = { .mask = cpumask_of(cpu) };
	int irq, error = 0;

	cpumask_copy(&affinity.mask, cpumask_of(cpu));
	irq = __irq_domain_alloc_irqs(hvis_bus.cpu_irqs.domain, -1, 1, cpu_to_node(cpu), &info, false, &affinity);
	if (irq < 0)
		return irq;
	if (auto_eoi)
		error = irq_set_chip(irq, &auto_eoi_chip);
	if (!error)
		error = request_irq(irq, handler, flags, name, context);
	if (error) {
		irq_dispose_mapping(irq);
		return error;
	}
	return irq;
}

/**
 * hvis_cpu_irq_request() - an interrupt for one CPU
 * @cpu: online
 * @handler: hard interrupt context, on @cpu
 * @flags: IRQF_*
 * @name: in /proc/interrupts
 * @context: for @handler
 *
 * May sleep. Return: its number, for the other two calls; negative errno.
 */
int hvis_cpu_irq_request(unsigned int cpu, irq_handler_t handler, unsigned long flags, const char *name, void *context)
{
	return cpu_irq_request(cpu, handler, flags, name, context, false);
}
EXPORT_SYMBOL_GPL(hvis_cpu_irq_request);

/** hvis_cpu_irq_free() - undo hvis_cpu_irq_request(); nothing raises it any more; may sleep, waits for a handler that runs */
void hvis_cpu_irq_free(int irq, void *context)
{
	free_irq(irq, context);
	irq_dispose_mapping(irq);
}
EXPORT_SYMBOL_GPL(hvis_cpu_irq_free);

/** hvis_cpu_irq_vector() - what to tell the hypervisor; any context */
u8 hvis_cpu_irq_vector(int irq)
{
	return irqd_cfg(irq_get_irq_data(irq))->vector;
}
EXPORT_SYMBOL_GPL(hvis_cpu_irq_vector);
