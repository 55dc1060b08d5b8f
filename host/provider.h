/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A provider's device on the bus as the bus thread sees it: offered, maybe taken away and offered again by a
 * fault, and its end while the guest runs. All of it belongs to the bus thread.
 */
#ifndef HVIS_HOST_PROVIDER_H
#define HVIS_HOST_PROVIDER_H

#include "vmbus.h"

/* How something that takes its time ended. @why: NULL, or what went wrong. Bus thread. */
typedef void provider_done(void *context, const char *why);

struct provider {
	struct loop *loop; /* the bus thread's; set by the owner. NULL where it never leaves */
	struct vmbus *vmbus; /* since it was offered */
	struct channel *channel;
	unsigned int users; /* channels on the bus that may open or are open */
	provider_done *done; /* of provider_leave(); NULL: it stays */
	void *context;
	struct loop_work work;
	bool called; /* work is */
};

/** provider_offer() - put it on the bus. Return: 0 or negative errno. */
int provider_offer(struct provider *provider, struct vmbus *vmbus, const struct channel_offer *offer);
/** provider_used(), provider_moved() - what the provider's own used() and moved() call. */
void provider_used(struct provider *provider, int by);
void provider_moved(struct provider *provider, struct channel *channel);
/** provider_leave() - take it off the bus; @done is called later, when no channel uses it any more. */
void provider_leave(struct provider *provider, provider_done *done, void *context);

#endif
