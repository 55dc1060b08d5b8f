// SPDX-License-Identifier: GPL-2.0
/*
 * The receive and the send buffer: borrowed from the guest, cut in units, shared by all channels of a NIC.
 * Invariant: a unit is in the bitmap, or spare with one channel, or in one list: of a packet that is the guest's, or of a
 * chain (netvsp_spread.c); so channels need no lock for it.
 */
#include <stdlib.h>

#include "netvsp_internal.h"

#define WORD_BITS 64u

static uint32_t words(const struct netvsp_area *area)
{
	return (area->units + WORD_BITS - 1) / WORD_BITS;
}

static bool make_units(struct netvsp_area *area)
{
	area->free = calloc(words(area), sizeof(*area->free));
	area->next = calloc(area->units, sizeof(*area->next));
	area->handed = calloc(area->units, sizeof(*area->handed));
	if (!area->free || !area->next || !area->handed)
		return false;
	for (uint32_t unit = 0; unit < area->units; unit++)
		area->free[unit / WORD_BITS] |= 1ull << unit % WORD_BITS;
	return true;
}

static void free_units(struct netvsp_area *area)
{
	free(area->free);
	free(area->next);
	free(area->handed);
}

struct netvsp_area *netvsp_area_open(struct channel *channel, uint32_t handle, uint32_t unit_bytes, bool units,
				     const char **why)
{
	struct netvsp_area *area = calloc(1, sizeof(*area));

	*why = "host out of memory";
	if (!area)
		return NULL;
	area->buffer = channel_borrow(channel, handle, why);
	if (!area->buffer)
		goto free_area;
	atomic_store(&area->references, 1);
	area->unit_bytes = unit_bytes;
	area->units = area->buffer->bytes / unit_bytes;
	*why = "buffer too small";
	if (!area->units)
		goto return_buffer;
	*why = "host out of memory";
	if (!units || make_units(area))
		return area;
	free_units(area);
return_buffer:
	channel_return(area->buffer);
free_area:
	free(area);
	return NULL;
}

void netvsp_area_drop(struct netvsp_area *area)
{
	if (!area || atomic_fetch_sub(&area->references, 1) > 1)
		return;
	channel_return(area->buffer);
	free_units(area);
	free(area);
}

/* All free units of a word at once, which is one atomic operation for as many as 64 frames. */
static bool take_word(struct netvsp_channel *channel)
{
	struct netvsp_area *area = channel->recv;
	uint32_t count = words(area);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t word = (channel->search + i) % count;
		uint64_t bits;

		if (!atomic_load_explicit(&area->free[word], memory_order_relaxed))
			continue;
		for (bits = atomic_exchange(&area->free[word], 0); bits; bits &= bits - 1)
			channel->spare[channel->spare_count++] =
				word * WORD_BITS + (uint32_t)__builtin_ctzll(bits);
		channel->search = word + 1;
		return true;
	}
	return false;
}

/* Whoever gives a unit back after the flag is up sees it; one that came before is found by the second look. */
bool netvsp_area_take(struct netvsp_channel *channel, uint32_t count)
{
	bool warned = false;

	_Static_assert(NETVSP_SPARE_MAX >= 2 * WORD_BITS, "a word fits while fewer than 64 are wanted and there");
	while (channel->spare_count < count) {
		if (take_word(channel))
			continue;
		if (warned)
			return false;
		atomic_store(&channel->recv->starved, true);
		warned = true;
	}
	return true;
}

static void call_starved(struct netvsp *netvsp, struct netvsp_area *area)
{
	if (!atomic_load(&area->starved) || !atomic_exchange(&area->starved, false))
		return;
	pthread_mutex_lock(&netvsp->lock);
	netvsp_call_all(netvsp);
	pthread_mutex_unlock(&netvsp->lock);
}

/* Units of a packet are mostly neighbours, so a word is written once for many. */
void netvsp_area_give(struct netvsp *netvsp, struct netvsp_area *area, uint32_t first)
{
	uint64_t bits = 0;
	uint32_t word = 0;

	for (uint32_t unit = first; unit != NETVSP_UNIT_NONE; unit = area->next[unit]) {
		if (unit / WORD_BITS != word && bits) {
			atomic_fetch_or(&area->free[word], bits);
			bits = 0;
		}
		word = unit / WORD_BITS;
		bits |= 1ull << unit % WORD_BITS;
	}
	if (bits)
		atomic_fetch_or(&area->free[word], bits);
	call_starved(netvsp, area);
}

unsigned int netvsp_area_pieces(const struct netvsp_area *area, uint32_t offset, uint32_t bytes, struct iovec *iov,
				unsigned int count, unsigned int room)
{
	while (bytes) {
		uint32_t piece = 4096 - offset % 4096;
		uint8_t *at = channel_buffer_at(area->buffer, offset);

		if (piece > bytes)
			piece = bytes;
		if (count && (uint8_t *)iov[count - 1].iov_base + iov[count - 1].iov_len == at)
			iov[count - 1].iov_len += piece;
		else if (count < room)
			iov[count++] = (struct iovec){ at, piece };
		else
			return 0;
		offset += piece;
		bytes -= piece;
	}
	return count;
}
