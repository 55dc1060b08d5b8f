// SPDX-License-Identifier: GPL-2.0
/*
 * What must happen when this kernel crashes: the host is told to stop writing into our memory, before another kernel
 * (kdump) or a reboot takes it over. How is connect.c's; this file owns when.
 * A panic reaches us by the panic notifier. Straight into a crash kernel the way leads through a hook that only the
 * kernel's own Hyper-V code has; without that code, boot with crash_kexec_post_notifiers.
 */
#include <linux/module.h>
#include <linux/panic_notifier.h>
#include <linux/ptrace.h>
#include <asm/hypervisor.h>

#include "internal.h"

#define SETUP_SYMBOL "hv_setup_crash_handler"
#define REMOVE_SYMBOL "hv_remove_crash_handler"

static int on_panic(struct notifier_block *block, unsigned long event, void *data)
{
	connect_crash();
	return NOTIFY_DONE;
}

/* Last of all, so that what others have to say still finds the way out. */
static struct notifier_block panic_block = {
	.notifier_call = on_panic,
	.priority = INT_MIN,
};

static void on_crash(struct pt_regs *regs)
{
	connect_crash();
}

static void set_kernel_handler(void)
{
	void (*setup)(void (*handler)(struct pt_regs *regs)) = __symbol_get(SETUP_SYMBOL);

	if (!setup)
		return;
	setup(on_crash);
	__symbol_put(SETUP_SYMBOL);
}

static void remove_kernel_handler(void)
{
	void (*remove)(void) = __symbol_get(REMOVE_SYMBOL);

	if (!remove)
		return;
	remove();
	__symbol_put(REMOVE_SYMBOL);
}

/** crash_init() - listen for the crash; may sleep; 0 or negative errno */
int crash_init(void)
{
	int error = atomic_notifier_chain_register(&panic_notifier_list, &panic_block);

	if (!error && x86_hyper_type == X86_HYPER_MS_HYPERV)
		set_kernel_handler();
	return error;
}

/** crash_exit() - undo crash_init(); may sleep */
void crash_exit(void)
{
	atomic_notifier_chain_unregister(&panic_notifier_list, &panic_block);
	if (x86_hyper_type == X86_HYPER_MS_HYPERV)
		remove_kernel_handler();
}
