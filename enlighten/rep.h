/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hypercalls with a list, which a hypervisor may do in parts (TLFS 3.8): what is left is asked for again. Pure.
 */
#ifndef HVIS_ENLIGHTEN_REP_H
#define HVIS_ENLIGHTEN_REP_H

#include <linux/types.h>

#include "wire/hypercall.h"

/* How a call with a list stands. */
enum rep_progress {
	REP_DONE,
	REP_AGAIN, /* with the control word as it is now */
	REP_REFUSED, /* by its status, or it says that it did more than was left, or nothing */
};

static inline u64 rep_control(u32 code, unsigned int variable_words, unsigned int elements)
{
	return code | (u64)variable_words << TLFS_HCALL_VARIABLE_HEADER_SHIFT | (u64)elements << TLFS_HCALL_REPS_SHIFT;
}

/* What @result means for the call with *@control, which becomes the control word of the next one. */
static inline enum rep_progress rep_progress(u64 *control, u64 result)
{
	const u64 elements = *control >> TLFS_HCALL_REPS_SHIFT & TLFS_HCALL_REP_MASK;
	const u64 before = *control >> TLFS_HCALL_REP_START_SHIFT & TLFS_HCALL_REP_MASK;
	const u64 done = result >> TLFS_HCALL_REPS_DONE_SHIFT & TLFS_HCALL_REP_MASK;

	if ((result & TLFS_HCALL_STATUS_MASK) != TLFS_STATUS_SUCCESS)
		return REP_REFUSED;
	if (done == elements)
		return REP_DONE;
	if (done > elements || done <= before)
		return REP_REFUSED;
	*control &= ~(TLFS_HCALL_REP_MASK << TLFS_HCALL_REP_START_SHIFT);
	*control |= done << TLFS_HCALL_REP_START_SHIFT;
	return REP_AGAIN;
}

#endif
