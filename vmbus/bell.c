// SPDX-License-Identifier: GPL-2.0
/*
 * When the host is signalled for packets that come one by one.
 *
 * Who hands over a batch marks its last packet, and that one rings. A program that sends one packet per system call makes batches
 * of one, though, and where the host answers at once each of them costs a doorbell, an interrupt and their exits. So packets that are
 * followed by more, for sure or probably (burst.c), are held: their driver keeps them, and rings for all of them when the task sleeps,
 * when its time is up, or when there are as many as the driver allows. "When it sleeps" is a thread of the lowest weight on the same
 * CPU, which the scheduler does not let preempt anybody; all bells of a CPU share one. A timer rings for a task that does not sleep, and
 * for packets that the host can do without for some milliseconds.
 *
 * Invariant: after a packet was held, the thread's work is queued, or after it was left for later the timer is, and rings after it is no
 * longer pending. All else is a guess.
 */
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/timer.h>

#include "burst.h"
#include "vmbus.h"

/*
 * The lowest, so that it gets the CPU last. What that costs: 6.12 keeps such a thread on the run queue for some ticks behind its doorbell,
 * to pay for it, and each tick then makes the block layer go on in another thread. With 10 a flood of UDP rang three times as often.
 */
#define BELL_NICE 19
#define BELL_LATER_MS 10

/**
 * struct hvis_bell - packets that the host was not told of yet
 * @worker: rings when the task sleeps; its CPU's
 * @work: of @worker
 * @late: rings when it does not, and for what may come later
 * @late_ticks: after so long in the first case
 * @cpu: only packets from there are held
 * @flags: BELL_*
 * @burst: the guess
 * @ring: the driver's
 * @context: its argument
 */
struct hvis_bell {
	struct kthread_worker *worker;
	struct kthread_work work;
	struct timer_list late;
	unsigned int late_ticks;
	unsigned int cpu;
	unsigned long flags;
#define BELL_PENDING 0 /* @work is queued, and will ring for whatever is sent before it runs */
	struct burst burst;
	void (*ring)(void *context);
	void *context;
};

/* The thread of a CPU, while it has bells. */
struct bell_thread {
	struct kthread_worker *worker;
	unsigned int bells;
};

static DEFINE_PER_CPU(struct bell_thread, bell_threads);
static DEFINE_MUTEX(bell_threads_lock);

/* Return: NULL: no memory. */
static struct kthread_worker *get_worker(unsigned int cpu)
{
	struct bell_thread *thread = per_cpu_ptr(&bell_threads, cpu);
	struct kthread_worker *worker;

	mutex_lock(&bell_threads_lock);
	if (!thread->bells) {
		worker = kthread_create_worker_on_cpu(cpu, 0, "hvis-bell/%u", cpu);
		thread->worker = IS_ERR(worker) ? NULL : worker;
		if (thread->worker)
			set_user_nice(thread->worker->task, BELL_NICE);
	}
	worker = thread->worker;
	thread->bells += worker != NULL;
	mutex_unlock(&bell_threads_lock);
	return worker;
}

static void put_worker(unsigned int cpu)
{
	struct bell_thread *thread = per_cpu_ptr(&bell_threads, cpu);

	mutex_lock(&bell_threads_lock);
	if (!--thread->bells) {
		kthread_destroy_worker(thread->worker);
		thread->worker = NULL;
	}
	mutex_unlock(&bell_threads_lock);
}

/* The host is told of all that was held before this call. */
static void release(struct hvis_bell *bell)
{
	clear_bit(BELL_PENDING, &bell->flags);
	/* Cleared before ringing: what is held from now on queues the work again. */
	smp_mb__after_atomic();
	bell->ring(bell->context);
}

static void task_sleeps(struct kthread_work *work)
{
	struct hvis_bell *bell = container_of(work, struct hvis_bell, work);

	del_timer(&bell->late);
	burst_task_slept(&bell->burst);
	release(bell);
}

/* The work may be queued still; it finds nothing new, which is harmless. */
static void late(struct timer_list *timer)
{
	struct hvis_bell *bell = from_timer(bell, timer, late);

	burst_late(&bell->burst, jiffies);
	release(bell);
}

static void hold(struct hvis_bell *bell)
{
	if (test_and_set_bit(BELL_PENDING, &bell->flags))
		return;
	kthread_queue_work(bell->worker, &bell->work);
	mod_timer(&bell->late, jiffies + bell->late_ticks);
}

