// SPDX-License-Identifier: GPL-2.0
/*
 * See provider.h.
 * Invariant: done() is called only when no channel is left that could call the provider.
 */
#include "provider.h"

#include <errno.h>
#include <stddef.h>

/* Each time something has changed, until nobody uses the device any more. */
static void leave_step(struct loop_work *work)
{
	struct provider *provider = (struct provider *)((char *)work - offsetof(struct provider, work));
	struct channel *channel = provider->channel;

	provider->called = false;
	provider->channel = NULL;
	if (channel)
		vmbus_rescind(provider->vmbus, channel);
	else if (!provider->users)
		provider->done(provider->context, NULL);
}

static void leave_soon(struct provider *provider)
{
	if (!provider->done || provider->called)
		return;
	provider->called = true;
	loop_call(provider->loop, &provider->work);
}

int provider_offer(struct provider *provider, struct vmbus *vmbus, const struct channel_offer *offer)
{
	provider->vmbus = vmbus;
	provider->channel = vmbus_offer(vmbus, offer);
	return provider->channel ? 0 : -errno;
}

void provider_moved(struct provider *provider, struct channel *channel)
{
	provider->channel = channel;
	leave_soon(provider);
}

void provider_used(struct provider *provider, int by)
{
	provider->users += (unsigned int)by;
	leave_soon(provider);
}

void provider_leave(struct provider *provider, provider_done *done, void *context)
{
	provider->done = done;
	provider->context = context;
	provider->work.run = leave_step;
	leave_soon(provider);
}
