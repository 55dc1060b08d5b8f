// SPDX-License-Identifier: GPL-2.0
/*
 * Long waits for spinlocks: who has tried often enough tells the hypervisor (HvCallNotifyLongSpinWait, TLFS 9.5), which then
 * may run the VP that holds the lock in its place. Uncontended locks never come here: the kernel takes them in line.
 *
 * Mixing. While the hook is set or taken away, and where it does not reach (a caller it interrupted), others wait for the
 * same lock in the kernel's own way. That has two forms. In a guest the kernel waits by test and set (virt_spin_lock() of
 * asm/qspinlock.h, on wherever the CPU says "hypervisor"), as we do: whoever comes first has the lock. Should this kernel
 * queue instead, a waiter of its shows in the lock word, and we join that queue at once: from its own first bit on, queueing
 * is the only way in, so nobody starves. The queue's nodes are the kernel's; ours touches none.
 * Invariant: we take a lock only out of 0, the state in which nobody holds it and nobody is queued.
 */
#include <linux/atomic.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <asm/qspinlock.h>

#include "hook.h"
#include "internal.h"
#include "spin_wait.h"
#include "vmbus.h"

/* In order of spin_counter_names. */
struct spin_counters {
	u64 waits;
	u64 notified;
	u64 queued;
};

static const char *const spin_counter_names[] = { "waits", "notified", "queued" };
static DEFINE_PER_CPU(struct spin_counters, counters);
static u32 notify_every = SPIN_TRIES_DEFAULT;

/* Preemption is off, since somebody waits for a lock. */
static notrace void notify(const struct spin_wait *wait)
{
	u64 result;

	if (!enlighten_is_on(&enlighten_spin))
		return;
	this_cpu_inc(counters.notified);
	result = hvis_hypercall(TLFS_HCALL_NOTIFY_LONG_SPIN_WAIT | TLFS_HCALL_FAST, wait->tries, 0);
	enlighten_answered(&enlighten_spin, result);
}

/* Instead of the kernel's native_queued_spin_lock_slowpath(). */
static notrace void wait_for_lock(struct qspinlock *lock, u32 val)
{
	struct spin_wait wait;
	int now;

	this_cpu_inc(counters.waits);
	spin_wait_begin(&wait, notify_every);
	for (;;) {
		now = atomic_read(&lock->val);
		if (now & ~_Q_LOCKED_MASK) {
			this_cpu_inc(counters.queued);
			/* With such a word it passes the hook. */
			native_queued_spin_lock_slowpath(lock, now);
			return;
		}
		if (!now && atomic_try_cmpxchg_acquire(&lock->val, &now, _Q_LOCKED_VAL))
			return;
		cpu_relax();
		if (spin_wait_tried(&wait))
			notify(&wait);
	}
}

static notrace void on_slowpath(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	const u32 val = compat_hook_argument2(fregs);

	if (enlighten_is_on(&enlighten_spin) && !(val & ~_Q_LOCKED_MASK))
		compat_hook_go_on_at(fregs, wait_for_lock);
}

static struct hook slowpath = {
	.function = "native_queued_spin_lock_slowpath",
	.enter = on_slowpath,
};

static int spin_start(void)
{
	notify_every = spin_notify_every(enlighten_cpuid.spin);
	return hook_set(&slowpath);
}

static void spin_stop(void)
{
	hook_remove(&slowpath);
}

struct enlightenment enlighten_spin = {
	.name = "spin",
	.advice = advice_spin,
	.start = spin_start,
	.stop = spin_stop,
	.counter_names = spin_counter_names,
	.counters = (u64 __percpu *)&counters,
	.counter_count = ARRAY_SIZE(spin_counter_names),
};
