/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The storage protocol (VSTOR): one packet layout for the whole conversation, SCSI requests inside.
 * Source: drivers/scsi/storvsc_drv.c of Linux; what has to do with notification: vstorage.h of microsoft/mu_msvm and
 * storvsp_protocol of microsoft/openvmm. Initialisation:
 *
 *	BEGIN_INITIALIZATION, QUERY_PROTOCOL_VERSION (newest first until accepted), QUERY_PROPERTIES,
 *	END_INITIALIZATION, then CREATE_SUB_CHANNELS if both sides want more than one channel.
 *
 * All of it on the primary channel; sub-channels carry EXECUTE_SRB and resets, and are answered on the channel asked on.
 * Every guest packet asks for a completion, which brings the same packet back with operation COMPLETE_IO.
 * What the host says unasked has transaction id 0 and comes on the primary channel.
 */
#ifndef HVIS_WIRE_VSTOR_H
#define HVIS_WIRE_VSTOR_H

#include <linux/types.h>

/* ba6163d9-04a1-4d29-b605-72e2ffb1dc7f: synthetic SCSI controller. */
#define VSTOR_SCSI_GUID                                                                                                \
	{ { 0xd9, 0x63, 0x61, 0xba, 0xa1, 0x04, 0x29, 0x4d, 0xb6, 0x05, 0x72, 0xe2, 0xff, 0xb1, 0xdc, 0x7f } }

#define VSTOR_VERSION(major, minor) ((__u16)((major) << 8 | (minor)))
#define VSTOR_VERSION_WIN8 VSTOR_VERSION(5, 1)
#define VSTOR_VERSION_WIN8_1 VSTOR_VERSION(6, 0)
#define VSTOR_VERSION_WIN10 VSTOR_VERSION(6, 2)

enum vstor_operation {
	VSTOR_COMPLETE_IO = 1, /* host */
	VSTOR_REMOVE_DEVICE = 2, /* host, unsolicited */
	VSTOR_EXECUTE_SRB = 3,
	VSTOR_RESET_LUN = 4,
	VSTOR_RESET_ADAPTER = 5,
	VSTOR_RESET_BUS = 6,
	VSTOR_BEGIN_INITIALIZATION = 7,
	VSTOR_END_INITIALIZATION = 8,
	VSTOR_QUERY_PROTOCOL_VERSION = 9,
	VSTOR_QUERY_PROPERTIES = 10,
	VSTOR_ENUMERATE_BUS = 11, /* host, unsolicited */
	VSTOR_FCHBA_DATA = 12,
	VSTOR_CREATE_SUB_CHANNELS = 13,
	VSTOR_EVENT_NOTIFICATION = 14, /* host, unsolicited */
};

#define VSTOR_FLAG_REQUEST_COMPLETION 1u

#define VSTOR_CDB_MAX 16
#define VSTOR_SENSE_MAX 20

#define VSTOR_DATA_OUT 0 /* guest to device */
#define VSTOR_DATA_IN 1
#define VSTOR_DATA_NONE 2

/* srb_flags */
#define VSTOR_SRB_QUEUE_ACTION_ENABLE 0x00000002u
#define VSTOR_SRB_DISABLE_SYNCH_TRANSFER 0x00000008u
#define VSTOR_SRB_DATA_IN 0x00000040u
#define VSTOR_SRB_DATA_OUT 0x00000080u
#define VSTOR_SRB_NO_QUEUE_FREEZE 0x00000100u

#define VSTOR_SRB_SIMPLE_TAG 0x20

/* srb_status: low six bits, then two flags */
#define SRB_STATUS_MASK 0x3F
#define SRB_STATUS_QUEUE_FROZEN 0x40
#define SRB_STATUS_AUTOSENSE_VALID 0x80
#define SRB_STATUS_PENDING 0x00
#define SRB_STATUS_SUCCESS 0x01
#define SRB_STATUS_ABORTED 0x02
#define SRB_STATUS_ERROR 0x04
#define SRB_STATUS_BUSY 0x05
#define SRB_STATUS_INVALID_REQUEST 0x06
#define SRB_STATUS_NO_DEVICE 0x08
#define SRB_STATUS_TIMEOUT 0x09
#define SRB_STATUS_SELECTION_TIMEOUT 0x0A
#define SRB_STATUS_BUS_RESET 0x0E
#define SRB_STATUS_DATA_OVERRUN 0x12
#define SRB_STATUS_INVALID_LUN 0x20
#define SRB_STATUS_INTERNAL_ERROR 0x30

