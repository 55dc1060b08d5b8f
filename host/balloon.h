/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The dynamic memory provider: speaks the DM protocol with the guest until that has as much memory as it shall have. What the VM has, and
 * where it is, is memory.h's.
 */
#ifndef HVIS_HOST_BALLOON_H
#define HVIS_HOST_BALLOON_H

#include <jansson.h>
#include <stdint.h>

#include "memory.h"
#include "provider.h"

struct balloon;

/* Bytes, multiples of 4096; min <= startup <= max. */
struct balloon_options {
	uint64_t min, max;
	unsigned int buffer; /* percent that a guest gets beyond what it has committed */
	unsigned int weight; /* against other VMs' */
	uint32_t version_max; /* DM_VERSION_*; 0: the newest */
	uint64_t caps_off; /* set of DM_CAP_* that are not used even where the guest has them */
};

/** balloon_create() - @memory outlives it. Return: NULL: out of memory. */
struct balloon *balloon_create(const struct balloon_options *options, struct memory *memory);
/** balloon_offer() - put the device on the bus. Bus thread, as all that follows. Return: 0 or negative errno. */
int balloon_offer(struct balloon *balloon, struct vmbus *vmbus);
/**
 * balloon_set_target() - what the guest shall have
 * @bytes: from min to max; rounded down to pages
 *
 * Returns at once; balloon_query() tells how far it is. Return: 0, or -ERANGE.
 */
int balloon_set_target(struct balloon *balloon, uint64_t bytes);

/**
 * struct balloon_needs - what decides how much a guest should get; bytes
 * @assigned: what it has
 * @target: what it shall have by now
 * @demand: what it has committed, and the buffer; only if @known: the guest has said it less than 10 s ago
 */
struct balloon_needs {
	uint64_t min, max, assigned, target, demand;
	bool known;
};
void balloon_needs(struct balloon *balloon, struct balloon_needs *needs);

/** balloon_query() - all that is known, as JSON. */
json_t *balloon_query(struct balloon *balloon);
/** balloon_destroy() - after vmbus_destroy(). */
void balloon_destroy(struct balloon *balloon);

#endif
