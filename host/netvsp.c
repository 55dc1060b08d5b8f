// SPDX-License-Identifier: GPL-2.0
/*
 * The NIC: made and offered, its link, its numbers, its end. What is said on its channels is in netvsp_channel.c.
 * Invariant: it outlives the channels that are offered with it, and its network outlives its queues.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "netvsp_internal.h"

static uint64_t load(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static uint64_t sum(const struct netvsp *netvsp, size_t offset)
{
	uint64_t all = 0;

	for (unsigned int i = 0; i < netvsp->channels_max; i++)
		all += load((const _Atomic uint64_t *)((const char *)&netvsp->counters[i] + offset));
	return all;
}

#define OFFSET(member) offsetof(struct netvsp_counters, member)

static uint64_t ask_counter(void *context, enum rndis_counter which)
{
	static const size_t offsets[] = {
		[RNDIS_XMIT_OK] = OFFSET(tx_frames),
		[RNDIS_RCV_OK] = OFFSET(rx_frames),
		[RNDIS_XMIT_ERROR] = OFFSET(tx_refused),
		[RNDIS_RCV_ERROR] = OFFSET(rx_errors),
		[RNDIS_RCV_NO_BUFFER] = OFFSET(rx_no_buffer),
	};

	return sum(context, offsets[which]);
}

void netvsp_refuse(struct netvsp *netvsp, _Atomic uint64_t *counter, const char *why)
{
	netvsp_count(counter, 1);
	if (!atomic_exchange(&netvsp->logged, true))
		log_warn("%s: packet refused: %s (more of these are only counted)", netvsp->name, why);
}

void netvsp_tell_all(struct netvsp *netvsp)
{
	atomic_fetch_add(&netvsp->news, 1);
	netvsp_call_all(netvsp);
}

void netvsp_call_all(struct netvsp *netvsp)
{
	for (unsigned int i = 0; i < netvsp->channels_max; i++)
		if (netvsp->channels[i])
			channel_call(netvsp->channels[i]->channel);
}

static unsigned int clamp(unsigned int value, unsigned int max)
{
	return value < 1 ? 1 : value > max ? max : value;
}

struct netvsp *netvsp_create(const struct netvsp_options *options, struct net *net)
{
	struct netvsp *netvsp = aligned_alloc(64, (sizeof(*netvsp) + 63) / 64 * 64);

	if (!netvsp)
		return NULL;
	memset(netvsp, 0, sizeof(*netvsp));
	pthread_mutex_init(&netvsp->lock, NULL);
	for (unsigned int i = 0; i < NETVSP_CHANNELS_MAX; i++)
		pthread_mutex_init(&netvsp->inboxes[i].lock, NULL);
	netvsp->number = options->number;
	netvsp->plugged = options->plugged;
	snprintf(netvsp->name, sizeof(netvsp->name), "nic%u", options->number);
	netvsp->net = net;
	netvsp->channels_max = clamp(options->channels, clamp(net->channels_max, NETVSP_CHANNELS_MAX));
	netvsp->version_max = options->version_max ? options->version_max : NVSP_VERSION_6_1;
	netvsp->provider.loop = options->loop;
	netvsp->ops = netvsp_channel_ops;
	netvsp->about = (struct rndis_about){
		.mtu = options->mtu ? options->mtu : NET_MTU_DEFAULT,
		.channels_max = netvsp->channels_max,
		.link = !options->link_down,
		.counter = ask_counter,
		.context = netvsp,
	};
	memcpy(netvsp->about.mac, options->mac, sizeof(netvsp->about.mac));
	rndis_reset_config(&netvsp->config, &netvsp->about);
	return netvsp;
}

int netvsp_offer(struct netvsp *netvsp, struct vmbus *vmbus)
{
	const struct vmbus_guid type = NVSP_GUID;
	struct channel_offer offer = {
		.name = netvsp->name,
		.type = type,
		/*
		 * Ours to choose; the last byte tells NICs apart, so names in the guest are stable. A guest may still be busy
		 * with the end of a NIC when the next of its number comes: Linux warns if that has the same GUID.
		 */
		.instance = {{0x4e, 0x69, 0x76, 0x68, 0x65, 0x74, 0x69, 0x73, 0x80, (uint8_t)(netvsp->plugged >> 8), 0x68,
			      0x76, 0x69, 0x73, (uint8_t)netvsp->plugged, (uint8_t)netvsp->number}},
		.ops = &netvsp->ops,
		.context = netvsp,
	};

	return provider_offer(&netvsp->provider, vmbus, &offer);
}

