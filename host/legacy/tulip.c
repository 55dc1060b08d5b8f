// SPDX-License-Identifier: GPL-2.0
/*
 * A 21140A from creation to the end: its worker, its place on a network. See tulip.h.
 * Invariant: between tulip_start() and tulip_stop() there are a worker, timers and a queue of the network, and only the worker's
 * thread uses that queue.
 */
#include "legacy/tulip.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "legacy/tulip_internal.h"

void tulip_kick(struct tulip *tulip)
{
	if (!atomic_exchange(&tulip->scheduled, true))
		loop_call(device_worker_loop(tulip->worker), &tulip->work);
}

/* One turn. What is asked for from now on is seen by it or makes another one. */
static void work(struct loop_work *item)
{
	struct tulip *tulip = (struct tulip *)((char *)item - offsetof(struct tulip, work));
	bool more;

	atomic_store(&tulip->scheduled, false);
	if (!tulip->queue)
		return;
	more = tulip_transmit(tulip);
	more |= tulip_receive(tulip);
	if (more)
		tulip_kick(tulip);
}

static void ready(void *context)
{
	struct tulip *tulip = context;

	tulip->rx_ready = true;
	tulip_kick(tulip);
}

static void one_ended(void *context)
{
	struct tulip *tulip = context;

	if (!--tulip->ending)
		loop_stop(device_worker_loop(tulip->worker));
}

/* In the worker's thread: let go of all that its loop waits for. */
static void close_all(struct loop_work *item)
{
	struct tulip *tulip = (struct tulip *)((char *)item - offsetof(struct tulip, closing));
	struct net_queue *queue = tulip->queue;

	tulip->queue = NULL;
	tulip->ending = 1 + !!queue + !!tulip->timers;
	if (queue)
		tulip->net->ops->close(queue, one_ended, tulip);
	if (tulip->timers)
		tulip_timers_end(tulip->timers, one_ended, tulip);
	one_ended(tulip);
}

struct tulip *tulip_create(const struct tulip_config *config)
{
	struct tulip *tulip = calloc(1, sizeof(*tulip));

	if (!tulip)
		return NULL;
	tulip->mem = config->mem;
	tulip->net = config->net;
	tulip->number = config->number;
	memcpy(tulip->mac, config->mac, sizeof(tulip->mac));
	tulip->interrupt = config->interrupt;
	tulip->context = config->context;
	tulip->work.run = work;
	tulip->closing.run = close_all;
	atomic_store(&tulip->link, !config->link_down);
	pthread_mutex_init(&tulip->turn, NULL);
	pthread_mutex_init(&tulip->lock, NULL);
	tulip_rom_fill(&tulip->rom, tulip->mac);
	tulip_power_up(tulip);
	return tulip;
}

void tulip_destroy(struct tulip *tulip)
{
	net_close(tulip->net);
	pthread_mutex_destroy(&tulip->lock);
	pthread_mutex_destroy(&tulip->turn);
	free(tulip);
}

/* The loop does not run yet, so this thread may use it. The adapter takes nothing off the guest's hands. */
int tulip_start(struct tulip *tulip)
{
	const struct net_ops *ops = tulip->net->ops;
	const struct net_offloads none = { 0 };
	struct loop *loop;
	char name[12];

	snprintf(name, sizeof(name), "tulip%u", tulip->number % 100);
	tulip->worker = device_worker_create(name);
	if (!tulip->worker)
		return -errno;
	loop = device_worker_loop(tulip->worker);
	tulip->timers = tulip_timers_create(tulip, loop);
	if (!tulip->timers)
		return -errno;
	if (ops->set_offloads)
		ops->set_offloads(tulip->net, &none);
	tulip->queue = ops->open(tulip->net, 0, loop, ready, tulip);
	if (!tulip->queue)
		return -errno;
	return -device_worker_run(tulip->worker);
}

void tulip_stop(struct tulip *tulip)
{
	if (!tulip->worker)
		return;
	loop_call(device_worker_loop(tulip->worker), &tulip->closing);
	device_worker_end(tulip->worker);
	tulip->worker = NULL;
	if (tulip->timers)
		tulip_timers_destroy(tulip->timers);
	tulip->timers = NULL;
}

/* With the turn taken once, nothing is moved that began before. */
void tulip_set_master(struct tulip *tulip, bool may)
{
	if (atomic_exchange(&tulip->master, may) == may)
		return;
	pthread_mutex_lock(&tulip->turn);
	pthread_mutex_unlock(&tulip->turn);
	if (!may || !tulip->worker)
		return;
	atomic_store(&tulip->tx_demand, true);
	tulip_kick(tulip);
}

/* The driver sees it at the general purpose port when it looks. */
void tulip_set_link(struct tulip *tulip, bool up)
{
	atomic_store(&tulip->link, up);
}
