// SPDX-License-Identifier: GPL-2.0
/*
 * Messages of synthetic timers, for hypervisors whose timers raise no vector of their own. They have a SINT of their own, with the vector of
 * VMBus's: a timer never waits behind a channel message. The timers are the listener's.
 * Invariant: a CPU's listener is written on that CPU, with interrupts off.
 */
#include <linux/export.h>
#include <linux/irqflags.h>

#include "internal.h"
#include "vmbus_cpu.h"

/** synic_take_timer() - look for a timer's message; hard interrupt context, on the CPU itself */
void synic_take_timer(struct synic_cpu *cpu)
{
	struct tlfs_message *slot = &cpu->messages->slot[TLFS_SINT_TIMER];
	u32 type;

	if (!cpu->timer_expired)
		return;
	/* Acquire: the type is written last. What else is in the message we know: it is time to look at the clock. */
	type = virt_load_acquire(&slot->message_type);
	if (type == TLFS_MESSAGE_TYPE_NONE)
		return;
	/* Before the listener sets the timer again, which may need the slot at once. */
	synic_free_slot(slot);
	if (type == TLFS_MESSAGE_TYPE_TIMER)
		cpu->timer_expired(cpu->timer_context);
	else
		pr_warn_ratelimited("message of type 0x%x on the SINT of timers ignored\n", type);
}

/**
 * hvis_timer_listen() - this CPU's timers send messages to TLFS_SINT_TIMER from now on
 * @expired: a message came, and its slot is free; hard interrupt context, on this CPU
 * @context: for it
 *
 * On the CPU itself, which does not go offline before hvis_timer_unlisten().
 * Return: 0; -ENODEV: the bus has no SynIC on this CPU; -EBUSY: somebody listens.
 */
int hvis_timer_listen(void (*expired)(void *context), void *context)
{
	struct synic_cpu *cpu = this_cpu_ptr(hvis_bus.synic.cpus);
	unsigned long flags;

	if (!cpu->messages)
		return -ENODEV;
	if (cpu->timer_expired)
		return -EBUSY;
	local_irq_save(flags);
	cpu->timer_context = context;
	cpu->timer_expired = expired;
	synic_write_sint(TLFS_SINT_TIMER, hvis_cpu_irq_vector(cpu->irq));
	local_irq_restore(flags);
	return 0;
}
EXPORT_SYMBOL_GPL(hvis_timer_listen);

/** hvis_timer_unlisten() - undo hvis_timer_listen(), on the same CPU; the timers are stopped */
void hvis_timer_unlisten(void)
{
	struct synic_cpu *cpu = this_cpu_ptr(hvis_bus.synic.cpus);
	unsigned long flags;

	local_irq_save(flags);
	synic_write_sint(TLFS_SINT_TIMER, TLFS_SINT_MASKED);
	cpu->timer_expired = NULL;
	if (cpu->messages)
		synic_free_slot(&cpu->messages->slot[TLFS_SINT_TIMER]);
	local_irq_restore(flags);
}
EXPORT_SYMBOL_GPL(hvis_timer_unlisten);
