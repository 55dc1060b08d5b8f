// SPDX-License-Identifier: GPL-2.0
/*
 * The Toeplitz hash by tables of its key: one look-up per byte of addresses and ports. See rss.h.
 * Source: Microsoft's "RSS hashing types" and "Verifying the RSS hash calculation", whose numbers the unit test has.
 */
#include "rss.h"

#include <netinet/in.h>
#include <stdlib.h>

#define PORT_BYTES 4u

/* The 32 bits of the key from bit @at on, which is what a set bit of the input at @at adds. */
static uint32_t window(const uint8_t key[NDIS_RSS_KEY_BYTES], uint32_t at)
{
	uint64_t bits = 0;

	for (uint32_t i = 0; i < 5; i++)
		bits = bits << 8 | (at / 8 + i < NDIS_RSS_KEY_BYTES ? key[at / 8 + i] : 0);
	return (uint32_t)(bits >> (8 - at % 8));
}

static void make_lookup(struct rss *rss, const uint8_t key[NDIS_RSS_KEY_BYTES])
{
	for (uint32_t byte = 0; byte < RSS_INPUT_MAX; byte++) {
		uint32_t *lookup = rss->lookup[byte];

		lookup[0] = 0;
		for (uint32_t bit = 0; bit < 8; bit++)
			lookup[1u << bit] = window(key, byte * 8 + 7 - bit);
		for (uint32_t value = 1; value < 256; value++)
			lookup[value] = lookup[value & (value - 1)] ^ lookup[value & -value];
	}
}

struct rss *rss_create(const struct rndis_rss *parameters)
{
	struct rss *rss = malloc(sizeof(*rss));

	if (!rss)
		return NULL;
	atomic_init(&rss->references, 1);
	rss->types = parameters->hash;
	rss->mask = parameters->table_count - 1u;
	for (uint32_t i = 0; i <= rss->mask; i++)
		rss->table[i] = (uint8_t)(parameters->table[i] + parameters->base);
	make_lookup(rss, parameters->key);
	return rss;
}

struct rss *rss_hold(struct rss *rss)
{
	if (rss)
		atomic_fetch_add(&rss->references, 1);
	return rss;
}

void rss_drop(struct rss *rss)
{
	if (rss && atomic_fetch_sub(&rss->references, 1) == 1)
		free(rss);
}

static uint32_t with_ports(const struct net_headers *headers)
{
	if (!headers->transport)
		return 0;
	if (headers->protocol == IPPROTO_TCP)
		return headers->v6 ? NDIS_HASH_TCP_IPV6 : NDIS_HASH_TCP_IPV4;
	return headers->v6 ? NDIS_HASH_UDP_IPV6 : NDIS_HASH_UDP_IPV4;
}

static uint32_t hash_bytes(const uint32_t (*lookup)[256], const uint8_t *input, uint32_t bytes)
{
	uint32_t hash = 0;

	for (uint32_t i = 0; i < bytes; i++)
		hash ^= lookup[i][input[i]];
	return hash;
}

uint32_t rss_hash(const struct rss *rss, const uint8_t *frame, uint32_t bytes, const struct net_headers *headers,
		  uint32_t *hash)
{
	uint32_t ports = rss->types & with_ports(headers), addresses = headers->v6 ? 32 : 8;
	uint32_t type = ports ? ports : rss->types & (headers->v6 ? NDIS_HASH_IPV6 : NDIS_HASH_IPV4);

	if (!type || !headers->ip || bytes < headers->ip + (headers->v6 ? 40u : 20u))
		return 0;
	*hash = hash_bytes(rss->lookup, frame + headers->ip + (headers->v6 ? 8 : 12), addresses);
	if (ports)
		*hash ^= hash_bytes(rss->lookup + addresses, frame + headers->transport, PORT_BYTES);
	return type;
}
