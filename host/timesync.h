/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The time synchronisation service: tells the guest this machine's wall clock, shifted by an offset that may be set.
 */
#ifndef HVIS_HOST_TIMESYNC_H
#define HVIS_HOST_TIMESYNC_H

#include "clock.h"
#include "ic.h"

struct timesync;

/** timesync_create() - @clock outlives it. Return: NULL with errno set. */
struct timesync *timesync_create(const struct clock *clock, struct ic_version version_max);
/** timesync_offer() - Bus thread. Return: 0 or negative errno. */
int timesync_offer(struct timesync *timesync, struct vmbus *vmbus);
/** timesync_sync() - have the guest set its clock now: this machine's was set, or the offset is another. Any thread. */
void timesync_sync(struct timesync *timesync);
/** timesync_set_offset() - what the guest is told beyond this machine's wall clock, in ns; it is told at once. Any thread. */
void timesync_set_offset(struct timesync *timesync, int64_t offset);
/** timesync_query() - as JSON. Any thread. */
json_t *timesync_query(struct timesync *timesync);
/** timesync_destroy() - after vmbus_destroy(). */
void timesync_destroy(struct timesync *timesync);

#endif
