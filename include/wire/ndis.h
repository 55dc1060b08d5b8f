/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * NDIS objects, the values of some RNDIS OIDs: receive-side scaling and offloads.
 * Source: drivers/net/hyperv/hyperv_net.h of Linux; ntddndis.h as documented by Microsoft.
 */
#ifndef HVIS_WIRE_NDIS_H
#define HVIS_WIRE_NDIS_H

#include <linux/types.h>

struct ndis_object {
	__u8 type; /* NDIS_OBJECT_* */
	__u8 revision;
	__u16 bytes; /* with this */
};

#define NDIS_OBJECT_DEFAULT 0x80u
#define NDIS_OBJECT_RSS_CAPABILITIES 0x88u
#define NDIS_OBJECT_RSS_PARAMETERS 0x89u
#define NDIS_OBJECT_OFFLOAD 0xA7u

/* RECEIVE_SCALE_CAPABILITIES */
#define NDIS_RSS_CAPABILITIES_REVISION 2u
#define NDIS_RSS_CAP_CLASSIFICATION_AT_ISR 0x02000000u
#define NDIS_RSS_CAP_CLASSIFICATION_AT_DPC 0x04000000u
#define NDIS_RSS_CAP_TCP_IPV4 0x00000100u
#define NDIS_RSS_CAP_TCP_IPV6 0x00000200u
#define NDIS_RSS_CAP_TCP_IPV6_EX 0x00000400u
#define NDIS_RSS_CAP_UDP_IPV4 0x00000800u
#define NDIS_RSS_CAP_UDP_IPV6 0x00001000u

struct ndis_rss_capabilities {
	struct ndis_object header;
	__u32 flags; /* NDIS_RSS_CAP_*; low byte: hash functions */
	__u32 interrupt_count;
	__u32 queue_count;
	__u16 table_count; /* revision 2 */
} __attribute__((packed));
_Static_assert(sizeof(struct ndis_rss_capabilities) == 18, "RSS capabilities");

/* RECEIVE_SCALE_PARAMETERS; the table (u32 per entry) and the key lie behind it. */
#define NDIS_RSS_PARAMETERS_REVISION 2u
#define NDIS_RSS_BASE_CPU_UNCHANGED 0x0001u
#define NDIS_RSS_HASH_UNCHANGED 0x0002u
#define NDIS_RSS_TABLE_UNCHANGED 0x0004u
#define NDIS_RSS_KEY_UNCHANGED 0x0008u
#define NDIS_RSS_DISABLE 0x0010u

#define NDIS_HASH_TOEPLITZ 0x00000001u
#define NDIS_HASH_IPV4 0x00000100u
#define NDIS_HASH_TCP_IPV4 0x00000200u
#define NDIS_HASH_IPV6 0x00000400u
#define NDIS_HASH_TCP_IPV6 0x00001000u
#define NDIS_HASH_UDP_IPV4 0x00004000u
#define NDIS_HASH_UDP_IPV6 0x00008000u

#define NDIS_RSS_TABLE_DEFAULT 128u
#define NDIS_RSS_TABLE_MAX 256u
#define NDIS_RSS_KEY_BYTES 40u

struct ndis_rss_parameters {
	struct ndis_object header;
	__u16 flags;
	__u16 base_cpu;
	__u32 hash; /* NDIS_HASH_* */
	__u16 table_bytes;
	__u16 padding;
	__u32 table_offset; /* from the start of this struct */
	__u16 key_bytes;
	__u16 padding2;
	__u32 key_offset;
	__u32 masks_offset, mask_count, mask_bytes;
};
_Static_assert(sizeof(struct ndis_rss_parameters) == 40, "RSS parameters");

/* TCP_OFFLOAD_HARDWARE_CAPABILITIES */
#define NDIS_OFFLOAD_REVISION_1 1u /* NDIS 6.0 */
#define NDIS_OFFLOAD_REVISION_2 2u /* 6.1 */
#define NDIS_OFFLOAD_REVISION_3 3u /* 6.30 */
#define NDIS_ENCAPSULATION_8023 0x0002u

