// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts to other CPUs, all of them by one hypercall (HvCallSendSyntheticClusterIpi, TLFS 10.5) instead of writes to the
 * APIC, each of which is an exit. What is sent, and that callers wait, stays the kernel's: it calls smp_ops, three pointers
 * of which are ours. NMIs, and INIT and SIPI of a CPU that starts, go by the APIC as ever.
 * Invariant: an interrupt is sent by the hypercall or by the kernel's own function, never by neither.
 */
#include <linux/cpumask.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/smp.h>
#include <asm/irq_vectors.h>

#include "internal.h"
#include "vmbus.h"

/* In order of ipi_counter_names. */
struct ipi_counters {
	u64 calls;
	u64 calls_ex;
	u64 native;
};

static const char *const ipi_counter_names[] = { "calls", "calls_ex", "native" };
static DEFINE_PER_CPU(struct ipi_counters, counters);

/* The kernel's own ways, from start to stop. */
static void (*native_reschedule)(int cpu);
static void (*native_call_one)(int cpu);
static void (*native_call_many)(const struct cpumask *mask);

/* Everything in registers, so that it may be called in any context. */
static bool send_low(u64 processors, u8 vector)
{
	this_cpu_inc(counters.calls);
	return enlighten_answered(&enlighten_ipi, hvis_hypercall(TLFS_HCALL_SEND_IPI | TLFS_HCALL_FAST, vector, processors));
}

/* Interrupts are off. */
static bool send_high(const struct vp_set *set, u8 vector)
{
	struct tlfs_send_ipi_ex *ipi = vp_input();
	unsigned int words;

	if (!(enlighten_cpuid.hints & TLFS_HINT_EX_PROCESSOR_MASKS))
		return false;
	*ipi = (struct tlfs_send_ipi_ex){ .vector = vector };
	words = vp_set_write(set, &ipi->set, TLFS_VP_BANKS_MAX);
	this_cpu_inc(counters.calls_ex);
	return enlighten_answered(&enlighten_ipi,
				  hvis_hypercall(TLFS_HCALL_SEND_IPI_EX | (u64)words << TLFS_HCALL_VARIABLE_HEADER_SHIFT,
						 virt_to_phys(ipi), 0));
}

/* Of CPUs that come and go, one look each: whoever is unknown makes it the kernel's. */
static bool collect(struct vp_set *set, const struct cpumask *mask)
{
	unsigned int cpu;

	for_each_cpu(cpu, mask)
		if (!vp_set_add(set, vp_of_cpu(cpu)))
			return false;
	return true;
}

static bool send_many(const struct cpumask *mask, u8 vector)
{
	struct vp_set *set;
	unsigned long flags;
	bool sent;

	/* An NMI may have interrupted somebody who uses this CPU's memory. */
	if (in_nmi())
		return false;
	local_irq_save(flags);
	set = vp_scratch();
	if (!collect(set, mask))
		sent = false;
	else if (vp_set_empty(set))
		sent = true;
	else
		sent = enlighten_plain(set) ? send_low(set->bank[0], vector) : send_high(set, vector);
	local_irq_restore(flags);
	return sent;
}

static bool send_one(int cpu, u8 vector)
{
	const u32 vp = vp_of_cpu(cpu);

	return vp < 64 && !READ_ONCE(enlighten_sets) ? send_low(1ull << vp, vector) : send_many(cpumask_of(cpu), vector);
}

static void reschedule(int cpu)
{
	preempt_disable();
	if (!enlighten_is_on(&enlighten_ipi) || !send_one(cpu, RESCHEDULE_VECTOR)) {
		this_cpu_inc(counters.native);
		native_reschedule(cpu);
	}
	preempt_enable();
}

static void call_one(int cpu)
{
	preempt_disable();
	if (!enlighten_is_on(&enlighten_ipi) || !send_one(cpu, CALL_FUNCTION_SINGLE_VECTOR)) {
		this_cpu_inc(counters.native);
		native_call_one(cpu);
	}
	preempt_enable();
}

static void call_many(const struct cpumask *mask)
{
	preempt_disable();
	if (!enlighten_is_on(&enlighten_ipi) || !send_many(mask, CALL_FUNCTION_VECTOR)) {
		this_cpu_inc(counters.native);
		native_call_many(mask);
	}
	preempt_enable();
}

static int ipi_start(void)
{
	native_reschedule = smp_ops.smp_send_reschedule;
	native_call_one = smp_ops.send_call_func_single_ipi;
	native_call_many = smp_ops.send_call_func_ipi;
	/* Before anybody comes who looks for them. */
	smp_wmb();
	WRITE_ONCE(smp_ops.smp_send_reschedule, reschedule);
	WRITE_ONCE(smp_ops.send_call_func_single_ipi, call_one);
	WRITE_ONCE(smp_ops.send_call_func_ipi, call_many);
	return 0;
}

/*
 * Whoever took a pointer before it was put back may still be on his way, even off the CPU; he finds the state changed and goes the
 * kernel's way; before the module goes, enlighten_stop_all() waits for him. Who has looked at the state is waited for here.
 */
static void ipi_stop(void)
{
	WRITE_ONCE(smp_ops.smp_send_reschedule, native_reschedule);
	WRITE_ONCE(smp_ops.send_call_func_single_ipi, native_call_one);
	WRITE_ONCE(smp_ops.send_call_func_ipi, native_call_many);
	synchronize_rcu_tasks_rude();
}

struct enlightenment enlighten_ipi = {
	.name = "ipi",
	.advice = advice_ipi,
	.start = ipi_start,
	.stop = ipi_stop,
	.counter_names = ipi_counter_names,
	.counters = (u64 __percpu *)&counters,
	.counter_count = ARRAY_SIZE(ipi_counter_names),
};
