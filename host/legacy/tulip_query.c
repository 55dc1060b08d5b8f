// SPDX-License-Identifier: GPL-2.0
/*
 * What a 21140A tells of itself; names as synthetic NICs have them (netvsp.c), where they mean the same. docs/legacy.md says what the
 * others mean.
 */
#include <stdio.h>

#include "legacy/tulip_internal.h"

static void set(json_t *object, const char *name, uint64_t value)
{
	json_object_set_new(object, name, json_integer((json_int_t)value));
}

static void set_counter(json_t *object, const char *name, const _Atomic uint64_t *counter)
{
	set(object, name, atomic_load_explicit(counter, memory_order_relaxed));
}

json_t *tulip_query(struct tulip *tulip)
{
	const struct tulip_counters *counters = &tulip->counters;
	json_t *object = json_object();
	char mac[18];

	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", tulip->mac[0], tulip->mac[1], tulip->mac[2], tulip->mac[3],
		 tulip->mac[4], tulip->mac[5]);
	json_object_set_new(object, "model", json_string("tulip"));
	json_object_set_new(object, "backend", json_string(tulip->net->ops->name));
	json_object_set_new(object, "mac", json_string(mac));
	json_object_set_new(object, "link", json_boolean(atomic_load(&tulip->link)));
	json_object_set_new(object, "transmits", json_boolean(tulip_runs(tulip, DEC_MODE_TX)));
	json_object_set_new(object, "receives", json_boolean(tulip_runs(tulip, DEC_MODE_RX)));
	set_counter(object, "tx_frames", &counters->tx_frames);
	set_counter(object, "tx_bytes", &counters->tx_bytes);
	set_counter(object, "tx_dropped", &counters->tx_dropped);
	set_counter(object, "tx_bad", &counters->tx_bad);
	set_counter(object, "setup_frames", &counters->setup_frames);
	set_counter(object, "rx_frames", &counters->rx_frames);
	set_counter(object, "rx_bytes", &counters->rx_bytes);
	set_counter(object, "rx_dropped", &counters->rx_dropped);
	set_counter(object, "rx_filtered", &counters->rx_filtered);
	set_counter(object, "rx_no_buffer", &counters->rx_no_buffer);
	set_counter(object, "rx_truncated", &counters->rx_truncated);
	set_counter(object, "backend_dropped", &tulip->net->dropped);
	set_counter(object, "copied_bytes", &counters->copied_bytes);
	set_counter(object, "bus_errors", &counters->bus_errors);
	set_counter(object, "interrupts", &counters->interrupts);
	set_counter(object, "resets", &counters->resets);
	set_counter(object, "ignored_accesses", &counters->ignored);
	return object;
}
