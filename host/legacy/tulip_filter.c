// SPDX-License-Identifier: GPL-2.0
/*
 * Which frames a 21140A takes by their address: what a setup frame says. See tulip_internal.h.
 * Invariant: without a setup frame nothing matches.
 */
#include <string.h>

#include "legacy/tulip_internal.h"

uint32_t tulip_crc(const uint8_t *bytes, unsigned int count)
{
	uint32_t crc = ~0u;

	for (unsigned int i = 0; i < count; i++) {
		crc ^= bytes[i];
		for (unsigned int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return crc;
}

unsigned int tulip_filter_bit(const uint8_t *address)
{
	return tulip_crc(address, 6) % DEC_SETUP_HASH_BITS;
}

static uint32_t mode_of(uint32_t control)
{
	bool inverse = control & DEC_TX_INVERSE, hash = control & DEC_TX_HASH;

	if (inverse && hash)
		return DEC_MODE_HASH | DEC_MODE_HASH_ONLY;
	return hash ? DEC_MODE_HASH : inverse ? DEC_MODE_INVERSE : 0;
}

void tulip_filter_set(struct tulip_filter *filter, const uint8_t *setup, uint32_t control)
{
	filter->mode = mode_of(control);
	filter->valid = true;
	for (unsigned int i = 0; i < DEC_SETUP_ADDRESSES; i++)
		for (unsigned int byte = 0; byte < 6; byte++)
			filter->addresses[i][byte] = setup[12 * i + byte / 2 * 4 + byte % 2];
	for (unsigned int i = 0; i < DEC_SETUP_HASH_BITS / 16; i++)
		filter->hash[i] = (uint16_t)(setup[4 * i] | setup[4 * i + 1] << 8);
}

static bool is_listed(const struct tulip_filter *filter, const uint8_t *address)
{
	for (unsigned int i = 0; i < DEC_SETUP_ADDRESSES; i++)
		if (!memcmp(filter->addresses[i], address, 6))
			return true;
	return false;
}

static bool is_hashed(const struct tulip_filter *filter, const uint8_t *address)
{
	unsigned int bit = tulip_filter_bit(address);

	return filter->hash[bit / 16] >> bit % 16 & 1;
}

bool tulip_filter_match(const struct tulip_filter *filter, const uint8_t *address)
{
	bool group = address[0] & 1;

	if (!filter->valid)
		return false;
	if (!(filter->mode & DEC_MODE_HASH))
		return is_listed(filter, address) == !(filter->mode & DEC_MODE_INVERSE);
	if (group || filter->mode & DEC_MODE_HASH_ONLY)
		return is_hashed(filter, address);
	return !memcmp(filter->addresses[DEC_SETUP_HASH_ADDRESS], address, 6);
}
