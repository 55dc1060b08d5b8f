/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The controllers of a machine and their disks: opened from the options, offered, closed. What a
 * controller does is storvsp.h's.
 * All of it belongs to the main thread, which is the bus thread.
 */
#ifndef HVIS_HOST_STORAGE_H
#define HVIS_HOST_STORAGE_H

#define STORAGE_ERROR_BYTES 512

struct machine;

/**
 * storage_open() - make the controllers and open the disks that the options name
 * @error: STORAGE_ERROR_BYTES; on failure one line that names the option
 *
 * What was opened is closed by storage_close(), also on failure. Return: 0 or -1.
 */
int storage_open(struct machine *machine, char *error);
/** storage_offer() - put all controllers on the bus. @error: as above. Return: 0 or -1. */
int storage_offer(struct machine *machine, char *error);
/** storage_close() - after vmbus_destroy(): close all disks, free the controllers. */
void storage_close(struct machine *machine);

#endif
