/* SPDX-License-Identifier: GPL-2.0 */
/*
 * RNDIS, the host's side: frames between messages and bytes (rndis.c), control requests and what they set
 * (rndis_control.c, rndis_oid.c, rndis_rss.c). It knows neither channels nor networks: bytes in, bytes out.
 */
#ifndef HVIS_HOST_RNDIS_H
#define HVIS_HOST_RNDIS_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/ndis.h"
#include "wire/rndis.h"

/* --- Frames ------------------------------------------------------------------------------------------------------- */

#define RNDIS_HEAD_MAX 512u /* of a PACKET message: header and per-packet information, where that comes first */
#define RNDIS_ALIGNMENT_SHIFT 3u /* of messages in one packet; told in INITIALIZE_COMPLETE */
#define RNDIS_MESSAGES_MAX 8u /* in one packet; the same */
#define RNDIS_TRANSFER_MAX 0x40000u /* bytes of a packet; the same */

/* What a PACKET message of the guest says; offsets from the start of the message. */
struct rndis_frame {
	uint32_t data_offset, data_bytes;
	bool has_csum, has_lso, has_vlan;
	uint32_t csum, lso, vlan; /* values of the PPIs */
};

/**
 * rndis_parse_packet() - a PACKET message
 * @head: a copy of its first @copied bytes: all of it, or RNDIS_HEAD_MAX
 * @length: of the whole message
 *
 * Return: NULL, or the rule that is broken.
 */
const char *rndis_parse_packet(const uint8_t *head, uint32_t copied, uint32_t length, struct rndis_frame *frame);

#define RNDIS_PUT_CSUM 1u
#define RNDIS_PUT_HASH 2u /* with its info */
#define RNDIS_PUT_VLAN 4u
#define RNDIS_PUT_ID 8u
#define RNDIS_PUT_BYTES 128u /* where data begins that rndis_put_packet() stands in front of; a multiple of 8 */

/* What goes with a frame to the guest. */
struct rndis_put {
	uint32_t flags; /* RNDIS_PUT_* */
	uint32_t csum, hash, hash_info, vlan;
	uint8_t id_flags; /* RNDIS_PACKET_ID_* */
	uint32_t skip; /* bytes behind RNDIS_PUT_BYTES that are not data */
	uint32_t data_bytes;
};

/** rndis_put_packet() - write the RNDIS_PUT_BYTES in front of a frame's data. Return: bytes of the message. */
uint32_t rndis_put_packet(uint8_t *to, const struct rndis_put *put);

/* --- Control ------------------------------------------------------------------------------------------------------ */

#define RNDIS_MULTICAST_MAX 32u
#define RNDIS_ANSWER_MAX 512u
#define RNDIS_REQUEST_MAX 4096u

/* What the guest has said; what is done by it is rss.h's. */
struct rndis_rss {
	bool on;
	uint32_t hash; /* NDIS_HASH_* */
	uint16_t base; /* added to what the table says */
	uint16_t table_count;
	uint8_t table[NDIS_RSS_TABLE_MAX];
	uint8_t key[NDIS_RSS_KEY_BYTES];
};

/* What the guest has set; copied to every channel. */
struct rndis_config {
	bool running; /* between INITIALIZE and HALT */
	uint32_t filter; /* RNDIS_FILTER_*; 0: no frames to the guest */
	uint8_t mac[6];
	uint32_t multicast_count;
	uint8_t multicast[RNDIS_MULTICAST_MAX][6];
	bool rx_csum4, rx_csum6; /* the guest believes us in TCP and UDP checksums */
	bool rsc4, rsc6;
	struct rndis_rss rss;
};

enum rndis_counter {
	RNDIS_XMIT_OK, /* frames, as the guest sees them */
	RNDIS_RCV_OK,
	RNDIS_XMIT_ERROR,
	RNDIS_RCV_ERROR,
	RNDIS_RCV_NO_BUFFER,
};

/* What the guest can ask; fixed while it runs but for @link. */
struct rndis_about {
	uint8_t mac[6];
	uint32_t mtu;
	uint32_t nvsp_version;
	unsigned int channels_max;
	bool rsc; /* may be switched on */
	bool link;
	uint64_t (*counter)(void *context, enum rndis_counter which);
	void *context;
};

struct rndis_answer {
	uint32_t bytes; /* 0: none */
	uint8_t message[RNDIS_ANSWER_MAX];
};

/**
 * rndis_control() - carry out a control message
 * @message: a copy of it, @bytes long
 * @answer: to be sent to the guest
 *
 * Return: NULL, or why it was refused; there may be an answer all the same.
 */
const char *rndis_control(struct rndis_config *config, const struct rndis_about *about, const uint8_t *message,
			  uint32_t bytes, struct rndis_answer *answer);
/** rndis_indicate() - a status message: RNDIS_STATUS_MEDIA_CONNECT and the like; @value: NULL, or 4 bytes. */
void rndis_indicate(struct rndis_answer *answer, uint32_t status, const uint32_t *value);
/** rndis_reset_config() - as before INITIALIZE. */
void rndis_reset_config(struct rndis_config *config, const struct rndis_about *about);

/* A QUERY or SET inside: what came with it, and room for what goes back. */
struct rndis_exchange {
	struct rndis_config *config;
	const struct rndis_about *about;
	const uint8_t *in;
	uint32_t in_bytes;
	uint8_t *out;
	uint32_t out_room, out_bytes;
};
/** rndis_query_oid(), rndis_set_oid() - Return: RNDIS_STATUS_*. */
uint32_t rndis_query_oid(struct rndis_exchange *exchange, uint32_t oid);
uint32_t rndis_set_oid(struct rndis_exchange *exchange, uint32_t oid);
/** rndis_rss_set() - RECEIVE_SCALE_PARAMETERS. Return: RNDIS_STATUS_*. */
uint32_t rndis_rss_set(struct rndis_rss *rss, const uint8_t *value, uint32_t bytes, unsigned int channels_max);

/** rndis_wanted() - does the filter let a frame to @mac pass? */
bool rndis_wanted(const struct rndis_config *config, const uint8_t mac[6]);

#endif
