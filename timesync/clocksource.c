// SPDX-License-Identifier: GPL-2.0
/*
 * The reference time as clocksources: hvis_tsc_page, which programs read without a system call (vdso.c), and hvis_msr, by the register alone.
 * How time is read is reference.c's.
 *
 * Ratings. hvis_tsc_page is above the TSC (300), since it stays right when the guest is moved to another machine; below it (250) where the
 * hypervisor promises that the TSC does, too. hvis_msr costs a VM exit that the hypervisor handles itself: above HPET (250) and ACPI PM (200),
 * whose exits somebody emulates, below the TSC.
 * Invariant: no clocksource of ours is registered unless reference_start() has succeeded.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/clocksource.h>
#include <linux/delay.h>

#include "internal.h"

#define RATING_PAGE 400
#define RATING_PAGE_BELOW_TSC 240
#define RATING_REGISTER 260
#define RATING_REGISTER_BELOW_TSC 230
/* How long unloading waits between two tries, ms. */
#define AGAIN_MS 1000

static u64 notrace read_page(struct clocksource *clocksource)
{
	return timesync_now();
}

static u64 notrace read_register(struct clocksource *clocksource)
{
	return timesync_reference.reg();
}

static void resume_page(struct clocksource *clocksource)
{
	reference_again();
}

static struct clocksource page_clock = {
	.name = "hvis_tsc_page",
	.read = read_page,
	.resume = resume_page,
	.mask = CLOCKSOURCE_MASK(64),
	.flags = CLOCK_SOURCE_IS_CONTINUOUS,
};

static struct clocksource register_clock = {
	.name = "hvis_msr",
	.read = read_register,
	.mask = CLOCKSOURCE_MASK(64),
	.flags = CLOCK_SOURCE_IS_CONTINUOUS,
};

enum {
	REGISTER = 1,
	PAGE = 2,
};

/* Which are registered. */
static unsigned int registered;

static int add(struct clocksource *clocksource, int rating, unsigned int bit)
{
	int error;

	clocksource->rating = rating;
	error = clocksource_register_hz(clocksource, TLFS_REFERENCE_HZ);
	if (error)
		pr_err("registering clocksource %s failed: error %d\n", clocksource->name, error);
	else
		registered |= bit;
	return error;
}

static void choose_mode(void)
{
	int error = timesync_vdso ? vdso_allow() : 0;

	page_clock.vdso_clock_mode = timesync_vdso && !error ? VDSO_CLOCKMODE_HVCLOCK : VDSO_CLOCKMODE_NONE;
	if (error)
		pr_warn("this kernel cannot be told to map the page into programs (error %d): reading the clock stays a system call\n", error);
}

/* The kernel goes to another clocksource by itself; there is always one, unless root has unbound them all. */
static void drop(struct clocksource *clocksource, unsigned int bit)
{
	if (!(registered & bit))
		return;
	while (clocksource_unregister(clocksource)) {
		pr_err("%s is the only clock that this machine has left; unloading waits for another one\n", clocksource->name);
		msleep(AGAIN_MS);
	}
	registered &= ~bit;
}

static int add_both(void)
{
	bool tsc_is_right = timesync_features() & TLFS_ACCESS_TSC_INVARIANT;
	int error = 0;

	if (timesync_reference.reg)
		error = add(&register_clock, tsc_is_right ? RATING_REGISTER_BELOW_TSC : RATING_REGISTER, REGISTER);
	if (!error && timesync_reference.page) {
		choose_mode();
		error = add(&page_clock, tsc_is_right ? RATING_PAGE_BELOW_TSC : RATING_PAGE, PAGE);
	}
	return error;
}

/**
 * clocksource_start() - register what this machine allows
 *
 * Where the kernel's own clocksource has the page there is nothing to add: one line says so. May sleep.
 * Return: 0 or negative errno, nothing left behind.
 */
int clocksource_start(void)
{
	int error;

	if (!timesync_clocksource)
		return 0;
	if (timesync_kernel_owns()) {
		pr_info("the kernel's own Hyper-V clocksource is active, so no other is added (boot with nopv to use ours)\n");
		return 0;
	}
	error = add_both();
	if (error)
		clocksource_stop();
	return error;
}

/**
 * clocksource_stop() - undo clocksource_start()
 *
 * The kernel has gone to another clock when it returns; all that was read by then is before what that one says. May sleep.
 */
void clocksource_stop(void)
{
	drop(&page_clock, PAGE);
	drop(&register_clock, REGISTER);
}
