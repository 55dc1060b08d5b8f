// SPDX-License-Identifier: GPL-2.0
/*
 * The controllers of a machine and their disks. See storage.h.
 * Invariant: machine->storvsps[n] is NULL where there is no controller n.
 */
#include "storage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "machine.h"
#include "options_disk.h"

/* A controller that was taken off the bus and is still used by channels that close. */
struct storage_leave {
	struct storage_leave *next;
	struct machine *machine;
	struct storvsp *storvsp;
	storage_done *done;
	void *context;
};

/*
 * A guest wants one channel per VP for requests that end in an interrupt, and may want as many
 * again for those that it polls for.
 */
static struct storvsp *create_controller(struct machine *machine, unsigned int number,
					 unsigned int channels)
{
	struct storvsp_options options = {
		.loop = machine->loop,
		.controller = number,
		.sub_channels = (channels ? channels : 2 * machine->options->cpus) - 1,
	};

	return storvsp_create(&options);
}

/* @verb: what was asked for, "--disk" or the like, for messages. */
static int open_disk(struct machine *machine, const struct option_disk *option, const char *verb,
		     char *error)
{
	char why[ERROR_BYTES];
	struct disk *disk;
	int ret;

	disk = disk_open(&option->disk, why);
	if (!disk)
		return error_set(error, "%s %s: %s", verb, option->argument, why);
	ret = storvsp_add_disk(machine->storvsps[option->controller], option->lun, disk);
	if (!ret)
		return 0;
	disk_close(disk);
	return error_set(error, "%s %s: %s", verb, option->argument, strerror(-ret));
}

/* A controller is there if it was asked for, or a disk needs it. */
static int create_controllers(struct machine *machine, char *error)
{
	const struct options *options = machine->options;
	bool wanted[OPTIONS_CONTROLLERS_MAX] = { false };

	for (unsigned int i = 0; i < options->disk_count; i++)
		if (options->disks[i].controller != OPTIONS_CONTROLLER_IDE)
			wanted[options->disks[i].controller] = true;
	for (unsigned int i = 0; i < OPTIONS_CONTROLLERS_MAX; i++) {
		if (!wanted[i] && !options->controllers[i].given)
			continue;
		machine->storvsps[i] =
			create_controller(machine, i, options->controllers[i].channels);
		if (!machine->storvsps[i])
			return error_set(error, "--controller %u: out of memory", i);
	}
	return 0;
}

int storage_open(struct machine *machine, char *error)
{
	const struct options *options = machine->options;

	if (create_controllers(machine, error))
		return -1;
	for (unsigned int i = 0; i < options->disk_count; i++)
		if (options->disks[i].controller != OPTIONS_CONTROLLER_IDE &&
		    open_disk(machine, &options->disks[i], "--disk", error))
			return -1;
	return 0;
}

int storage_offer(struct machine *machine, char *error)
{
	for (unsigned int i = 0; i < OPTIONS_CONTROLLERS_MAX; i++) {
		int ret = machine->storvsps[i] ? storvsp_offer(machine->storvsps[i], machine->vmbus)
					       : 0;

		if (ret)
			return error_set(error, "cannot offer controller %u: %s", i, strerror(-ret));
	}
	return 0;
}

/* Nobody uses the controller any more. */
static void finish_leave(struct storage_leave *leave, const char *why)
{
	struct storage_leave **link = &leave->machine->leaving;

	while (*link != leave)
		link = &(*link)->next;
	*link = leave->next;
	storvsp_destroy(leave->storvsp);
	leave->done(leave->context, why);
	free(leave);
}

static void left(void *context, const char *why)
{
	finish_leave(context, why);
}

void storage_close(struct machine *machine)
{
	while (machine->leaving)
		finish_leave(machine->leaving, "the guest has ended");
	for (unsigned int i = 0; i < OPTIONS_CONTROLLERS_MAX; i++)
		if (machine->storvsps[i])
			storvsp_destroy(machine->storvsps[i]);
}

static struct storvsp *find_controller(const struct machine *machine, unsigned int number)
{
	return number < OPTIONS_CONTROLLERS_MAX ? machine->storvsps[number] : NULL;
}

/* The lowest free one, unless the SPEC names one. */
static int place_disk(const struct machine *machine, struct option_disk *option, char *error)
{
	const struct storvsp *storvsp = find_controller(machine, option->controller);

	if (option->controller == OPTIONS_CONTROLLER_IDE)
		return error_set(error, "disk-add %s: IDE disks are there from the start or never", option->argument);
	if (!storvsp)
		return error_set(error, "disk-add %s: there is no controller %u (controller-add makes it)", option->argument, option->controller);
	while (!option->lun_given && option->lun < STORVSP_LUNS && storvsp_disk(storvsp, option->lun))
		option->lun++;
	if (option->lun == STORVSP_LUNS)
		return error_set(error, "disk-add %s: no LUN is free on controller %u", option->argument, option->controller);
	if (storvsp_disk(storvsp, option->lun))
		return error_set(error, "disk-add %s: LUN %u is taken on controller %u", option->argument, option->lun, option->controller);
	return 0;
}

