/* SPDX-License-Identifier: GPL-2.0 */
/* When a wait for a spinlock is long enough to tell the hypervisor. Pure, and inline as it is in the loop that spins. */
#ifndef HVIS_ENLIGHTEN_SPIN_WAIT_H
#define HVIS_ENLIGHTEN_SPIN_WAIT_H

#include <linux/types.h>

#include "wire/tlfs.h"

/* Where the hypervisor names no number and spin is forced: what Hyper-V 2016 names. */
#define SPIN_TRIES_DEFAULT 4095u

/**
 * struct spin_wait - one wait for one lock
 * @every: tries between notifications; not 0
 * @left: tries until the next one
 * @tries: so far
 */
struct spin_wait {
	u32 every;
	u32 left;
	u64 tries;
};

/* CPUID 0x40000004 EBX: tries, "never", or 0 from a hypervisor that knows no such call. */
static inline bool spin_notify_recommended(u32 ebx)
{
	return ebx && ebx != TLFS_SPIN_NEVER_NOTIFY;
}

static inline u32 spin_notify_every(u32 ebx)
{
	return spin_notify_recommended(ebx) ? ebx : SPIN_TRIES_DEFAULT;
}

static inline void spin_wait_begin(struct spin_wait *wait, u32 every)
{
	wait->every = every;
	wait->left = every;
	wait->tries = 0;
}

/* One try failed. Return: it is time to tell the hypervisor. */
static inline bool spin_wait_tried(struct spin_wait *wait)
{
	wait->tries++;
	if (--wait->left)
		return false;
	wait->left = wait->every;
	return true;
}

#endif
