// SPDX-License-Identifier: GPL-2.0
/*
 * Samples of the host's wall clock: each message passes the gate (host_time.c) and is remembered if it is the newest. A wish to have the clock
 * set is remembered whichever message had it, and served when all that was queued has been read (wall.c).
 * Invariant: a message that did not pass the gate changes nothing but a counter.
 */
#include <linux/device.h>
#include <linux/sysfs.h>

#include "internal.h"
#include "vmbus.h"

static const char *const meanings[] = {
	[HOST_TIME_SHORT] = "a time-sync message that is too short for its version",
	[HOST_TIME_YEAR] = "a time before 1970 or after 2200",
	[HOST_TIME_FUTURE] = "a time of a moment that is still to come",
	[HOST_TIME_OLD] = "a time of more than ten minutes ago",
};

static const enum timesync_count counts[] = {
	[HOST_TIME_SHORT] = COUNT_REFUSED_SHORT,
	[HOST_TIME_YEAR] = COUNT_REFUSED_YEAR,
	[HOST_TIME_FUTURE] = COUNT_REFUSED_FUTURE,
	[HOST_TIME_OLD] = COUNT_REFUSED_OLD,
};

static void refuse(struct timesync *timesync, enum host_time_verdict verdict, const struct host_time *host)
{
	atomic_inc(&timesync->counts[counts[verdict]]);
	dev_warn_ratelimited(&timesync->device->dev, "refused from the host: %s (wall clock 0x%llx, reference time 0x%llx)\n",
			     meanings[verdict], host->wall, host->reference);
}

static void remember(struct timesync *timesync, const struct host_time *host)
{
	spin_lock(&timesync->lock);
	/* Of two that come at once the later one counts, in whatever order they were queued. */
	if (!timesync->known || host->reference >= timesync->newest.reference)
		timesync->newest = *host;
	timesync->known = true;
	spin_unlock(&timesync->lock);
}

/**
 * timesync_take() - a message of the host
 * @timesync: the device
 * @version: agreed
 * @body: the message
 * @bytes: of it
 *
 * The work item of the service. Return: IC_STATUS_* for the answer.
 */
u32 timesync_take(struct timesync *timesync, struct ic_version version, const void *body, u32 bytes)
{
	struct host_time host = {};
	enum host_time_verdict verdict = host_time_check(&host, version, body, bytes, timesync_now());

	if (verdict != HOST_TIME_FINE) {
		refuse(timesync, verdict, &host);
		return IC_STATUS_FAIL;
	}
	atomic_inc(&timesync->counts[COUNT_SAMPLES]);
	if (host.sync) {
		atomic_inc(&timesync->counts[COUNT_SYNCS]);
		WRITE_ONCE(timesync->sync, true);
	}
	remember(timesync, &host);
	return IC_STATUS_OK;
}

/* What NTP wants to know of the host's clock, in the device's folder in sysfs. */

static ssize_t leap_show(struct device *dev, struct device_attribute *attr, char *text)
{
	struct host_time newest;

	if (!timesync_newest(dev_get_drvdata(dev), &newest))
		return -ENODATA;
	return sysfs_emit(text, "%u\n", newest.leap);
}
static DEVICE_ATTR_RO(leap);

static ssize_t stratum_show(struct device *dev, struct device_attribute *attr, char *text)
{
	struct host_time newest;

	if (!timesync_newest(dev_get_drvdata(dev), &newest))
		return -ENODATA;
	return sysfs_emit(text, "%u\n", newest.stratum);
}
static DEVICE_ATTR_RO(stratum);

static struct attribute *timesync_attrs[] = {
	&dev_attr_leap.attr,
	&dev_attr_stratum.attr,
	NULL,
};

static const struct attribute_group timesync_group = { .attrs = timesync_attrs };

const struct attribute_group *timesync_groups[] = { &timesync_group, NULL };
