// SPDX-License-Identifier: GPL-2.0
/*
 * Synthetic timers: which CPUs have theirs on, and the switch (module parameter stimer). One CPU's timer is stimer_cpu.c's.
 *
 * They are on from a CPU's coming online to its going offline; both are callbacks of CPU hotplug on the CPU itself, after and before those of
 * the bus, whose interrupts they use. While the CPU is on its way out it has its old timer again.
 * Invariant: @state is written under the lock, and no timer is on unless it says ON.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpuhotplug.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <asm/processor.h>

#include "internal.h"
#include "stimer.h"

/* LOADING: what the parameter says is remembered. REFUSED: for good, a line said why. STOPPED: the machine goes down. */
enum stimers_state {
	STIMERS_LOADING,
	STIMERS_OFF,
	STIMERS_ON,
	STIMERS_STOPPED,
};

static DEFINE_PER_CPU(struct stimer, stimers);
static DEFINE_MUTEX(lock);
static enum stimers_state state;
static enum stimer_way way;
static int hotplug_state;
static bool wanted = true;

/*
 * Above what the hypervisor has to emulate (local APIC 100, HPET 50), below TSC deadline (150): setting that is one exit as well, and it was
 * never later than ours where both were measured (docs/timesync.md).
 */
unsigned int timesync_stimer_rating = 120;
module_param_named(stimer_rating, timesync_stimer_rating, uint, 0444);
MODULE_PARM_DESC(stimer_rating, "Rating of the timers among others: TSC deadline has 150, local APIC 100, HPET 50 (default 120)");

/** stimer_of() - the timer of a possible CPU; any context */
struct stimer *stimer_of(unsigned int cpu)
{
	return per_cpu_ptr(&stimers, cpu);
}

/** stimer_way_name() - for people; any context */
const char *stimer_way_name(void)
{
	if (READ_ONCE(state) != STIMERS_ON)
		return "off";
	return way == STIMER_DIRECT ? "direct" : "message";
}

static int online(unsigned int cpu)
{
	int error = stimer_cpu_on(stimer_of(cpu), cpu, way);

	/* It keeps the timer that it has. */
	if (error)
		pr_warn("CPU %u: no synthetic timer (error %d)\n", cpu, error);
	return 0;
}

static int offline(unsigned int cpu)
{
	return stimer_cpu_off(stimer_of(cpu), cpu);
}

static bool any_pinned(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		if (stimer_of(cpu)->state == STIMER_PINNED)
			return true;
	return false;
}

/* Is there something to switch on, and is it ours? One line if not. */
static int check(void)
{
	if (timesync_kernel_owns()) {
		pr_info("the kernel's own Hyper-V timers are active, so no others are added (boot with nopv to use ours)\n");
		return -EBUSY;
	}
	if (!(timesync_features() & TLFS_ACCESS_STIMER)) {
		pr_info("the hypervisor offers no synthetic timers (CPUID 0x%x)\n", TLFS_CPUID_FEATURES);
		return -ENODEV;
	}
	way = cpuid_edx(TLFS_CPUID_FEATURES) & TLFS_FEATURE_DIRECT_STIMER ? STIMER_DIRECT : STIMER_MESSAGE;
	return 0;
}

/* With the lock. */
static int switch_on(void)
{
	int error = check();

	if (error)
		return error;
	hotplug_state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "hvis/timesync:online", online, offline);
	if (hotplug_state < 0) {
		pr_err("synthetic timers: error %d\n", hotplug_state);
		return hotplug_state;
	}
	WRITE_ONCE(state, STIMERS_ON);
	return 0;
}

/* With the lock. */
static int switch_off(enum stimers_state to)
{
	if (state == STIMERS_ON) {
		if (any_pinned())
			return -EBUSY;
		cpuhp_remove_state(hotplug_state);
	}
	WRITE_ONCE(state, to);
	return 0;
}

static int set_wanted(const char *text, const struct kernel_param *param)
{
	bool on;
	int error = kstrtobool(text, &on);

	if (error)
		return error;
	mutex_lock(&lock);
	if (state == STIMERS_OFF && on)
		error = switch_on();
	else if (state == STIMERS_ON && !on)
		error = switch_off(STIMERS_OFF);
	if (!error)
		wanted = on;
	mutex_unlock(&lock);
	return error;
}

static const struct kernel_param_ops wanted_ops = {
	.set = set_wanted,
	.get = param_get_bool,
};
module_param_cb(stimer, &wanted_ops, &wanted, 0644);
MODULE_PARM_DESC(stimer, "Use synthetic timers, can be switched at run time (default Y)");

/**
 * stimer_start() - switch the timers on, if they are wanted and the machine has them
 *
 * May sleep. If they stay off, a line says why.
 */
void stimer_start(void)
{
	mutex_lock(&lock);
	state = STIMERS_OFF;
	if (wanted && switch_on())
		wanted = false;
	mutex_unlock(&lock);
}

/** stimer_stop() - undo stimer_start(): every CPU has its old timer again; none is pinned, or the module could not be unloaded; may sleep */
void stimer_stop(void)
{
	mutex_lock(&lock);
	switch_off(STIMERS_STOPPED);
	mutex_unlock(&lock);
}

/** stimer_crash() - this CPU's timer interrupts no other kernel; any context that cannot migrate */
void stimer_crash(void)
{
	if (READ_ONCE(state) == STIMERS_ON)
		stimer_cpu_silence();
}
