/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest pages that a GPA_DIRECT packet names, as host memory; nothing is copied but their numbers.
 */
#ifndef HVIS_HOST_GPA_DIRECT_H
#define HVIS_HOST_GPA_DIRECT_H

#include <stdint.h>
#include <sys/uio.h>

#include "guestmem.h"
#include "ring.h"

/* Guest memory in pieces; neighbours are one. */
struct gpa_pieces {
	struct iovec *iov; /* [room] */
	unsigned int count, room;
	uint64_t bytes;
};

/** gpa_pieces_add() - one more. Return: false if the array is full. */
bool gpa_pieces_add(struct gpa_pieces *pieces, void *base, uint32_t bytes);

/**
 * gpa_direct_gather() - add the ranges of a GPA_DIRECT packet to @pieces
 * @refused: NULL; becomes why the pages cannot be used
 * @why: the rule of the protocol that is broken
 *
 * Any thread. Return: 0, maybe with @refused; -EINVAL if the list itself is malformed, with @why.
 */
int gpa_direct_gather(const struct guestmem *mem, const struct packet *packet, struct gpa_pieces *pieces,
		      const char **refused, const char **why);

#endif
