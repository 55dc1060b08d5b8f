// SPDX-License-Identifier: GPL-2.0
/* See balloon_plan.h. */
#include "balloon_plan.h"

#include <stddef.h>

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static bool may(const struct balloon_view *view, enum balloon_act act)
{
	return view->may >> act & 1;
}

static struct balloon_step step(enum balloon_act act, uint64_t pages)
{
	return (struct balloon_step){ pages ? act : BALLOON_ACT_NONE, pages };
}

/* Past the target only where the rest can be ballooned. */
static uint64_t blocks_for(const struct balloon_view *view, uint64_t pages)
{
	uint64_t whole = pages / view->block * view->block;

	if (whole < pages && may(view, BALLOON_ACT_TAKE))
		whole += view->block;
	whole = least(whole, least(view->room, BALLOON_ADD_MAX > view->block ? BALLOON_ADD_MAX : view->block));
	return whole / view->block * view->block;
}

static struct balloon_step grow(const struct balloon_view *view, uint64_t pages)
{
	if (view->ballooned && may(view, BALLOON_ACT_GIVE))
		return step(BALLOON_ACT_GIVE, least(pages, view->ballooned));
	if (may(view, BALLOON_ACT_ADD))
		return step(BALLOON_ACT_ADD, blocks_for(view, pages));
	return step(BALLOON_ACT_NONE, 0);
}

static struct balloon_step shrink(const struct balloon_view *view, uint64_t pages)
{
	uint64_t whole = least(least(pages, view->added), BALLOON_REMOVE_MAX > view->block ? BALLOON_REMOVE_MAX : view->block);

	whole = whole / view->block * view->block;
	if (whole && may(view, BALLOON_ACT_REMOVE))
		return step(BALLOON_ACT_REMOVE, whole);
	if (may(view, BALLOON_ACT_TAKE))
		return step(BALLOON_ACT_TAKE, least(pages, BALLOON_TAKE_MAX));
	return step(BALLOON_ACT_NONE, 0);
}

struct balloon_step balloon_plan(const struct balloon_view *view)
{
	uint64_t target = view->target > view->floor ? view->target : view->floor;

	if (view->target > view->assigned)
		return grow(view, view->target - view->assigned);
	if (target < view->assigned)
		return shrink(view, view->assigned - target);
	return step(BALLOON_ACT_NONE, 0);
}

const char *balloon_plan_why(const struct balloon_view *view, uint32_t able)
{
	const struct balloon_view all = { .may = able };

	if (view->target == view->assigned)
		return NULL;
	if (view->target < view->assigned) {
		if (!may(&all, BALLOON_ACT_TAKE))
			return "the guest gives no pages";
		return view->assigned <= view->floor ? "the guest's own floor is reached" : "the guest can spare no more";
	}
	if (!may(&all, BALLOON_ACT_ADD))
		return "the guest takes no more memory than it started with";
	if (!may(view, BALLOON_ACT_ADD))
		return "the guest refused more memory";
	return view->room < view->block ? "there is no room for another block of memory" : "memory is only added in whole blocks";
}
