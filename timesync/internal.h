/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The inside of hvis_timesync.ko. Two halves: the machine's time (hardware, reference, clocksource, vdso, stimer) needs no device of the bus;
 * the host's wall clock (device, host_time, sample, wall, ptp) is a service of the bus and reads the first half's reference time.
 */
#ifndef HVIS_TIMESYNC_INTERNAL_H
#define HVIS_TIMESYNC_INTERNAL_H

#include <linux/notifier.h>
#include <linux/ptp_clock_kernel.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "host_time.h"
#include "reference.h"
#include "wire/ic.h"
#include "wire/timesync.h"
#include "wire/tlfs.h"

struct attribute_group;
struct dentry;
struct vmbus_device;
struct hv_vmbus_device_id;

/* main.c: parameters */
extern bool timesync_clocksource;
extern bool timesync_vdso;

/* hardware.c */
extern struct reference timesync_reference;
int reference_start(void);
void reference_stop(void);
void reference_crash(void);
void reference_again(void);
u64 timesync_now(void);
u32 timesync_features(void);
bool timesync_kernel_owns(void);

/* vdso.c */
int vdso_allow(void);

/* clocksource.c */
int clocksource_start(void);
void clocksource_stop(void);

/* stimer.c */
extern unsigned int timesync_stimer_rating;
void stimer_start(void);
void stimer_stop(void);
void stimer_crash(void);

/* wall.c: parameters */
extern unsigned int timesync_step_ms;
extern unsigned int timesync_step_back_max_s;
extern unsigned int timesync_stale_s;

/* What became of what the host said; indexes timesync.counts. Names: debugfs.c. */
enum timesync_count {
	COUNT_SAMPLES,
	COUNT_SYNCS,
	COUNT_STEPS,
	COUNT_REFUSED_SHORT,
	COUNT_REFUSED_YEAR,
	COUNT_REFUSED_FUTURE,
	COUNT_REFUSED_OLD,
	COUNT_REFUSED_BACK,
	COUNTS,
};

struct hvis_ic;
struct ptp_clock;

/**
 * struct timesync - the host's wall clock, as one device of the bus tells it
 * @device: the offer
 * @ic: its channel
 * @lock: guards @newest and @known, which PTP's readers want
 * @newest: what the host said last
 * @known: it has said something
 * @sync: set the clock at the next occasion, however small the difference; set by SYNC and by resume
 * @back_logged: the host's clock is too far behind, and that has been said
 * @offset_ns: host less guest, when it was looked at last
 * @counts: enum timesync_count
 * @ptp: the PTP clock and its description, ptp.c's
 * @pm_block: news of resume
 * @debugfs: its folder
 */
struct timesync {
	struct vmbus_device *device;
	struct hvis_ic *ic;
	spinlock_t lock;
	struct host_time newest;
	bool known;
	bool sync;
	bool back_logged;
	s64 offset_ns;
	atomic_t counts[COUNTS];
	struct ptp_clock_info ptp_info;
	struct ptp_clock *ptp;
	struct notifier_block pm_block;
	struct dentry *debugfs;
};

/* device.c */
int timesync_probe(struct vmbus_device *device, const struct hv_vmbus_device_id *id);
void timesync_remove(struct vmbus_device *device);
bool timesync_newest(struct timesync *timesync, struct host_time *newest);

/* sample.c */
extern const struct attribute_group *timesync_groups[];
u32 timesync_take(struct timesync *timesync, struct ic_version version, const void *body, u32 bytes);

/* wall.c */
void timesync_apply(struct timesync *timesync);

/* ptp.c */
int timesync_ptp_start(struct timesync *timesync);
void timesync_ptp_stop(struct timesync *timesync);

/* debugfs.c */
void timesync_debugfs_start(void);
void timesync_debugfs_stop(void);
void timesync_debugfs_add(struct timesync *timesync);
void timesync_debugfs_remove(struct timesync *timesync);

#endif
