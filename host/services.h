/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The integration services of a machine, as its options say, and what users ask of them while the guest runs. All of it belongs to the main
 * thread.
 */
#ifndef HVIS_HOST_SERVICES_H
#define HVIS_HOST_SERVICES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define SERVICES_OFFSET_MAX (3650ll * 86400 * 1000000000) /* ns: ten years */

struct machine;

/** services_offer() - put them on the bus, and watch this machine's clock. Return: 0, or -1 and one line in @error. */
int services_offer(struct machine *machine, char *error);
/** services_close() - the bus has gone, the loop runs no more. */
void services_close(struct machine *machine);

/** services_query() - what there is, as JSON: null for a service that is not offered. */
json_t *services_query(struct machine *machine);
/** services_heartbeat() - of the heartbeat alone. Return: NULL and @error: it is not offered. */
json_t *services_heartbeat(struct machine *machine, char *error);
/** services_set_offset() - what the guest's wall clock shall be beyond this machine's, ns. Return: 0, or -1 and one line in @error. */
int services_set_offset(struct machine *machine, int64_t offset, char *error);
/**
 * services_shutdown() - ask the guest to power off, or to reboot
 * @flags: IC_SHUTDOWN_*
 * @done: called with @context when it has answered, or not in time
 *
 * Return: 0: @done will be called; or -1 and one line in @error.
 */
int services_shutdown(struct machine *machine, uint32_t flags, const char *reason, void (*done)(void *context, const char *why),
		      void *context, char *error);

#endif
