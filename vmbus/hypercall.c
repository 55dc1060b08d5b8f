// SPDX-License-Identifier: GPL-2.0
/*
 * Hypercalls: finds out whether there is a Hyper-V interface and what it permits, owns the hypercall page (or borrows
 * the kernel's), and makes the two calls that VMBus needs. Retrying and error text are chanmsg.c's.
 * Two modes. Where the kernel's own Hyper-V code is active, it has claimed the page and the guest OS id: its page is
 * called, and neither is touched. Otherwise (booted with nopv) both are ours, from hypercall_init() to _exit().
 * Invariant: no hypercall is made unless @live, since an absent page faults.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/smp.h>
#include <linux/vmalloc.h>
#include <asm/hypervisor.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/processor.h>

#include "internal.h"

/* In hypercall_page.S, one page, page-aligned. */
extern char hvis_hypercall_page[];

#define KERNEL_PAGE_SYMBOL "hv_hypercall_pg"

struct privilege {
	u32 bit;
	const char *name;
};

static const struct privilege msr_privileges[] = {
	{ TLFS_ACCESS_SYNIC, "SynIC MSRs" },
	{ TLFS_ACCESS_HYPERCALL_MSRS, "hypercall MSRs" },
	{ TLFS_ACCESS_VP_INDEX, "VP index MSR" },
};

static const struct privilege call_privileges[] = {
	{ TLFS_POST_MESSAGES, "HvPostMessage" },
	{ TLFS_SIGNAL_EVENTS, "HvSignalEvent" },
};

static int require(u32 granted, const struct privilege *list, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (granted & list[i].bit)
			continue;
		pr_err("the hypervisor does not permit %s (CPUID 0x%x); VMBus cannot work without\n", list[i].name,
		       TLFS_CPUID_FEATURES);
		return -ENODEV;
	}
	return 0;
}

/* Is a Hyper-V interface there, and does it permit what we need? */
static int check_cpuid(void)
{
	u32 max, signature[3] = {}, features, calls, unused;
	int error;

	if (!boot_cpu_has(X86_FEATURE_HYPERVISOR)) {
		pr_err("no hypervisor: this machine is not a guest\n");
		return -ENODEV;
	}
	cpuid(TLFS_CPUID_VENDOR, &max, &signature[0], &signature[1], &signature[2]);
	if (max < TLFS_CPUID_LIMITS || cpuid_eax(TLFS_CPUID_INTERFACE) != TLFS_INTERFACE_HV1) {
		pr_err("no Hyper-V interface: CPUID 0x%x says \"%.12s\"; the hypervisor must offer \"Hv#1\"\n",
		       TLFS_CPUID_VENDOR, (const char *)signature);
		return -ENODEV;
	}

	cpuid(TLFS_CPUID_FEATURES, &features, &calls, &unused, &unused);
	error = require(features, msr_privileges, ARRAY_SIZE(msr_privileges));
	if (!error)
		error = require(calls, call_privileges, ARRAY_SIZE(call_privileges));
	if (!error && (calls & TLFS_CPU_MANAGEMENT)) {
		pr_err("this is the root partition, which has no VMBus to connect to\n");
		error = -ENODEV;
	}
	if (!error && (calls & TLFS_ISOLATION)) {
		pr_err("this is an isolated VM, whose memory the host cannot read; not supported\n");
		error = -ENODEV;
	}
	return error;
}

static int borrow_kernel_page(struct hypercall *h)
{
	h->kernel_page = __symbol_get(KERNEL_PAGE_SYMBOL);
	if (h->kernel_page && READ_ONCE(*h->kernel_page))
		return 0;

	pr_err("the kernel's Hyper-V code is active but has no hypercall page; boot with nopv to let this module own one\n");
	if (h->kernel_page)
		__symbol_put(KERNEL_PAGE_SYMBOL);
	h->kernel_page = NULL;
	return -ENODEV;
}

/* Not inline: sparse takes the halves of a constant for a loss of bits. */
static int write_msr(u32 msr, u64 value)
{
	return wrmsrl_safe(msr, value);
}

