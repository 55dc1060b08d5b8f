/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The SynIC as the VPs see it: what vcpu.c, hyperv.c and main.c need beyond what synic.h offers to
 * the bus. All calls that name a VP run in that VP's own thread, except where said.
 */
#ifndef HVIS_HOST_SYNIC_INTERNAL_H
#define HVIS_HOST_SYNIC_INTERNAL_H

#include "guestmem.h"
#include "loop.h"
#include "synic.h"
#include "vm.h"

struct synic_config {
	struct vm *vm;
	const struct guestmem *mem;
	struct loop *loop; /* waits for acknowledgements */
};

/** synic_create() - a SynIC for each VP, all disabled. Return: NULL and errno on failure. */
struct synic *synic_create(const struct synic_config *config);

/**
 * synic_attach() - wire the SINTs into KVM
 * @kick: makes a VP leave the guest and call synic_deliver() before it enters it again; any thread
 *
 * Main thread, after vm_route_interrupts(), before a VP runs. Return: 0 or negative errno.
 */
int synic_attach(struct synic *synic, void (*kick)(void *context, unsigned int vp), void *context);

/**
 * synic_detach() - the VPs are going away: no kick any more. Main thread, after the VPs have
 * stopped.
 */
void synic_detach(struct synic *synic);
void synic_destroy(struct synic *synic);

/* The synthetic MSRs of a VP, as they are after the guest wrote one of them. */
struct synic_msrs {
	uint64_t control; /* SCONTROL */
	uint64_t event_page; /* SIEFP */
	uint64_t message_page; /* SIMP */
};

/**
 * synic_write() - the guest wrote SCONTROL, SIEFP or SIMP
 * @msr: which one; KVM leaves clearing a page on enabling to us
 *
 * A page outside RAM counts as disabled. Returns only when no synic_signal() writes to a former
 * event page any more.
 */
void synic_write(struct synic *synic, unsigned int vp, uint32_t msr, const struct synic_msrs *msrs);

/**
 * synic_deliver() - put the next waiting message into its slot if the slot is free. Before each
 * entry to the guest.
 */
void synic_deliver(struct synic *synic, unsigned int vp);

/** struct synic_counters - since start; any thread */
struct synic_counters {
	uint64_t interrupts; /* raised, for messages and event flags */
	uint64_t messages; /* put into a slot */
	uint64_t message_waits; /* times a message found its slot full */
	uint64_t dropped; /* messages and flags for a VP whose SynIC is off */
};
void synic_query(const struct synic *synic, struct synic_counters *counters);

#endif
