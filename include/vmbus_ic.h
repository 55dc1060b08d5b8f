/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the bus (hvis_vmbus.ko) offers to integration services: the channel, the handshake and the answers of wire/ic.h, so that a service
 * is only what its requests mean. Life: hvis_ic_create() in probe() -> requests -> hvis_ic_destroy() in remove().
 */
#ifndef HVIS_VMBUS_IC_H
#define HVIS_VMBUS_IC_H

#include <linux/types.h>

#include "wire/ic.h"

struct hvis_ic;
struct vmbus_device;

/**
 * struct hvis_ic_request - one request of the host
 * @version: of messages, as agreed
 * @bytes: of @body, at least 1 and at most IC_MESSAGE_MAX; the service checks it against what its message needs
 * @body: a private copy; what is written here goes back with the answer
 */
struct hvis_ic_request {
	struct ic_version version;
	u32 bytes;
	void *body;
};

/**
 * struct hvis_ic_service - a kind of service; all callbacks in process context, one at a time
 * @name: for the log
 * @type: IC_* of its requests
 * @versions: of messages, the newest first
 * @version_count: of them
 * @request: a request; returns IC_STATUS_* for the answer, which is sent when it returns
 * @drained: all that was in the ring has been answered; at least one request was new. May be NULL
 */
struct hvis_ic_service {
	const char *name;
	u16 type;
	const struct ic_version *versions;
	unsigned int version_count;
	u32 (*request)(void *context, const struct hvis_ic_request *request);
	void (*drained)(void *context);
};

struct hvis_ic *hvis_ic_create(struct vmbus_device *device, const struct hvis_ic_service *service, void *context);
void hvis_ic_destroy(struct hvis_ic *ic);

#endif
