/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The VPs of a VM: one thread each, which runs the guest and handles its exits. Exits of the
 * Hyper-V kind go to hyperv.h, port IO to pio.h; here is only the dispatch.
 * Invariant: KVM's VP ioctls are made by the VP's own thread, or by the main thread while that does
 * not run.
 */
#ifndef HVIS_HOST_VCPU_H
#define HVIS_HOST_VCPU_H

#include "boot.h"
#include "hyperv.h"
#include "hyperv_leaves.h"
#include "pio.h"
#include "vm.h"

struct vcpus;

/* Why a VP came back from KVM_RUN, as far as we tell them apart. */
enum vcpu_exit {
	VCPU_EXIT_IO,
	VCPU_EXIT_MMIO,
	VCPU_EXIT_SYNIC, /* SynIC registers */
	VCPU_EXIT_HYPERCALL, /* HvPostMessage */
	VCPU_EXIT_SIGNAL, /* HvSignalEvent that KVM did not handle */
	VCPU_EXIT_KICK, /* we wanted it back */
	VCPU_EXIT_OTHER,
	VCPU_EXIT_COUNT,
};

struct vcpus_config {
	struct vm *vm;
	struct pio *pio;
	struct hyperv *hyperv; /* unused while vm->hyperv is false */
	const struct hyperv_features *features; /* the same */
	const unsigned int *host_cpus; /* on which VPs run, in turn; host_cpu_count of them, 0: on any */
	unsigned int host_cpu_count;
};

/**
 * vcpus_create() - all VPs, not yet running
 * @error: VM_ERROR_MAX bytes; one line on failure
 * Return: NULL on failure.
 */
struct vcpus *vcpus_create(const struct vcpus_config *config, const struct boot_entry *entry,
			   char *error);
void vcpus_destroy(struct vcpus *vcpus);

/** vcpus_start() - start the threads. Main thread. Return: 0 or negative errno. */
int vcpus_start(struct vcpus *vcpus);
/**
 * vcpus_stop() - make all VPs leave the guest and join their threads; the VM has been stopped. Main
 * thread.
 */
void vcpus_stop(struct vcpus *vcpus);

/**
 * vcpus_pause() - make all VPs leave the guest and stay out; returns when they have. Main thread
 *
 * vcpus_call() works meanwhile, and what is for a VP's message page waits.
 */
void vcpus_pause(struct vcpus *vcpus);
/** vcpus_resume() - undo vcpus_pause(). Main thread. */
void vcpus_resume(struct vcpus *vcpus);

/** vcpus_kick() - make a VP leave the guest and look what there is to do. Any thread. */
void vcpus_kick(void *vcpus, unsigned int index);

/**
 * vcpus_call() - run a function with a VP's file descriptor while that VP is out of the guest
 *
 * Waits for it. Main thread; VP threads never wait for the main thread, so this ends.
 */
void vcpus_call(struct vcpus *vcpus, unsigned int index, void (*function)(int fd, void *argument),
		void *argument);

unsigned int vcpus_count(const struct vcpus *vcpus);
/** vcpus_fd() - for ioctls that need not be made by the VP's thread (KVM_GET_STATS_FD). */
int vcpus_fd(const struct vcpus *vcpus, unsigned int index);
/** vcpus_exits() - how often VP @index came back for @reason. Any thread. */
uint64_t vcpus_exits(const struct vcpus *vcpus, unsigned int index, enum vcpu_exit reason);
const char *vcpu_exit_name(enum vcpu_exit reason);

#endif
