// SPDX-License-Identifier: GPL-2.0
/*
 * The synthetic interrupt controller, one per CPU: message page, event page, and the vector that SINT 2 raises.
 * It knows slots and flags; what they mean is chanmsg.c's and channel_io.c's, reached through the callbacks.
 * The interrupt is cpu_irq.c's, one per CPU.
 * Invariant: a CPU's SynIC registers are written on that CPU only, and it goes offline only after nobody needs it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/gfp.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/smp.h>
#include <linux/topology.h>
#include <asm/msr.h>
#include <asm/processor.h>

#include "cpu_irq.h"
#include "internal.h"
#include "vmbus_cpu.h"

/* Interrupts. */

/**
 * synic_free_slot() - the message was copied, the hypervisor may have its slot back
 * @slot: of this CPU's SIM page
 *
 * The hypervisor may write the slot as soon as its type is NONE. It sets PENDING at any time before that, if it has
 * another message, so the flag is looked at afterwards: whichever comes second, it or we, sees the other's write.
 * Any context.
 */
void synic_free_slot(struct tlfs_message *slot)
{
	/* Release: what was in the slot has been copied. */
	virt_store_release(&slot->message_type, TLFS_MESSAGE_TYPE_NONE);
	/* Our type before the hypervisor's flag, see above. */
	virt_mb();
	if (READ_ONCE(slot->flags) & TLFS_MESSAGE_FLAG_PENDING)
		wrmsrl(TLFS_MSR_EOM, 0);
}

static void take_message(struct synic_cpu *cpu)
{
	struct tlfs_message *slot = &cpu->messages->slot[TLFS_SINT_VMBUS];
	struct tlfs_message copy;

	if (READ_ONCE(hvis_bus.synic.crashed))
		return;
	/* Acquire: the type is written last. */
	if (virt_load_acquire(&slot->message_type) == TLFS_MESSAGE_TYPE_NONE)
		return;
	memcpy(&copy, slot, sizeof(copy));
	/* Before it is known, since the callback may have woken already who calls synic_resume(). */
	WRITE_ONCE(cpu->stalled, true);
	if (hvis_bus.synic.callbacks->message(&copy)) {
		WRITE_ONCE(cpu->stalled, false);
		synic_free_slot(slot);
	}
}

static void take_events(struct synic_cpu *cpu)
{
	u64 *words = cpu->events->flags[TLFS_SINT_VMBUS];
	unsigned long bits;
	unsigned int i, bit;

	for (i = 0; i < TLFS_EVENT_FLAGS / 64; i++) {
		if (!READ_ONCE(words[i]))
			continue;
		/* Cleared before the rings are looked at: a flag set from now on brings a new interrupt. */
		bits = xchg(&words[i], 0);
		for_each_set_bit(bit, &bits, 64)
			hvis_bus.synic.callbacks->event(i * 64 + bit);
	}
}

static irqreturn_t interrupt(int irq, void *context)
{
	struct synic_cpu *cpu = context;

	take_events(cpu);
	take_message(cpu);
	synic_take_timer(cpu);
	return IRQ_HANDLED;
}

/* Registers, on the CPU itself. Reserved bits are kept, as TLFS 11.8 demands. */

static void write_page_msr(u32 msr, const void *page)
{
	u64 value;

	rdmsrl(msr, value);
	value &= TLFS_PAGE_SIZE - 1 - TLFS_MSR_ENABLE;
	if (page)
		value |= virt_to_phys((void *)page) | TLFS_MSR_ENABLE;
	wrmsrl(msr, value);
}

/** synic_write_sint() - the vector of an interrupt of this CPU, or TLFS_SINT_MASKED; any context that cannot leave it */
void synic_write_sint(u32 sint, u64 vector_or_masked)
{
	const u32 msr = TLFS_MSR_SINT0 + sint;
	u64 value;

	rdmsrl(msr, value);
	value &= ~(TLFS_SINT_VECTOR_MASK | TLFS_SINT_MASKED | TLFS_SINT_AUTO_EOI | TLFS_SINT_POLLING);
	if (hvis_bus.synic.auto_eoi && !(vector_or_masked & TLFS_SINT_MASKED))
		value |= TLFS_SINT_AUTO_EOI;
	wrmsrl(msr, value | vector_or_masked);
}

