/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Receive-side scaling at work: the hash of a received frame, and the channel that the guest wants it on. What the guest
 * says of it is rndis_rss.c's. Immutable once made, so channels share one without a lock.
 */
#ifndef HVIS_HOST_RSS_H
#define HVIS_HOST_RSS_H

#include <stdatomic.h>

#include "net_offload.h"
#include "rndis.h"

#define RSS_INPUT_MAX 36u /* two IPv6 addresses and two ports */

/* @lookup: what a value of the input's nth byte adds to the hash. */
struct rss {
	atomic_uint references;
	uint32_t types; /* NDIS_HASH_* */
	uint32_t mask;
	uint8_t table[NDIS_RSS_TABLE_MAX]; /* channels */
	uint32_t lookup[RSS_INPUT_MAX][256];
};

/** rss_create() - @parameters are on, and were accepted by rndis_rss_set(). Return: NULL: out of memory. */
struct rss *rss_create(const struct rndis_rss *parameters);
/** rss_hold() - the same, with a reference; may be NULL. Any thread. */
struct rss *rss_hold(struct rss *rss);
/** rss_drop() - one reference less; may be NULL. Any thread. */
void rss_drop(struct rss *rss);
/**
 * rss_hash() - Toeplitz hash of a frame, of what the guest wants hashed
 * @frame: a copy of its first @bytes, with its tag or without
 * @headers: what net_headers() says of it
 *
 * Return: NDIS_HASH_*: what was hashed; 0: nothing of it is to be.
 */
uint32_t rss_hash(const struct rss *rss, const uint8_t *frame, uint32_t bytes, const struct net_headers *headers,
		  uint32_t *hash);
/** rss_channel() - which channel @hash belongs to. */
static inline unsigned int rss_channel(const struct rss *rss, uint32_t hash)
{
	return rss->table[hash & rss->mask];
}

#endif
