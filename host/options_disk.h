/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The SPECs of --disk and --controller, and which LUN each disk gets. Only options.c and storage.c
 * include this.
 */
#ifndef HVIS_HOST_OPTIONS_DISK_H
#define HVIS_HOST_OPTIONS_DISK_H

#include "options.h"

/**
 * option_disk_parse() - parse one SPEC
 * @disk: zeroed; disk->copy is to be freed, also on failure
 * @what: on failure, what is wrong with it
 *
 * Return: 0 or -EINVAL.
 */
int option_disk_parse(struct option_disk *disk, const char *argument, char *what, size_t room);

/**
 * option_disk_settle() - which controller has a disk that names none, once the generation is known
 * Return: NULL, or what is wrong with it there.
 */
const char *option_disk_settle(struct option_disk *disk, unsigned int generation);

/**
 * option_controller_parse() - parse "N" or "N,channels=TOTAL" into @controllers[N]
 * @what: on failure, what is wrong with it
 *
 * Return: 0 or -EINVAL.
 */
int option_controller_parse(struct option_controller *controllers, const char *argument, char *what,
			    size_t room);

/**
 * option_disk_assign_luns() - give each disk without a LUN the lowest free one of its controller
 * Return: NULL, or the first disk that finds none or whose own is taken.
 */
const struct option_disk *option_disk_assign_luns(struct option_disk *disks, unsigned int count);

#endif
