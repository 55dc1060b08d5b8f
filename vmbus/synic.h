/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the SynIC offers to the rest of the bus: interrupts with messages and event flags on every CPU, and which CPU
 * is to take whose. It knows slots, flags and CPUs; what they mean is told by whoever passes the callbacks.
 */
#ifndef HVIS_VMBUS_SYNIC_H
#define HVIS_VMBUS_SYNIC_H

#include <linux/types.h>

#include "wire/tlfs.h"

/**
 * struct synic_callbacks - where interrupts go; hard interrupt context, on the CPU that the host chose
 * @message: a private copy of a message slot; false: no room now, offer it again from synic_resume()
 * @event: an event flag was set, and is already cleared again
 */
struct synic_callbacks {
	bool (*message)(const struct tlfs_message *message);
	void (*event)(u32 flag);
};

struct synic {
	struct synic_cpu __percpu *cpus;
	struct fwnode_handle *fwnode;
	struct irq_domain *domain;
	int cpuhp_state;
	bool crashed;
	const struct synic_callbacks *callbacks;
};

int synic_init(const struct synic_callbacks *callbacks);
void synic_exit(void);
int synic_start(void);
void synic_stop(void);
void synic_disable_all(void);
void synic_disable_this_cpu(void);
unsigned int synic_pin(unsigned int wish);
void synic_unpin(unsigned int cpu);
u32 synic_vp_index(unsigned int cpu);
void synic_resume(void);
void synic_crash(void);
bool synic_poll_crashed(bool (*wanted)(const struct tlfs_message *message));

#endif
