// SPDX-License-Identifier: GPL-2.0
/*
 * See ram.h.
 * Invariant: machine->memory and machine->balloon are both there, or neither is.
 */
#include "ram.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "machine.h"
#include "pressure.h"

#define MIB(bytes) ((unsigned long long)(bytes) >> 20)

/* By the time that memory appears, there is a VM. */
static int set_slot(void *context, unsigned int slot, uint64_t gpa, uint64_t bytes, void *host)
{
	struct machine *machine = context;

	return vm_set_memory(machine->vm, slot, gpa, bytes, host);
}

static int create_dynamic(struct machine *machine, char *error)
{
	const struct option_memory *option = &machine->options->memory;
	const struct balloon_options options = {
		.min = option->min,
		.max = option->max,
		.buffer = option->buffer,
		.weight = option->weight,
		.version_max = option->version_max,
		.caps_off = option->caps_off,
	};
	const struct memory_slots slots = { .set = set_slot, .context = machine };

	machine->memory = memory_create(machine->mem, &slots);
	machine->balloon = machine->memory ? balloon_create(&options, machine->memory) : NULL;
	return machine->balloon ? 0 : error_set(error, "--memory: out of memory");
}

int ram_create(struct machine *machine, char *error)
{
	const struct option_memory *option = &machine->options->memory;
	uint64_t present = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);

	if (option->startup > present)
		return error_set(error, "--memory %lluM: this machine has only %lluM", MIB(option->startup), MIB(present));
	if (option->dynamic && !machine->options->hyperv)
		return error_set(error, "--memory: memory can only be dynamic with --hyperv on");
	machine->mem = option->dynamic ? guestmem_create_dynamic(option->startup, memory_window(option->max - option->startup))
				       : guestmem_create(option->startup);
	if (!machine->mem)
		return error_set(error, "--memory %lluM: %s", MIB(option->startup), strerror(errno));
	return option->dynamic ? create_dynamic(machine, error) : 0;
}

int ram_offer(struct machine *machine, char *error)
{
	int ret;

	if (!machine->balloon)
		return 0;
	ret = balloon_offer(machine->balloon, machine->vmbus);
	if (ret)
		return error_set(error, "cannot offer dynamic memory: %s", strerror(-ret));
	return machine->options->memory.automatic ? ram_set_auto(machine, error) : 0;
}

void ram_close(struct machine *machine)
{
	pressure_destroy(machine->pressure);
	balloon_destroy(machine->balloon);
}

void ram_destroy(struct machine *machine)
{
	memory_destroy(machine->memory);
	guestmem_destroy(machine->mem);
}

json_t *ram_query(struct machine *machine)
{
	const struct option_memory *option = &machine->options->memory;
	json_t *object;

	if (!machine->balloon)
		return json_pack("{s:b, s:I, s:I, s:I}", "dynamic", false, "startup", (json_int_t)option->startup, "assigned",
				 (json_int_t)option->startup, "rss", (json_int_t)guestmem_resident(machine->mem));
	object = balloon_query(machine->balloon);
	json_object_set_new(object, "dynamic", json_true());
	json_object_set_new(object, "auto", machine->pressure ? pressure_query(machine->pressure) : json_null());
	return object;
}

static int check_dynamic(const struct machine *machine, char *error)
{
	return machine->balloon ? 0 : error_set(error, "set-memory: this VM's memory is not dynamic (--memory startup=SIZE,min=SIZE,max=SIZE)");
}

int ram_set(struct machine *machine, uint64_t bytes, char *error)
{
	const struct option_memory *option = &machine->options->memory;

	if (check_dynamic(machine, error))
		return -1;
	if (balloon_set_target(machine->balloon, bytes))
		return error_set(error, "set-memory: %lluM: must be from min=%lluM to max=%lluM", MIB(bytes), MIB(option->min), MIB(option->max));
	pressure_leave(machine->pressure);
	machine->pressure = NULL;
	return 0;
}

int ram_set_auto(struct machine *machine, char *error)
{
	char why[ERROR_BYTES];

	if (check_dynamic(machine, error))
		return -1;
	if (machine->pressure)
		return 0;
	machine->pressure = pressure_create(machine->loop, machine->balloon, why);
	return machine->pressure ? 0 : error_set(error, "automatic memory: %s", why);
}
