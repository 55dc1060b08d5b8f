// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's wall clock against the host's: how far they are apart, and the step if they have to be brought together. Whether is
 * host_time.c's. What is below the limit of a step is left to chrony, which has the samples as a PTP clock (ptp.c).
 * Invariant: only the work item of the service sets the clock, so no two steps overlap.
 */
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/timekeeping.h>

#include "internal.h"
#include "vmbus.h"

unsigned int timesync_step_ms = 100;
module_param_named(step_ms, timesync_step_ms, uint, 0644);
MODULE_PARM_DESC(step_ms, "Set the clock when it differs from the host's by more than this, ms (default 100); less is left to chrony");

unsigned int timesync_step_back_max_s = 86400;
module_param_named(step_back_max_s, timesync_step_back_max_s, uint, 0644);
MODULE_PARM_DESC(step_back_max_s, "Never set the clock back by more than this, seconds (default 86400); 0: by anything");

#define NS_PER_MS 1000000ll
#define NS_PER_S 1000000000ll

/* A step is a moment late, by what other work the CPU had: it is looked at and done again. */
#define TRIES 3
/* Of so many looks the one that was interrupted least is taken. */
#define LOOKS 3

/* Host less guest, ns. */
static s64 look(const struct host_time *host)
{
	u64 before, after, best = U64_MAX;
	s64 offset = 0, real;
	int i;

	for (i = 0; i < LOOKS; i++) {
		before = timesync_now();
		real = ktime_get_real_ns();
		after = timesync_now();
		if (after - before >= best)
			continue;
		best = after - before;
		offset = host_time_ns(host, before + best / 2) - real;
	}
	return offset;
}

static bool right(s64 offset_ns)
{
	return offset_ns <= HOST_TIME_RIGHT_NS && offset_ns >= -HOST_TIME_RIGHT_NS;
}

static s64 step(const struct host_time *host)
{
	struct timespec64 time;
	s64 offset;
	int i;

	for (i = 0; i < TRIES; i++) {
		time = ns_to_timespec64(host_time_ns(host, timesync_now()));
		if (do_settimeofday64(&time))
			break;
		offset = look(host);
		if (right(offset))
			return offset;
	}
	return look(host);
}

static void do_step(struct timesync *timesync, const struct host_time *host, s64 offset)
{
	timesync->offset_ns = step(host);
	atomic_inc(&timesync->counts[COUNT_STEPS]);
	dev_info_ratelimited(&timesync->device->dev, "clock set by %lld ms to the host's%s\n", offset / NS_PER_MS,
			     timesync->sync ? ", who wanted it set" : "");
	WRITE_ONCE(timesync->sync, false);
}

static void too_far_back(struct timesync *timesync, s64 offset)
{
	atomic_inc(&timesync->counts[COUNT_REFUSED_BACK]);
	/* It is so with every sample from now on, until somebody does something about it. */
	if (timesync->back_logged)
		return;
	timesync->back_logged = true;
	dev_warn(&timesync->device->dev,
		 "the host's clock is %lld s behind ours, more than step_back_max_s=%u allows: not set\n", -offset / NS_PER_S,
		 timesync_step_back_max_s);
}

/**
 * timesync_apply() - all that the host has said by now is known: set the clock if it must be
 * @timesync: has a sample
 *
 * The work item of the service; may sleep, bounded.
 */
void timesync_apply(struct timesync *timesync)
{
	const struct host_time_limits limits = {
		.step_ns = READ_ONCE(timesync_step_ms) * NS_PER_MS,
		.back_max_ns = READ_ONCE(timesync_step_back_max_s) * NS_PER_S,
	};
	enum host_time_action action;
	struct host_time host;
	s64 offset;

	if (!timesync_newest(timesync, &host))
		return;
	offset = look(&host);
	WRITE_ONCE(timesync->offset_ns, offset);
	action = host_time_judge(offset, READ_ONCE(timesync->sync), &limits);
	if (action != HOST_TIME_TOO_FAR_BACK)
		timesync->back_logged = false;
	switch (action) {
	case HOST_TIME_STEP:
		return do_step(timesync, &host, offset);
	case HOST_TIME_TOO_FAR_BACK:
		return too_far_back(timesync, offset);
	default:
		WRITE_ONCE(timesync->sync, false);
	}
}
