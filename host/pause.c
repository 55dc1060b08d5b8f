// SPDX-License-Identifier: GPL-2.0
/*
 * See pause.h. Reference time, TSC and PM timer stand still, as on Hyper-V: a guest that was paused for an hour has no timers that are an
 * hour late and no watchdog that bites; its wall clock is set by the time service.
 * Order: VPs stop first, so that nobody reads a clock behind our reading of it; they go on last.
 * Invariant: where KVM does not let us stop the clocks, none of them stops.
 */
#include "pause.h"

#include <stdio.h>
#include <string.h>

#include "error.h"
#include "log.h"
#include "machine.h"

int pause_machine(struct machine *machine, char *error)
{
	int ret;

	if (machine->paused)
		return error_set(error, "the VM is paused already");
	machine->paused = true;
	vcpus_pause(machine->vcpus);
	ret = clock_stop(&machine->clock);
	if (ret)
		log_warn("the guest's clocks go on while it is paused: %s", strerror(-ret));
	vmbus_pause(machine->vmbus, true);
	return 0;
}

int pause_end(struct machine *machine, char *error)
{
	if (!machine->paused)
		return error_set(error, "the VM is not paused");
	machine->paused = false;
	pm_skip(machine->pm, clock_start(&machine->clock));
	vmbus_pause(machine->vmbus, false);
	vcpus_resume(machine->vcpus);
	return 0;
}

bool pause_clock_stands(const struct machine *machine)
{
	return machine->clock.stopped;
}
