/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The network protocol's outer layer (NVSP): versions, shared buffers, sub-channels, and the envelope of RNDIS messages.
 * Source: drivers/net/hyperv/hyperv_net.h of Linux; netvsp/src/protocol.rs of microsoft/openvmm. Initialisation, all of it on
 * the primary channel:
 *
 *	INIT (one version at a time, newest first) -> INIT_COMPLETE
 *	SEND_NDIS_CONFIG (from version 2 on; no answer), SEND_NDIS_VERSION (no answer)
 *	SEND_RECV_BUF -> SEND_RECV_BUF_COMPLETE, SEND_SEND_BUF -> SEND_SEND_BUF_COMPLETE
 *	RNDIS INITIALIZE and so on inside SEND_RNDIS_PKT
 *	SUBCHANNEL -> SUBCHANNEL_COMPLETE (from version 5 on), then SEND_INDIRECTION_TABLE by the host, unasked
 *
 * An answer travels as the completion of the packet that asked. Frames: the guest sends SEND_RNDIS_PKT in-band (what it says
 * lies in a section of the send buffer) or with page ranges, and gets SEND_RNDIS_PKT_COMPLETE; the host sends
 * SEND_RNDIS_PKT in a transfer-pages packet whose ranges lie in the receive buffer, and gets the same in return, after which
 * these ranges are its own again.
 */
#ifndef HVIS_WIRE_NVSP_H
#define HVIS_WIRE_NVSP_H

#include <linux/types.h>

/* f8615163-df3e-46c5-913f-f2d2f965ed0e: synthetic network adapter. */
#define NVSP_GUID                                                                                                      \
	{ { 0x63, 0x51, 0x61, 0xf8, 0x3e, 0xdf, 0xc5, 0x46, 0x91, 0x3f, 0xf2, 0xd2, 0xf9, 0x65, 0xed, 0x0e } }

#define NVSP_VERSION_1 0x00002u
#define NVSP_VERSION_2 0x30002u
#define NVSP_VERSION_4 0x40000u
#define NVSP_VERSION_5 0x50000u
#define NVSP_VERSION_6 0x60000u
#define NVSP_VERSION_6_1 0x60001u

enum nvsp_type {
	NVSP_INIT = 1,
	NVSP_INIT_COMPLETE = 2, /* host */
	NVSP_SEND_NDIS_VERSION = 100,
	NVSP_SEND_RECV_BUF = 101,
	NVSP_SEND_RECV_BUF_COMPLETE = 102, /* host */
	NVSP_REVOKE_RECV_BUF = 103,
	NVSP_SEND_SEND_BUF = 104,
	NVSP_SEND_SEND_BUF_COMPLETE = 105, /* host */
	NVSP_REVOKE_SEND_BUF = 106,
	NVSP_SEND_RNDIS_PKT = 107, /* both */
	NVSP_SEND_RNDIS_PKT_COMPLETE = 108, /* both */
	NVSP_SEND_NDIS_CONFIG = 125, /* from version 2 on */
	NVSP_SEND_VF_ASSOCIATION = 128, /* host, from version 4 on */
	NVSP_SWITCH_DATA_PATH = 129, /* its completion has no payload */
	NVSP_SUBCHANNEL = 133, /* from version 5 on; its answer has the same type */
	NVSP_SEND_INDIRECTION_TABLE = 134, /* host, unsolicited */
};

#define NVSP_STATUS_NONE 0u
#define NVSP_STATUS_SUCCESS 1u
#define NVSP_STATUS_FAIL 2u
#define NVSP_STATUS_TOO_NEW 3u
#define NVSP_STATUS_TOO_OLD 4u
#define NVSP_STATUS_INVALID_RNDIS 5u
#define NVSP_STATUS_BUSY 6u
#define NVSP_STATUS_UNSUPPORTED 7u

/* Ids of the two buffers; the receive buffer's is that of its transfer-pages packets. */
#define NVSP_RECV_BUF_ID 0xCAFEu
#define NVSP_SEND_BUF_ID 0u

#define NVSP_RECV_BUF_MAX (31u << 20) /* bytes that hosts take; 15 MiB before version 5 */
#define NVSP_SEND_BUF_MAX (15u << 20)

