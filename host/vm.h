/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One KVM virtual machine: its file descriptors, memory slots, interrupt controllers and interrupt
 * routes, and how it ended. VPs are vcpu.h's, Hyper-V is hyperv.h's; this file only knows which
 * capabilities they will need.
 * Invariant: the first cause that ends the VM is the one that counts.
 */
#ifndef HVIS_HOST_VM_H
#define HVIS_HOST_VM_H

#include <stdatomic.h>
#include <stdbool.h>

#include "guestmem.h"
#include "loop.h"

#define VM_CPUS_MAX 64
#define VM_SLOT_FIRST 2u /* memory slots before are those of the RAM that is there from the start */

/* Interrupt lines: the PC's 24, then one SINT per VP. */
#define VM_GSI_IOAPIC_PINS 24u
#define VM_GSI_SINT(vp) (VM_GSI_IOAPIC_PINS + (vp))

/* Why the VM ended; the value is the exit status of the process. A signal N is VM_SIGNALLED + N. */
enum vm_end {
	VM_RUNNING = -1,
	VM_POWERED_OFF = 0,
	VM_FAILED = 1,
	VM_RESET = 3,
	VM_CRASHED = 4,
	VM_TIMED_OUT = 5,
	VM_SIGNALLED = 128,
};

struct vm {
	int kvm; /* /dev/kvm */
	int fd;
	unsigned int cpus;
	bool hyperv;
	struct loop *loop;
	_Atomic int end; /* enum vm_end */
};

/* A capability of KVM that matters to us. */
struct vm_capability {
	const char *name;
	int number;
	bool required; /* always; the others only while Hyper-V is on */
};

extern const struct vm_capability vm_capabilities[];
extern const unsigned int vm_capability_count;

/**
 * vm_open_kvm() - open /dev/kvm and check that it can do what we need
 * @hyperv: also what Hyper-V needs
 * @error: ERROR_BYTES; one line on failure
 *
 * Return: a file descriptor or negative errno.
 */
int vm_open_kvm(bool hyperv, char *error);

struct vm_config {
	struct loop *loop; /* stopped when the VM ends */
	const struct guestmem *mem;
	unsigned int cpus;
	bool hyperv;
};

/**
 * vm_create() - a VM with memory, in-kernel interrupt controllers and PIT, without VPs
 * @error: ERROR_BYTES; one line on failure
 *
 * Return: the VM or NULL.
 */
struct vm *vm_create(const struct vm_config *config, char *error);
void vm_destroy(struct vm *vm);

/**
 * vm_route_interrupts() - the whole routing table: PIC, IOAPIC and, with Hyper-V, SINT 2 of each VP
 *
 * After the VPs exist and have their SynIC: KVM resolves a SINT route when it is set and forgets
 * one it cannot.
 * Return: 0 or negative errno.
 */
int vm_route_interrupts(struct vm *vm);

/**
 * vm_irqfd_create() - an eventfd that raises @gsi (edge) when written to. Return: the fd or
 * negative errno.
 */
int vm_irqfd_create(struct vm *vm, unsigned int gsi);

/** vm_set_irq() - the level of an interrupt line of the PC's, a pin of PIC or IOAPIC. Any thread. */
void vm_set_irq(struct vm *vm, unsigned int gsi, bool level);

/**
 * vm_irqfd_resample() - @fd raises @gsi, @resample_fd fires when the guest acknowledges (EOM or
 * EOI)
 * Return: 0 or negative errno.
 */
int vm_irqfd_resample(struct vm *vm, unsigned int gsi, int fd, int resample_fd);

/**
 * vm_set_memory() - memory that appears while the guest runs, or goes again
 * @slot: 0.., whoever calls keeps count
 * @bytes: of guest memory from @gpa on, which are at @host; 0: there is none any more
 *
 * Any thread. A change may be in effect only some milliseconds later, for KVM waits for the VPs. Return: 0 or negative errno.
 */
int vm_set_memory(struct vm *vm, unsigned int slot, uint64_t gpa, uint64_t bytes, void *host);

/** vm_stop() - end the VM: note why (the first call wins) and stop the main loop. Any thread. */
void vm_stop(struct vm *vm, int end);

static inline bool vm_stopped(struct vm *vm)
{
	return atomic_load_explicit(&vm->end, memory_order_relaxed) != VM_RUNNING;
}

/**
 * vm_master_clock() - whether KVM's reference TSC page can be valid. Return: 1, 0 or negative
 * errno.
 */
int vm_master_clock(struct vm *vm);

#endif
