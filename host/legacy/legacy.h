/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The devices of a Generation 1 VM that a machine was asked for: a PCI bus with an IDE controller and network adapters. Without such
 * a disk or NIC there is none of it, and the guest sees nothing of this. Main thread, but for what the devices do themselves.
 */
#ifndef HVIS_HOST_LEGACY_LEGACY_H
#define HVIS_HOST_LEGACY_LEGACY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct machine;

/**
 * legacy_open() - make the devices, open the disks and networks that the options name; machine->legacy stays NULL where there are none
 * @error: ERROR_BYTES; on failure one line that names the option
 *
 * What was made is undone by legacy_close(), also on failure. Return: 0 or -1.
 */
int legacy_open(struct machine *machine, char *error);
void legacy_close(struct machine *machine);

/**
 * legacy_attach() - claim ports and start workers
 * @error: as above
 *
 * Undo with legacy_stop(), also on failure. Return: 0 or -1.
 */
int legacy_attach(struct machine *machine, char *error);
/** legacy_stop() - after the VPs, before the VM goes. */
void legacy_stop(struct machine *machine);

/** legacy_ssdt() - the ACPI table that tells of the devices; NULL: there are none. */
const uint8_t *legacy_ssdt(const struct machine *machine);

/** legacy_query() - the IDE controller's disks and counters (new reference); NULL: there is none. */
json_t *legacy_query(const struct machine *machine);
/** legacy_query_nic() - what adapter NIC @number is and has counted (new reference); NULL: it is none of these. */
json_t *legacy_query_nic(const struct machine *machine, unsigned int number);
/** legacy_set_link() - plug the cable of NIC @number in or out. Return: false: it is none of these. */
bool legacy_set_link(const struct machine *machine, unsigned int number, bool up);

#endif
