/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the SynIC offers to the rest of the bus: interrupts with messages and event flags on every CPU, and which CPU
 * is to take whose. It knows slots, flags and CPUs; what they mean is told by whoever passes the callbacks.
 */
#ifndef HVIS_VMBUS_SYNIC_H
#define HVIS_VMBUS_SYNIC_H

#include <linux/mutex.h>
#include <linux/types.h>

#include "wire/tlfs.h"

/**
 * struct synic_callbacks - where interrupts go, and news of CPUs
 * @message: a private copy of a message slot; false: no room now, offer it again from synic_resume(). Hard interrupt
 *	context, on the CPU that the host chose
 * @event: an event flag was set, and is already cleared again; likewise
 * @cpu_leaves: this CPU goes offline, and is chosen for no channel any more; 0: none of its interrupts is needed any
 *	more; else it stays. The CPU hotplug thread of that CPU, with the hotplug lock held; may sleep, bounded
 * @cpu_came: this CPU takes interrupts (again); likewise
 */
struct synic_callbacks {
	bool (*message)(const struct tlfs_message *message);
	void (*event)(u32 flag);
	int (*cpu_leaves)(unsigned int cpu);
	void (*cpu_came)(unsigned int cpu);
};

/**
 * struct synic_cpu - the SynIC of one CPU
 * @messages: SIM page; NULL while the CPU is offline
 * @events: SIEF page
 * @irq: Linux interrupt number
 * @vp: the hypervisor's number of this CPU
 * @scontrol: what TLFS_MSR_SCONTROL was before us
 * @usable: it may be chosen; synic.lock
 * @pins: reasons why this CPU must stay online; synic.lock
 * @load: channels that interrupt it; synic.lock
 * @stalled: a message stays in its slot until synic_resume()
 * @timer_expired: a timer's message came; NULL: nobody wants them; written on the CPU itself, interrupts off
 * @timer_context: for it
 */
struct synic_cpu {
	struct tlfs_message_page *messages;
	struct tlfs_event_page *events;
	int irq;
	u32 vp;
	u64 scontrol;
	bool usable;
	unsigned int pins;
	unsigned int load;
	bool stalled;
	void (*timer_expired)(void *context);
	void *timer_context;
};

/**
 * struct synic - the SynICs of all CPUs
 * @cpus: each of them
 * @lock: guards which CPUs are usable, pinned and how loaded. Not the hotplug lock, because channels are moved, opened
 *	and closed by the thread of CPU hotplug, too, while another one holds that for writing
 * @cpuhp_state: registered with CPU hotplug
 * @auto_eoi: the hypervisor ends SINT interrupts as it delivers them: no EOI, which may be an exit, for each
 * @crashed: messages stay in their slots
 * @callbacks: who is told
 */
struct synic {
	struct synic_cpu __percpu *cpus;
	struct mutex lock;
	int cpuhp_state;
	bool auto_eoi;
	bool crashed;
	const struct synic_callbacks *callbacks;
};

/**
 * struct cpu_irqs - where interrupts of one CPU come from
 * @fwnode: of @domain
 * @domain: below the kernel's vector domain
 */
struct cpu_irqs {
	struct fwnode_handle *fwnode;
	struct irq_domain *domain;
};

/* synic_timer.c */
void synic_take_timer(struct synic_cpu *cpu);

/* synic.c */
void synic_free_slot(struct tlfs_message *slot);
void synic_write_sint(u32 sint, u64 vector_or_masked);
int synic_init(const struct synic_callbacks *callbacks);
void synic_exit(void);
int synic_start(void);
void synic_stop(void);
void synic_disable_all(void);
void synic_disable_this_cpu(void);
u32 synic_vp_index(unsigned int cpu);
void synic_resume(void);
void synic_crash(void);
bool synic_poll_crashed(bool (*wanted)(const struct tlfs_message *message));

/* synic_place.c */
struct synic_cpu *synic_cpu(unsigned int cpu);
void synic_set_usable(unsigned int cpu);
bool synic_start_leaving(unsigned int cpu);
unsigned int synic_pin(void);
void synic_unpin(unsigned int cpu);
unsigned int synic_take(unsigned int wish);
bool synic_try_take(unsigned int cpu);
void synic_give(unsigned int cpu);

#endif
