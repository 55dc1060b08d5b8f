// SPDX-License-Identifier: GPL-2.0
/*
 * The bus thread's half of a channel: its offer, its state, opening and closing its worker.
 * Messages to the guest are the bus's business, packets the worker's.
 * Invariant: state, ring and worker change together; outside CLOSED the ring's GPADL is pinned by
 * the bus and mapped here.
 */
#include "channel_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

#define RING_CONNECTION_BASE 0x2000u /* connection ids of our doorbells: this, or relid */

struct channel *channel_create(const struct channel_host *host, const struct channel_offer *offer,
			       uint32_t relid)
{
	struct channel *channel = calloc(1, sizeof(*channel));

	if (!channel)
		return NULL;
	channel->host = *host;
	channel->offer = *offer;
	channel->name = strdup(offer->name);
	if (!channel->name)
		goto free_channel;
	channel->offer.name = channel->name;
	channel->relid = relid;
	channel->connection_id = RING_CONNECTION_BASE | relid;
	channel->target_vp = CHANMSG_TARGET_VP_NONE;
	channel->trace = (struct trace_source){
		.trace = host->trace,
		.name = channel->name,
		.relid = relid,
		.sub_channel = offer->sub_channel_index,
	};
	memcpy(channel->trace.type, &offer->type, sizeof(channel->trace.type));
	pthread_mutex_init(&channel->interrupt_lock, NULL);
	channel->used = offer->ops->used;
	if (channel->used)
		offer->ops->used(offer->context, 1);
	return channel;

free_channel:
	free(channel);
	return NULL;
}

void channel_unuse(struct channel *channel)
{
	if (channel->used)
		channel->offer.ops->used(channel->offer.context, -1);
	channel->used = false;
}

void channel_destroy(struct channel *channel)
{
	channel_unuse(channel);
	pthread_mutex_destroy(&channel->interrupt_lock);
	free(channel->name);
	free(channel);
}

/*
 * Map a ring of @pages guest pages: its header, then its data twice in a row, so that no packet
 * wraps.
 */
static void *map_ring(const struct guestmem *mem, const uint64_t *pfns, unsigned int pages,
		      unsigned int *mapped)
{
	unsigned int data = pages - 1;
	uint64_t *list = calloc(1 + 2 * data, sizeof(*list));
	void *ring;

	if (!list)
		return NULL;
	memcpy(list, pfns, pages * sizeof(*pfns));
	memcpy(list + pages, pfns + 1, data * sizeof(*pfns));
	*mapped = 1 + 2 * data;
	ring = guestmem_map(mem, list, *mapped);
	free(list);
	return ring;
}

void worker_unmap(const struct channel_rings *rings)
{
	if (rings->in)
		guestmem_unmap(rings->in, rings->in_pages);
	if (rings->out)
		guestmem_unmap(rings->out, rings->out_pages);
}

static int map_rings(const struct channel *channel, const struct channel_open *open,
		     struct channel_rings *rings)
{
	const struct guestmem *mem = channel->host.mem;
	unsigned int in = open->downstream_page, out = open->range.pages - in;

	*rings = (struct channel_rings){ .in_bytes = (in - 1) * 4096,
					 .out_bytes = (out - 1) * 4096 };
	rings->in = map_ring(mem, open->range.pfns, in, &rings->in_pages);
	if (rings->in)
		rings->out = map_ring(mem, open->range.pfns + in, out, &rings->out_pages);
	if (rings->out)
		return 0;
	worker_unmap(rings);
	return -ENOMEM;
}

static void disconnect_doorbell(struct channel *channel)
{
	if (channel->doorbell)
		synic_doorbell_remove(channel->host.synic, channel->connection_id,
				      worker_doorbell(channel->worker));
	channel->doorbell = false;
}

/* The doorbell goes first: a guest may ring as soon as it is there, and the eventfd remembers. */
static uint32_t run_worker(struct channel *channel, const char **why)
{
	if (synic_doorbell_add(channel->host.synic, channel->connection_id,
			       worker_doorbell(channel->worker))) {
		*why = "no doorbell to be had";
		return NTSTATUS_INSUFFICIENT_RESOURCES;
	}
	channel->doorbell = true;
	if (worker_start(channel->worker)) {
		*why = "no thread to be had";
		disconnect_doorbell(channel);
		return NTSTATUS_INSUFFICIENT_RESOURCES;
	}
	return NTSTATUS_SUCCESS;
}

