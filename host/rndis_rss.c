// SPDX-License-Identifier: GPL-2.0
/*
 * Receive-side scaling: its parameters, and the Toeplitz hash that picks a channel.
 * Source: Microsoft's "RSS hashing types" and "Verifying the RSS hash calculation", whose numbers the unit test
 * has.
 */
#include <netinet/in.h>
#include <string.h>

#include "net_offload.h"
#include "rndis.h"

static bool inside(uint32_t offset, uint32_t bytes, uint32_t room)
{
	return offset >= sizeof(struct ndis_rss_parameters) && offset <= room && bytes <= room - offset;
}

/* Return: false: it names a channel that there cannot be, or has an impossible size. */
static bool take_table(struct rndis_rss *rss, const uint8_t *from, uint32_t bytes, unsigned int channels_max)
{
	uint32_t count = bytes / 4, channel;

	if (!count || bytes % 4 || count > NDIS_RSS_TABLE_MAX || count & (count - 1))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		memcpy(&channel, from + i * 4, sizeof(channel));
		if (channel >= channels_max)
			return false;
		rss->table[i] = (uint8_t)channel;
	}
	rss->table_count = (uint16_t)count;
	return true;
}

uint32_t rndis_rss_set(struct rndis_rss *rss, const uint8_t *value, uint32_t bytes, unsigned int channels_max)
{
	struct ndis_rss_parameters parameters;
	struct rndis_rss new = *rss;

	if (bytes < sizeof(parameters))
		return RNDIS_STATUS_INVALID_LENGTH;
	memcpy(&parameters, value, sizeof(parameters));
	if (parameters.header.type != NDIS_OBJECT_RSS_PARAMETERS)
		return RNDIS_STATUS_INVALID_DATA;
	if (parameters.flags & NDIS_RSS_DISABLE) {
		rss->on = false;
		return RNDIS_STATUS_SUCCESS;
	}
	if (!(parameters.flags & NDIS_RSS_HASH_UNCHANGED))
		new.hash = parameters.hash;
	if (!(parameters.flags & NDIS_RSS_TABLE_UNCHANGED) &&
	    (!inside(parameters.table_offset, parameters.table_bytes, bytes) ||
	     !take_table(&new, value + parameters.table_offset, parameters.table_bytes, channels_max)))
		return RNDIS_STATUS_INVALID_DATA;
	if (!(parameters.flags & NDIS_RSS_KEY_UNCHANGED)) {
		if (parameters.key_bytes != sizeof(new.key) ||
		    !inside(parameters.key_offset, parameters.key_bytes, bytes))
			return RNDIS_STATUS_INVALID_DATA;
		memcpy(new.key, value + parameters.key_offset, sizeof(new.key));
	}
	if (!new.table_count || (new.hash & 0xFF) != NDIS_HASH_TOEPLITZ)
		return RNDIS_STATUS_INVALID_DATA;
	new.on = true;
	*rss = new;
	return RNDIS_STATUS_SUCCESS;
}

/* For every bit of the input that is set, the 32 bits of the key from there on. */
static uint32_t toeplitz(const uint8_t key[NDIS_RSS_KEY_BYTES], const uint8_t *input, uint32_t bytes)
{
	uint64_t window = 0;
	uint32_t hash = 0;

	for (unsigned int i = 0; i < 4; i++)
		window = window << 8 | key[i];
	for (uint32_t i = 0; i < bytes; i++) {
		window = window << 8 | key[i + 4];
		for (unsigned int bit = 0; bit < 8; bit++)
			if (input[i] & 0x80 >> bit)
				hash ^= (uint32_t)(window >> (8 - bit));
	}
	return hash;
}

bool rndis_rss_hash(const struct rndis_rss *rss, const uint8_t *frame, uint32_t bytes, uint32_t *hash)
{
	struct net_headers headers;
	uint8_t input[36];
	uint32_t addresses, length;
	bool ports;

	net_headers(frame, bytes, &headers);
	if (!rss->on || !headers.ip || bytes < headers.ip + (headers.v6 ? 40u : 20u))
		return false;
	ports = headers.transport && headers.protocol == IPPROTO_TCP &&
		rss->hash & (headers.v6 ? NDIS_HASH_TCP_IPV6 : NDIS_HASH_TCP_IPV4);
	if (!ports && !(rss->hash & (headers.v6 ? NDIS_HASH_IPV6 : NDIS_HASH_IPV4)))
		return false;
	addresses = headers.v6 ? 32 : 8;
	length = addresses;
	memcpy(input, frame + headers.ip + (headers.v6 ? 8 : 12), addresses);
	if (ports) {
		memcpy(input + addresses, frame + headers.transport, 4);
		length += 4;
	}
	*hash = toeplitz(rss->key, input, length);
	return true;
}
