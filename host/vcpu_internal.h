/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A VP inside: vcpu.c (its thread, kicks, calls, pausing) and vcpu_exit.c (what its exits from the guest ask for).
 */
#ifndef HVIS_HOST_VCPU_INTERNAL_H
#define HVIS_HOST_VCPU_INTERNAL_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>

#include "vcpu.h"

struct call {
	void (*function)(int fd, void *argument);
	void *argument;
};

struct vcpu {
	struct vcpus *all;
	unsigned int index;
	int fd;
	struct kvm_run *run;
	pthread_t thread;
	bool started; /* main thread */

	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool running; /* @lock: the thread is in its loop */
	bool parked; /* @lock: and out of the guest for as long as all->paused */
	struct call *call; /* @lock: to be made by the thread */
	atomic_bool called; /* a hint that @call is set */

	_Atomic uint64_t exits[VCPU_EXIT_COUNT];
};

struct vcpus {
	struct vm *vm;
	struct pio *pio;
	struct hyperv *hyperv;
	const unsigned int *host_cpus;
	unsigned int host_cpu_count;
	atomic_bool paused;
	size_t run_bytes;
	unsigned int count;
	struct vcpu vcpu[];
};

/** vcpu_handle_exit() - do what KVM_RUN came back for. The VP's thread. */
enum vcpu_exit vcpu_handle_exit(struct vcpu *vcpu);

#endif