/* The guest OS id must be there before the page, and go after it (TLFS 3.13). */
static int enable_own_page(void)
{
	const u64 id = TLFS_GUEST_OS_OPEN_SOURCE | TLFS_GUEST_OS_LINUX | (u64)LINUX_VERSION_CODE << 16;
	const u64 page = (u64)vmalloc_to_pfn(hvis_hypercall_page) << TLFS_PAGE_SHIFT;
	u64 value = 0;

	if (write_msr(TLFS_MSR_GUEST_OS_ID, id) || rdmsrl_safe(TLFS_MSR_HYPERCALL, &value) ||
	    write_msr(TLFS_MSR_HYPERCALL, (value & (TLFS_PAGE_SIZE - 1)) | page | TLFS_MSR_ENABLE) ||
	    rdmsrl_safe(TLFS_MSR_HYPERCALL, &value) || !(value & TLFS_MSR_ENABLE)) {
		pr_err("the hypervisor refused the hypercall page\n");
		write_msr(TLFS_MSR_GUEST_OS_ID, 0);
		return -EIO;
	}
	return 0;
}

static void disable_own_page(void)
{
	u64 value = 0;

	rdmsrl_safe(TLFS_MSR_HYPERCALL, &value);
	write_msr(TLFS_MSR_HYPERCALL, value & (TLFS_PAGE_SIZE - 1) & ~TLFS_MSR_ENABLE);
	write_msr(TLFS_MSR_GUEST_OS_ID, 0);
}

/* Page-aligned and physically contiguous; 256 divides the page, so no block crosses one. */
static size_t inputs_size(void)
{
	return nr_cpu_ids * sizeof(struct tlfs_post_message);
}

/**
 * hypercall_init() - make hypercalls possible
 *
 * May sleep. Return: 0; -ENODEV (one line said why) if there is no Hyper-V interface, a privilege is missing, or the
 * kernel's page cannot be borrowed; -EIO if the hypervisor refuses ours; -ENOMEM.
 */
int hypercall_init(void)
{
	struct hypercall *h = &hvis_bus.hypercall;
	int error;

	error = check_cpuid();
	if (error)
		return error;

	h->inputs = alloc_pages_exact(inputs_size(), GFP_KERNEL | __GFP_ZERO);
	if (!h->inputs)
		return -ENOMEM;

	if (x86_hyper_type == X86_HYPER_MS_HYPERV)
		error = borrow_kernel_page(h);
	else
		error = enable_own_page();
	if (error)
		goto free_inputs;
	WRITE_ONCE(h->live, true);
	return 0;

free_inputs:
	free_pages_exact(h->inputs, inputs_size());
	return error;
}

/**
 * hypercall_stop() - no hypercalls any more, while channels may still be in use; before another kernel is started
 *
 * May sleep.
 */
void hypercall_stop(void)
{
	struct hypercall *h = &hvis_bus.hypercall;

	if (!READ_ONCE(h->live))
		return;
	WRITE_ONCE(h->live, false);
	/* Whoever saw it live has returned from the page after this; see hypercall(). */
	synchronize_rcu();
	if (!h->kernel_page)
		disable_own_page();
}

/**
 * hypercall_disable() - give the hypercall page back, for a kernel that goes on or is replaced without us
 *
 * Nobody is in a hypercall any more. Any context; harmless when repeated.
 */
void hypercall_disable(void)
{
	struct hypercall *h = &hvis_bus.hypercall;

	if (!READ_ONCE(h->live))
		return;
	WRITE_ONCE(h->live, false);
	if (!h->kernel_page)
		disable_own_page();
}

/** hypercall_exit() - undo hypercall_init(); may sleep */
void hypercall_exit(void)
{
	struct hypercall *h = &hvis_bus.hypercall;

	hypercall_disable();
	if (h->kernel_page)
		__symbol_put(KERNEL_PAGE_SYMBOL);
	free_pages_exact(h->inputs, inputs_size());
}

/*
 * The call itself: control in RCX, input (an address, or the value of a fast call) in RDX, output address or second value in
 * R8, status in RAX (TLFS 3.7). Our own page is called directly: it has no landing pad for an indirect branch, and a
 * kernel that enforces those would trap. The kernel takes care of that for its own.
 */
static __always_inline u64 call_own_page(u64 control, u64 input, u64 second)
{
	register u64 output asm("r8") = second;
	u64 status;

	asm volatile("call hvis_hypercall_page"
		     : "=a"(status), "+c"(control), "+d"(input), "+r"(output), ASM_CALL_CONSTRAINT
		     :
		     : "cc", "memory", "r9", "r10", "r11");
	return status;
}