/* The guest writes the request; the host returns it with the four fields marked (host) filled in. */
struct vstor_srb {
	__u16 length; /* of this struct */
	__u8 srb_status; /* (host) */
	__u8 scsi_status; /* (host) SAM status */
	__u8 port;
	__u8 path;
	__u8 target;
	__u8 lun;
	__u8 cdb_length;
	__u8 sense_length; /* guest: room; (host) bytes written */
	__u8 data_direction; /* VSTOR_DATA_* */
	__u8 reserved;
	__u32 transfer_length; /* guest: bytes of the ranges; (host) bytes moved */
	union {
		__u8 cdb[VSTOR_CDB_MAX];
		__u8 sense[VSTOR_SENSE_MAX]; /* (host) */
		__u8 cdb_or_sense[VSTOR_SENSE_MAX];
	};
	__u16 reserved2;
	__u8 queue_tag;
	__u8 queue_action;
	__u32 srb_flags;
	__u32 timeout; /* seconds */
	__u32 queue_sort_key;
};
_Static_assert(sizeof(struct vstor_srb) == 52, "SRB");
_Static_assert(__builtin_offsetof(struct vstor_srb, cdb) == 16, "SRB cdb");
_Static_assert(__builtin_offsetof(struct vstor_srb, srb_flags) == 40, "SRB flags");

/* QUERY_PROPERTIES (host). */
#define VSTOR_PROPERTY_MULTI_CHANNEL 1u
struct vstor_properties {
	__u32 reserved1;
	__u16 max_channels; /* sub-channels the host can offer beside the primary one */
	__u16 reserved2;
	__u32 flags; /* VSTOR_PROPERTY_* */
	__u32 max_transfer_bytes;
	__u32 reserved3[2];
};
_Static_assert(sizeof(struct vstor_properties) == 24, "channel properties");
_Static_assert(__builtin_offsetof(struct vstor_properties, max_transfer_bytes) == 12, "max transfer");

/* QUERY_PROTOCOL_VERSION (guest). */
struct vstor_version {
	__u16 version; /* VSTOR_VERSION() */
	__u16 revision;
};
_Static_assert(sizeof(struct vstor_version) == 4, "protocol version");

/*
 * QUERY_PROPERTIES (guest). A guest that says nothing here hears of LUNs by ENUMERATE_BUS only. Microsoft's header has the
 * struct (protocol 6.0) but not the operation it belongs to; a host that expects it elsewhere ignores it here.
 */
#define VSTOR_CLIENT_ASYNC_NOTIFY 1u /* understands EVENT_NOTIFICATION */
struct vstor_client_properties {
	__u32 flags; /* VSTOR_CLIENT_* */
};
_Static_assert(sizeof(struct vstor_client_properties) == 4, "client properties");

/*
 * EVENT_NOTIFICATION (host): look at this one LUN again. The flags are Storport's for the same event, the one value that
 * could be found; a guest does right to look at the LUN whatever they say.
 */
#define VSTOR_EVENT_MEDIA_STATUS 1u /* it is there, and its capacity or contents changed */
#define VSTOR_EVENT_DEVICE_STATUS 2u /* it came or went */
#define VSTOR_EVENT_DEVICE_OPERATION 4u
struct vstor_event {
	__u8 lun;
	__u8 target;
	__u8 path;
	__u8 flags; /* VSTOR_EVENT_* */
};
_Static_assert(sizeof(struct vstor_event) == 4, "event");

struct vstor_packet {
	__u32 operation; /* enum vstor_operation */
	__u32 flags; /* VSTOR_FLAG_* */
	__u32 status; /* NTSTATUS (host) */
	union {
		struct vstor_srb srb;
		struct vstor_client_properties client; /* QUERY_PROPERTIES (guest) */
		struct vstor_properties properties; /* QUERY_PROPERTIES (host) */
		struct vstor_version version;
		struct vstor_event event;
		__u16 sub_channel_count; /* CREATE_SUB_CHANNELS (guest) */
		__u8 raw[52];
	};
};
_Static_assert(sizeof(struct vstor_packet) == 64, "VSTOR packet");
_Static_assert(__builtin_offsetof(struct vstor_packet, srb) == 12, "VSTOR union");

#endif
