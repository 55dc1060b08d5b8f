// SPDX-License-Identifier: GPL-2.0
/*
 * The host's wall clock as a PTP clock named hyperv, for chrony and phc2sys (udev makes /dev/ptp_hyperv of that name). It can be read, not set.
 *
 * A reading is the newest sample, carried on by the reference time: the host needs not be asked. How long one is good is a parameter; after
 * that a silent host is an error (-ESTALE), rather than a clock that nobody steers.
 *
 * Cross time stamps: one look at the kernel's clock (ktime_get_snapshot()) says which count of the clocksource went with which time. If that
 * count is a reference time, host and guest are compared at the same instant, without error. It is, if it lies between two reference times
 * that were read around it, which no other clocksource's count does. So the kernel's own Hyper-V clocksource serves as well as ours, whose
 * identity get_device_system_crosststamp() would have to be told.
 * Invariant: no reading without a sample that passed the gate.
 */
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/timekeeping.h>

#include "internal.h"
#include "vmbus.h"

unsigned int timesync_stale_s = 600;
module_param_named(stale_s, timesync_stale_s, uint, 0644);
MODULE_PARM_DESC(stale_s, "The PTP clock fails when the host has said nothing for so long, seconds (default 600); 0: never");

static struct timesync *of(struct ptp_clock_info *info)
{
	return container_of(info, struct timesync, ptp_info);
}

static bool is_stale(const struct host_time *host, u64 now)
{
	u64 limit = (u64)READ_ONCE(timesync_stale_s) * TLFS_REFERENCE_HZ;

	return limit && now > host->reference && now - host->reference > limit;
}

/* A sample that can be used. Return: 0; -EAGAIN: there is none yet; -ESTALE: the host is silent. */
static int get_sample(struct timesync *timesync, struct host_time *host)
{
	if (!timesync_newest(timesync, host))
		return -EAGAIN;
	return is_stale(host, timesync_now()) ? -ESTALE : 0;
}

static int gettimex64(struct ptp_clock_info *info, struct timespec64 *time, struct ptp_system_timestamp *stamps)
{
	struct host_time host;
	int error = get_sample(of(info), &host);
	u64 now;

	if (error)
		return error;
	ptp_read_system_prets(stamps);
	now = timesync_now();
	ptp_read_system_postts(stamps);
	*time = ns_to_timespec64(host_time_ns(&host, now));
	return 0;
}

static int getcrosststamp(struct ptp_clock_info *info, struct system_device_crosststamp *stamps)
{
	struct system_time_snapshot snapshot;
	struct host_time host;
	int error = get_sample(of(info), &host);
	u64 before;

	if (error)
		return error;
	before = timesync_now();
	ktime_get_snapshot(&snapshot);
	if (snapshot.cycles < before || snapshot.cycles > timesync_now())
		return -EOPNOTSUPP;
	stamps->device = ns_to_ktime(host_time_ns(&host, snapshot.cycles));
	stamps->sys_realtime = snapshot.real;
	stamps->sys_monoraw = snapshot.raw;
	return 0;
}

/* The host's clock is the host's. */

static int settime64(struct ptp_clock_info *info, const struct timespec64 *time)
{
	return -EOPNOTSUPP;
}

static int adjfine(struct ptp_clock_info *info, long scaled_ppm)
{
	return -EOPNOTSUPP;
}

static int adjtime(struct ptp_clock_info *info, s64 delta)
{
	return -EOPNOTSUPP;
}

static int enable(struct ptp_clock_info *info, struct ptp_clock_request *request, int on)
{
	return -EOPNOTSUPP;
}

static const struct ptp_clock_info description = {
	.owner = THIS_MODULE,
	.name = "hyperv",
	.gettimex64 = gettimex64,
	.getcrosststamp = getcrosststamp,
	.settime64 = settime64,
	.adjfine = adjfine,
	.adjtime = adjtime,
	.enable = enable,
};

/** timesync_ptp_start() - the PTP clock; its readers get -EAGAIN until there is a sample; may sleep; 0 or negative errno */
int timesync_ptp_start(struct timesync *timesync)
{
	struct ptp_clock *clock;

	timesync->ptp_info = description;
	clock = ptp_clock_register(&timesync->ptp_info, &timesync->device->dev);
	/* NULL: the kernel has no PTP clocks. The wall clock is kept all the same. */
	if (IS_ERR(clock)) {
		dev_err(&timesync->device->dev, "registering the PTP clock failed: error %ld\n", PTR_ERR(clock));
		return PTR_ERR(clock);
	}
	timesync->ptp = clock;
	return 0;
}

/** timesync_ptp_stop() - undo timesync_ptp_start(); no reader is left when it returns; may sleep */
void timesync_ptp_stop(struct timesync *timesync)
{
	if (timesync->ptp)
		ptp_clock_unregister(timesync->ptp);
}
