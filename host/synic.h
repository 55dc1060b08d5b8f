/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The host's half of the SynIC: message slots and event flags of each VP, raised through irqfds routed to
 * KVM_IRQ_ROUTING_HV_SINT, and doorbells by KVM_HYPERV_EVENTFD.
 * It knows VPs, SINTs and connection ids; it does not know VMBus.
 * Invariant: a VP's message slot is written only in that VP's own thread (KVM's message-mode timers write it too).
 */
#ifndef HVIS_HOST_SYNIC_H
#define HVIS_HOST_SYNIC_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/tlfs.h"

struct synic;

/**
 * synic_post() - queue a message for a VP's slot
 * @vp: VP index
 * @sint: TLFS_SINT_VMBUS, the only one that is wired up
 * @payload: copied
 * @bytes: at most 240
 *
 * Delivered in order, one in the slot at a time, the next after the guest freed the slot (EOM or EOI).
 * Any thread. Return: 0, -EINVAL (no such VP or SINT, too long), -ENOBUFS (more than SYNIC_QUEUE_MAX wait).
 */
int synic_post(struct synic *synic, unsigned int vp, unsigned int sint, const void *payload, uint32_t bytes);
#define SYNIC_QUEUE_MAX 4096

/** synic_flush() - forget messages still queued for all VPs (the connection they belong to is gone). Any thread. */
void synic_flush(struct synic *synic);

/**
 * synic_signal() - set an event flag and interrupt the VP if the flag was clear
 * @flag: 0..2047
 *
 * Any thread, lock free. Dropped while the guest has SIEF page or SCONTROL disabled, as hardware does.
 * Return: true if an interrupt was raised (for counting).
 */
bool synic_signal(struct synic *synic, unsigned int vp, unsigned int sint, unsigned int flag);

/** synic_doorbell_add() - make HvSignalEvent(@connection_id) fire @fd inside KVM. Return: 0 or negative errno. */
int synic_doorbell_add(struct synic *synic, uint32_t connection_id, int fd);
void synic_doorbell_remove(struct synic *synic, uint32_t connection_id, int fd);

unsigned int synic_vp_count(const struct synic *synic);

#endif
