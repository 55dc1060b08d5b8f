/* SPDX-License-Identifier: GPL-2.0 */
/* What the host says about its wall clock: the gate, and what is to be done about it. Pure: no clock is read or set. */
#ifndef HVIS_TIMESYNC_HOST_TIME_H
#define HVIS_TIMESYNC_HOST_TIME_H

#include <linux/types.h>

#include "wire/ic.h"
#include "wire/timesync.h"

/**
 * struct host_time - a sample: the host's wall clock at a moment
 * @wall: units of 100 ns since 1601, UTC
 * @reference: the moment, as reference time, units of 100 ns
 * @sync: the host wants it set
 * @leap: NTP's leap indicator, 3 if it is not known
 * @stratum: NTP's, 16 if it is not known
 */
struct host_time {
	u64 wall;
	u64 reference;
	bool sync;
	u8 leap;
	u8 stratum;
};

#define HOST_TIME_LEAP_UNKNOWN 3
#define HOST_TIME_STRATUM_UNKNOWN 16

/* What the gate says. */
enum host_time_verdict {
	HOST_TIME_FINE,
	HOST_TIME_SHORT, /* the body has no room for the message of this version */
	HOST_TIME_YEAR, /* before 1970, which a host of 1600 or 0 is, or after 2200 */
	HOST_TIME_FUTURE, /* taken at a moment that is still to come */
	HOST_TIME_OLD, /* taken longer ago than HOST_TIME_AGE_MAX_S */
};

/* A packet may wait while the machine stands still, but a sample this old says nothing. */
#define HOST_TIME_AGE_MAX_S 600

/* What to do about the guest's clock. */
enum host_time_action {
	HOST_TIME_LEAVE,
	HOST_TIME_STEP,
	HOST_TIME_TOO_FAR_BACK,
};

/* A clock that is this right is not set, whoever says so: it is what reading it takes. ns. */
#define HOST_TIME_RIGHT_NS 500000

/**
 * struct host_time_limits - what the guest's owner says
 * @step_ns: a difference above this is stepped without the host's word
 * @back_max_ns: no step back by more than this; 0: any
 */
struct host_time_limits {
	s64 step_ns;
	s64 back_max_ns;
};

enum host_time_verdict host_time_check(struct host_time *host, struct ic_version version, const void *body, u32 bytes, u64 now);
s64 host_time_ns(const struct host_time *host, u64 now);
enum host_time_action host_time_judge(s64 offset_ns, bool sync, const struct host_time_limits *limits);

#endif
