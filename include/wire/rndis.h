/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * RNDIS: what travels inside NVSP. Control messages with a request id that the answer repeats, and frames with per-packet
 * information. Source: include/linux/rndis.h and drivers/net/hyperv/hyperv_net.h of Linux; Microsoft's MS-RNDIS.
 * Offsets count from the first byte after type and length, unless said otherwise.
 */
#ifndef HVIS_WIRE_RNDIS_H
#define HVIS_WIRE_RNDIS_H

#include <linux/types.h>

#define RNDIS_COMPLETION 0x80000000u

enum rndis_type {
	RNDIS_PACKET = 1,
	RNDIS_INITIALIZE = 2,
	RNDIS_HALT = 3,
	RNDIS_QUERY = 4,
	RNDIS_SET = 5,
	RNDIS_RESET = 6,
	RNDIS_INDICATE_STATUS = 7,
	RNDIS_KEEPALIVE = 8,
};

#define RNDIS_VERSION_MAJOR 1u
#define RNDIS_VERSION_MINOR 0u
#define RNDIS_DEVICE_CONNECTIONLESS 1u

#define RNDIS_STATUS_SUCCESS 0u
#define RNDIS_STATUS_FAILURE 0xC0000001u
#define RNDIS_STATUS_NOT_SUPPORTED 0xC00000BBu
#define RNDIS_STATUS_INVALID_LENGTH 0xC0010014u
#define RNDIS_STATUS_INVALID_DATA 0xC0010015u
#define RNDIS_STATUS_BUFFER_TOO_SHORT 0xC0010016u
#define RNDIS_STATUS_INVALID_OID 0xC0010017u
/* of INDICATE_STATUS */
#define RNDIS_STATUS_MEDIA_CONNECT 0x4001000Bu
#define RNDIS_STATUS_MEDIA_DISCONNECT 0x4001000Cu
#define RNDIS_STATUS_LINK_SPEED_CHANGE 0x40010013u
#define RNDIS_STATUS_NETWORK_CHANGE 0x40010018u

#define RNDIS_MEDIA_CONNECTED 0u
#define RNDIS_MEDIA_DISCONNECTED 1u

#define RNDIS_OID_GEN_SUPPORTED_LIST 0x00010101u
#define RNDIS_OID_GEN_HARDWARE_STATUS 0x00010102u
#define RNDIS_OID_GEN_MEDIA_SUPPORTED 0x00010103u
#define RNDIS_OID_GEN_MEDIA_IN_USE 0x00010104u
#define RNDIS_OID_GEN_MAXIMUM_FRAME_SIZE 0x00010106u
#define RNDIS_OID_GEN_LINK_SPEED 0x00010107u /* 100 bit/s */
#define RNDIS_OID_GEN_VENDOR_ID 0x0001010Cu
#define RNDIS_OID_GEN_VENDOR_DESCRIPTION 0x0001010Du
#define RNDIS_OID_GEN_CURRENT_PACKET_FILTER 0x0001010Eu
#define RNDIS_OID_GEN_MAXIMUM_TOTAL_SIZE 0x00010111u
#define RNDIS_OID_GEN_MEDIA_CONNECT_STATUS 0x00010114u
#define RNDIS_OID_GEN_RECEIVE_SCALE_CAPABILITIES 0x00010203u
#define RNDIS_OID_GEN_RECEIVE_SCALE_PARAMETERS 0x00010204u
#define RNDIS_OID_GEN_CONFIG_PARAMETER 0x0001021Bu
#define RNDIS_OID_GEN_XMIT_OK 0x00020101u
#define RNDIS_OID_GEN_RCV_OK 0x00020102u
#define RNDIS_OID_GEN_XMIT_ERROR 0x00020103u
#define RNDIS_OID_GEN_RCV_ERROR 0x00020104u
#define RNDIS_OID_GEN_RCV_NO_BUFFER 0x00020105u
#define RNDIS_OID_802_3_PERMANENT_ADDRESS 0x01010101u
#define RNDIS_OID_802_3_CURRENT_ADDRESS 0x01010102u
#define RNDIS_OID_802_3_MULTICAST_LIST 0x01010103u
#define RNDIS_OID_802_3_MAXIMUM_LIST_SIZE 0x01010104u
#define RNDIS_OID_TCP_OFFLOAD_CURRENT_CONFIG 0xFC01020Bu
#define RNDIS_OID_TCP_OFFLOAD_PARAMETERS 0xFC01020Cu
#define RNDIS_OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES 0xFC01020Du
#define RNDIS_OID_OFFLOAD_ENCAPSULATION 0x0101010Au

