// SPDX-License-Identifier: GPL-2.0
/*
 * From the page numbers of a GPA_DIRECT packet to an iovec.
 * Invariant: the iovec holds only memory that guestmem_ptr() gave for exactly that piece.
 */
#include "gpa_direct.h"

#include <errno.h>
#include <string.h>

#define PAGE_BYTES 4096u

bool gpa_pieces_add(struct gpa_pieces *pieces, void *base, uint32_t bytes)
{
	struct iovec *last = pieces->count ? &pieces->iov[pieces->count - 1] : NULL;

	pieces->bytes += bytes;
	if (last && (uint8_t *)last->iov_base + last->iov_len == base) {
		last->iov_len += bytes;
		return true;
	}
	if (pieces->count == pieces->room)
		return false;
	pieces->iov[pieces->count++] = (struct iovec){base, bytes};
	return true;
}

/* @pfns: in the packet, maybe unaligned. Return: NULL, or why the range cannot be used. */
static const char *add_range(const struct guestmem *mem, struct gpa_pieces *pieces,
			     const struct gpa_range *range, const uint8_t *pfns)
{
	uint32_t offset = range->byte_offset, left = range->byte_count, piece;
	uint64_t pfn;
	void *host;

	for (; left; left -= piece, offset = 0, pfns += sizeof(pfn)) {
		memcpy(&pfn, pfns, sizeof(pfn));
		piece = PAGE_BYTES - offset < left ? PAGE_BYTES - offset : left;
		if (pfn > UINT64_MAX / PAGE_BYTES)
			return "page number outside memory";
		host = guestmem_ptr(mem, gpa(pfn * PAGE_BYTES + offset), piece);
		if (!host)
			return "page outside memory";
		if (!gpa_pieces_add(pieces, host, piece))
			return "more pages than the largest transfer has";
	}
	return NULL;
}

/* A range as the guest wrote it. Return: its pages, or -EINVAL, @why. */
static int next_range(const struct packet *packet, uint32_t *at, struct gpa_range *range,
		      const char **why)
{
	uint64_t pages;

	if (packet->payload - *at < sizeof(*range)) {
		*why = "more ranges than the packet holds";
		return -EINVAL;
	}
	memcpy(range, packet->data + *at, sizeof(*range));
	*at += sizeof(*range);
	if (!range->byte_count || range->byte_offset >= PAGE_BYTES) {
		*why = "range without bytes, or offset beyond its first page";
		return -EINVAL;
	}
	pages = ((uint64_t)range->byte_offset + range->byte_count + PAGE_BYTES - 1) / PAGE_BYTES;
	if ((packet->payload - *at) / sizeof(uint64_t) < pages) {
		*why = "range longer than its page numbers";
		return -EINVAL;
	}
	return (int)pages;
}

int gpa_direct_gather(const struct guestmem *mem, const struct packet *packet, struct gpa_pieces *pieces,
		      const char **refused, const char **why)
{
	uint32_t at = sizeof(struct packet_gpa_direct);
	struct packet_gpa_direct head;
	struct gpa_range range;
	int count;

	*why = "ranges missing";
	if (packet->payload < sizeof(head))
		return -EINVAL;
	memcpy(&head, packet->data, sizeof(head));
	if (!head.range_count)
		return -EINVAL;
	for (uint32_t i = 0; i < head.range_count; i++) {
		count = next_range(packet, &at, &range, why);
		if (count < 0)
			return count;
		if (!*refused)
			*refused = add_range(mem, pieces, &range, packet->data + at);
		at += (uint32_t)count * sizeof(uint64_t);
	}
	if (at == packet->payload)
		return 0;
	*why = "more page numbers than the ranges have pages";
	return -EINVAL;
}
