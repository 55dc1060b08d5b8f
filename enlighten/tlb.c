// SPDX-License-Identifier: GPL-2.0
/*
 * Flushes of other CPUs' TLBs by hypercall (TLFS 9.4): the hypervisor flushes a VP that does not run when it runs next, so
 * nobody waits for it to be scheduled and to answer an interrupt. The kernel decides what is to be flushed and where; the hook
 * is on native_flush_tlb_multi(), which would send the interrupts.
 *
 * What must not go this way: a flush after which page tables are freed (info->freed_tables). Code that walks page tables
 * without a lock (get_user_pages_fast() and the like) does it with interrupts off, and the tables stay there only because
 * whoever frees them first interrupts every CPU that may be walking, which that one does not answer until it is done.
 * A hypercall flushes its TLB and does not wait for it: it would walk on through memory that is somebody else's by now. A kernel
 * that found a hypervisor at boot frees tables another way for that reason (pv_ops.mmu.tlb_remove_table); one booted with nopv
 * does not, so such flushes stay interrupts. They also throw CPUs in lazy mode out of the dying tables, which only
 * an interrupt can. The same holds for info->trim_cpumask, where the interrupt is to find out who uses the address space.
 * Where tables go away without such a flush (khugepaged), the kernel sends interrupts of its own that we do not touch.
 *
 * A VP that was flushed does not know to which generation (cpu_tlbstate.ctxs[].tlb_gen); it flushes once more when it compares.
 * Invariant: either the hypervisor flushed every CPU of the mask that is not lazy, or the kernel's own function does it all.
 */

/* The kernel hides the struct it passes to its own function from modules. This file uses nothing that is theirs only. */
#undef MODULE

#include <linux/cpumask.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <asm/cpufeature.h>
#include <asm/tlbflush.h>

#include "gva_list.h"
#include "hook.h"
#include "internal.h"
#include "rep.h"
#include "vmbus.h"

/* For more pages than this the hypervisor, which takes them one by one, is slower than the VP that fills its TLB anew. */
#define LIST_PAGES_MAX 512ul

/* In order of tlb_counter_names. */
struct tlb_counters {
	u64 flushes;
	u64 lists;
	u64 ex;
	u64 nobody;
	u64 native;
	u64 native_freed;
};

static const char *const tlb_counter_names[] = { "flushes", "lists", "ex", "nobody", "native", "native_freed" };
static DEFINE_PER_CPU(struct tlb_counters, counters);

/*
 * A lazy CPU runs no code of this address space and compares generations before it does; the generation was raised, with a
 * full barrier, before anybody got here.
 */
static bool collect(struct vp_set *set, const struct cpumask *mask)
{
	unsigned int cpu;

	for_each_cpu(cpu, mask) {
		if (READ_ONCE(per_cpu(cpu_tlbstate_shared.is_lazy, cpu)))
			continue;
		if (!vp_set_add(set, vp_of_cpu(cpu)))
			return false;
	}
	return true;
}

/*
 * Which address space. With page table isolation each has two, of which user space runs on the one whose root the kernel does not
 * name here, so all are meant.
 */
static u64 flush_flags(const struct flush_tlb_info *info)
{
	u64 flags = info->end == TLB_FLUSH_ALL ? TLFS_FLUSH_NON_GLOBAL_ONLY : 0;

	if (!info->mm || boot_cpu_has(X86_FEATURE_PTI))
		flags |= TLFS_FLUSH_ALL_SPACES;
	return flags;
}

static u64 flush_space(const struct flush_tlb_info *info)
{
	return info->mm ? __pa(info->mm->pgd) : 0;
}

/* Elements written to @list; 0: flush everything. */
static unsigned int write_list(const struct flush_tlb_info *info, u64 *list, unsigned int room)
{
	if (info->end == TLB_FLUSH_ALL || info->end - info->start > LIST_PAGES_MAX * PAGE_SIZE)
		return 0;
	return gva_list_write(list, room, info->start, info->end);
}

