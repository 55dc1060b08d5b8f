/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How much memory a VM shall have by this machine's pressure alone. Pure: no state, no clock. Bytes.
 */
#ifndef HVIS_HOST_PRESSURE_POLICY_H
#define HVIS_HOST_PRESSURE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#define PRESSURE_STEP (32ull << 20) /* less than that is not worth a request, unless it is all that is missing */
#define PRESSURE_CALM 5u /* seconds without pressure, until a VM may grow */
#define PRESSURE_RESERVE (256ull << 20) /* is left to this machine */

/**
 * struct pressure_view - one moment
 * @demand: what the guest needs, with its buffer; only if @known
 * @room: what this machine could still give
 * @pressed: tasks of this machine wait for memory
 * @calm: seconds since the last time they did
 */
struct pressure_view {
	uint64_t min, max, assigned, target, demand, room;
	bool known, pressed;
	unsigned int calm;
};

/**
 * pressure_target() - the target from now on; view->target: as it is
 *
 * Pressed, a VM shrinks to what it needs, by a quarter of the rest at a time so that what it needs can be learned meanwhile. Calm, it gets what
 * it needs, as far as half of what this machine has left. It never loses memory where nobody waits for any.
 */
uint64_t pressure_target(const struct pressure_view *view);

#endif
