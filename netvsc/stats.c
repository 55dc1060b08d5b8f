// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics: per queue, and what of the host's was refused. Counters are written by one side each and read without a lock, since
 * a word is read in one piece on the only machine there is.
 */
#include <linux/ethtool.h>

#include "internal.h"

static const char *const refusals[REFUSALS] = {
	[REFUSED_PACKET_TYPE] = "refused_packet_type",
	[REFUSED_SHORT] = "refused_short",
	[REFUSED_UNKNOWN_NVSP] = "refused_nvsp_type",
	[REFUSED_BUFFER_ID] = "refused_buffer_id",
	[REFUSED_RANGE_COUNT] = "refused_range_count",
	[REFUSED_RANGE_OUTSIDE] = "refused_range_outside",
	[REFUSED_RNDIS_TYPE] = "refused_rndis_type",
	[REFUSED_RNDIS_LENGTH] = "refused_rndis_length",
	[REFUSED_DATA_OUTSIDE] = "refused_data_outside",
	[REFUSED_PPI] = "refused_ppi",
	[REFUSED_FRAME_SIZE] = "refused_frame_size",
	[REFUSED_PARTS] = "refused_parts",
	[REFUSED_UNKNOWN_ID] = "refused_unknown_id",
	[REFUSED_STALE_ID] = "refused_stale_id",
	[REFUSED_SEND_STATUS] = "refused_by_host",
	[REFUSED_CONTROL_ID] = "refused_control_id",
	[REFUSED_LIMITS] = "refused_limits",
	[REFUSED_TABLE] = "refused_table",
	[IGNORED_PPI] = "ignored_ppi",
};

struct counter {
	char name[ETH_GSTRING_LEN - 8];
	u32 at;
};

#define RX(name) { "rx_" #name, offsetof(struct netvsc_queue, rx.name) }
#define TX(name) { "tx_" #name, offsetof(struct netvsc_queue, tx.name) }

static const struct counter counters[] = {
	RX(packets), RX(bytes), RX(multicast), RX(joined), RX(no_memory), RX(closed), RX(checksum_good), RX(checksum_bad),
	RX(polls), RX(kicks), RX(left), RX(xdp_dropped), RX(xdp_passed), RX(xdp_tx), RX(xdp_redirected),
	TX(packets), TX(bytes), TX(copied), TX(by_pages), TX(ring_packets), TX(kicks), TX(left_to_poll), TX(held), TX(stopped), TX(ring_full),
	TX(dropped), TX(linearized), TX(xdp_sent), TX(xdp_errors),
};

static u64 value_of(const struct netvsc_queue *queue, const struct counter *counter)
{
	return READ_ONCE(*(const u64 *)((const u8 *)queue + counter->at));
}

/**
 * netvsc_refuse() - something the host said is not acted on
 * @nv: the adapter
 * @reason: counted in ethtool -S, named in the log
 *
 * Any context.
 */
void netvsc_refuse(struct netvsc *nv, enum netvsc_refusal reason)
{
	atomic_inc(&nv->refused[reason]);
	if (net_ratelimit())
		dev_warn(&nv->device->dev, "the host: %s\n", refusals[reason]);
}

static u32 refused_frames(const struct netvsc *nv)
{
	u32 sum = 0, i;

	for (i = REFUSED_BUFFER_ID; i <= REFUSED_PARTS; i++)
		sum += atomic_read(&nv->refused[i]);
	return sum;
}

/** netvsc_get_stats() - for ip -s link; any context */
void netvsc_get_stats(struct net_device *netdev, struct rtnl_link_stats64 *stats)
{
	const struct netvsc *nv = netdev_priv(netdev);
	u32 i;

	for (i = 0; i < nv->queue_count; i++) {
		const struct netvsc_rx *rx = &nv->queues[i].rx;
		const struct netvsc_tx *tx = &nv->queues[i].tx;

		stats->rx_packets += READ_ONCE(rx->packets);
		stats->rx_bytes += READ_ONCE(rx->bytes);
		stats->multicast += READ_ONCE(rx->multicast);
		stats->rx_dropped += READ_ONCE(rx->no_memory);
		stats->tx_packets += READ_ONCE(tx->packets);
		stats->tx_bytes += READ_ONCE(tx->bytes);
		stats->tx_dropped += READ_ONCE(tx->dropped);
	}
	stats->rx_errors += refused_frames(nv);
	stats->tx_errors += atomic_read(&nv->refused[REFUSED_SEND_STATUS]);
}

/** netvsc_stats_count() - how many ethtool -S shows; constant; any context */
int netvsc_stats_count(const struct netvsc *nv)
{
	return REFUSALS + 1 + nv->queue_count * ARRAY_SIZE(counters);
}

/** netvsc_stats_names() - their names, ETH_GSTRING_LEN each; any context */
void netvsc_stats_names(const struct netvsc *nv, u8 *names)
{
	u32 i, q;

	for (i = 0; i < REFUSALS; i++)
		ethtool_sprintf(&names, "%s", refusals[i]);
	ethtool_sprintf(&names, "resets");
	for (q = 0; q < nv->queue_count; q++) {
		for (i = 0; i < ARRAY_SIZE(counters); i++)
			ethtool_sprintf(&names, "q%u_%s", q, counters[i].name);
	}
}

/** netvsc_stats_values() - their values; any context */
void netvsc_stats_values(const struct netvsc *nv, u64 *values)
{
	u32 i, q;

	for (i = 0; i < REFUSALS; i++)
		*values++ = atomic_read(&nv->refused[i]);
	*values++ = nv->resets;
	for (q = 0; q < nv->queue_count; q++) {
		for (i = 0; i < ARRAY_SIZE(counters); i++)
			*values++ = value_of(&nv->queues[q], &counters[i]);
	}
}
