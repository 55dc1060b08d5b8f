// SPDX-License-Identifier: GPL-2.0
/*
 * See clock.h. KVM has one clock per VM (KVM_GET_CLOCK), from which it also computes the TSC page; TIME_REF_COUNT is that page's formula, or
 * where there is no page the clock itself. Both follow from the guest's TSC, so pausing sets first the TSCs, then the clock.
 * Source: Documentation/virt/kvm/api.rst (KVM_GET_CLOCK, KVM_SET_CLOCK), devices/vcpu.rst (KVM_VCPU_TSC_OFFSET).
 * Invariant: neither the reference time nor a TSC goes backwards by what is done here.
 */
#include "clock.h"

#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <time.h>

#include "log.h"
#include "msr.h"
#include "vcpu.h"
#include "vcpu_state.h"
#include "vm.h"
#include "wire/tlfs.h"

#define NS_PER_SECOND 1000000000ull
#define TRIES 5u
#define MSR_TSC 0x10u
#define AHEAD_NS 1000u /* where time goes on: the page and the clock are not the same to the last digit */

static uint64_t now_ns(clockid_t which)
{
	struct timespec now;

	clock_gettime(which, &now);
	return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

/* KVM gives both only with a master clock, and since Linux 5.16: else the closest of a few tries. */
int clock_pair(const struct clock *clock, struct clock_pair *pair)
{
	if (atomic_load(&clock->stopped))
		return -EBUSY;
	pair->within_ns = UINT64_MAX;
	for (unsigned int i = 0; i < TRIES; i++) {
		struct kvm_clock_data data = { 0 };
		uint64_t before = now_ns(CLOCK_REALTIME), after;

		if (ioctl(clock->vm->fd, KVM_GET_CLOCK, &data))
			return -errno;
		if (data.flags & KVM_CLOCK_REALTIME) {
			*pair = (struct clock_pair){ data.realtime, data.clock / 100, 0 };
			return 0;
		}
		after = now_ns(CLOCK_REALTIME);
		if (after < before || after - before >= pair->within_ns)
			continue;
		*pair = (struct clock_pair){ before + (after - before) / 2, data.clock / 100, after - before };
	}
	return pair->within_ns == UINT64_MAX ? -EAGAIN : 0;
}

/* Setting the clock is what makes KVM look; it says the same as before. */
int clock_prepare(const struct clock *clock)
{
	struct kvm_clock_data data = { 0 };

	if (ioctl(clock->vm->fd, KVM_GET_CLOCK, &data))
		return -errno;
	data = (struct kvm_clock_data){ .clock = data.clock };
	if (ioctl(clock->vm->fd, KVM_SET_CLOCK, &data))
		return -errno;
	return vm_master_clock(clock->vm);
}

/* What is asked of VP 0 while it is out of the guest. */
struct reading {
	uint64_t tsc, reference, offset;
	int error;
};

static void read_vp(int fd, void *argument)
{
	struct reading *reading = argument;

	reading->error = vcpu_state_tsc_offset(fd, &reading->offset);
	if (!reading->error)
		reading->error = msr_get(fd, MSR_TSC, &reading->tsc);
	if (!reading->error && msr_get(fd, TLFS_MSR_TIME_REF_COUNT, &reading->reference))
		reading->reference = 0; /* an ordinary PC has none */
}

int clock_stop(struct clock *clock)
{
	struct reading reading = { 0 };
	struct kvm_clock_data data = { 0 };

	clock->stopped_at = now_ns(CLOCK_MONOTONIC);
	vcpus_call(clock->vcpus, 0, read_vp, &reading);
	if (reading.error)
		return reading.error;
	if (ioctl(clock->vm->fd, KVM_GET_CLOCK, &data))
		return -errno;
	clock->tsc = reading.tsc;
	clock->reference_ns = data.clock > reading.reference * 100 ? data.clock : reading.reference * 100;
	clock->stopped = true;
	return 0;
}

static void write_vp(int fd, void *argument)
{
	struct reading *reading = argument;
	int error = vcpu_state_share_tsc(fd, reading->offset);

	if (error)
		reading->error = error;
}

uint64_t clock_start(struct clock *clock)
{
	struct kvm_clock_data data = { .clock = clock->reference_ns + AHEAD_NS };
	struct reading reading = { 0 };

	if (!clock->stopped)
		return 0;
	clock->stopped = false;
	vcpus_call(clock->vcpus, 0, read_vp, &reading);
	if (!reading.error) {
		reading.offset += clock->tsc - reading.tsc;
		for (unsigned int i = 0; i < vcpus_count(clock->vcpus); i++)
			vcpus_call(clock->vcpus, i, write_vp, &reading);
	}
	if (reading.error || ioctl(clock->vm->fd, KVM_SET_CLOCK, &data)) {
		log_warn("the guest's clocks cannot be set back to where they stood: they have gone on");
		return 0;
	}
	return now_ns(CLOCK_MONOTONIC) - clock->stopped_at;
}