void netvsp_set_link(struct netvsp *netvsp, bool up)
{
	pthread_mutex_lock(&netvsp->lock);
	netvsp->about.link = up;
	netvsp_tell_all(netvsp);
	pthread_mutex_unlock(&netvsp->lock);
}

void netvsp_leave(struct netvsp *netvsp, provider_done *done, void *context)
{
	provider_leave(&netvsp->provider, done, context);
}

void netvsp_destroy(struct netvsp *netvsp)
{
	net_close(netvsp->net);
	pthread_mutex_destroy(&netvsp->lock);
	for (unsigned int i = 0; i < NETVSP_CHANNELS_MAX; i++)
		pthread_mutex_destroy(&netvsp->inboxes[i].lock);
	free(netvsp);
}

static const struct {
	const char *name;
	size_t offset;
} counters[] = {
	{ "tx_packets", OFFSET(tx_packets) },	  { "tx_frames", OFFSET(tx_frames) },
	{ "tx_segments", OFFSET(tx_segments) },	  { "rx_segments", OFFSET(rx_segments) },
	{ "tx_bytes", OFFSET(tx_bytes) },	  { "tx_dropped", OFFSET(tx_dropped) },
	{ "tx_csum", OFFSET(tx_csum) },		  { "tx_lso", OFFSET(tx_lso) },
	{ "tx_refused", OFFSET(tx_refused) },	  { "rx_packets", OFFSET(rx_packets) },
	{ "rx_frames", OFFSET(rx_frames) },	  { "rx_bytes", OFFSET(rx_bytes) },
	{ "rx_dropped", OFFSET(rx_dropped) },	  { "rx_filtered", OFFSET(rx_filtered) },
	{ "rx_coalesced", OFFSET(rx_coalesced) }, { "rx_no_buffer", OFFSET(rx_no_buffer) },
	{ "rx_errors", OFFSET(rx_errors) },	  { "refused", OFFSET(refused) },
	{ "tx_section_bytes", OFFSET(tx_section_bytes) }, { "copied_bytes", OFFSET(copied_bytes) },
};

static json_t *query_queue(const struct netvsp_counters *queue)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "tx_frames", (json_int_t)load(&queue->tx_frames), "rx_frames",
			 (json_int_t)load(&queue->rx_frames), "rx_handed_over",
			 (json_int_t)load(&queue->rx_handed_over), "rx_taken_over",
			 (json_int_t)load(&queue->rx_taken_over));
}

json_t *netvsp_query(struct netvsp *netvsp)
{
	uint32_t version = atomic_load(&netvsp->version);
	json_t *object = json_object(), *queues = json_array();
	struct rndis_config config;
	char mac[24], text[16];
	bool link;

	pthread_mutex_lock(&netvsp->lock);
	config = netvsp->config;
	link = netvsp->about.link;
	pthread_mutex_unlock(&netvsp->lock);
	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", config.mac[0], config.mac[1], config.mac[2],
		 config.mac[3], config.mac[4], config.mac[5]);
	snprintf(text, sizeof(text), "%#x", version);
	json_object_set_new(object, "backend", json_string(netvsp->net->ops->name));
	json_object_set_new(object, "network", json_string(netvsp->net->name));
	json_object_set_new(object, "mac", json_string(mac));
	json_object_set_new(object, "mtu", json_integer(netvsp->about.mtu));
	json_object_set_new(object, "version", json_string(version ? text : ""));
	json_object_set_new(object, "link", json_boolean(link));
	json_object_set_new(object, "running", json_boolean(config.running));
	json_object_set_new(object, "filter", json_integer(config.filter));
	json_object_set_new(object, "rss", json_boolean(config.rss.on));
	json_object_set_new(object, "channels_max", json_integer(netvsp->channels_max));
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		json_object_set_new(object, counters[i].name, json_integer((json_int_t)sum(netvsp, counters[i].offset)));
	for (unsigned int i = 0; i < netvsp->channels_max; i++)
		json_array_append_new(queues, query_queue(&netvsp->counters[i]));
	json_object_set_new(object, "queues", queues);
	return object;
}
