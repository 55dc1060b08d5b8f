/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A packet on its way through a ring, copied, with room to lie in.
 * Invariant: the host's own memory is never written outside of the image, and the guest's only where the packet points.
 */
#ifndef HVIS_HOST_FAULT_IMAGE_H
#define HVIS_HOST_FAULT_IMAGE_H

#include <sys/uio.h>

#include "fault.h"
#include "ring.h"

struct fault_image {
	enum fault_direction direction;
	struct packet_desc desc;
	struct iovec pointed; /* guest memory that it points at; only while it is decided about */
	uint32_t bytes; /* of data */
	uint32_t ranges, payload; /* where they begin in data */
	uint8_t data[] __attribute__((aligned(8)));
};

/**
 * fault_image_make() - copy @packet; free() it
 * @packet: of the guest as ring_read() gave it, or to the guest, whose data begins behind the descriptor
 */
struct fault_image *fault_image_make(enum fault_direction direction, const struct packet *packet,
				     const struct iovec *pointed);
/** fault_image_copy() - another one; free() it. NULL: no memory. */
struct fault_image *fault_image_copy(const struct fault_image *image);
/** fault_image_corrupt() - as @action says; the lengths in a packet that the host is to read stay true. */
void fault_image_corrupt(struct fault_image *image, struct fault_action *action);

#endif
