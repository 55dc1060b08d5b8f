/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * VMBus control messages: who offers what, how a channel opens and closes.
 * Guest to host they travel in HvPostMessage, host to guest in the SIM slot of SINT 2, at most 240 bytes each.
 * Source: include/linux/hyperv.h of Linux (names follow it) and Documentation/virt/hyperv/vmbus.rst.
 * At each struct: (guest) or (host) says who writes it.
 */
#ifndef HVIS_WIRE_CHANMSG_H
#define HVIS_WIRE_CHANMSG_H

#include <linux/types.h>

/* A GUID as it lies in memory: its first three fields are little-endian. */
struct vmbus_guid {
	__u8 b[16];
};
_Static_assert(sizeof(struct vmbus_guid) == 16, "GUID");

/* Protocol versions, major << 16 | minor. */
#define VMBUS_VERSION(major, minor) ((__u32)(major) << 16 | (minor))
#define VMBUS_VERSION_WIN8_1 VMBUS_VERSION(3, 0)
#define VMBUS_VERSION_WIN10 VMBUS_VERSION(4, 0)
#define VMBUS_VERSION_WIN10_V4_1 VMBUS_VERSION(4, 1) /* MODIFYCHANNEL */
#define VMBUS_VERSION_WIN10_V5 VMBUS_VERSION(5, 0) /* connection id from VERSION_RESPONSE, SINT chosen by the guest */
#define VMBUS_VERSION_WIN10_V5_1 VMBUS_VERSION(5, 1)
#define VMBUS_VERSION_WIN10_V5_2 VMBUS_VERSION(5, 2)
#define VMBUS_VERSION_WIN10_V5_3 VMBUS_VERSION(5, 3) /* MODIFYCHANNEL is acknowledged */

/* Connection ids of HvPostMessage and HvSignalEvent. */
#define VMBUS_MESSAGE_CONNECTION_ID 1u
#define VMBUS_MESSAGE_CONNECTION_ID_4 4u /* INITIATE_CONTACT of version 5.0 and later */
#define VMBUS_EVENT_CONNECTION_ID 2u /* the shared doorbell of channels without one of their own */

enum chanmsg_type {
	CHANMSG_INVALID = 0,
	CHANMSG_OFFER = 1,
	CHANMSG_RESCIND = 2,
	CHANMSG_REQUEST_OFFERS = 3,
	CHANMSG_ALL_OFFERS_DELIVERED = 4,
	CHANMSG_OPEN = 5,
	CHANMSG_OPEN_RESULT = 6,
	CHANMSG_CLOSE = 7,
	CHANMSG_GPADL_HEADER = 8,
	CHANMSG_GPADL_BODY = 9,
	CHANMSG_GPADL_CREATED = 10,
	CHANMSG_GPADL_TEARDOWN = 11,
	CHANMSG_GPADL_TORNDOWN = 12,
	CHANMSG_RELID_RELEASED = 13,
	CHANMSG_INITIATE_CONTACT = 14,
	CHANMSG_VERSION_RESPONSE = 15,
	CHANMSG_UNLOAD = 16,
	CHANMSG_UNLOAD_RESPONSE = 17,
	CHANMSG_MODIFY = 22,
	CHANMSG_MODIFY_RESPONSE = 24,
	CHANMSG_TYPE_COUNT = 25,
};

#define CHANMSG_SIZE_MAX 240

struct chanmsg_header {
	__u32 type; /* enum chanmsg_type */
	__u32 padding;
};
_Static_assert(sizeof(struct chanmsg_header) == 8, "header");

/* (guest) Also the whole of REQUEST_OFFERS, UNLOAD; (host) of ALL_OFFERS_DELIVERED, UNLOAD_RESPONSE. */
struct chanmsg_initiate_contact {
	struct chanmsg_header header;
	__u32 version;
	__u32 target_vcpu; /* VP index that receives the host's messages */
	union {
		__u64 interrupt_page; /* before 5.0: GPA of the shared interrupt page */
		struct { /* 5.0 and later */
			__u8 msg_sint;
			__u8 msg_vtl;
			__u16 reserved;
			__u32 feature_flags; /* 6.0 and later, else 0 */
		};
	};
	__u64 monitor_page_to_guest;
	__u64 monitor_page_to_host;
};
_Static_assert(sizeof(struct chanmsg_initiate_contact) == 40, "INITIATE_CONTACT");

/* (host) */
struct chanmsg_version_response {
	struct chanmsg_header header;
	__u8 supported; /* 0: try another version */
	__u8 connection_state; /* 0 or VMBUS_CONNECTED_* of the answer's failure */
	__u16 padding;
	__u32 msg_connection_id; /* 5.0 and later: use it for every later message */
};
_Static_assert(sizeof(struct chanmsg_version_response) == 16, "VERSION_RESPONSE");

#define CHANMSG_OFFER_ENUMERATE 0x0001
#define CHANMSG_OFFER_NAMED_PIPE 0x0010
#define CHANMSG_OFFER_MONITOR_ALLOCATED 0x01
#define CHANMSG_OFFER_DEDICATED_INTERRUPT 0x0001
#define CHANMSG_USER_DATA 120

