/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The inside of hvis_enlighten.ko. Each enlightenment is one file and one row (struct enlightenment); switch.c turns rows on
 * and off and knows nothing of what they do. Calls go main -> switch -> {spin, tlb, ipi, crash} -> {hook, vp} -> pure logic.
 */
#ifndef HVIS_ENLIGHTEN_INTERNAL_H
#define HVIS_ENLIGHTEN_INTERNAL_H

#include <linux/irq_work.h>
#include <linux/percpu.h>
#include <linux/types.h>

#include "advice.h"
#include "state.h"
#include "vp_set.h"

/**
 * enum enlighten_wish - what the user wants
 * @WISH_ADVICE: nothing was said: on where the hypervisor recommends it
 * @WISH_OFF: off
 * @WISH_ON: on if the hypervisor recommends it, else an error
 * @WISH_FORCE: on even if it does not
 */
enum enlighten_wish {
	WISH_ADVICE,
	WISH_OFF,
	WISH_ON,
	WISH_FORCE,
};

/**
 * struct enlightenment - one row
 * @name: of the parameter, and in debugfs
 * @advice: what the hypervisor thinks of it
 * @start: set the hooks; may sleep; 0 or negative errno, with one log line
 * @stop: take them away; may sleep; when it returns, nobody runs in them any more
 * @counter_names: of each
 * @counters: u64 each, per CPU, written on it
 * @counter_count: how many
 * @state: changed by the functions of state.h only
 * @wish: from the command line, until the module is loaded
 * @refusal: says what the hypervisor answered, from where that may be said
 * @refusal_status: the status it says
 */
struct enlightenment {
	const char *name;
	enum advice (*advice)(const struct advice_cpuid *cpuid);
	int (*start)(void);
	void (*stop)(void);
	const char *const *counter_names;
	u64 __percpu *counters;
	unsigned int counter_count;
	atomic_t state;
	enum enlighten_wish wish;
	struct irq_work refusal;
	u32 refusal_status;
};

static inline bool enlighten_is_on(const struct enlightenment *row)
{
	return atomic_read(&row->state) == ENLIGHTEN_ON;
}

/* main.c */
#define ENLIGHTENMENTS 4
extern struct enlightenment *const enlightenments[ENLIGHTENMENTS];
extern struct advice_cpuid enlighten_cpuid;
extern bool enlighten_sets;

/* spin.c, tlb.c, ipi.c, crash.c */
extern struct enlightenment enlighten_spin;
extern struct enlightenment enlighten_tlb;
extern struct enlightenment enlighten_ipi;
extern struct enlightenment enlighten_crash;

/* switch.c */
int enlighten_start_all(void);
void enlighten_stop_all(void);
void enlighten_silence_all(void);
bool enlighten_answered(struct enlightenment *row, u64 result);
extern const struct kernel_param_ops enlighten_param_ops;

/* Whether the plain form of a hypercall, one word of VPs, does for @set. */
static inline bool enlighten_plain(const struct vp_set *set)
{
	return vp_set_is_low(set) && !READ_ONCE(enlighten_sets);
}

/* vp.c: who is which VP, and where this CPU writes a hypercall's input. */
#define VP_UNKNOWN (~0u)
int vp_init(void);
void vp_exit(void);
u32 vp_of_cpu(unsigned int cpu);
void *vp_input(void);
struct vp_set *vp_scratch(void);

/* debugfs.c */
void enlighten_debugfs_init(void);
void enlighten_debugfs_exit(void);

#endif
