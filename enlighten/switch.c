// SPDX-License-Identifier: GPL-2.0
/*
 * Who is on: wishes (module parameters, also while the module is loaded) against advice, one change at a time. What a
 * row does is its own file's. Parameters take 0, N, 1, Y and "force", which is 1 where the hypervisor recommends nothing.
 * Invariant: start() and stop() of a row alternate, and hooks are set or taken away only while its state is CHANGING.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/errno.h>
#include <linux/kstrtox.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "internal.h"
#include "vmbus.h"

static DEFINE_MUTEX(lock);
static bool loaded; /* under lock; until then wishes are only noted */

/*
 * Printing takes locks, and the hypervisor may have refused to help somebody who waits for one of those. The interrupt work
 * has none of them, as it comes when interrupts are on again.
 */
static void tell_refusal(struct irq_work *work)
{
	struct enlightenment *row = container_of(work, struct enlightenment, refusal);

	pr_err("%s: the hypervisor refused a hypercall (status 0x%x); the kernel's own way from now on, until 1 is written to the parameter\n",
	       row->name, READ_ONCE(row->refusal_status));
}

/**
 * enlighten_answered() - a row has made a hypercall
 * @row: whose
 * @result: what hvis_hypercall() returned
 *
 * A refusal turns the row off, but its hooks stay. Any context. Return: the hypervisor did it.
 */
bool enlighten_answered(struct enlightenment *row, u64 result)
{
	const u32 status = result & TLFS_HCALL_STATUS_MASK;

	if (status == TLFS_STATUS_SUCCESS)
		return true;
	/* The bus makes no hypercalls any more: this kernel ends, and that is no refusal. */
	if (status == HVIS_HYPERCALLS_OFF)
		return false;
	if (enlighten_state_fail(&row->state)) {
		WRITE_ONCE(row->refusal_status, status);
		irq_work_queue(&row->refusal);
	}
	return false;
}

static int refuse(const struct enlightenment *row, enum advice advice)
{
	if (advice == ADVICE_KERNEL) {
		pr_err("%s: this kernel does it by itself since it booted\n", row->name);
		return -EBUSY;
	}
	pr_err("%s: the hypervisor does not recommend it (CPUID 0x%x, 0x%x); write \"force\" to try all the same\n", row->name,
	       TLFS_CPUID_FEATURES, TLFS_CPUID_HINTS);
	return -EOPNOTSUPP;
}

static void turn_off(struct enlightenment *row)
{
	if (!enlighten_state_end(&row->state))
		return;
	row->stop();
	irq_work_sync(&row->refusal);
	enlighten_state_settle(&row->state, false);
	pr_info("%s: off\n", row->name);
}

static int turn_on(struct enlightenment *row)
{
	int error;

	if (enlighten_is_on(row))
		return 0;
	turn_off(row); /* what failed */
	if (!enlighten_state_begin(&row->state))
		return -ESHUTDOWN;
	error = row->start();
	enlighten_state_settle(&row->state, !error);
	if (!error)
		pr_info("%s: on\n", row->name);
	return error;
}

/* Under the lock. */
static int grant(struct enlightenment *row, enum enlighten_wish wish)
{
	const enum advice advice = row->advice(&enlighten_cpuid);

	if (wish == WISH_OFF || (wish == WISH_ADVICE && advice != ADVICE_YES)) {
		turn_off(row);
		return 0;
	}
	if (advice == ADVICE_KERNEL || (advice == ADVICE_NO && wish != WISH_FORCE))
		return refuse(row, advice);
	return turn_on(row);
}

static int parse(const char *text, enum enlighten_wish *wish)
{
	bool on;

	if (sysfs_streq(text, "force")) {
		*wish = WISH_FORCE;
		return 0;
	}
	if (kstrtobool(text, &on))
		return -EINVAL;
	*wish = on ? WISH_ON : WISH_OFF;
	return 0;
}

static int set(const char *text, const struct kernel_param *param)
{
	struct enlightenment *row = param->arg;
	enum enlighten_wish wish;
	int error = parse(text, &wish);

	if (error) {
		/* What echo writes ends with a newline. */
		pr_err("%s=%.*s: must be 0, 1 or force\n", row->name, (int)(strchrnul(text, '\n') - text), text);
		return error;
	}
	mutex_lock(&lock);
	if (loaded)
		error = grant(row, wish);
	else
		row->wish = wish;
	mutex_unlock(&lock);
	return error;
}

static int get(char *buffer, const struct kernel_param *param)
{
	const struct enlightenment *row = param->arg;

	return sysfs_emit(buffer, "%c\n", enlighten_is_on(row) ? 'Y' : 'N');
}

const struct kernel_param_ops enlighten_param_ops = {
	.set = set,
	.get = get,
};

static void stop_all(void)
{
	unsigned int i;

	for (i = ENLIGHTENMENTS; i--;)
		turn_off(enlightenments[i]);
	/* Tasks that were on their way into a function of ours, and were preempted before its first line. */
	synchronize_rcu_tasks();
}

/** enlighten_start_all() - grant what was wished for on the command line; may sleep; 0, or why an explicit wish was not */
int enlighten_start_all(void)
{
	unsigned int i;
	int error = 0;

	mutex_lock(&lock);
	for (i = 0; i < ENLIGHTENMENTS && !error; i++) {
		init_irq_work(&enlightenments[i]->refusal, tell_refusal);
		error = grant(enlightenments[i], enlightenments[i]->wish);
	}
	if (error)
		stop_all();
	loaded = !error;
	mutex_unlock(&lock);
	return error;
}

/** enlighten_stop_all() - the kernel is as it was; nobody writes parameters any more; may sleep */
void enlighten_stop_all(void)
{
	mutex_lock(&lock);
	stop_all();
	loaded = false;
	mutex_unlock(&lock);
}

/**
 * enlighten_silence_all() - no hypercall any more, for good, though hooks stay: this kernel ends
 *
 * The bus takes its hypercall page away next. May sleep.
 */
void enlighten_silence_all(void)
{
	unsigned int i;

	for (i = 0; i < ENLIGHTENMENTS; i++)
		enlighten_state_end(&enlightenments[i]->state);
	/* Also of CPUs that idle, where RCU does not look. */
	synchronize_rcu_tasks_rude();
}