/* (host) */
struct chanmsg_offer {
	struct chanmsg_header header;
	struct vmbus_guid if_type;
	struct vmbus_guid if_instance;
	__u32 reserved[4];
	__u16 flags; /* CHANMSG_OFFER_ENUMERATE ... */
	__u16 mmio_megabytes;
	__u8 user_data[CHANMSG_USER_DATA];
	__u16 sub_channel_index; /* 0: the primary channel */
	__u16 padding;
	__u32 relid; /* the channel's number, and its bit in the SIEF page */
	__u8 monitor_id;
	__u8 monitor_allocated; /* CHANMSG_OFFER_MONITOR_ALLOCATED */
	__u16 dedicated_interrupt; /* CHANMSG_OFFER_DEDICATED_INTERRUPT: ring the doorbell at connection_id */
	__u32 connection_id;
};
_Static_assert(sizeof(struct chanmsg_offer) == 196, "OFFER");
_Static_assert(__builtin_offsetof(struct chanmsg_offer, sub_channel_index) == 180, "OFFER sub channel");
_Static_assert(__builtin_offsetof(struct chanmsg_offer, relid) == 184, "OFFER relid");
_Static_assert(__builtin_offsetof(struct chanmsg_offer, connection_id) == 192, "OFFER connection id");

/*
 * The two pages of INITIATE_CONTACT: instead of a doorbell of its own, a channel with a monitor id has bit id % 32 of
 * group id / 32, which the other side looks at within the latency it sets (100 ns).
 */
#define VMBUS_MONITOR_GROUPS 4
struct vmbus_monitor_page {
	__u32 trigger_state;
	__u32 reserved;
	struct {
		__u32 pending;
		__u32 armed;
	} group[VMBUS_MONITOR_GROUPS];
	__u64 reserved2[3];
	__u32 next_check[VMBUS_MONITOR_GROUPS][32];
	__u16 latency[VMBUS_MONITOR_GROUPS][32];
};
_Static_assert(__builtin_offsetof(struct vmbus_monitor_page, latency) == 576, "monitor page");

/* (host) RESCIND; (guest) RELID_RELEASED, CLOSE. */
struct chanmsg_relid {
	struct chanmsg_header header;
	__u32 relid;
};
_Static_assert(sizeof(struct chanmsg_relid) == 12, "RESCIND");

#define CHANMSG_TARGET_VP_NONE 0xFFFFFFFFu /* the channel never interrupts the guest */

/* (guest) */
struct chanmsg_open {
	struct chanmsg_header header;
	__u32 relid;
	__u32 open_id; /* echoed in the result */
	__u32 ring_gpadl;
	__u32 target_vp;
	__u32 downstream_page; /* page of the GPADL at which the host-to-guest ring starts */
	__u8 user_data[CHANMSG_USER_DATA];
};
_Static_assert(sizeof(struct chanmsg_open) == 148, "OPEN");

/* (host) */
struct chanmsg_open_result {
	struct chanmsg_header header;
	__u32 relid;
	__u32 open_id;
	__u32 status; /* NTSTATUS, 0 is success */
};
_Static_assert(sizeof(struct chanmsg_open_result) == 20, "OPEN_RESULT");

/* (guest) GPADL teardown */
struct chanmsg_gpadl_teardown {
	struct chanmsg_header header;
	__u32 relid;
	__u32 gpadl;
};
_Static_assert(sizeof(struct chanmsg_gpadl_teardown) == 16, "GPADL_TEARDOWN");

/* (host) */
struct chanmsg_gpadl_torndown {
	struct chanmsg_header header;
	__u32 gpadl;
};
_Static_assert(sizeof(struct chanmsg_gpadl_torndown) == 12, "GPADL_TORNDOWN");

/* (host) */
struct chanmsg_gpadl_created {
	struct chanmsg_header header;
	__u32 relid;
	__u32 gpadl;
	__u32 status; /* NTSTATUS, 0 is success */
};
_Static_assert(sizeof(struct chanmsg_gpadl_created) == 20, "GPADL_CREATED");

/* (guest) 4.1 and later: move the channel's interrupt to another VP. */
struct chanmsg_modify {
	struct chanmsg_header header;
	__u32 relid;
	__u32 target_vp;
};
_Static_assert(sizeof(struct chanmsg_modify) == 16, "MODIFYCHANNEL");

/* (host) 5.3 and later. */
struct chanmsg_modify_response {
	struct chanmsg_header header;
	__u32 relid;
	__u32 status; /* NTSTATUS, 0 is success */
};
_Static_assert(sizeof(struct chanmsg_modify_response) == 16, "MODIFYCHANNEL_RESPONSE");

/* NTSTATUS values that travel in the results above. */
#define NTSTATUS_SUCCESS 0u
#define NTSTATUS_UNSUCCESSFUL 0xC0000001u
#define NTSTATUS_INVALID_PARAMETER 0xC000000Du
#define NTSTATUS_NOT_FOUND 0xC0000225u
#define NTSTATUS_INSUFFICIENT_RESOURCES 0xC000009Au
#define NTSTATUS_INVALID_DEVICE_STATE 0xC0000184u

#endif
