/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The network adapter of a Generation 1 VM: a DEC 21140A ("tulip") on the same networks as the synthetic ones. Its place on
 * the PCI bus is adapters.h's. Registers are VP threads' business, several at a time; frames move in a worker thread.
 */
#ifndef HVIS_HOST_LEGACY_TULIP_H
#define HVIS_HOST_LEGACY_TULIP_H

#include <jansson.h>
#include <stdbool.h>

#include "guestmem.h"
#include "net.h"

struct tulip;

struct tulip_config {
	const struct guestmem *mem; /* outlives the adapter */
	struct net *net; /* the adapter's once it is created */
	unsigned int number; /* of the NIC, for names */
	uint8_t mac[6];
	bool link_down;
	/* The interrupt line changes. Any thread, with a lock of the adapter held. */
	void (*interrupt)(void *context, bool level);
	void *context;
};

/** tulip_create() - an adapter as after power-up. Return: NULL when out of memory; the network is still the caller's then. */
struct tulip *tulip_create(const struct tulip_config *config);
/** tulip_destroy() - close the network. Nobody uses the registers any more, and it has been stopped. */
void tulip_destroy(struct tulip *tulip);

/** tulip_start() - start the worker and with it the network. Return: 0 or negative errno. */
int tulip_start(struct tulip *tulip);
/** tulip_stop() - after the VPs: let go of the network, end the worker. Also after a failed tulip_start(). */
void tulip_stop(struct tulip *tulip);

/** tulip_set_master() - whether it may read and write memory; not any more when this returns. Any thread. */
void tulip_set_master(struct tulip *tulip, bool may);
/** tulip_set_link() - plug the cable in or out. Any thread. */
void tulip_set_link(struct tulip *tulip, bool up);

/** tulip_in(), tulip_out() - the registers, as a struct pio_device's. */
void tulip_in(void *tulip, uint16_t offset, uint8_t *data, unsigned int size);
void tulip_out(void *tulip, uint16_t offset, const uint8_t *data, unsigned int size);

/** tulip_query() - state and counters as JSON. Any thread. */
json_t *tulip_query(struct tulip *tulip);

#endif
