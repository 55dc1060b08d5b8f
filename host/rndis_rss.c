// SPDX-License-Identifier: GPL-2.0
/*
 * The parameters of receive-side scaling. What is done by them is rss.c's.
 * Source: OID_GEN_RECEIVE_SCALE_PARAMETERS in Microsoft's NDIS reference.
 * Invariant: parameters that are on name channels that there can be, and nothing else.
 */
#include <string.h>

#include "rndis.h"

static bool inside(uint32_t offset, uint32_t bytes, uint32_t room)
{
	return offset >= sizeof(struct ndis_rss_parameters) && offset <= room && bytes <= room - offset;
}

/* Return: false: it names a channel that there cannot be, or has an impossible size. */
static bool take_table(struct rndis_rss *rss, const uint8_t *from, uint32_t bytes)
{
	uint32_t count = bytes / 4, channel;

	if (!count || bytes % 4 || count > NDIS_RSS_TABLE_MAX || count & (count - 1))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		memcpy(&channel, from + i * 4, sizeof(channel));
		if (channel > UINT8_MAX)
			return false;
		rss->table[i] = (uint8_t)channel;
	}
	rss->table_count = (uint16_t)count;
	return true;
}

/* Table and base may come in different messages, so it is their sum that counts. */
static bool names_channels(const struct rndis_rss *rss, unsigned int channels_max)
{
	for (uint32_t i = 0; i < rss->table_count; i++)
		if ((uint32_t)rss->table[i] + rss->base >= channels_max)
			return false;
	return rss->table_count;
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
	if (!(parameters.flags & NDIS_RSS_BASE_CPU_UNCHANGED))
		new.base = parameters.base_cpu;
	if (!(parameters.flags & NDIS_RSS_HASH_UNCHANGED))
		new.hash = parameters.hash;
	if (!(parameters.flags & NDIS_RSS_TABLE_UNCHANGED) &&
	    (!inside(parameters.table_offset, parameters.table_bytes, bytes) ||
	     !take_table(&new, value + parameters.table_offset, parameters.table_bytes)))
		return RNDIS_STATUS_INVALID_DATA;
	if (!(parameters.flags & NDIS_RSS_KEY_UNCHANGED)) {
		if (parameters.key_bytes != sizeof(new.key) ||
		    !inside(parameters.key_offset, parameters.key_bytes, bytes))
			return RNDIS_STATUS_INVALID_DATA;
		memcpy(new.key, value + parameters.key_offset, sizeof(new.key));
	}
	if (!names_channels(&new, channels_max) || (new.hash & 0xFF) != NDIS_HASH_TOEPLITZ)
		return RNDIS_STATUS_INVALID_DATA;
	new.on = true;
	*rss = new;
	return RNDIS_STATUS_SUCCESS;
}
