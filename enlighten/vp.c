// SPDX-License-Identifier: GPL-2.0
/*
 * Which virtual processor a CPU is, and the memory in which it tells the hypervisor something. The number is read from
 * the VP's own register: it is not the CPU's number, and there may be gaps.
 * Invariant: a CPU is known from when it is online until it goes offline; all memory is there from vp_init() to vp_exit(),
 * so that nothing on the way to a hypercall allocates.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/smp.h>
#include <linux/topology.h>
#include <asm/msr.h>

#include "internal.h"

static DEFINE_PER_CPU(u32, vp) = VP_UNKNOWN;
static DEFINE_PER_CPU(struct page *, input);
static DEFINE_PER_CPU(struct vp_set, scratch);
static int cpuhp_state;

static int vp_online(unsigned int cpu)
{
	u64 index;

	rdmsrl(TLFS_MSR_VP_INDEX, index);
	WRITE_ONCE(per_cpu(vp, cpu), index);
	return 0;
}

static int vp_offline(unsigned int cpu)
{
	WRITE_ONCE(per_cpu(vp, cpu), VP_UNKNOWN);
	return 0;
}

static void free_inputs(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		if (per_cpu(input, cpu))
			__free_page(per_cpu(input, cpu));
}

static int allocate_inputs(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		per_cpu(input, cpu) = alloc_pages_node(cpu_to_node(cpu), GFP_KERNEL | __GFP_ZERO, 0);
		if (!per_cpu(input, cpu)) {
			free_inputs();
			return -ENOMEM;
		}
	}
	return 0;
}

/** vp_init() - know every CPU that is or comes online; may sleep; 0 or negative errno */
int vp_init(void)
{
	int error = allocate_inputs();

	if (error)
		return error;
	cpuhp_state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "hvis/enlighten:online", vp_online, vp_offline);
	if (cpuhp_state < 0)
		free_inputs();
	return min(cpuhp_state, 0);
}

/** vp_exit() - undo vp_init(), after all that makes hypercalls; may sleep */
void vp_exit(void)
{
	cpuhp_remove_state(cpuhp_state);
	free_inputs();
}

/** vp_of_cpu() - the hypervisor's number of @cpu, or VP_UNKNOWN (it is on its way up or down); any context */
u32 vp_of_cpu(unsigned int cpu)
{
	return READ_ONCE(per_cpu(vp, cpu));
}

/** vp_input() - this CPU's page for a hypercall's input, the caller's as long as interrupts are off; not in NMI */
void *vp_input(void)
{
	return page_address(this_cpu_read(input));
}

/** vp_scratch() - an empty set, the caller's as long as interrupts are off; not in NMI */
struct vp_set *vp_scratch(void)
{
	struct vp_set *set = this_cpu_ptr(&scratch);

	vp_set_clear(set);
	return set;
}
