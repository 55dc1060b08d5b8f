/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The reference time: how it is computed from the hypervisor's page, and how it is read without a step backwards. Pure: the counter, the
 * register and the page are others'. Units are 100 ns, as in wire/tlfs.h.
 */
#ifndef HVIS_TIMESYNC_REFERENCE_H
#define HVIS_TIMESYNC_REFERENCE_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/types.h>
#include <asm/barrier.h>

#include "wire/tlfs.h"

/* How often a page that changes while it is read is looked at again, before the register is asked instead. */
#define REFERENCE_TRIES 1000
/*
 * The page and the register, or two contents of the page, are the same time, but for what the hypervisor rounds: how far the new one may be
 * behind what the old one would say now, to be held up until it has caught up. What is further behind is no rounding: the counter itself
 * has changed (migration), and what the old content makes of it means nothing.
 */
#define REFERENCE_HOLD_MAX (TLFS_REFERENCE_HZ / 1000)

/**
 * struct reference_scale - one consistent content of the page
 * @sequence: TLFS_REFERENCE_TSC_INVALID: none, the register tells
 * @scale: reference time per count, times 2^64
 * @offset: to be added
 */
struct reference_scale {
	u32 sequence;
	u64 scale;
	s64 offset;
};

/**
 * struct reference - how time is read, and what it was read by before
 * @page: the hypervisor's; NULL: only the register
 * @counter: the TSC, ordered after what was read before
 * @reg: the reference time by the register; NULL: there is none
 * @version: odd while @known changes, so that a reader sees one that is consistent
 * @known: by what time was read last
 * @writer: 1: somebody changes the above
 * @floor: the latest time that was told while the way of reading changed; no time shortly before it is told to who begins to read then
 * @changes: how often @known has changed; @held: how often time had to be held up; @fallbacks: reads of the register
 */
struct reference {
	const struct tlfs_reference_tsc *page;
	u64 (*counter)(void);
	u64 (*reg)(void);
	u32 version;
	struct reference_scale known;
	atomic_t writer;
	atomic64_t floor;
	atomic_t changes;
	atomic_t held;
	atomic_t fallbacks;
};

/* A product of two 64-bit numbers. */
__extension__ typedef unsigned __int128 reference_wide;

/* ((count * scale) >> 64) + offset, modulo 2^64. */
static __always_inline u64 reference_of(u64 count, u64 scale, s64 offset)
{
	return (u64)(((reference_wide)count * scale) >> 64) + (u64)offset;
}

u64 reference_read(struct reference *reference);
u64 reference_hold(u64 now, u64 before);

#endif
