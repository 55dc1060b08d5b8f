/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The clock of a VM: its reference time (what the guest reads in its reference counter and computes from its TSC page) against this
 * machine's wall clock, and that reference time stands still while the VM is paused.
 */
#ifndef HVIS_HOST_CLOCK_H
#define HVIS_HOST_CLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct vcpus;
struct vm;

/* Both at one moment. */
struct clock_pair {
	uint64_t wall_ns; /* this machine's CLOCK_REALTIME */
	uint64_t reference; /* of the VM, in units of 100 ns */
	uint64_t within_ns; /* of each other; 0: KVM took them in one */
};

struct clock {
	struct vm *vm;
	struct vcpus *vcpus;
	/* While the time stands still. */
	atomic_bool stopped;
	uint64_t stopped_at; /* CLOCK_MONOTONIC, ns */
	uint64_t reference_ns; /* where it stands */
	uint64_t tsc; /* of the guest; all VPs have the same */
};

/** clock_pair() - read both clocks. Any thread. Return: 0 or negative errno; -EBUSY: the VM's stands still. */
int clock_pair(const struct clock *clock, struct clock_pair *pair);
/**
 * clock_prepare() - have KVM decide whether there is a master clock, before the VPs run for the first time
 * Main thread. Return: 1: there is, 0: there is none, or negative errno.
 */
int clock_prepare(const struct clock *clock);
/**
 * clock_stop() - no VP is in the guest: remember where its time is. Main thread.
 * Return: 0, or negative errno: its time goes on, for this KVM does not let us set TSCs.
 */
int clock_stop(struct clock *clock);
/**
 * clock_start() - go on from there, a moment later, never earlier. Main thread; no VP is in the guest
 * Return: how long it stood, in ns; 0: it did not.
 */
uint64_t clock_start(struct clock *clock);

#endif
