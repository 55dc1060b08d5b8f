// SPDX-License-Identifier: GPL-2.0
/*
 * One CPU's synthetic timer: its registers, its interrupt, and how it becomes the CPU's clock event device and stops being it.
 *
 * Linux cannot unregister a clock event device, but it can unbind one: clockevents_unbind_device() puts the best of the others in its place,
 * with handler and next event handed over, and takes it off all lists, after which nobody knows it any more. That fails only if there is no
 * other. So the way back is tried right after the way there: if it fails, the timer stays and with it the module (PINNED).
 * Invariant: a timer that is OFF is on none of the kernel's lists and its registers are 0.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/interrupt.h>
#include <linux/module.h>
#include <asm/msr.h>

#include "internal.h"
#include "stimer.h"
#include "vmbus_cpu.h"

/*
 * Above all others (TSC deadline 150, local APIC 100, HPET 50) if it raises a vector: setting it is one exit like theirs, and the hypervisor
 * needs to emulate no divider for it. A message costs another exit at times, so then only what is emulated is worse: below TSC deadline.
 */
#define RATING_DIRECT 200
#define RATING_MESSAGE 120

/* In units of 100 ns. The kernel's conversion is exact up to ten minutes. */
#define DELTA_MIN 1
#define DELTA_MAX 0xFFFFFFFFu

static struct stimer *of(struct clock_event_device *event)
{
	return container_of(event, struct stimer, event);
}

/** stimer_cpu_silence() - this CPU's timer raises no interrupt any more; any context that cannot migrate */
void stimer_cpu_silence(void)
{
	wrmsrl(TLFS_MSR_STIMER0_COUNT, 0);
	wrmsrl(TLFS_MSR_STIMER0_CONFIG, 0);
}

/* The kernel's calls, on the CPU, interrupts off. */

static int set_next(unsigned long delta, struct clock_event_device *event)
{
	wrmsrl(TLFS_MSR_STIMER0_COUNT, timesync_now() + delta);
	return 0;
}

static int set_oneshot(struct clock_event_device *event)
{
	wrmsrl(TLFS_MSR_STIMER0_CONFIG, of(event)->config);
	return 0;
}

static int set_shutdown(struct clock_event_device *event)
{
	stimer_cpu_silence();
	return 0;
}

/* Interrupts. */

static void expired(void *context)
{
	struct stimer *stimer = context;

	stimer->expired++;
	stimer->event.event_handler(&stimer->event);
}

static irqreturn_t interrupt(int irq, void *context)
{
	expired(context);
	return IRQ_HANDLED;
}

static int open_direct(struct stimer *stimer, unsigned int cpu)
{
	int irq = hvis_cpu_irq_request(cpu, interrupt, IRQF_TIMER, "hvis_stimer", stimer);

	if (irq < 0)
		return irq;
	stimer->irq = irq;
	stimer->config = TLFS_STIMER_AUTO_ENABLE | TLFS_STIMER_DIRECT | (u64)hvis_cpu_irq_vector(irq) << TLFS_STIMER_VECTOR_SHIFT;
	return 0;
}

static int open_message(struct stimer *stimer)
{
	stimer->config = TLFS_STIMER_AUTO_ENABLE | (u64)TLFS_SINT_TIMER << TLFS_STIMER_SINT_SHIFT;
	return hvis_timer_listen(expired, stimer);
}

static int open_way(struct stimer *stimer, unsigned int cpu)
{
	return stimer->way == STIMER_DIRECT ? open_direct(stimer, cpu) : open_message(stimer);
}

static void close_way(struct stimer *stimer)
{
	stimer_cpu_silence();
	if (stimer->way == STIMER_DIRECT)
		hvis_cpu_irq_free(stimer->irq, stimer);
	else
		hvis_timer_unlisten();
}

static void add(struct stimer *stimer)
{
	clockevents_config_and_register(&stimer->event, TLFS_REFERENCE_HZ, DELTA_MIN, DELTA_MAX);
}

static void describe(struct stimer *stimer, unsigned int cpu)
{
	stimer->event = (struct clock_event_device){
		.name = "hvis_stimer",
		.features = CLOCK_EVT_FEAT_ONESHOT,
		.rating = stimer->way == STIMER_DIRECT ? RATING_DIRECT : RATING_MESSAGE,
		.cpumask = cpumask_of(cpu),
		.set_next_event = set_next,
		.set_state_oneshot = set_oneshot,
		.set_state_oneshot_stopped = set_shutdown,
		.set_state_shutdown = set_shutdown,
	};
}

/**
 * stimer_cpu_on() - the timer becomes this CPU's clock event device, if it is the best
 * @stimer: OFF
 * @cpu: this one
 * @way: how it tells
 *
 * A thread of the CPU, interrupts on. Return: 0; negative errno, nothing left behind.
 */
int stimer_cpu_on(struct stimer *stimer, unsigned int cpu, enum stimer_way way)
{
	int error;

	if (stimer->state != STIMER_OFF)
		return 0;
	stimer->way = way;
	stimer->expired = 0;
	error = open_way(stimer, cpu);
	if (error)
		return error;
	describe(stimer, cpu);
	add(stimer);
	stimer->state = STIMER_ON;
	if (clockevents_unbind_device(&stimer->event, cpu)) {
		pr_warn("CPU %u has no other timer to go back to, so this module stays\n", cpu);
		stimer->state = STIMER_PINNED;
		__module_get(THIS_MODULE);
	} else {
		add(stimer);
	}
	return 0;
}

/**
 * stimer_cpu_off() - the CPU has another clock event device when it returns; its next event is handed over
 *
 * A thread of the CPU, interrupts on. Return: 0; -EBUSY: there is no other, and nothing has changed.
 */
int stimer_cpu_off(struct stimer *stimer, unsigned int cpu)
{
	int error;

	if (stimer->state == STIMER_OFF)
		return 0;
	error = stimer->state == STIMER_PINNED ? -EBUSY : clockevents_unbind_device(&stimer->event, cpu);
	if (error)
		return error;
	stimer->state = STIMER_OFF;
	close_way(stimer);
	return 0;
}
