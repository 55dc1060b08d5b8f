// SPDX-License-Identifier: GPL-2.0
/*
 * Reading the reference time: from the page by the counter, from the register while the page is invalid, and across the change from one to
 * the other or between two contents of the page without a step backwards. What page, counter and register are is hardware.c's.
 *
 * A reader that finds the sequence it knows is done after one multiplication. Another sequence means that the hypervisor has changed the
 * page, made it invalid or valid again: what the old content says of the same count is at least all that anybody has read by it before, also
 * in user space. Is the new time behind that, the old one is told until the new one has caught up.
 * Invariants: no lock, as a reader may be an NMI that has interrupted another one; who cannot look consistently goes without the hold.
 * What was told is at most what the known content says of a later count, or at most the floor. The floor is raised before what is known
 * changes, and before anybody tells a time by something else; so whoever begins to read after that is told no less, provided that what he
 * knew at the beginning still holds after he has read the page. If not, he begins again: a reader may stand still for any time in between.
 */
#include "reference.h"

/* What one look at everything has found. @version: of what is known; @floor: as it was before the count; @now: what to tell. */
struct reference_look {
	u32 version;
	struct reference_scale scale;
	u64 floor, count, now;
};

/* A consistent content of the page and a count read with it. Return: false if it is invalid, or never stands still. */
static __always_inline bool read_page(const struct reference *reference, const struct tlfs_reference_tsc *page,
				      struct reference_scale *scale, u64 *count)
{
	unsigned int tries;

	for (tries = 0; tries < REFERENCE_TRIES; tries++) {
		scale->sequence = READ_ONCE(page->sequence);
		if (scale->sequence == TLFS_REFERENCE_TSC_INVALID)
			return false;
		/* The sequence before its content, and after it again. */
		smp_rmb();
		scale->scale = READ_ONCE(page->scale);
		scale->offset = READ_ONCE(page->offset);
		*count = reference->counter();
		/* See above. */
		smp_rmb();
		if (READ_ONCE(page->sequence) == scale->sequence)
			return true;
	}
	scale->sequence = TLFS_REFERENCE_TSC_INVALID;
	return false;
}

/**
 * reference_hold() - what to tell when the way time is read has changed
 * @now: what the new way says
 * @before: what the old way says of the same moment
 *
 * Any context. Return: the later one, or @now if they are too far apart to be the same time.
 */
u64 notrace reference_hold(u64 now, u64 before)
{
	s64 behind = (s64)(before - now);

	return behind > 0 && behind <= (s64)REFERENCE_HOLD_MAX ? before : now;
}

/* What was known at @version. Return: false if that is no more, or somebody is changing it just now. */
static notrace bool read_known(const struct reference *reference, u32 version, struct reference_scale *known)
{
	known->sequence = READ_ONCE(reference->known.sequence);
	known->scale = READ_ONCE(reference->known.scale);
	known->offset = READ_ONCE(reference->known.offset);
	/* The version before its content (reference_read()), and after it again; pairs with write_known(). */
	smp_rmb();
	return !(version & 1) && READ_ONCE(reference->version) == version;
}

/* Only the one who has @writer. */
static notrace void write_known(struct reference *reference, const struct reference_scale *scale)
{
	WRITE_ONCE(reference->version, reference->version + 1);
	/* Odd before the content changes, even after; pairs with read_known(). */
	smp_wmb();
	WRITE_ONCE(reference->known.sequence, scale->sequence);
	WRITE_ONCE(reference->known.scale, scale->scale);
	WRITE_ONCE(reference->known.offset, scale->offset);
	/* See above. */
	smp_wmb();
	WRITE_ONCE(reference->version, reference->version + 1);
}

/* The time by what was known before. */
static notrace u64 time_by(const struct reference *reference, const struct reference_scale *known, u64 count, u64 now)
{
	if (known->sequence != TLFS_REFERENCE_TSC_INVALID)
		return reference_of(count, known->scale, known->offset);
	return reference->reg ? reference->reg() : now;
}

/* Who starts from now on is told no time shortly before @told. */
static notrace void raise_floor(struct reference *reference, u64 told)
{
	s64 floor = atomic64_read(&reference->floor);

	while ((s64)(told - (u64)floor) > 0 && !atomic64_try_cmpxchg(&reference->floor, &floor, told))
		;
}

/*
 * Somebody who comes first makes @scale what is known, but not late: once the page has changed again others may be reading by that, and what
 * they tell must not be forgotten.
 */
static notrace void remember(struct reference *reference, const struct tlfs_reference_tsc *page, u32 version,
			     const struct reference_scale *scale)
{
	if (atomic_cmpxchg(&reference->writer, 0, 1))
		return;
	if (reference->version == version && READ_ONCE(page->sequence) == scale->sequence) {
		write_known(reference, scale);
		atomic_inc(&reference->changes);
	}
	atomic_set_release(&reference->writer, 0);
}

static notrace u64 read_register(struct reference *reference, struct reference_scale *scale)
{
	scale->sequence = TLFS_REFERENCE_TSC_INVALID;
	scale->scale = 0;
	scale->offset = 0;
	atomic_inc(&reference->fallbacks);
	return reference->reg ? reference->reg() : 0;
}

/* One look. Return: whether time is read by what is known. */
static __always_inline bool look_once(struct reference *reference, const struct tlfs_reference_tsc *page, struct reference_look *look)
{
	look->version = READ_ONCE(reference->version);
	/* What is known, then the floor, then the page: whoever changes the first two does so in the other order. */
	smp_rmb();
	look->floor = (u64)atomic64_read(&reference->floor);
	/* See above. */
	smp_rmb();
	if (read_page(reference, page, &look->scale, &look->count)) {
		look->now = reference_of(look->count, look->scale.scale, look->scale.offset);
	} else {
		/* Before the register: what the old content says of a later count may be later than the register was. */
		look->count = reference->counter();
		look->now = read_register(reference, &look->scale);
	}
	look->now = reference_hold(look->now, look->floor);
	/* See above. */
	smp_rmb();
	return look->scale.sequence == READ_ONCE(reference->known.sequence) && READ_ONCE(reference->version) == look->version;
}

/* The way of reading has changed. Return: false: what is known has, too, since the look, so another one is needed. */
static notrace bool change(struct reference *reference, const struct tlfs_reference_tsc *page, struct reference_look *look)
{
	struct reference_scale known;
	u64 told;

	if (!read_known(reference, look->version, &known))
		return false;
	told = reference_hold(look->now, time_by(reference, &known, look->count, look->now));
	if (told != look->now)
		atomic_inc(&reference->held);
	look->now = told;
	raise_floor(reference, told);
	remember(reference, page, look->version, &look->scale);
	return true;
}

/**
 * reference_read() - the reference time
 * @reference: has a page or a register
 *
 * Any context, NMI included; not traced, since tracers ask for the time.
 * Return: units of 100 ns since the partition was created (TLFS 12.4).
 */
u64 notrace reference_read(struct reference *reference)
{
	/* Once: it goes away while others read. */
	const struct tlfs_reference_tsc *page = READ_ONCE(reference->page);
	struct reference_look seen;
	unsigned int tries;

	if (!page)
		return reference->reg ? reference->reg() : 0;
	for (tries = 0; tries < REFERENCE_TRIES; tries++) {
		if (likely(look_once(reference, page, &seen)) || change(reference, page, &seen))
			return seen.now;
	}
	/* An NMI that has interrupted the one who changes what is known. */
	raise_floor(reference, seen.now);
	return seen.now;
}
