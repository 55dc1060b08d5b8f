// SPDX-License-Identifier: GPL-2.0
/*
 * When the host is signalled for commands that come one by one.
 *
 * The block layer marks the last command of a batch, and that one rings. A program that submits one
 * command per system call, or for many LUNs, makes batches of one, though, and where the host
 * answers at once each of them costs a doorbell, an interrupt and their exits. So commands that are
 * followed by more, for sure or probably (burst.c), are held: they lie in the ring, but the bell is rung for all of them when the task
 * sleeps, when its time is up, or when BURST_HELD_MAX are there. "When it sleeps" is a thread of the
 * lowest weight on the same CPU, which the scheduler does not let preempt anybody. A timer rings for
 * a task that does not sleep.
 *
 * Invariant: after a command was held, the thread's work is queued, and rings after it is no longer
 * pending. All else is a guess.
 */
#include <linux/blkdev.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include "internal.h"

#define BELL_NICE 19
#define BELL_LATE 3 /* ticks, after which the timer rings */

/* The host is told of all that was held before this call. */
static void release(struct storvsc_bell *bell)
{
	clear_bit(BELL_PENDING, &bell->flags);
	/* Cleared before ringing: what is held from now on queues the work again. */
	smp_mb__after_atomic();
	storvsc_link_kick(container_of(bell, struct storvsc_link, bell));
}

static void task_sleeps(struct kthread_work *work)
{
	struct storvsc_bell *bell = container_of(work, struct storvsc_bell, work);

	del_timer(&bell->late);
	burst_task_slept(&bell->burst);
	release(bell);
}

/* The work may be queued still; it finds nothing new, which is harmless. */
static void late(struct timer_list *timer)
{
	struct storvsc_bell *bell = from_timer(bell, timer, late);

	burst_late(&bell->burst, jiffies);
	release(bell);
}

static void hold(struct storvsc_bell *bell)
{
	if (test_and_set_bit(BELL_PENDING, &bell->flags))
		return;
	kthread_queue_work(bell->worker, &bell->work);
	mod_timer(&bell->late, jiffies + BELL_LATE);
}

/* Whose command it is, if the thread would notice that task's sleep. */
static const struct task_struct *submitter(const struct storvsc_bell *bell)
{
	if (!in_task() || current->flags & PF_KTHREAD || raw_smp_processor_id() != bell->cpu)
		return NULL;
	return current;
}

/*
 * The last command of a batch is the last for its LUN; the block layer may have a plug full of
 * others for other LUNs, which it sends one LUN after the other.
 */
static bool more_in_plug(void)
{
	return in_task() && current->plug && !COMPAT_RQ_LIST_EMPTY(&current->plug->mq_list);
}

/**
 * storvsc_bell_ring() - a batch of commands is complete; signal the host now or soon
 * @link: its channel open, or rescinded; inside the RCU section of storvsc_queuecommand()
 *
 * Any context.
 */
void storvsc_bell_ring(struct storvsc_link *link)
{
	struct storvsc_bell *bell = &link->bell;

	if (bell->worker && burst_holds(&bell->burst, submitter(bell), READ_ONCE(current->nvcsw),
					jiffies, more_in_plug()))
		hold(bell);
	else
		storvsc_link_kick(link);
}

/**
 * storvsc_bell_init() - once per link
 * @link: the link, its cpu set
 * @hold: whether commands may be held at all
 *
 * May sleep. Without a thread (no memory) nothing is held.
 */
void storvsc_bell_init(struct storvsc_link *link, bool hold)
{
	struct storvsc_bell *bell = &link->bell;

	kthread_init_work(&bell->work, task_sleeps);
	timer_setup(&bell->late, late, 0);
	burst_init(&bell->burst, jiffies);
	bell->cpu = link->cpu == HVIS_CPU_ANY ? cpumask_first(cpu_online_mask) : link->cpu;
	if (!hold)
		return;
	bell->worker = kthread_create_worker_on_cpu(bell->cpu, 0, "storvsc-bell/%u", bell->cpu);
	if (IS_ERR(bell->worker))
		bell->worker = NULL;
	else
		set_user_nice(bell->worker->task, BELL_NICE);
}

/**
 * storvsc_bell_stop() - nothing more is held, before the channel is closed
 * @link: nobody sends there, nor will before it is open again
 *
 * May sleep.
 */
void storvsc_bell_stop(struct storvsc_link *link)
{
	struct storvsc_bell *bell = &link->bell;

	if (!bell->worker)
		return;
	kthread_cancel_work_sync(&bell->work);
	del_timer_sync(&bell->late);
	clear_bit(BELL_PENDING, &bell->flags);
	burst_rung(&bell->burst);
}

/** storvsc_bell_destroy() - undo storvsc_bell_init(); stopped before; may sleep */
void storvsc_bell_destroy(struct storvsc_link *link)
{
	if (link->bell.worker)
		kthread_destroy_worker(link->bell.worker);
	link->bell.worker = NULL;
}