json_t *storage_add_disk(struct machine *machine, const char *spec, char *error)
{
	struct option_disk option = { .argument = spec };
	const struct disk *disk;
	json_t *result = NULL;
	char what[160];

	if (option_disk_parse(&option, spec, what, sizeof(what)))
		error_set(error, "disk-add %s: %s", spec, what);
	else if (!place_disk(machine, &option, error) &&
		 !open_disk(machine, &option, "disk-add", error)) {
		disk = storvsp_disk(machine->storvsps[option.controller], option.lun);
		result = json_pack("{s:i, s:i, s:s, s:I}", "controller", (int)option.controller,
				   "lun", (int)option.lun, "id", disk->id, "bytes",
				   (json_int_t)disk->bytes);
	}
	free(option.copy);
	return result;
}

/* What the four functions of storvsp_plug.c return, in words. */
static int refuse(char *error, const char *verb, unsigned int controller, unsigned int lun, int ret)
{
	if (ret == -ENOENT)
		return error_set(error, "%s: there is no LUN %u on controller %u", verb, lun, controller);
	if (ret == -EBUSY)
		return error_set(error, "%s: LUN %u on controller %u is being resized", verb, lun, controller);
	return error_set(error, "%s: %s", verb, strerror(-ret));
}

int storage_remove_disk(struct machine *machine, unsigned int controller, unsigned int lun,
			storage_done *done, void *context, char *error)
{
	struct storvsp *storvsp = find_controller(machine, controller);
	int ret;

	if (!storvsp)
		return error_set(error, "disk-remove: there is no controller %u", controller);
	ret = storvsp_remove_disk(storvsp, lun, done, context);
	return ret ? refuse(error, "disk-remove", controller, lun, ret) : 0;
}

static int check_resize(const struct disk *disk, uint64_t bytes, bool may_shrink, char *error)
{
	if (!bytes || bytes % disk->block_bytes || bytes > INT64_MAX)
		return error_set(error, "disk-resize: size must be a positive multiple of the %u-byte block", disk->block_bytes);
	if (bytes == disk->bytes)
		return error_set(error, "disk-resize: that is its size already");
	if (bytes < disk->bytes && !may_shrink)
		return error_set(error, "disk-resize: smaller than now, %llu bytes; shrink=true cuts its end off", (unsigned long long)disk->bytes);
	return 0;
}

int storage_resize_disk(struct machine *machine, unsigned int controller, unsigned int lun,
			uint64_t bytes, bool shrink, storage_done *done, void *context, char *error)
{
	struct storvsp *storvsp = find_controller(machine, controller);
	const struct disk *disk;
	int ret;

	if (!storvsp)
		return error_set(error, "disk-resize: there is no controller %u", controller);
	disk = storvsp_disk(storvsp, lun);
	if (!disk)
		return refuse(error, "disk-resize", controller, lun, -ENOENT);
	if (check_resize(disk, bytes, shrink, error))
		return -1;
	ret = storvsp_resize_disk(storvsp, lun, bytes, done, context);
	return ret ? refuse(error, "disk-resize", controller, lun, ret) : 0;
}

json_t *storage_add_controller(struct machine *machine, const char *spec, char *error)
{
	struct option_controller controllers[OPTIONS_CONTROLLERS_MAX] = { 0 };
	struct storvsp *storvsp;
	unsigned int number = 0;
	char what[160];
	int ret;

	if (option_controller_parse(controllers, spec, what, sizeof(what)))
		return error_set(error, "controller-add %s: %s", spec, what), NULL;
	while (!controllers[number].given)
		number++;
	if (machine->storvsps[number])
		return error_set(error, "controller-add %s: controller %u is there already", spec, number),
		       NULL;
	storvsp = create_controller(machine, number, controllers[number].channels);
	ret = storvsp ? storvsp_offer(storvsp, machine->vmbus) : -ENOMEM;
	if (ret) {
		if (storvsp)
			storvsp_destroy(storvsp);
		return error_set(error, "controller-add %s: %s", spec, strerror(-ret)), NULL;
	}
	machine->storvsps[number] = storvsp;
	return json_pack("{s:i}", "controller", (int)number);
}

int storage_remove_controller(struct machine *machine, unsigned int controller, storage_done *done,
			      void *context, char *error)
{
	struct storvsp *storvsp = find_controller(machine, controller);
	struct storage_leave *leave;

	if (!storvsp)
		return error_set(error, "controller-remove: there is no controller %u", controller);
	leave = calloc(1, sizeof(*leave));
	if (!leave)
		return error_set(error, "controller-remove: out of memory");
	*leave = (struct storage_leave){ machine->leaving, machine, storvsp, done, context };
	machine->leaving = leave;
	machine->storvsps[controller] = NULL;
	storvsp_leave(storvsp, left, leave);
	return 0;
}
