/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The heartbeat service: is there still somebody in the guest who answers?
 */
#ifndef HVIS_HOST_HEARTBEAT_H
#define HVIS_HOST_HEARTBEAT_H

#include "ic.h"

struct heartbeat;

/** heartbeat_create() - Return: NULL with errno set. */
struct heartbeat *heartbeat_create(struct ic_version version_max);
/** heartbeat_offer() - Bus thread. Return: 0 or negative errno. */
int heartbeat_offer(struct heartbeat *heartbeat, struct vmbus *vmbus);
/**
 * heartbeat_query() - as JSON. Any thread
 *
 * "state" is "ok" (an answer in the last 10 s), "lost" (there were answers), or "no-contact"; "application" what the guest says of its
 * programs, "age_ms" how old that is.
 */
json_t *heartbeat_query(struct heartbeat *heartbeat);
/** heartbeat_destroy() - after vmbus_destroy(). */
void heartbeat_destroy(struct heartbeat *heartbeat);

#endif
