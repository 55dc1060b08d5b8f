// SPDX-License-Identifier: GPL-2.0
// links: host/clock.c host/vcpu_state.c
/*
 * Pairs of wall clock and reference time, and a VM's clocks that stand still, on a KVM of the test's own: a TSC of 1 GHz that every look moves
 * on, offsets per VP, and a clock with an offset, from which a TSC page follows that is a little ahead of it.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

#include <cmocka.h>

#include "clock.h"
#include "cpuid.h"
#include "hyperv.h"
#include "log.h"
#include "msr.h"
#include "vcpu.h"
#include "vcpu_state.h"
#include "wire/tlfs.h"

#define VM_FD 100
#define VPS 2u
#define PAGE_AHEAD 300u /* ns */

static struct {
	uint64_t now, base, offset[VPS]; /* ns, which are TSC ticks, too */
	uint64_t realtime; /* now + this; 0: not told */
	bool master, no_offsets, set_fails;
	unsigned int calls, logged;
} kvm;

static struct vm vm = { .fd = VM_FD };
static struct clock clock_under_test = { .vm = &vm };

void log_line(enum log_level level, const char *format, ...)
{
	(void)level;
	(void)format;
	kvm.logged++;
}

void cpuid_personalise(struct cpuid_table *table, unsigned int index)
{
	(void)table;
	(void)index;
}

int hyperv_vp_enable(int fd, unsigned int vp)
{
	(void)fd;
	(void)vp;
	return 0;
}

unsigned int vcpus_count(const struct vcpus *vcpus)
{
	(void)vcpus;
	return VPS;
}

void vcpus_call(struct vcpus *vcpus, unsigned int index, void (*function)(int fd, void *argument), void *argument)
{
	(void)vcpus;
	function((int)index, argument);
}

int vm_master_clock(struct vm *which)
{
	assert_ptr_equal(which, &vm);
	return kvm.master;
}

static uint64_t tsc(unsigned int vp)
{
	return kvm.now + kvm.offset[vp];
}

static uint64_t reference(void)
{
	return (kvm.now + kvm.base + PAGE_AHEAD) / 100;
}

static int vm_call(unsigned long request, void *argument)
{
	struct kvm_clock_data *data = argument;

	if (request == KVM_GET_CLOCK) {
		*data = (struct kvm_clock_data){ .clock = kvm.now + kvm.base };
		if (kvm.realtime) {
			data->flags = KVM_CLOCK_REALTIME;
			data->realtime = kvm.now + kvm.realtime;
		}
		return 0;
	}
	assert_int_equal(request, KVM_SET_CLOCK);
	assert_int_equal(data->flags, 0);
	kvm.base = data->clock - kvm.now;
	return kvm.set_fails ? -1 : 0;
}

static int get_msr(unsigned int vp, struct one_msr *msr)
{
	if (msr->entry.index == TLFS_MSR_TIME_REF_COUNT)
		msr->entry.data = reference();
	else if (msr->entry.index == 0x10)
		msr->entry.data = tsc(vp);
	else
		return 0;
	return 1;
}

int ioctl(int fd, unsigned long request, ...)
{
	struct kvm_device_attr *attribute;
	va_list arguments;
	void *argument;

	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	kvm.now += 10;
	kvm.calls++;
	if (fd == VM_FD)
		return vm_call(request, argument);
	assert_true((unsigned int)fd < VPS);
	attribute = argument;
	switch (request) {
	case KVM_GET_MSRS:
		return get_msr((unsigned int)fd, argument);
	case KVM_GET_DEVICE_ATTR:
		*(uint64_t *)(uintptr_t)attribute->addr = kvm.offset[fd];
		errno = ENXIO;
		return kvm.no_offsets ? -1 : 0;
	case KVM_SET_DEVICE_ATTR:
		kvm.offset[fd] = *(uint64_t *)(uintptr_t)attribute->addr;
		return 0;
	default:
		fail();
		return -1;
	}
}

static int setup(void **state)
{
	(void)state;
	memset(&kvm, 0, sizeof(kvm));
	kvm.now = 1000000;
	kvm.base = 500;
	kvm.offset[0] = kvm.offset[1] = -(uint64_t)999000;
	clock_under_test.stopped = false;
	return 0;
}

static void a_pair_in_one(void **state)
{
	struct clock_pair pair;

	(void)state;
	kvm.realtime = 1700000000000000000ull;
	assert_int_equal(clock_pair(&clock_under_test, &pair), 0);
	assert_int_equal(kvm.calls, 1);
	assert_int_equal(pair.within_ns, 0);
	assert_int_equal(pair.wall_ns, kvm.now + kvm.realtime);
	assert_int_equal(pair.reference, (kvm.now + kvm.base) / 100);
}

static void the_closest_pair(void **state)
{
	struct clock_pair pair;

	(void)state;
	assert_int_equal(clock_pair(&clock_under_test, &pair), 0);
	assert_int_equal(kvm.calls, 5);
	assert_in_range(pair.within_ns, 0, 1000000000);
	assert_true(pair.wall_ns > 1600000000000000000ull);
}

static void time_stands_still(void **state)
{
	uint64_t before[VPS] = { tsc(0), tsc(1) }, counted = reference();
	struct clock_pair pair;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(clock_stop(&clock_under_test), 0);
		kvm.now += 10000000000ull; /* 10 s */
		assert_int_equal(clock_pair(&clock_under_test, &pair), -EBUSY); /* KVM's own went on */
		clock_start(&clock_under_test);
		assert_int_equal(kvm.offset[0], kvm.offset[1]);
		assert_in_range(tsc(0), before[0], before[0] + 1000);
		assert_in_range(tsc(1), before[1], before[1] + 1000);
		assert_in_range(reference(), counted, counted + 30);
		before[0] = tsc(0);
		before[1] = tsc(1);
		counted = reference();
	}
}

static void clocks_that_cannot_be_set(void **state)
{
	(void)state;
	kvm.no_offsets = true;
	assert_int_equal(clock_stop(&clock_under_test), -ENXIO);
	assert_false(clock_under_test.stopped);
	assert_int_equal(clock_start(&clock_under_test), 0);
	assert_int_equal(kvm.logged, 0);
	kvm.no_offsets = false;
	assert_int_equal(clock_stop(&clock_under_test), 0);
	kvm.set_fails = true;
	assert_int_equal(clock_start(&clock_under_test), 0);
	assert_int_equal(kvm.logged, 1);
}

static void preparing_changes_nothing(void **state)
{
	uint64_t base = kvm.base;

	(void)state;
	kvm.master = true;
	assert_int_equal(clock_prepare(&clock_under_test), 1);
	assert_in_range(kvm.base, base - 20, base);
	kvm.master = false;
	assert_int_equal(clock_prepare(&clock_under_test), 0);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_pair_in_one), TEST(the_closest_pair), TEST(time_stands_still), TEST(clocks_that_cannot_be_set),
		TEST(preparing_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
