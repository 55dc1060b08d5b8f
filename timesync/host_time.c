// SPDX-License-Identifier: GPL-2.0
/*
 * What the host says about its wall clock: the gate for time-sync messages of all versions, the host's time at any moment after, and whether
 * the guest's clock has to be stepped. Pure: reading and setting clocks is wall.c's.
 * Invariant: a time that passed the gate can be computed with in signed nanoseconds, until HOST_TIME_AGE_MAX_S and centuries after.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "host_time.h"

#define UNITS_PER_S 10000000ull
#define NS_PER_UNIT 100
/* What page and register may differ by, generously: 1 ms. */
#define SLACK (UNITS_PER_S / 1000)

/* 2200-01-01: the kernel's own limit for setting the clock is 2232. */
#define WALL_MAX (TIMESYNC_UNIX_EPOCH + 7258118400ull * UNITS_PER_S)

static void read_plain(struct host_time *host, const void *body, u64 now)
{
	struct timesync_data data = {};

	memcpy(&data, body, TIMESYNC_DATA_SIZE);
	host->wall = data.parent_time;
	/* It does not say when: now is the best guess. */
	host->reference = now;
	host->sync = data.flags & TIMESYNC_SYNC;
	host->leap = HOST_TIME_LEAP_UNKNOWN;
	host->stratum = HOST_TIME_STRATUM_UNKNOWN;
}

static void read_reference(struct host_time *host, const void *body)
{
	struct timesync_reference_data data = {};

	memcpy(&data, body, TIMESYNC_REFERENCE_DATA_SIZE);
	host->wall = data.parent_time;
	host->reference = data.vm_reference_time;
	host->sync = data.flags & TIMESYNC_SYNC;
	host->leap = data.leap >= 0 && data.leap <= 3 ? data.leap : HOST_TIME_LEAP_UNKNOWN;
	host->stratum = data.stratum >= 0 && data.stratum <= 16 ? data.stratum : HOST_TIME_STRATUM_UNKNOWN;
}

static enum host_time_verdict check_values(const struct host_time *host, u64 now)
{
	if (host->wall < TIMESYNC_UNIX_EPOCH || host->wall > WALL_MAX)
		return HOST_TIME_YEAR;
	if (host->reference > now)
		return host->reference - now > SLACK ? HOST_TIME_FUTURE : HOST_TIME_FINE;
	if (now - host->reference > HOST_TIME_AGE_MAX_S * UNITS_PER_S)
		return HOST_TIME_OLD;
	return HOST_TIME_FINE;
}

/**
 * host_time_check() - the gate
 * @host: filled in if there is room for a message
 * @version: 4.0: with reference time; older: without
 * @body: the message, any alignment
 * @bytes: of it
 * @now: the reference time, read after the message came
 *
 * Any context. Return: HOST_TIME_FINE, or what is wrong.
 */
enum host_time_verdict host_time_check(struct host_time *host, struct ic_version version, const void *body, u32 bytes, u64 now)
{
	if (bytes < (version.major >= 4 ? TIMESYNC_REFERENCE_DATA_SIZE : TIMESYNC_DATA_SIZE))
		return HOST_TIME_SHORT;
	if (version.major >= 4)
		read_reference(host, body);
	else
		read_plain(host, body, now);
	return check_values(host, now);
}

/** host_time_ns() - the host's wall clock at reference time @now, ns since 1970; @host passed the gate; any context */
s64 host_time_ns(const struct host_time *host, u64 now)
{
	return (s64)(host->wall - TIMESYNC_UNIX_EPOCH + (now - host->reference)) * NS_PER_UNIT;
}

/**
 * host_time_judge() - must the guest's clock be stepped?
 * @offset_ns: host less guest
 * @sync: the host wants it, or the machine has slept
 * @limits: the owner's
 *
 * Any context.
 */
enum host_time_action host_time_judge(s64 offset_ns, bool sync, const struct host_time_limits *limits)
{
	s64 least = sync ? min_t(s64, HOST_TIME_RIGHT_NS, limits->step_ns) : limits->step_ns;

	if (offset_ns <= least && offset_ns >= -least)
		return HOST_TIME_LEAVE;
	if (limits->back_max_ns && offset_ns < -limits->back_max_ns)
		return HOST_TIME_TOO_FAR_BACK;
	return HOST_TIME_STEP;
}
