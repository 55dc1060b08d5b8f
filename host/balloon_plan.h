/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What to ask of a guest next, so that it gets as much memory as it shall have. Pure: no state, no clock. All in pages of 4 KiB.
 */
#ifndef HVIS_HOST_BALLOON_PLAN_H
#define HVIS_HOST_BALLOON_PLAN_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What one request asks for at most. Balloon: no more than Windows' own host asks for, so that no guest finds it too much.
 * Unballoon: a guest may free the pages of a message in its interrupt handler, which must not take long.
 */
#define BALLOON_TAKE_MAX 262144u /* 1 GiB */
#define BALLOON_GIVE_MESSAGE_MAX 65536u /* 256 MiB */
#define BALLOON_ADD_MAX 524288u /* 2 GiB */
#define BALLOON_REMOVE_MAX 524288u

enum balloon_act {
	BALLOON_ACT_NONE, /* there, or nothing more can be done */
	BALLOON_ACT_TAKE,
	BALLOON_ACT_GIVE,
	BALLOON_ACT_ADD,
	BALLOON_ACT_REMOVE,
	BALLOON_ACTS,
};

/**
 * struct balloon_view - where a VM stands
 * @target: what it shall have
 * @assigned: what it has; @ballooned of its memory are taken, @added (ballooned ones included) were hot-added
 * @room: in blocks that could be hot-added; a block has @block pages
 * @floor: the guest's own: it is not asked for pages below
 * @may: set of 1 << enum balloon_act that the guest can do, and has not said that it cannot do more of
 */
struct balloon_view {
	uint64_t target, assigned, ballooned, added, room, block, floor;
	uint32_t may;
};

struct balloon_step {
	enum balloon_act act;
	uint64_t pages;
};

/**
 * balloon_plan() - the next step
 *
 * Growing, what was ballooned comes back before memory is added; shrinking, added memory is removed in whole blocks before any is ballooned.
 * Added memory comes in whole blocks, too: where that is more than wanted, a later step balloons the rest. So every step brings the VM
 * nearer to its target, or past it by less than a block once.
 */
struct balloon_step balloon_plan(const struct balloon_view *view);
/** balloon_plan_why() - why there is no next step; @able: as @may, but what the guest could do at first. NULL: the target is reached. */
const char *balloon_plan_why(const struct balloon_view *view, uint32_t able);

#endif