static __always_inline u64 call_kernel_page(void *page, u64 control, u64 input, u64 second)
{
	register u64 output asm("r8") = second;
	u64 status;

	asm volatile(CALL_NOSPEC
		     : "=a"(status), "+c"(control), "+d"(input), "+r"(output), ASM_CALL_CONSTRAINT
		     : THUNK_TARGET(page)
		     : "cc", "memory", "r9", "r10", "r11");
	return status;
}

static notrace u64 call_page(u64 control, u64 input, u64 second)
{
	const struct hypercall *h = &hvis_bus.hypercall;
	void *page;

	if (!READ_ONCE(h->live))
		return HVIS_HYPERCALLS_OFF;
	if (!h->kernel_page)
		return call_own_page(control, input, second);
	/* The kernel takes its page away when it crashes, suspends or starts another kernel. */
	page = READ_ONCE(*h->kernel_page);
	return page ? call_kernel_page(page, control, input, second) : HVIS_HYPERCALLS_OFF;
}

static u64 hypercall(u64 control, u64 input)
{
	u64 status;

	rcu_read_lock(); /* hypercall_stop() takes the page away after a grace period */
	status = call_page(control, input, 0);
	rcu_read_unlock();
	return status;
}

/**
 * hvis_hypercall() - any hypercall, for other modules
 * @control: code and flags, TLFS_HCALL_*
 * @input: physical address of the input, which is 8-aligned and within a page; of a fast call the first 8 bytes of it
 * @second: the second 8 bytes of a fast call's input; otherwise 0, as there is no output
 *
 * Any context, also NMI, in which preemption is off: that alone keeps hypercall_stop() from taking the page away
 * meanwhile. Takes no lock, so that one may call it who waits for a lock. Return: the result value (TLFS 3.8): status
 * below TLFS_HCALL_STATUS_MASK, elements done from TLFS_HCALL_REPS_DONE_SHIFT; HVIS_HYPERCALLS_OFF, which no hypervisor
 * returns, if there is nothing to call.
 */
notrace u64 hvis_hypercall(u64 control, u64 input, u64 second)
{
	return call_page(control, input, second);
}
EXPORT_SYMBOL_GPL(hvis_hypercall);

/**
 * hypercall_post_message() - HvPostMessage (TLFS 11.11.1) of one VMBus control message
 * @connection_id: VMBUS_MESSAGE_CONNECTION_ID or what the host told us
 * @payload: the message
 * @bytes: at most TLFS_MESSAGE_PAYLOAD_MAX
 *
 * Takes no lock, so that a crashing kernel may call it. Any context but NMI. Return: TLFS_STATUS_*, or a value that
 * is none of them if hypercalls are off.
 */
u16 hypercall_post_message(u32 connection_id, const void *payload, u32 bytes)
{
	struct tlfs_post_message *input;
	unsigned long flags;
	u64 status;

	if (WARN_ON_ONCE(bytes > TLFS_MESSAGE_PAYLOAD_MAX))
		return TLFS_STATUS_INVALID_PARAMETER;

	/* The input block is this CPU's, so interrupts must stay out until the hypervisor has read it. */
	local_irq_save(flags);
	input = &hvis_bus.hypercall.inputs[smp_processor_id()];
	input->connection_id = connection_id;
	input->reserved = 0;
	input->message_type = TLFS_MESSAGE_TYPE_VMBUS;
	input->payload_size = bytes;
	memcpy(input->payload, payload, bytes);
	status = hypercall(TLFS_HCALL_POST_MESSAGE, virt_to_phys(input));
	local_irq_restore(flags);
	return status & TLFS_HCALL_STATUS_MASK;
}

/**
 * hypercall_signal_event() - HvSignalEvent (TLFS 11.11.2), as a fast call: everything in registers
 * @connection_id: the doorbell
 *
 * Any context. Return: TLFS_STATUS_*, or a value that is none of them if hypercalls are off.
 */
u16 hypercall_signal_event(u32 connection_id)
{
	return hypercall(TLFS_HCALL_SIGNAL_EVENT | TLFS_HCALL_FAST, connection_id) & TLFS_HCALL_STATUS_MASK;
}
