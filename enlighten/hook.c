// SPDX-License-Identifier: GPL-2.0
/*
 * Functions of the kernel that go our way, by ftrace with a changed instruction pointer: what a livepatch does, less its
 * transition. That brings every task over one by one, which is right for functions that must agree with each other. Ours agree
 * with the kernel's own at any time, call by call, and must be off when we say so: no module can take its livepatch back,
 * only a user can, once, by sysfs.
 * Invariant: a function has one owner. Whoever patched it before us keeps it, and gets in our way as -EBUSY.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/printk.h>
#include <linux/string.h>

#include "hook.h"

/**
 * hook_set() - from now on @hook->function is ours
 * @hook: function and enter are set
 *
 * May sleep. Return: 0; -EBUSY if it is patched already; another negative errno if this kernel does not have it, or no ftrace.
 * One log line said so.
 */
int hook_set(struct hook *hook)
{
	int error;

	/*
	 * Anew each time: 6.1 leaves pointers to what ftrace_free_filter() freed.
	 * Permanent: kernel.ftrace_enabled=0 is refused while we are on, rather than us being off without knowing.
	 */
	hook->ops = (struct ftrace_ops){ .func = hook->enter, .flags = FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT };
	error = ftrace_set_filter(&hook->ops, hook->function, strlen(hook->function), 1);
	if (!error) {
		error = register_ftrace_function(&hook->ops);
		if (error)
			ftrace_free_filter(&hook->ops);
	}
	if (error == -EBUSY)
		pr_err("%s() belongs to a livepatch, or kernel.ftrace_enabled is 0\n", hook->function);
	else if (error)
		pr_err("%s() cannot be hooked in this kernel (error %d)\n", hook->function, error);
	return error;
}

/**
 * hook_remove() - undo hook_set(); when it returns nobody runs in @hook->enter, nor, if that sent callers who cannot be
 * preempted elsewhere, there
 * @hook: was set
 *
 * ftrace waits until every CPU has scheduled, which whoever is in a stretch without preemption has not. May sleep.
 */
void hook_remove(struct hook *hook)
{
	unregister_ftrace_function(&hook->ops);
	ftrace_free_filter(&hook->ops);
}
