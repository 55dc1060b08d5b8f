// SPDX-License-Identifier: GPL-2.0
/*
 * The controllers of a machine and their disks. See storage.h.
 * Invariant: machine->storvsps[n] is NULL where there is no controller n.
 */
#include "storage.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "machine.h"

#define ERROR_BYTES 256

__attribute__((format(printf, 2, 3))) static int fail(char *error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error, STORAGE_ERROR_BYTES, format, arguments);
	va_end(arguments);
	return -1;
}

/*
 * A guest wants one channel per VP for requests that end in an interrupt, and may want as many
 * again for those that it polls for.
 */
static unsigned int sub_channels(const struct options *options, unsigned int controller)
{
	unsigned int channels = options->controllers[controller].channels;

	return (channels ? channels : 2 * options->cpus) - 1;
}

static int create_controller(struct machine *machine, unsigned int number)
{
	struct storvsp_options options = {
		.loop = machine->loop,
		.controller = number,
		.sub_channels = sub_channels(machine->options, number),
	};

	if (!machine->storvsps[number])
		machine->storvsps[number] = storvsp_create(&options);
	return machine->storvsps[number] ? 0 : -1;
}

static int open_disk(struct machine *machine, const struct option_disk *option, char *error)
{
	char why[ERROR_BYTES];
	struct disk *disk;
	int ret;

	if (create_controller(machine, option->controller))
		return fail(error, "--disk %s: out of memory", option->argument);
	disk = option->disk.path ? disk_raw_open(&option->disk, why)
				 : disk_null_open(&option->disk, why);
	if (!disk)
		return fail(error, "--disk %s: %s", option->argument, why);
	ret = storvsp_add_disk(machine->storvsps[option->controller], option->lun, disk);
	if (!ret)
		return 0;
	disk_close(disk);
	return fail(error, "--disk %s: %s", option->argument, strerror(-ret));
}

int storage_open(struct machine *machine, char *error)
{
	const struct options *options = machine->options;

	for (unsigned int i = 0; i < OPTIONS_CONTROLLERS_MAX; i++)
		if (options->controllers[i].given && create_controller(machine, i))
			return fail(error, "--controller %u: out of memory", i);
	for (unsigned int i = 0; i < options->disk_count; i++)
		if (open_disk(machine, &options->disks[i], error))
			return -1;
	return 0;
}

int storage_offer(struct machine *machine, char *error)
{
	for (unsigned int i = 0; i < OPTIONS_CONTROLLERS_MAX; i++) {
		int ret = machine->storvsps[i] ? storvsp_offer(machine->storvsps[i], machine->vmbus)
					       : 0;

		if (ret)
			return fail(error, "cannot offer controller %u: %s", i, strerror(-ret));
	}
	return 0;
}

void storage_close(struct machine *machine)
{
	for (unsigned int i = 0; i < OPTIONS_CONTROLLERS_MAX; i++)
		if (machine->storvsps[i])
			storvsp_destroy(machine->storvsps[i]);
}