/* Whose packet it is, if the thread would notice that task's sleep. */
static const struct task_struct *submitter(const struct hvis_bell *bell)
{
	if (!in_task() || current->flags & PF_KTHREAD || raw_smp_processor_id() != bell->cpu)
		return NULL;
	return current;
}

/**
 * hvis_bell_holds() - packets are complete; may telling the host of them wait?
 * @bell: of their channel, or NULL
 * @more: more are known to follow at once
 * @alone: as far as the caller can see, the host has answered all that was sent before
 *
 * Any context. What the caller wrote before, ring() sees. Return: true: ring() will be called, soon; false: the caller rings now.
 */
bool hvis_bell_holds(struct hvis_bell *bell, bool more, bool alone)
{
	if (!bell || !burst_holds(&bell->burst, submitter(bell), READ_ONCE(current->nvcsw), jiffies, more, alone))
		return false;
	hold(bell);
	return true;
}
EXPORT_SYMBOL_GPL(hvis_bell_holds);

/**
 * hvis_bell_waits() - packets are complete that nobody waits for; may telling the host of them wait?
 * @bell: of this CPU, or NULL
 *
 * Any context that cannot leave its CPU. Return: as hvis_bell_holds().
 */
bool hvis_bell_waits(struct hvis_bell *bell)
{
	if (!bell || raw_smp_processor_id() != bell->cpu)
		return false;
	hold(bell);
	return true;
}
EXPORT_SYMBOL_GPL(hvis_bell_waits);

/**
 * hvis_bell_later() - packets are complete that the host does not miss for a while; may telling it wait?
 * @bell: of this CPU, or NULL
 *
 * Only the timer rings for them: no thread is woken for each, and while packets keep coming the timer is not set anew. Any context
 * that cannot leave its CPU. Return: as hvis_bell_holds().
 */
bool hvis_bell_later(struct hvis_bell *bell)
{
	if (!bell || raw_smp_processor_id() != bell->cpu)
		return false;
	/* Pending means that ring() comes after this: whoever takes the timer away rings next, and then sees what the caller wrote. */
	smp_mb();
	if (!timer_pending(&bell->late))
		mod_timer(&bell->late, jiffies + msecs_to_jiffies(BELL_LATER_MS));
	return true;
}
EXPORT_SYMBOL_GPL(hvis_bell_later);

/**
 * hvis_bell_create() - a bell for a channel
 * @cpu: where its packets come from, and its interrupts go to; HVIS_CPU_ANY: the first that is online
 * @late_ticks: how long packets of a task that does not sleep are held, in jiffies
 * @held_max: how many packets are held at most
 * @ring: signals the host for what was held; in process context or a softirq, perhaps when nothing was
 * @context: its argument
 *
 * May sleep. Return: NULL without memory; then nothing is held.
 */
struct hvis_bell *hvis_bell_create(unsigned int cpu, unsigned int late_ticks, unsigned int held_max, void (*ring)(void *context),
				   void *context)
{
	struct hvis_bell *bell = kzalloc(sizeof(*bell), GFP_KERNEL);

	if (!bell)
		return NULL;
	bell->cpu = cpu == HVIS_CPU_ANY ? cpumask_first(cpu_online_mask) : cpu;
	bell->late_ticks = late_ticks;
	bell->ring = ring;
	bell->context = context;
	kthread_init_work(&bell->work, task_sleeps);
	timer_setup(&bell->late, late, 0);
	burst_init(&bell->burst, jiffies, held_max);
	bell->worker = get_worker(bell->cpu);
	if (!bell->worker) {
		kfree(bell);
		return NULL;
	}
	return bell;
}
EXPORT_SYMBOL_GPL(hvis_bell_create);

/**
 * hvis_bell_stop() - nothing is held any more, before the channel is closed
 * @bell: nobody sends there, nor will before it is open again; or NULL
 *
 * May sleep. What was held is not told.
 */
void hvis_bell_stop(struct hvis_bell *bell)
{
	if (!bell)
		return;
	kthread_cancel_work_sync(&bell->work);
	del_timer_sync(&bell->late);
	clear_bit(BELL_PENDING, &bell->flags);
	burst_rung(&bell->burst);
}
EXPORT_SYMBOL_GPL(hvis_bell_stop);

/** hvis_bell_destroy() - undo hvis_bell_create(); nobody uses it any more; or NULL; may sleep */
void hvis_bell_destroy(struct hvis_bell *bell)
{
	if (!bell)
		return;
	hvis_bell_stop(bell);
	put_worker(bell->cpu);
	kfree(bell);
}
EXPORT_SYMBOL_GPL(hvis_bell_destroy);