#define NDIS_CSUM_IP4_OPTIONS 0x001u
#define NDIS_CSUM_TCP4_OPTIONS 0x004u
#define NDIS_CSUM_TCP4 0x010u
#define NDIS_CSUM_UDP4 0x040u
#define NDIS_CSUM_IP4 0x100u
#define NDIS_CSUM_IP6_EXTENSIONS 0x001u
#define NDIS_CSUM_TCP6_OPTIONS 0x004u
#define NDIS_CSUM_TCP6 0x010u
#define NDIS_CSUM_UDP6 0x040u
#define NDIS_LSO_IP6_EXTENSIONS 0x001u
#define NDIS_LSO_TCP6_OPTIONS 0x004u

struct ndis_csum_offload {
	__u32 ip4_tx_encapsulation, ip4_tx; /* NDIS_ENCAPSULATION_*, NDIS_CSUM_* */
	__u32 ip4_rx_encapsulation, ip4_rx;
	__u32 ip6_tx_encapsulation, ip6_tx;
	__u32 ip6_rx_encapsulation, ip6_rx;
};

struct ndis_lso_v2_offload {
	__u32 ip4_encapsulation, ip4_bytes_max, ip4_segments_min;
	__u32 ip6_encapsulation, ip6_bytes_max, ip6_segments_min, ip6_options;
};

struct ndis_offload {
	struct ndis_object header;
	struct ndis_csum_offload csum;
	__u32 lso_v1[4];
	__u32 ipsec_v1[7];
	struct ndis_lso_v2_offload lso_v2;
	__u32 flags;
	/* from 6.1 on */
	__u32 ipsec_v2[8];
	/* from 6.30 on */
	__u8 rsc_ip4, rsc_ip6;
	__u8 padding[2];
	__u32 encapsulated_flags, encapsulated_header_max;
};
_Static_assert(__builtin_offsetof(struct ndis_offload, lso_v2) == 80, "NDIS offload: LSO v2");
_Static_assert(__builtin_offsetof(struct ndis_offload, ipsec_v2) == 112, "NDIS offload of 6.0");
_Static_assert(__builtin_offsetof(struct ndis_offload, rsc_ip4) == 144, "NDIS offload of 6.1");
_Static_assert(sizeof(struct ndis_offload) == 156, "NDIS offload of 6.30");

/* TCP_OFFLOAD_PARAMETERS: what the guest switches on and off. */
#define NDIS_OFFLOAD_PARAMETERS_REVISION 3u
#define NDIS_OFFLOAD_PARAMETERS_BYTES_V4 22u /* up to NVSP version 4: without the members from @rsc_ip4 on */
#define NDIS_OFFLOAD_NO_CHANGE 0u
/* checksums */
#define NDIS_OFFLOAD_OFF 1u
#define NDIS_OFFLOAD_TX 2u
#define NDIS_OFFLOAD_RX 3u
#define NDIS_OFFLOAD_TX_RX 4u
/* LSO version 2, RSC */
#define NDIS_OFFLOAD_DISABLED 1u
#define NDIS_OFFLOAD_ENABLED 2u

struct ndis_offload_parameters {
	struct ndis_object header;
	__u8 ip4_csum;
	__u8 tcp4_csum, udp4_csum;
	__u8 tcp6_csum, udp6_csum;
	__u8 lso_v1;
	__u8 ipsec_v1;
	__u8 lso_v2_ip4, lso_v2_ip6;
	__u8 connection_ip4, connection_ip6;
	__u8 padding;
	__u32 flags;
	__u8 ipsec_v2, ipsec_v2_ip4;
	__u8 rsc_ip4, rsc_ip6;
	__u8 encapsulated_offload, encapsulation_types;
	__u8 padding2[2];
};
_Static_assert(sizeof(struct ndis_offload_parameters) == 28, "NDIS offload parameters");
_Static_assert(__builtin_offsetof(struct ndis_offload_parameters, rsc_ip4) == 22, "NDIS offload parameters: RSC");

#endif
