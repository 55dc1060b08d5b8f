/* SPDX-License-Identifier: GPL-2.0 */
/* The inside of hvis_util.ko: small services, one file each. What they share is the bus's (vmbus_ic.h). */
#ifndef HVIS_UTIL_INTERNAL_H
#define HVIS_UTIL_INTERNAL_H

#include "vmbus.h"
#include "vmbus_ic.h"

/* shutdown.c */
extern const struct hvis_ic_service shutdown_service;

/* heartbeat.c */
extern const struct hvis_ic_service heartbeat_service;

#endif
