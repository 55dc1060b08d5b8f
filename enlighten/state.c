// SPDX-License-Identifier: GPL-2.0
/*
 * The transitions of state.h. Owns no state. Invariant: every change opens with its guard.
 */
#include "state.h"

static bool change(atomic_t *state, enum enlighten_state from, enum enlighten_state to)
{
	return atomic_cmpxchg(state, from, to) == from;
}

/** enlighten_state_begin() - it is to be switched on; true if it was off */
bool enlighten_state_begin(atomic_t *state)
{
	return change(state, ENLIGHTEN_OFF, ENLIGHTEN_CHANGING);
}

/** enlighten_state_end() - it is to be switched off; true if it was on or had failed */
bool enlighten_state_end(atomic_t *state)
{
	return change(state, ENLIGHTEN_ON, ENLIGHTEN_CHANGING) || change(state, ENLIGHTEN_FAILED, ENLIGHTEN_CHANGING);
}

/** enlighten_state_settle() - the change that begin() or end() allowed is done */
void enlighten_state_settle(atomic_t *state, bool on)
{
	change(state, ENLIGHTEN_CHANGING, on ? ENLIGHTEN_ON : ENLIGHTEN_OFF);
}

/** enlighten_state_fail() - the hypervisor refused; any context; true for the one who noticed first */
bool enlighten_state_fail(atomic_t *state)
{
	return change(state, ENLIGHTEN_ON, ENLIGHTEN_FAILED);
}

/** enlighten_state_name() - as it is shown in debugfs */
const char *enlighten_state_name(enum enlighten_state state)
{
	static const char *const names[] = {
		[ENLIGHTEN_OFF] = "off",
		[ENLIGHTEN_CHANGING] = "changing",
		[ENLIGHTEN_ON] = "on",
		[ENLIGHTEN_FAILED] = "failed",
	};

	return names[state];
}
