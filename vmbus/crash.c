// SPDX-License-Identifier: GPL-2.0
/*
 * What must happen when this kernel crashes: the host is told to stop writing into our memory, before another kernel
 * (kdump) or a reboot takes it over. How is connect.c's; this file owns when.
 * A panic reaches us by the panic notifier. Straight into a crash kernel the way leads through a hook that only the
 * kernel's own Hyper-V code has; without that code, boot with crash_kexec_post_notifiers.
 * That code has a second hook, for a kexec: there the kernel expects the driver of the bus to stop the timers that it
 * has itself, or they interrupt the next kernel.
 */
#include <linux/module.h>
#include <linux/panic_notifier.h>
#include <linux/ptrace.h>
#include <asm/hypervisor.h>

#include "internal.h"

#define SETUP_SYMBOL "hv_setup_crash_handler"
#define REMOVE_SYMBOL "hv_remove_crash_handler"
#define SETUP_KEXEC_SYMBOL "hv_setup_kexec_handler"
#define REMOVE_KEXEC_SYMBOL "hv_remove_kexec_handler"
#define STOP_TIMERS_SYMBOL "hv_stimer_global_cleanup"

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

static void call_if_there(const char *symbol)
{
	void (*function)(void) = __symbol_get(symbol);

	if (!function)
		return;
	function();
	__symbol_put(symbol);
}

/* The kernel shuts down for another one; our connection has ended already. Its timers are no business of ours but for this. */
static void on_kexec(void)
{
	call_if_there(STOP_TIMERS_SYMBOL);
}

/* The hooks; a kernel without Hyper-V code has none of these functions. */
static void set_kernel_handlers(void)
{
	void (*setup_crash)(void (*handler)(struct pt_regs *regs)) = __symbol_get(SETUP_SYMBOL);
	void (*setup_kexec)(void (*handler)(void)) = __symbol_get(SETUP_KEXEC_SYMBOL);

	if (setup_crash) {
		setup_crash(on_crash);
		__symbol_put(SETUP_SYMBOL);
	}
	if (setup_kexec) {
		setup_kexec(on_kexec);
		__symbol_put(SETUP_KEXEC_SYMBOL);
	}
}

/** crash_init() - listen for the crash; may sleep; 0 or negative errno */
int crash_init(void)
{
	int error = atomic_notifier_chain_register(&panic_notifier_list, &panic_block);

	if (!error && x86_hyper_type == X86_HYPER_MS_HYPERV)
		set_kernel_handlers();
	return error;
}

/** crash_exit() - undo crash_init(); may sleep */
void crash_exit(void)
{
	atomic_notifier_chain_unregister(&panic_notifier_list, &panic_block);
	if (x86_hyper_type != X86_HYPER_MS_HYPERV)
		return;
	call_if_there(REMOVE_KEXEC_SYMBOL);
	call_if_there(REMOVE_SYMBOL);
}
