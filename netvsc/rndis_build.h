/* SPDX-License-Identifier: GPL-2.0 */
/*
 * RNDIS messages for the host, and how several of them share a section: without a kernel around it, compiled in user
 * space for the unit tests.
 */
#ifndef HVIS_NETVSC_RNDIS_BUILD_H
#define HVIS_NETVSC_RNDIS_BUILD_H

#include <linux/types.h>

#include "wire/ndis.h"
#include "wire/rndis.h"

/**
 * struct netvsc_send - what goes with a frame to the host
 * @checksum: RNDIS_TX_*, or 0
 * @lso: RNDIS_LSO_*, or 0; then @checksum is not looked at
 * @vlan: RNDIS_VLAN_*, valid with @tagged
 * @tagged: it has a VLAN tag
 */
struct netvsc_send {
	u32 checksum;
	u32 lso;
	u32 vlan;
	bool tagged;
};

/* A header has room for two pieces of information of 16 bytes: 76 bytes, so that it may lie in 128 without a page border. */
#define NETVSC_HEADER_MAX 128u

u32 netvsc_header_bytes(const struct netvsc_send *send);
u32 netvsc_build_header(void *to, const struct netvsc_send *send, u32 data_bytes);
u32 netvsc_vlan_ppi(u16 tci);

/**
 * struct netvsc_limits - what the host takes in one packet
 * @bytes: in a section
 * @messages: so many
 * @alignment: each begins at a multiple of it; a power of two
 */
struct netvsc_limits {
	u32 bytes;
	u32 messages;
	u32 alignment;
};

#define NETVSC_ALIGNMENT_LOG_MAX 7u /* hosts say 3 */
#define NETVSC_MESSAGES_MAX 64u /* hosts say 8 */

bool netvsc_limits_derive(struct netvsc_limits *limits, const struct rndis_initialize_complete *complete,
			  u32 section_bytes);

/**
 * struct netvsc_batch - messages in one section
 * @messages: so many; 0: none yet
 * @used: bytes from the start of the section, without padding at the end
 * @last_at: where the last message begins
 */
struct netvsc_batch {
	u32 messages;
	u32 used;
	u32 last_at;
};

bool netvsc_batch_fits(const struct netvsc_batch *batch, const struct netvsc_limits *limits, u32 bytes);
u32 netvsc_batch_add(struct netvsc_batch *batch, const struct netvsc_limits *limits, void *section, u32 bytes);

u32 netvsc_build_rss(void *to, u32 room, const u32 *table, u32 entries, const u8 *key);

#endif
