/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The network provider: one synthetic NIC, its conversation (NVSP, RNDIS) and the way of frames between guest
 * memory and a network (net.h).
 */
#ifndef HVIS_HOST_NETVSP_H
#define HVIS_HOST_NETVSP_H

#include <jansson.h>
#include <stdint.h>

#include "net.h"
#include "provider.h"

#define NETVSP_CHANNELS_MAX 64u

struct netvsp;

struct netvsp_options {
	struct loop *loop; /* the bus thread's; NULL where it never leaves */
	unsigned int number; /* 0..; makes the instance GUID and the name "nicN" */
	unsigned int plugged; /* 0: there from the start; else makes the GUID, too: nobody else has had it */
	uint32_t version_max; /* NVSP_VERSION_*; 0: the newest */
	uint8_t mac[6];
	uint32_t mtu; /* 0: NET_MTU_DEFAULT */
	unsigned int channels; /* at most; 0: 1 */
	bool link_down; /* at first */
};

/** netvsp_create() - @net: destroyed with it. Return: NULL: out of memory; then @net is still the caller's. */
struct netvsp *netvsp_create(const struct netvsp_options *options, struct net *net);
/** netvsp_offer() - put the NIC on the bus. Bus thread, as all that follows. Return: 0 or negative errno. */
int netvsp_offer(struct netvsp *netvsp, struct vmbus *vmbus);
/** netvsp_set_link() - plug the cable in or out; the guest hears of it. */
void netvsp_set_link(struct netvsp *netvsp, bool up);
/**
 * netvsp_leave() - take the NIC off the bus
 * @done: called later when no channel uses it any more; netvsp_destroy() is allowed from then on
 */
void netvsp_leave(struct netvsp *netvsp, provider_done *done, void *context);
/** netvsp_destroy() - closes the network. After vmbus_destroy(), or netvsp_leave()'s @done. */
void netvsp_destroy(struct netvsp *netvsp);
/** netvsp_query() - what it is and its counters, as JSON. */
json_t *netvsp_query(struct netvsp *netvsp);

#endif
