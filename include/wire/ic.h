/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Integration components (IC): the frame that the services time synchronisation, shutdown and heartbeat share, its handshake, and the two
 * services that are one message each. Source: drivers/hv/hv_util.c, vmbus_prep_negotiate_resp() and include/linux/hyperv.h of Linux;
 * vm/devices/hyperv_ic_protocol of OpenVMM. The host asks, the guest answers by sending the same message back with what it changed:
 *
 *	host: NEGOTIATE (its frame versions, then its message versions) - guest: NEGOTIATE with one of each, or with none of both
 *	host: a request of the service (flags TRANSACTION | REQUEST)    - guest: the same (TRANSACTION | RESPONSE), status filled in
 *
 * All are in-band packets without completion. A message is pipe header, IC header, body.
 */
#ifndef HVIS_WIRE_IC_H
#define HVIS_WIRE_IC_H

#include <linux/types.h>

/* 0e0b6031-5213-4934-818b-38d90ced39db: guest shutdown. */
#define IC_SHUTDOWN_GUID                                                                                               \
	{ { 0x31, 0x60, 0x0b, 0x0e, 0x13, 0x52, 0x34, 0x49, 0x81, 0x8b, 0x38, 0xd9, 0x0c, 0xed, 0x39, 0xdb } }
/* 57164f39-9115-4e78-ab55-382f3bd5422d: heartbeat. */
#define IC_HEARTBEAT_GUID                                                                                              \
	{ { 0x39, 0x4f, 0x16, 0x57, 0x15, 0x91, 0x78, 0x4e, 0xab, 0x55, 0x38, 0x2f, 0x3b, 0xd5, 0x42, 0x2d } }

/* Both ends take no message above this: a page, as the kernel's own driver has room for no more. */
#define IC_MESSAGE_MAX 4096

struct ic_pipe_header {
	__u32 flags; /* 1: data */
	__u32 size; /* of what follows */
};
_Static_assert(sizeof(struct ic_pipe_header) == 8, "pipe header");
#define IC_PIPE_DATA 1u

struct ic_version {
	__u16 major;
	__u16 minor;
};
_Static_assert(sizeof(struct ic_version) == 4, "IC version");

enum ic_type {
	IC_NEGOTIATE = 0,
	IC_HEARTBEAT = 1,
	IC_KVP_EXCHANGE = 2,
	IC_SHUTDOWN = 3,
	IC_TIMESYNC = 4,
	IC_VSS = 5,
	IC_FCOPY = 7,
};

#define IC_FLAG_TRANSACTION 1u
#define IC_FLAG_REQUEST 2u
#define IC_FLAG_RESPONSE 4u

/* An HRESULT, which the guest fills in. */
#define IC_STATUS_OK 0u
#define IC_STATUS_FAIL 0x80004005u

struct ic_header {
	struct ic_version frame; /* as negotiated; 0.0 in NEGOTIATE */
	__u16 type; /* IC_* */
	struct ic_version message;
	__u16 size; /* of the body */
	__u32 status; /* guest: IC_STATUS_* */
	__u8 transaction_id;
	__u8 flags; /* IC_FLAG_* */
	__u8 reserved[2];
};
_Static_assert(sizeof(struct ic_header) == 20, "IC header");
_Static_assert(__builtin_offsetof(struct ic_header, size) == 10, "IC header, size");
_Static_assert(__builtin_offsetof(struct ic_header, status) == 12, "IC header, status");

#define IC_HEADERS (sizeof(struct ic_pipe_header) + sizeof(struct ic_header))

/* Frames: 1.0 of Windows Server 2008, 3.0 of all others. */
#define IC_FRAME_1 ((struct ic_version){ 1, 0 })
#define IC_FRAME_3 ((struct ic_version){ 3, 0 })

/* Body of NEGOTIATE: the frame versions stand first, then the message versions. More than IC_VERSIONS_MAX of either is nonsense. */
struct ic_negotiate {
	__u16 frame_versions; /* the answer: 1, or 0 if none suits */
	__u16 message_versions; /* the answer: 1, or 0 if none suits */
	__u32 reserved;
	struct ic_version versions[];
};
_Static_assert(sizeof(struct ic_negotiate) == 8, "NEGOTIATE");
#define IC_VERSIONS_MAX 100
#define IC_NEGOTIATE_ANSWER_SIZE (sizeof(struct ic_negotiate) + 2 * sizeof(struct ic_version))

/* Heartbeat 1.0, 3.0: the guest answers with the sequence plus one, and from 3.0 with how its programs are. */
struct ic_heartbeat {
	__u64 sequence;
	__u32 application_state; /* guest: IC_APPLICATION_* */
	__u32 reserved[7];
};
_Static_assert(sizeof(struct ic_heartbeat) == 40, "HEARTBEAT");
#define IC_APPLICATION_UNKNOWN 0u
#define IC_APPLICATION_HEALTHY 1u
#define IC_APPLICATION_CRITICAL 2u
#define IC_APPLICATION_STOPPED 3u

/* Shutdown 1.0, 3.0, 3.1 (reboot), 3.2 (hibernate). The guest answers before it acts. */
#define IC_SHUTDOWN_TEXT 2048
struct ic_shutdown {
	__u32 reason;
	__u32 timeout; /* seconds */
	__u32 flags; /* IC_SHUTDOWN_* */
	__u8 text[IC_SHUTDOWN_TEXT]; /* to show to users, ends with 0 */
};
_Static_assert(sizeof(struct ic_shutdown) == 2060, "SHUTDOWN");
#define IC_SHUTDOWN_FORCE 1u /* or-ed to what follows: programs are not asked */
#define IC_SHUTDOWN_POWER_OFF 0u
#define IC_SHUTDOWN_REBOOT 2u
#define IC_SHUTDOWN_HIBERNATE 4u

#endif
