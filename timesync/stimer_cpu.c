// SPDX-License-Identifier: GPL-2.0
/*
 * One CPU's synthetic timer: its registers, its interrupt, and how it becomes the CPU's clock event device and stops being it.
 *
 * Linux cannot unregister a clock event device, but it can unbind one: clockevents_unbind_device() puts the best of the others in its place,
 * with handler and next event handed over, and takes it off all lists, after which nobody knows it any more. That fails if there is no other,
 * and there is a trap: the device that ours replaces is looked at once more, as a device to wake CPUs from deep sleep (broadcast), and where
 * its own timer does not stop in deep sleep (ARAT) the local APIC's of CPU 0 is taken for that at once, and cannot be gone back to. So while
 * ours is registered the one that is replaced says that it does stop (C3STOP), with interrupts off, so nobody else sees it; then it is left
 * alone. Which one that is, the kernel's list of devices tells, of which ours is a member.
 * The way back is tried right after the way there: if it fails all the same, the timer stays and with it the module (PINNED).
 * Invariant: a timer that is OFF is on none of the kernel's lists and its registers are 0.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/interrupt.h>
#include <linux/list.h>
#include <linux/module.h>
#include <asm/msr.h>

#include "internal.h"
#include "stimer.h"
#include "vmbus_cpu.h"

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
	/* None yet: the kernel has not made it the CPU's device, so it is nobody's expiry. */
	if (stimer->event.event_handler)
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

static void register_event(struct clock_event_device *event)
{
	clockevents_config_and_register(event, TLFS_REFERENCE_HZ, DELTA_MIN, DELTA_MAX);
}

/*
 * Which device this CPU uses, of the list that @event is in. The list's head is no device, and what lies around it has no CPU mask that is
 * ours. The caller is a callback of CPU hotplug, so no CPU's devices come or go meanwhile.
 */
static struct clock_event_device *device_in_use(struct clock_event_device *event)
{
	struct clock_event_device *other = event;

	list_for_each_entry_continue(other, &event->list, list)
		if (other->cpumask == event->cpumask && !clockevent_state_detached(other))
			return other;
	return NULL;
}

/* Ours is listed for a moment as one that nobody wants, to see the others. */
static struct clock_event_device *find_other(struct clock_event_device *event, unsigned int cpu)
{
	struct clock_event_device *other;
	int rating = event->rating;

	event->rating = 0;
	event->features |= CLOCK_EVT_FEAT_C3STOP;
	register_event(event);
	other = clockevent_state_detached(event) ? device_in_use(event) : NULL;
	clockevents_unbind_device(event, cpu);
	event->rating = rating;
	event->features &= ~CLOCK_EVT_FEAT_C3STOP;
	return other;
}

static void add(struct stimer *stimer)
{
	struct clock_event_device *other = stimer->other;
	unsigned int features = other ? other->features : 0;
	unsigned long flags;

	local_irq_save(flags);
	if (other)
		other->features |= CLOCK_EVT_FEAT_C3STOP;
	register_event(&stimer->event);
	if (other)
		other->features = features;
	local_irq_restore(flags);
}

static void describe(struct stimer *stimer, unsigned int cpu)
{
	stimer->event = (struct clock_event_device){
		.name = "hvis_stimer",
		.features = CLOCK_EVT_FEAT_ONESHOT,
		.rating = timesync_stimer_rating,
		.cpumask = cpumask_of(cpu),
		.irq = -1,
		.set_next_event = set_next,
		.set_state_oneshot = set_oneshot,
		.set_state_oneshot_stopped = set_shutdown,
		.set_state_shutdown = set_shutdown,
	};
}

/* Not listed at all, then: the kernel would take it for a broadcast device, with no way back either. */
static bool is_better(const struct clock_event_device *other)
{
	if (!other || other->rating < timesync_stimer_rating)
		return true;
	pr_info_once("CPUs keep their timers (%s, rating %d, ours has %u)\n", other->name, other->rating, timesync_stimer_rating);
	return false;
}

/* There and back, and there again. */
static void prove(struct stimer *stimer, unsigned int cpu)
{
	add(stimer);
	stimer->state = STIMER_ON;
	if (!clockevents_unbind_device(&stimer->event, cpu)) {
		add(stimer);
		return;
	}
	pr_warn("CPU %u has no other timer to go back to, so this module stays\n", cpu);
	stimer->state = STIMER_PINNED;
	__module_get(THIS_MODULE);
}

/**
 * stimer_cpu_on() - the timer becomes this CPU's clock event device, if it is the best
 * @stimer: OFF
 * @cpu: this one
 * @way: how it tells
 *
 * A thread of the CPU, interrupts on. Return: 0, also if what it has is better; negative errno, nothing left behind.
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
	stimer->other = find_other(&stimer->event, cpu);
	if (is_better(stimer->other))
		prove(stimer, cpu);
	else
		close_way(stimer);
	return 0;
}

/**
 * stimer_cpu_off() - the CPU has another clock event device when it returns; its next event is handed over
 * @stimer: ON, or OFF (then nothing happens)
 * @cpu: this one
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
