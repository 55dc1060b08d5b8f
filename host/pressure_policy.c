// SPDX-License-Identifier: GPL-2.0
/* See pressure_policy.h. */
#include "pressure_policy.h"

static uint64_t clamp(uint64_t value, uint64_t min, uint64_t max)
{
	return value < min ? min : value > max ? max : value;
}

static uint64_t shrunk(const struct pressure_view *view, uint64_t needed)
{
	uint64_t excess, part;

	if (view->assigned <= needed)
		return view->target;
	excess = view->assigned - needed;
	part = excess / 4 > PRESSURE_STEP ? excess / 4 : PRESSURE_STEP;
	return view->assigned - (part < excess ? part : excess);
}

static uint64_t grown(const struct pressure_view *view, uint64_t needed)
{
	uint64_t room = view->room > PRESSURE_RESERVE ? (view->room - PRESSURE_RESERVE) / 2 : 0;
	uint64_t missing = needed - view->assigned;

	if (missing > room)
		missing = room;
	if (missing < PRESSURE_STEP && missing < needed - view->assigned)
		return view->target;
	return view->assigned + missing;
}

uint64_t pressure_target(const struct pressure_view *view)
{
	uint64_t needed = clamp(view->demand, view->min, view->max), target = view->target;

	if (!view->known)
		return target;
	if (view->pressed)
		target = shrunk(view, needed);
	else if (view->calm >= PRESSURE_CALM && needed > view->assigned)
		target = grown(view, needed);
	return clamp(target, view->min, view->max);
}
