/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Time synchronisation (IC type 4): the host tells its wall clock. The frame and the handshake are in ic.h.
 * Source: drivers/hv/hv_util.c and include/linux/hyperv.h of Linux; hyperv_ic_protocol/src/timesync.rs of OpenVMM.
 * Times are in units of 100 ns; wall clock since 1601-01-01 UTC.
 */
#ifndef HVIS_WIRE_TIMESYNC_H
#define HVIS_WIRE_TIMESYNC_H

#include <linux/types.h>

/* 9527e630-d0ae-497b-adce-e80ab0175caf: time synchronisation. */
#define TIMESYNC_GUID                                                                                                  \
	{ { 0x30, 0xe6, 0x27, 0x95, 0xae, 0xd0, 0x7b, 0x49, 0xad, 0xce, 0xe8, 0x0a, 0xb0, 0x17, 0x5c, 0xaf } }

/* 1970-01-01 in the wall clock of the protocol. */
#define TIMESYNC_UNIX_EPOCH 116444736000000000ull

#define TIMESYNC_SYNC 1u /* set the clock now */
#define TIMESYNC_SAMPLE 2u /* take note */

/* 1.0 and 3.0. The body is 25 bytes long, without padding at its end. */
struct timesync_data {
	__u64 parent_time; /* the host's wall clock */
	__u64 child_time;
	__u64 round_trip_time;
	__u8 flags; /* TIMESYNC_* */
	__u8 padding[7];
};
_Static_assert(sizeof(struct timesync_data) == 32, "timesync 1.0");
#define TIMESYNC_DATA_SIZE 25

/* 4.0. */
struct timesync_reference_data {
	__u64 parent_time; /* the host's wall clock when its reference time was vm_reference_time */
	__u64 vm_reference_time; /* what TLFS_MSR_TIME_REF_COUNT read then */
	__u8 flags; /* TIMESYNC_* */
	__s8 leap; /* NTP's leap indicator: 0 none, 1 a second more, 2 one less, 3 unsynchronised */
	__s8 stratum; /* NTP's */
	__u8 reserved[5];
};
_Static_assert(sizeof(struct timesync_reference_data) == 24, "timesync 4.0");
#define TIMESYNC_REFERENCE_DATA_SIZE 22

#endif