/* bits of GEN_CURRENT_PACKET_FILTER */
#define RNDIS_FILTER_DIRECTED 0x01u
#define RNDIS_FILTER_MULTICAST 0x02u
#define RNDIS_FILTER_ALL_MULTICAST 0x04u
#define RNDIS_FILTER_BROADCAST 0x08u
#define RNDIS_FILTER_PROMISCUOUS 0x20u

struct rndis_header {
	__u32 type; /* enum rndis_type, maybe | RNDIS_COMPLETION */
	__u32 length; /* of the whole message, this header included */
};
_Static_assert(sizeof(struct rndis_header) == 8, "RNDIS header");

struct rndis_initialize {
	__u32 request_id;
	__u32 major, minor;
	__u32 transfer_max;
};

struct rndis_initialize_complete {
	__u32 request_id;
	__u32 status;
	__u32 major, minor;
	__u32 device_flags;
	__u32 medium;
	__u32 packets_max; /* RNDIS messages in one packet */
	__u32 transfer_max; /* bytes in one packet */
	__u32 alignment; /* of messages in one packet: a power of two, as its logarithm */
	__u32 af_list_offset, af_list_bytes;
};
_Static_assert(sizeof(struct rndis_initialize_complete) == 44, "RNDIS INITIALIZE answer");

struct rndis_halt {
	__u32 request_id;
};

struct rndis_request { /* QUERY and SET */
	__u32 request_id;
	__u32 oid;
	__u32 buffer_bytes;
	__u32 buffer_offset; /* from @request_id */
	__u32 handle;
};
_Static_assert(sizeof(struct rndis_request) == 20, "RNDIS QUERY");

struct rndis_query_complete {
	__u32 request_id;
	__u32 status;
	__u32 buffer_bytes;
	__u32 buffer_offset; /* from @request_id */
};

struct rndis_complete { /* of SET and KEEPALIVE */
	__u32 request_id;
	__u32 status;
};

struct rndis_reset_complete {
	__u32 status;
	__u32 addressing_reset;
};

struct rndis_indicate_status { /* host */
	__u32 status;
	__u32 buffer_bytes;
	__u32 buffer_offset; /* from @status */
};

/* Value of RNDIS_OID_GEN_CONFIG_PARAMETER; offsets from its start, texts are UTF-16. Source: rndis.h of Linux. */
struct rndis_config_parameter {
	__u32 name_offset, name_bytes;
	__u32 type; /* RNDIS_PARAMETER_* */
	__u32 value_offset, value_bytes;
};
#define RNDIS_PARAMETER_INTEGER 0u
#define RNDIS_PARAMETER_STRING 2u
/* Sets the MAC address: a string of 12 hexadecimal digits. */
#define RNDIS_PARAMETER_MAC "NetworkAddress"

/* A frame. */
struct rndis_packet {
	__u32 data_offset; /* from here, as the other offsets */
	__u32 data_bytes;
	__u32 oob_offset, oob_bytes, oob_count;
	__u32 ppi_offset, ppi_bytes;
	__u32 handle;
	__u32 reserved;
};
_Static_assert(sizeof(struct rndis_packet) == 36, "RNDIS PACKET");