/* capabilities of SEND_NDIS_CONFIG */
#define NVSP_CAP_VMQ (1ull << 0)
#define NVSP_CAP_CHIMNEY (1ull << 1)
#define NVSP_CAP_SRIOV (1ull << 2)
#define NVSP_CAP_8021Q (1ull << 3)
#define NVSP_CAP_CORRELATION_ID (1ull << 4)
#define NVSP_CAP_TEAMING (1ull << 5)
#define NVSP_CAP_VIRTUAL_SUBNET_ID (1ull << 6)
#define NVSP_CAP_RSC (1ull << 7)

struct nvsp_init {
	__u32 version_min, version_max; /* guest: both the version it proposes */
};

struct nvsp_init_complete {
	__u32 version; /* host; set by some only */
	__u32 mdl_chain_max; /* host: ranges in one GPA_DIRECT packet */
	__u32 status;
};

struct nvsp_ndis_version {
	__u32 major, minor;
};

struct nvsp_buffer {
	__u32 gpadl;
	__u16 id; /* NVSP_RECV_BUF_ID, NVSP_SEND_BUF_ID */
} __attribute__((packed));

/* Host: how it divides the receive buffer. Guests want exactly one section, from offset 0. */
struct nvsp_recv_section {
	__u32 offset;
	__u32 suballoc_bytes;
	__u32 suballoc_count;
	__u32 end_offset;
};

struct nvsp_recv_buf_complete {
	__u32 status;
	__u32 section_count;
	struct nvsp_recv_section section; /* [section_count] */
};

struct nvsp_send_buf_complete {
	__u32 status;
	__u32 section_bytes;
};

struct nvsp_revoke {
	__u16 id;
};

#define NVSP_CHANNEL_DATA 0u
#define NVSP_CHANNEL_CONTROL 1u
#define NVSP_NO_SECTION 0xFFFFFFFFu

struct nvsp_rndis {
	__u32 channel_type; /* NVSP_CHANNEL_* */
	__u32 section; /* of the send buffer, or NVSP_NO_SECTION: in the packet's ranges */
	__u32 section_bytes; /* used of it; 0 without one */
};

struct nvsp_status {
	__u32 status;
};

struct nvsp_ndis_config {
	__u32 mtu; /* with the Ethernet header */
	__u32 reserved;
	__u64 capabilities; /* NVSP_CAP_* */
} __attribute__((packed));

struct nvsp_vf_association {
	__u32 allocated;
	__u32 serial;
};

struct nvsp_data_path {
	__u32 active; /* 0: synthetic, 1: VF */
};

#define NVSP_SUBCHANNEL_ALLOCATE 1u

struct nvsp_subchannel {
	__u32 operation;
	__u32 count; /* sub-channels, the primary left out */
};

struct nvsp_subchannel_complete {
	__u32 status;
	__u32 count;
};

#define NVSP_INDIRECTION_COUNT 16u

/*
 * Host: which channel (0: the primary) to send a flow on, by its hash. @offset counts from the start of the message; hosts up to
 * version 6 are known to give a wrong one, where the table then follows these two fields.
 */
struct nvsp_indirection_table {
	__u32 count;
	__u32 offset;
};

struct nvsp_message {
	__u32 type; /* enum nvsp_type */
	union {
		struct nvsp_init init;
		struct nvsp_init_complete init_complete;
		struct nvsp_ndis_version ndis_version;
		struct nvsp_buffer buffer;
		struct nvsp_recv_buf_complete recv_buf_complete;
		struct nvsp_send_buf_complete send_buf_complete;
		struct nvsp_revoke revoke;
		struct nvsp_rndis rndis;
		struct nvsp_status rndis_complete;
		struct nvsp_ndis_config ndis_config;
		struct nvsp_vf_association vf_association;
		struct nvsp_data_path data_path;
		struct nvsp_subchannel subchannel;
		struct nvsp_subchannel_complete subchannel_complete;
		struct nvsp_indirection_table indirection_table;
		__u8 raw[36];
	};
} __attribute__((packed));
_Static_assert(sizeof(struct nvsp_message) == 40, "NVSP message");
_Static_assert(sizeof(struct nvsp_recv_buf_complete) == 24, "answer to SEND_RECV_BUF");
_Static_assert(sizeof(struct nvsp_rndis) == 12, "envelope of RNDIS");
_Static_assert(sizeof(struct nvsp_ndis_config) == 16, "SEND_NDIS_CONFIG");

/* Before version 6.1 hosts send, and at least want, so many bytes; Linux always sends all 40. */
#define NVSP_MESSAGE_MIN 28u

#endif
