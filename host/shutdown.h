/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The shutdown service: asks the guest to power off or to reboot in an orderly way. What it does then ends the VM as any power-off or reset.
 */
#ifndef HVIS_HOST_SHUTDOWN_H
#define HVIS_HOST_SHUTDOWN_H

#include "ic.h"

struct shutdown;

struct shutdown_request {
	uint32_t flags; /* IC_SHUTDOWN_* */
	const char *reason; /* text for users; may be NULL */
	void (*done)(void *context, const char *why); /* the loop's thread; @why: NULL: the guest will, or why not */
	void *context;
};

/** shutdown_create() - @loop: the main one, which hears how requests end. Return: NULL with errno set. */
struct shutdown *shutdown_create(struct loop *loop, struct ic_version version_max);
/** shutdown_offer() - Bus thread. Return: 0 or negative errno. */
int shutdown_offer(struct shutdown *shutdown, struct vmbus *vmbus);
/**
 * shutdown_ask() - ask the guest; its answer, or that there is none in 10 s, comes to @request->done()
 *
 * Main thread. Return: NULL: it is asked; or why it cannot be.
 */
const char *shutdown_ask(struct shutdown *shutdown, const struct shutdown_request *request);
/** shutdown_query() - as JSON. Any thread. */
json_t *shutdown_query(struct shutdown *shutdown);
/** shutdown_destroy() - after vmbus_destroy(); the loop runs no more. */
void shutdown_destroy(struct shutdown *shutdown);

#endif