static void enable_registers(struct synic_cpu *synic)
{
	u64 vp;

	rdmsrl(TLFS_MSR_VP_INDEX, vp);
	synic->vp = vp;
	write_page_msr(TLFS_MSR_SIMP, synic->messages);
	write_page_msr(TLFS_MSR_SIEFP, synic->events);

	synic_write_sint(TLFS_SINT_VMBUS, hvis_cpu_irq_vector(synic->irq));
	rdmsrl(TLFS_MSR_SCONTROL, synic->scontrol);
	wrmsrl(TLFS_MSR_SCONTROL, synic->scontrol | TLFS_MSR_ENABLE);
}

static void disable_registers(void)
{
	synic_write_sint(TLFS_SINT_VMBUS, TLFS_SINT_MASKED);
	write_page_msr(TLFS_MSR_SIMP, NULL);
	write_page_msr(TLFS_MSR_SIEFP, NULL);
	wrmsrl(TLFS_MSR_SCONTROL, this_cpu_ptr(hvis_bus.synic.cpus)->scontrol);
}

/**
 * synic_disable_this_cpu() - switch this CPU's SynIC off, for good
 *
 * Any context that cannot migrate. Pages and interrupt stay allocated.
 */
void synic_disable_this_cpu(void)
{
	if (this_cpu_ptr(hvis_bus.synic.cpus)->messages)
		disable_registers();
}

static void disable_on_cpu(void *unused)
{
	synic_disable_this_cpu();
}

/** synic_disable_all() - the same on all CPUs, before another kernel is started; may sleep */
void synic_disable_all(void)
{
	on_each_cpu(disable_on_cpu, NULL, 1);
}

/* CPUs come and go. */

static int synic_online(unsigned int cpu)
{
	struct synic_cpu *synic = synic_cpu(cpu);
	struct page *messages, *events;
	int error;

	messages = alloc_pages_node(cpu_to_node(cpu), GFP_KERNEL | __GFP_ZERO, 0);
	if (!messages)
		return -ENOMEM;
	events = alloc_pages_node(cpu_to_node(cpu), GFP_KERNEL | __GFP_ZERO, 0);
	if (!events) {
		error = -ENOMEM;
		goto free_messages;
	}
	synic->events = page_address(events);
	synic->messages = page_address(messages);
	synic->stalled = false;
	synic->irq = cpu_irq_request(cpu, interrupt, 0, KBUILD_MODNAME, synic, hvis_bus.synic.auto_eoi);
	if (synic->irq < 0) {
		error = synic->irq;
		goto free_events;
	}
	enable_registers(synic);
	synic_set_usable(cpu);
	hvis_bus.synic.callbacks->cpu_came(cpu);
	return 0;

free_events:
	__free_page(events);
free_messages:
	synic->messages = NULL;
	__free_page(messages);
	pr_err("CPU %u: no SynIC (error %d)\n", cpu, error);
	return error;
}

static void switch_off(struct synic_cpu *synic)
{
	struct tlfs_message_page *messages = synic->messages;

	disable_registers();
	hvis_cpu_irq_free(synic->irq, synic);
	free_page((unsigned long)synic->events);
	/* First, for synic_resume(), which comes as an interrupt of this CPU. */
	WRITE_ONCE(synic->messages, NULL);
	free_page((unsigned long)messages);
}

