/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The RAM of a machine, as its options say: memory that stays as it is, or the ledger and the device of dynamic memory, and what users ask of
 * them while the guest runs. All of it belongs to the main thread.
 */
#ifndef HVIS_HOST_RAM_H
#define HVIS_HOST_RAM_H

#include <jansson.h>
#include <stdint.h>

struct machine;

/** ram_create() - the memory itself, before anything is loaded. Return: 0, or -1 and one line in @error (ERROR_BYTES). */
int ram_create(struct machine *machine, char *error);
/** ram_offer() - the device, if memory is dynamic. As ram_create(); the machine has its VM and its bus. */
int ram_offer(struct machine *machine, char *error);
/** ram_close() - the device and what decides for it; the bus has gone. */
void ram_close(struct machine *machine);
/** ram_destroy() - the memory; nobody uses it any more. */
void ram_destroy(struct machine *machine);

/** ram_query() - what there is, as JSON. */
json_t *ram_query(struct machine *machine);
/** ram_set() - how much the guest shall have from now on; as ram_create(). */
int ram_set(struct machine *machine, uint64_t bytes, char *error);
/** ram_set_auto() - this machine's pressure shall decide from now on; as ram_create(). */
int ram_set_auto(struct machine *machine, char *error);

#endif
