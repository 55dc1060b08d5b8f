// SPDX-License-Identifier: GPL-2.0
/*
 * Packets that are lied about: bytes anywhere in them, and in what they point at. See fault_image.h.
 */
#include "fault_image.h"

#include <stdlib.h>
#include <string.h>

#define RANGE_BYTES ((uint32_t)sizeof(struct packet_xfer_range))
#define HEAD_BYTES  ((uint32_t)(sizeof(struct packet_xfer_pages) - sizeof(struct packet_desc))) /* in front of the ranges */
#define GROWTH	    (HEAD_BYTES + FAULT_RANGES_MAX * RANGE_BYTES)

struct fault_image *fault_image_make(enum fault_direction direction, const struct packet *packet,
				     const struct iovec *pointed)
{
	struct fault_image *image = malloc(sizeof(*image) + packet->bytes + GROWTH);

	if (!image)
		return NULL;
	image->direction = direction;
	image->desc = packet->desc;
	image->pointed = *pointed;
	image->bytes = packet->bytes;
	image->ranges = direction == FAULT_FROM_GUEST ? sizeof(image->desc) : 0;
	image->payload = packet->payload;
	if (packet->bytes)
		memcpy(image->data, packet->data, packet->bytes);
	return image;
}

struct fault_image *fault_image_copy(const struct fault_image *image)
{
	struct fault_image *copy = malloc(sizeof(*image) + image->bytes + GROWTH);

	if (copy)
		memcpy(copy, image, sizeof(*image) + image->bytes);
	return copy;
}

/* The list of a transfer-pages packet gets @wanted ranges: its first ones, or its last one again and again. */
static void set_ranges(struct fault_image *image, uint32_t wanted)
{
	uint32_t count = image->payload < HEAD_BYTES ? 0 : (image->payload - HEAD_BYTES) / RANGE_BYTES;
	uint32_t payload = HEAD_BYTES + wanted * RANGE_BYTES;
	uint8_t *list = image->data + HEAD_BYTES;

	if (image->desc.type != PACKET_XFER_PAGES || image->direction != FAULT_TO_GUEST || !count)
		return;
	memmove(image->data + payload, image->data + image->payload, image->bytes - image->payload);
	for (uint32_t i = count; i < wanted; i++)
		memcpy(list + i * RANGE_BYTES, list + (count - 1) * RANGE_BYTES, RANGE_BYTES);
	memcpy(list - sizeof(wanted), &wanted, sizeof(wanted));
	image->bytes += payload - image->payload;
	image->payload = payload;
	image->desc.offset8 = (uint16_t)((sizeof(image->desc) + payload) / 8);
}

static void corrupt_payload(struct fault_image *image, struct fault_action *action)
{
	struct packet_desc desc = image->desc;

	fault_corrupt(action, &desc, image->data + image->payload, image->bytes - image->payload);
	if (image->direction == FAULT_FROM_GUEST) {
		desc.len8 = image->desc.len8;
		desc.offset8 = image->desc.offset8;
	}
	image->desc = desc;
}

void fault_image_corrupt(struct fault_image *image, struct fault_action *action)
{
	if (fault_has(action, FAULT_KEY_RANGES)) {
		set_ranges(image, (uint32_t)action->value[FAULT_KEY_RANGES]);
		return;
	}
	switch ((enum fault_place)action->value[FAULT_KEY_AT]) {
	case FAULT_AT_PAYLOAD:
		corrupt_payload(image, action);
		break;
	case FAULT_AT_RANGES:
		fault_corrupt(action, NULL, image->data + image->ranges, image->payload - image->ranges);
		break;
	case FAULT_AT_POINTED:
		fault_corrupt(action, NULL, image->pointed.iov_base, (uint32_t)image->pointed.iov_len);
		break;
	}
}