static int synic_offline(unsigned int cpu)
{
	int error;

	if (!synic_start_leaving(cpu)) {
		pr_info("CPU %u stays online: it takes the host's control messages, which VMBus cannot move\n", cpu);
		return -EBUSY;
	}
	error = hvis_bus.synic.callbacks->cpu_leaves(cpu);
	if (error) {
		synic_set_usable(cpu);
		hvis_bus.synic.callbacks->cpu_came(cpu);
		return error;
	}
	if (synic_cpu(cpu)->messages)
		switch_off(synic_cpu(cpu));
	return 0;
}

/**
 * synic_init() - what all CPUs share; no interrupt yet
 * @callbacks: kept by reference
 *
 * May sleep. Return: 0 or negative errno, nothing left behind.
 */
int synic_init(const struct synic_callbacks *callbacks)
{
	struct synic *synic = &hvis_bus.synic;
	int error;

	mutex_init(&synic->lock);
	synic->callbacks = callbacks;
	/* Hypervisors advise against it where the processor does the APIC, which it would have to stop doing. */
	synic->auto_eoi = !(cpuid_eax(TLFS_CPUID_HINTS) & TLFS_HINT_DEPRECATE_AUTO_EOI);
	synic->cpus = alloc_percpu(struct synic_cpu);
	if (!synic->cpus)
		return -ENOMEM;
	error = cpu_irq_init();
	if (error)
		free_percpu(synic->cpus);
	return error;
}

/** synic_exit() - undo synic_init(); may sleep */
void synic_exit(void)
{
	cpu_irq_exit();
	free_percpu(hvis_bus.synic.cpus);
}

/** synic_start() - a working SynIC on every CPU that is or comes online; may sleep; 0 or negative errno */
int synic_start(void)
{
	int state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "hvis/vmbus:online", synic_online, synic_offline);

	hvis_bus.synic.cpuhp_state = state;
	return min(state, 0);
}

/** synic_stop() - undo synic_start(); no CPU is pinned; when it returns, no callback runs any more; may sleep */
void synic_stop(void)
{
	cpuhp_remove_state(hvis_bus.synic.cpuhp_state);
}

/** synic_vp_index() - the hypervisor's number of @cpu, which was taken or pinned; any context */
u32 synic_vp_index(unsigned int cpu)
{
	return synic_cpu(cpu)->vp;
}

static void resume_on_cpu(void *unused)
{
	struct synic_cpu *cpu = this_cpu_ptr(hvis_bus.synic.cpus);

	if (!cpu->stalled)
		return;
	cpu->stalled = false;
	if (cpu->messages)
		take_message(cpu);
}

/**
 * synic_resume() - there is room for messages again: take those that the message callback refused
 *
 * Takes no lock: CPU hotplug may hold its own while it waits for an answer that the caller is about to deliver.
 * May sleep.
 */
void synic_resume(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		if (READ_ONCE(synic_cpu(cpu)->stalled))
			smp_call_function_single(cpu, resume_on_cpu, NULL, 1);
}

/**
 * synic_crash() - from now on messages stay in their slots for synic_poll_crashed()
 *
 * On the way into a crash kernel the other CPUs may still run, and would take the message that the crashing one waits
 * for. Any context.
 */
void synic_crash(void)
{
	WRITE_ONCE(hvis_bus.synic.crashed, true);
}

/**
 * synic_poll_crashed() - look through all message slots after synic_crash()
 * @wanted: given a private copy of each message found
 *
 * Frees every slot it looked at. Any context. Return: true once @wanted did.
 */
bool synic_poll_crashed(bool (*wanted)(const struct tlfs_message *message))
{
	struct tlfs_message *slot, copy;
	bool found = false;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		if (!synic_cpu(cpu)->messages)
			continue;
		slot = &synic_cpu(cpu)->messages->slot[TLFS_SINT_VMBUS];
		/* Acquire: the type is written last. */
		if (virt_load_acquire(&slot->message_type) == TLFS_MESSAGE_TYPE_NONE)
			continue;
		memcpy(&copy, slot, sizeof(copy));
		found = wanted(&copy) || found;
		synic_free_slot(slot);
	}
	return found;
}