static bool call(u64 control, void *input)
{
	enum rep_progress progress;
	u64 result;

	do {
		result = hvis_hypercall(control, virt_to_phys(input), 0);
		progress = rep_progress(&control, result);
	} while (progress == REP_AGAIN);
	return enlighten_answered(&enlighten_tlb, result) && progress == REP_DONE;
}

static bool flush_low(const struct vp_set *set, const struct flush_tlb_info *info)
{
	struct tlfs_flush *flush = vp_input();
	unsigned int elements;

	flush->space = flush_space(info);
	flush->flags = flush_flags(info);
	flush->processors = set->bank[0];
	elements = write_list(info, flush->list, (TLFS_PAGE_SIZE - sizeof(*flush)) / sizeof(u64));
	if (elements)
		this_cpu_inc(counters.lists);
	return call(rep_control(elements ? TLFS_HCALL_FLUSH_LIST : TLFS_HCALL_FLUSH_SPACE, 0, elements), flush);
}

static bool flush_high(const struct vp_set *set, const struct flush_tlb_info *info)
{
	struct tlfs_flush_ex *flush = vp_input();
	unsigned int words, elements;

	if (!(enlighten_cpuid.hints & TLFS_HINT_EX_PROCESSOR_MASKS))
		return false;
	flush->space = flush_space(info);
	flush->flags = flush_flags(info);
	words = vp_set_write(set, &flush->set, TLFS_VP_BANKS_MAX);
	elements = write_list(info, &flush->set.banks[words], (TLFS_PAGE_SIZE - sizeof(*flush)) / sizeof(u64) - words);
	if (elements)
		this_cpu_inc(counters.lists);
	this_cpu_inc(counters.ex);
	return call(rep_control(elements ? TLFS_HCALL_FLUSH_LIST_EX : TLFS_HCALL_FLUSH_SPACE_EX, words, elements), flush);
}

/* The mask may change while we look at it; what counts is the set that one look made of it. */
static bool flush_set(const struct cpumask *mask, const struct flush_tlb_info *info)
{
	struct vp_set *set = vp_scratch();

	if (!collect(set, mask))
		return false;
	if (vp_set_empty(set)) {
		/* No hypercall: KVM would take "nobody" for "all". */
		this_cpu_inc(counters.nobody);
		return true;
	}
	return enlighten_plain(set) ? flush_low(set, info) : flush_high(set, info);
}

static bool flush(const struct cpumask *mask, const struct flush_tlb_info *info)
{
	unsigned long flags;
	bool done;

	local_irq_save(flags);
	done = flush_set(mask, info);
	local_irq_restore(flags);
	return done;
}

/* Where the kernel's function goes on when there is nothing left to do. */
static notrace void nothing_left(void)
{
}

/* Preemption is off: the caller holds on to its CPU. */
static notrace void on_flush(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	const struct cpumask *mask = (const struct cpumask *)compat_hook_argument1(fregs);
	const struct flush_tlb_info *info = (const struct flush_tlb_info *)compat_hook_argument2(fregs);

	if (!enlighten_is_on(&enlighten_tlb))
		return;
	if (info->freed_tables || info->trim_cpumask) {
		this_cpu_inc(counters.native_freed);
	} else if (flush(mask, info)) {
		this_cpu_inc(counters.flushes);
		compat_hook_go_on_at(fregs, nothing_left);
	} else {
		this_cpu_inc(counters.native);
	}
}

static struct hook multi = {
	.function = "native_flush_tlb_multi",
	.enter = on_flush,
};

static int tlb_start(void)
{
	return hook_set(&multi);
}

static void tlb_stop(void)
{
	hook_remove(&multi);
}

struct enlightenment enlighten_tlb = {
	.name = "tlb",
	.advice = advice_tlb,
	.start = tlb_start,
	.stop = tlb_stop,
	.counter_names = tlb_counter_names,
	.counters = (u64 __percpu *)&counters,
	.counter_count = ARRAY_SIZE(tlb_counter_names),
};
