/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The synthetic controllers of a machine and their disks (IDE ones are legacy.h's): opened from the options, offered, plugged and
 * unplugged while the guest runs, closed. What a controller does is storvsp.h's.
 * All of it belongs to the main thread, which is the bus thread.
 */
#ifndef HVIS_HOST_STORAGE_H
#define HVIS_HOST_STORAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct machine;

/**
 * storage_open() - make the controllers and open the disks that the options name
 * @error: ERROR_BYTES; on failure one line that names the option
 *
 * What was opened is closed by storage_close(), also on failure. Return: 0 or -1.
 */
int storage_open(struct machine *machine, char *error);
/** storage_offer() - put all controllers on the bus. @error: as above. Return: 0 or -1. */
int storage_offer(struct machine *machine, char *error);
/** storage_close() - after vmbus_destroy(): close all disks, free the controllers. */
void storage_close(struct machine *machine);

/*
 * While the guest runs. @error: as above, on failure. What takes its time calls @done once when it is over,
 * in the main thread and maybe before the function returns; @why: NULL, or what went wrong.
 */
typedef void storage_done(void *context, const char *why);

/** storage_add_disk() - @spec: as of --disk. Return: where it went (new reference), or NULL. */
json_t *storage_add_disk(struct machine *machine, const char *spec, char *error);
/** storage_remove_disk() - done when the requests in flight are and it is closed. Return: 0 or -1. */
int storage_remove_disk(struct machine *machine, unsigned int controller, unsigned int lun,
			storage_done *done, void *context, char *error);
/** storage_resize_disk() - @shrink: may be smaller than it is. Return: 0 or -1. */
int storage_resize_disk(struct machine *machine, unsigned int controller, unsigned int lun,
			uint64_t bytes, bool shrink, storage_done *done, void *context,
			char *error);
/** storage_add_controller() - @spec: as of --controller. Return: what it is (new reference), or NULL. */
json_t *storage_add_controller(struct machine *machine, const char *spec, char *error);
/** storage_remove_controller() - done when its disks are closed. Return: 0 or -1. */
int storage_remove_controller(struct machine *machine, unsigned int controller, storage_done *done,
			      void *context, char *error);

#endif
