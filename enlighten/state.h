/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The state of one enlightenment, and who may change it to what. Pure: compiled by the unit tests, too.
 *
 *	OFF --begin--> CHANGING --settle--> OFF or ON --fail--> FAILED
 *	               ^ end                             |          |
 *	               +---------------------------------+----------+
 *
 * begin, end and settle: whoever holds the lock of switch.c. fail: anybody, also with interrupts off and while the
 * kernel waits for a spinlock, so it takes no lock; it wins against nothing but ON.
 */
#ifndef HVIS_ENLIGHTEN_STATE_H
#define HVIS_ENLIGHTEN_STATE_H

#include <linux/atomic.h>
#include <linux/types.h>

/**
 * enum enlighten_state - what an enlightenment does
 * @ENLIGHTEN_OFF: the kernel is as it was
 * @ENLIGHTEN_CHANGING: its hooks are being set or taken away; what comes through them goes the kernel's own way
 * @ENLIGHTEN_ON: it makes hypercalls
 * @ENLIGHTEN_FAILED: the hypervisor refused one; its hooks are there and everything goes the kernel's own way
 */
enum enlighten_state {
	ENLIGHTEN_OFF,
	ENLIGHTEN_CHANGING,
	ENLIGHTEN_ON,
	ENLIGHTEN_FAILED,
};

bool enlighten_state_begin(atomic_t *state);
bool enlighten_state_end(atomic_t *state);
void enlighten_state_settle(atomic_t *state, bool on);
bool enlighten_state_fail(atomic_t *state);
const char *enlighten_state_name(enum enlighten_state state);

#endif
