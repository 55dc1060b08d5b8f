// SPDX-License-Identifier: GPL-2.0
/*
 * Reading the reference time: from the page by the counter, from the register while the page is invalid, and across the change from one to
 * the other or between two contents of the page without a step backwards. What page, counter and register are is hardware.c's.
 *
 * A reader that finds the sequence it knows is done after one multiplication. Another sequence means that the hypervisor has changed the
 * page, made it invalid or valid again: what the old content says of the same count is at least all that anybody has read by it before, also
 * in user space. Is the new time behind that, the old one is told until the new one has caught up.
 * Invariant: no lock, as a reader may be an NMI that has interrupted another one; who cannot look consistently goes without the hold.
 */
#include "reference.h"

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

/* What is known, as it was at one moment. Return: false if somebody is changing it just now. */
static notrace bool read_known(const struct reference *reference, struct reference_scale *known)
{
	u32 version = READ_ONCE(reference->version);

	/* The version before its content, and after it again; pairs with write_known(). */
	smp_rmb();
	known->sequence = READ_ONCE(reference->known.sequence);
	known->scale = READ_ONCE(reference->known.scale);
	known->offset = READ_ONCE(reference->known.offset);
	/* See above. */
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

/* Nobody is told a time shortly before @told from now on. Everybody who tells an old way's time does this first, also who changes nothing. */
static notrace void raise_floor(struct reference *reference, u64 told)
{
	s64 floor = atomic64_read(&reference->floor);

	while ((s64)(told - (u64)floor) > 0 && !atomic64_try_cmpxchg(&reference->floor, &floor, told))
		;
	atomic_inc(&reference->held);
}

/* Somebody who comes first makes @scale what is known; @known is what it was. */
static notrace void remember(struct reference *reference, const struct reference_scale *known, const struct reference_scale *scale)
{
	if (atomic_cmpxchg(&reference->writer, 0, 1))
		return;
	if (READ_ONCE(reference->known.sequence) == known->sequence) {
		write_known(reference, scale);
		atomic_inc(&reference->changes);
	}
	atomic_set_release(&reference->writer, 0);
}

/* The way of reading has changed from what is known to @scale: remember, and tell no time behind the old one's. */
static notrace u64 change(struct reference *reference, const struct reference_scale *scale, u64 count, u64 now)
{
	struct reference_scale known;
	u64 told;

	if (!read_known(reference, &known) || known.sequence == scale->sequence)
		return now;
	told = reference_hold(now, time_by(reference, &known, count, now));
	if (told != now)
		raise_floor(reference, told);
	remember(reference, &known, scale);
	return told;
}

static notrace u64 read_register(struct reference *reference, struct reference_scale *scale)
{
	scale->sequence = TLFS_REFERENCE_TSC_INVALID;
	scale->scale = 0;
	scale->offset = 0;
	atomic_inc(&reference->fallbacks);
	return reference->reg ? reference->reg() : 0;
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
	struct reference_scale scale;
	u64 count, now;

	if (!page)
		return reference->reg ? reference->reg() : 0;
	if (read_page(reference, page, &scale, &count)) {
		now = reference_of(count, scale.scale, scale.offset);
	} else {
		/* Before the register: what the old content says of a later count may be later than the register was. */
		count = reference->counter();
		now = read_register(reference, &scale);
	}
	if (unlikely(scale.sequence != READ_ONCE(reference->known.sequence)))
		now = change(reference, &scale, count, now);
	return reference_hold(now, atomic64_read(&reference->floor));
}