static void prepare(struct channel *channel, const struct channel_open *open)
{
	pthread_mutex_lock(&channel->interrupt_lock);
	channel->target_vp = open->target_vp;
	channel->sint = open->sint;
	pthread_mutex_unlock(&channel->interrupt_lock);
	atomic_store(&channel->reports, 0);
	atomic_store(&channel->sub_channels, 0);
	atomic_store(&channel->silent, false);
	atomic_store(&channel->broken, NULL);
}

uint32_t channel_open(struct channel *channel, const struct channel_open *open, const char **why)
{
	struct channel_rings rings;
	uint32_t status;

	if (map_rings(channel, open, &rings)) {
		*why = "rings cannot be mapped";
		return NTSTATUS_INSUFFICIENT_RESOURCES;
	}
	prepare(channel, open);
	channel->worker = worker_create(channel, &rings, why);
	if (!channel->worker) {
		status = errno == EINVAL ? NTSTATUS_INVALID_PARAMETER
					 : NTSTATUS_INSUFFICIENT_RESOURCES;
		worker_unmap(&rings);
		return status;
	}
	status = run_worker(channel, why);
	if (status != NTSTATUS_SUCCESS) {
		worker_destroy(channel->worker);
		channel->worker = NULL;
		return status;
	}
	gpadl_pin(channel->host.gpadls, open->ring);
	channel->ring = open->ring;
	channel->ring_bytes[0] = rings.in_bytes;
	channel->ring_bytes[1] = rings.out_bytes;
	channel->open_id = open->open_id;
	channel->answer_open = true;
	channel->state = CHANNEL_OPENING;
	return NTSTATUS_SUCCESS;
}

void channel_opened(struct channel *channel)
{
	if (channel->state == CHANNEL_OPENING)
		channel->state = CHANNEL_OPEN;
}

void channel_retarget(struct channel *channel, uint32_t vp)
{
	pthread_mutex_lock(&channel->interrupt_lock);
	channel->target_vp = vp;
	pthread_mutex_unlock(&channel->interrupt_lock);
}

bool channel_pause(struct channel *channel)
{
	if (channel->state != CHANNEL_OPENING && channel->state != CHANNEL_OPEN)
		return false;
	worker_pause(channel->worker);
	return true;
}

void channel_close(struct channel *channel, bool silent)
{
	if (channel->state == CHANNEL_CLOSED)
		return;
	if (silent) {
		atomic_store(&channel->silent, true);
		channel_retarget(channel, CHANMSG_TARGET_VP_NONE);
	}
	if (channel->state == CHANNEL_CLOSING)
		return;
	channel->state = CHANNEL_CLOSING;
	disconnect_doorbell(channel);
	worker_stop(channel->worker);
}

bool channel_ended(struct channel *channel, const struct timespec *until)
{
	if (channel->state == CHANNEL_CLOSED || worker_ended(channel->worker, until))
		return true;
	log_error("%s: %llu requests are not answered and given up", channel->name, (unsigned long long)atomic_load(&channel->stats.in_flight));
	return false;
}

/*
 * The doorbell is gone before its eventfd is, and the thread before what it used. The ring stays
 * pinned: the bus unpins it, and may have to tell the guest.
 */
void channel_join(struct channel *channel)
{
	if (channel->state == CHANNEL_CLOSED)
		return;
	disconnect_doorbell(channel);
	worker_join(channel->worker);
	worker_query(channel->worker, &channel->work);
	worker_destroy(channel->worker);
	channel->worker = NULL;
	atomic_store(&channel->reports, 0);
	channel_retarget(channel, CHANMSG_TARGET_VP_NONE);
	channel->state = CHANNEL_CLOSED;
}

void channel_work(const struct channel *channel, struct channel_work *work)
{
	*work = channel->work;
	if (channel->worker)
		worker_query(channel->worker, work);
}

unsigned int channel_reports(struct channel *channel)
{
	return atomic_exchange(&channel->reports, 0);
}

const struct guestmem *channel_guestmem(const struct channel *channel)
{
	return channel->host.mem;
}

unsigned int channel_sub_index(const struct channel *channel)
{
	return channel->offer.sub_channel_index;
}

const char *channel_name(const struct channel *channel)
{
	return channel->name;
}
