/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The whole VM stands still: its VPs are out of the guest, its channels are not served, its clocks do not go on. Main thread.
 */
#ifndef HVIS_HOST_PAUSE_H
#define HVIS_HOST_PAUSE_H

#include <stdbool.h>

struct machine;

/** pause_machine() - returns when it stands still. Return: 0, or -1 and one line in @error (ERROR_BYTES). */
int pause_machine(struct machine *machine, char *error);
/** pause_end() - it goes on. As pause_machine(). */
int pause_end(struct machine *machine, char *error);
/** pause_clock_stands() - whether the clocks of a paused VM stand still, too. */
bool pause_clock_stands(const struct machine *machine);

#endif
