// SPDX-License-Identifier: GPL-2.0
/*
 * A panic told to the host by the crash registers, with the end of the kernel's log (TLFS 2.4.4 "guest crash MSRs"; the text in
 * P3 and P4: drivers/hv/hv_common.c of Linux). That the host stops writing into our memory is vmbus/crash.c's.
 * A kernel that goes straight into a crash kernel (kdump) does not come by here; boot with crash_kexec_post_notifiers.
 * Invariant: nothing here allocates or waits once a panic has begun.
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kmsg_dump.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <asm/msr.h>

#include "internal.h"

/* In order of crash_counter_names. */
struct crash_counters {
	u64 reports;
};

static const char *const crash_counter_names[] = { "reports" };
static DEFINE_PER_CPU(struct crash_counters, counters);
static char *text;

/* Only the host is left to see errors. Not inline: sparse takes the halves of a constant for a loss of bits. */
static void write_crash_msr(u32 msr, u64 value)
{
	wrmsrl_safe(msr, value);
}

/* The host may stop us with the last write. */
static void report(size_t bytes)
{
	u32 msr;

	for (msr = TLFS_MSR_CRASH_P0; msr < TLFS_MSR_CRASH_P3; msr++)
		write_crash_msr(msr, 0);
	write_crash_msr(TLFS_MSR_CRASH_P3, bytes ? virt_to_phys(text) : 0);
	write_crash_msr(TLFS_MSR_CRASH_P4, bytes);
	write_crash_msr(TLFS_MSR_CRASH_CTL, TLFS_CRASH_NOTIFY | (bytes ? TLFS_CRASH_NOTIFY_MSG : 0));
}

static void on_dump(struct kmsg_dumper *dumper, COMPAT_DUMP_REASON)
{
	struct kmsg_dump_iter iter;
	size_t bytes = 0;

	if (!enlighten_is_on(&enlighten_crash))
		return;
	this_cpu_inc(counters.reports);
	kmsg_dump_rewind(&iter);
	if (!kmsg_dump_get_buffer(&iter, false, text, TLFS_CRASH_TEXT_MAX, &bytes))
		bytes = 0;
	report(bytes);
}

static struct kmsg_dumper dumper = {
	.dump = on_dump,
	.max_reason = KMSG_DUMP_PANIC,
};

static int crash_start(void)
{
	int error;

	text = (char *)get_zeroed_page(GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	error = kmsg_dump_register(&dumper);
	if (error)
		free_page((unsigned long)text);
	return error;
}

static void crash_stop(void)
{
	kmsg_dump_unregister(&dumper);
	free_page((unsigned long)text);
}

struct enlightenment enlighten_crash = {
	.name = "crash",
	.advice = advice_crash,
	.start = crash_start,
	.stop = crash_stop,
	.counter_names = crash_counter_names,
	.counters = (u64 __percpu *)&counters,
	.counter_count = ARRAY_SIZE(crash_counter_names),
};
