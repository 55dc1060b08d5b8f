// SPDX-License-Identifier: GPL-2.0
/*
 * lockload: a contended spinlock, for tests. One thread per online CPU takes one lock again and again, holds it for a while and
 * does a while of other things. Write milliseconds to the parameter "run": the write returns when the threads have
 * ended. Then "ops" is how often the lock was taken, "longest_us" the longest that anybody waited, "lost" 1 if what the lock protects
 * was changed by two at a time; "alone_ns" is what an uncontended lock and unlock cost.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#define ALONE_TIMES 1000000u
#define RUN_MS_MAX 600000u

static unsigned int hold = 200;
module_param(hold, uint, 0644);
MODULE_PARM_DESC(hold, "rounds of work while the lock is held");

static unsigned int between = 200;
module_param(between, uint, 0644);
MODULE_PARM_DESC(between, "rounds of work between two of them");

static unsigned long ops;
module_param(ops, ulong, 0444);

static unsigned long longest_us;
module_param(longest_us, ulong, 0444);

static unsigned long alone_ns;
module_param(alone_ns, ulong, 0444);

static bool lost;
module_param(lost, bool, 0444);

static DEFINE_MUTEX(running);
static DEFINE_SPINLOCK(contended);
static unsigned long protected_count; /* under contended */

/* One per CPU. */
struct worker {
	struct task_struct *task; /* NULL: none */
	unsigned long ops;
	u64 longest_ns;
};

static void work(unsigned int rounds)
{
	while (rounds--)
		barrier();
}

static void take_once(struct worker *worker)
{
	const u64 began = ktime_get_ns();
	unsigned long before;

	spin_lock(&contended);
	worker->longest_ns = max(worker->longest_ns, ktime_get_ns() - began);
	before = READ_ONCE(protected_count);
	work(hold);
	WRITE_ONCE(protected_count, before + 1);
	spin_unlock(&contended);
	worker->ops++;
}

static int run_worker(void *context)
{
	struct worker *worker = context;

	while (!kthread_should_stop()) {
		take_once(worker);
		work(between);
		cond_resched();
	}
	return 0;
}

static void start(struct worker *workers)
{
	struct task_struct *task;
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		task = kthread_create(run_worker, &workers[cpu], "lockload/%u", cpu);
		if (IS_ERR(task))
			continue;
		kthread_bind(task, cpu);
		wake_up_process(task);
		workers[cpu].task = task;
	}
}

static void collect(struct worker *workers)
{
	u64 longest = 0;
	unsigned int cpu;

	ops = 0;
	for_each_online_cpu(cpu) {
		if (workers[cpu].task)
			kthread_stop(workers[cpu].task); /* returns when it has ended, so it is on no CPU that goes offline */
		ops += workers[cpu].ops;
		longest = max(longest, workers[cpu].longest_ns);
	}
	longest_us = div_u64(longest, NSEC_PER_USEC);
	lost = protected_count != ops;
}

static void measure_alone(void)
{
	static DEFINE_SPINLOCK(alone);
	const u64 began = ktime_get_ns();
	unsigned int i;

	for (i = 0; i < ALONE_TIMES; i++) {
		spin_lock(&alone);
		spin_unlock(&alone);
	}
	/* In thousandths, since it is a few. */
	alone_ns = div_u64(ktime_get_ns() - began, ALONE_TIMES / 1000);
}

static int run(unsigned int ms)
{
	struct worker *workers = kcalloc(nr_cpu_ids, sizeof(*workers), GFP_KERNEL);

	if (!workers)
		return -ENOMEM;
	measure_alone();
	protected_count = 0;
	cpus_read_lock();
	start(workers);
	schedule_timeout_interruptible(msecs_to_jiffies(ms));
	collect(workers);
	cpus_read_unlock();
	kfree(workers);
	return 0;
}

static int set_run(const char *text, const struct kernel_param *param)
{
	unsigned int ms;
	int error = kstrtouint(text, 0, &ms);

	if (error || ms > RUN_MS_MAX)
		return -EINVAL;
	mutex_lock(&running);
	error = run(ms);
	mutex_unlock(&running);
	return error;
}

static const struct kernel_param_ops run_ops = {
	.set = set_run,
};
module_param_cb(run, &run_ops, NULL, 0200);

static int __init lockload_init(void)
{
	return 0;
}
module_init(lockload_init);

static void __exit lockload_exit(void)
{
}
module_exit(lockload_exit);

MODULE_DESCRIPTION("A contended spinlock");
MODULE_LICENSE("GPL");