struct rndis_message {
	struct rndis_header header;
	union {
		struct rndis_initialize initialize;
		struct rndis_initialize_complete initialize_complete;
		struct rndis_halt halt;
		struct rndis_request request;
		struct rndis_query_complete query_complete;
		struct rndis_complete complete;
		struct rndis_reset_complete reset_complete;
		struct rndis_indicate_status indicate_status;
		struct rndis_packet packet;
	};
};
_Static_assert(sizeof(struct rndis_message) == 52, "RNDIS message");

/* Per-packet information: a list of these, each with its value at @value_offset from its start. */
struct rndis_ppi {
	__u32 bytes; /* with the value; a multiple of 4 */
	__u32 type; /* RNDIS_PPI_*, maybe | RNDIS_PPI_INTERNAL */
	__u32 value_offset;
};
_Static_assert(sizeof(struct rndis_ppi) == 12, "RNDIS per-packet information");

#define RNDIS_PPI_INTERNAL 0x80000000u
#define RNDIS_PPI_CHECKSUM 0u
#define RNDIS_PPI_LSO 2u
#define RNDIS_PPI_VLAN 6u
#define RNDIS_PPI_HASH 8u /* u32 */
#define RNDIS_PPI_HASH_INFO 9u /* NDIS_HASH_*: function, and what of the frame was hashed */
#define RNDIS_PPI_PACKET_ID (1u | RNDIS_PPI_INTERNAL)

/* RNDIS_PPI_CHECKSUM from the guest */
#define RNDIS_TX_IPV4 (1u << 0)
#define RNDIS_TX_IPV6 (1u << 1)
#define RNDIS_TX_TCP_CHECKSUM (1u << 2)
#define RNDIS_TX_UDP_CHECKSUM (1u << 3)
#define RNDIS_TX_IP_CHECKSUM (1u << 4)
#define RNDIS_TX_TRANSPORT_OFFSET_SHIFT 16 /* of the TCP or UDP header in the frame */
#define RNDIS_TX_TRANSPORT_OFFSET_MASK 0x3FFu
/* RNDIS_PPI_CHECKSUM from the host */
#define RNDIS_RX_TCP_FAILED (1u << 0)
#define RNDIS_RX_UDP_FAILED (1u << 1)
#define RNDIS_RX_IP_FAILED (1u << 2)
#define RNDIS_RX_TCP_SUCCEEDED (1u << 3)
#define RNDIS_RX_UDP_SUCCEEDED (1u << 4)
#define RNDIS_RX_IP_SUCCEEDED (1u << 5)
#define RNDIS_RX_TCP_VALUE_INVALID (1u << 7) /* it is right, but its field is not filled in, as in joined frames */
#define RNDIS_RX_IP_VALUE_INVALID (1u << 8)

/* RNDIS_PPI_LSO, version 2 */
#define RNDIS_LSO_MSS_MASK 0xFFFFFu
#define RNDIS_LSO_TCP_OFFSET_SHIFT 20
#define RNDIS_LSO_TCP_OFFSET_MASK 0x3FFu
#define RNDIS_LSO_V2 (1u << 30)
#define RNDIS_LSO_IPV6 (1u << 31)

/* RNDIS_PPI_VLAN */
#define RNDIS_VLAN_PRIORITY_MASK 0x7u
#define RNDIS_VLAN_CFI (1u << 3)
#define RNDIS_VLAN_ID_SHIFT 4
#define RNDIS_VLAN_ID_MASK 0xFFFu

/* RNDIS_PPI_PACKET_ID: parts of one frame in several ranges of a transfer-pages packet (RSC). */
#define RNDIS_PACKET_ID_V1 1u
#define RNDIS_PACKET_ID_SUBALLOC (1u << 0)
#define RNDIS_PACKET_ID_FIRST (1u << 1)
#define RNDIS_PACKET_ID_LAST (1u << 2)

struct rndis_packet_id {
	__u8 version;
	__u8 flags;
	__u16 id;
};

#define RNDIS_RSC_RANGES_MAX 562u /* in one transfer-pages packet; 375 without RSC, 64 before NDIS 6 */

#endif
