/* SPDX-License-Identifier: GPL-2.0 */
/* A function of the kernel that goes our way instead of its own. */
#ifndef HVIS_ENLIGHTEN_HOOK_H
#define HVIS_ENLIGHTEN_HOOK_H

#include <linux/ftrace.h>

/**
 * struct hook - one function
 * @function: its name
 * @enter: called on entry, with the function's arguments, in the caller's context and with as little as that has
 *	(no lock, no sleep); it may let the function go on (do nothing) or go elsewhere (compat_hook_go_on_at())
 * @ops: hook.c's
 */
struct hook {
	char *function;
	ftrace_func_t enter;
	struct ftrace_ops ops;
};

int hook_set(struct hook *hook);
void hook_remove(struct hook *hook);

#endif
