// SPDX-License-Identifier: GPL-2.0
/*
 * Which channel a flow uses: the host's receive-side scaling, and the table by which the host wants us to send.
 * Invariant: what the host is told has only channels that are open; what the user wrote survives, entry by entry, as far as that
 * allows.
 */
#include <linux/ethtool.h>
#include <net/sock.h>

#include "internal.h"

/** netvsc_rss_init() - before the first connection */
void netvsc_rss_init(struct netvsc *nv)
{
	netdev_rss_key_fill(nv->rss.key, sizeof(nv->rss.key));
}

static u32 entries_of(struct netvsc *nv, const struct ndis_rss_capabilities *capabilities, u32 bytes)
{
	if (bytes < sizeof(*capabilities) || capabilities->header.revision < NDIS_RSS_CAPABILITIES_REVISION)
		return NDIS_RSS_TABLE_DEFAULT;
	if (capabilities->table_count <= NDIS_RSS_TABLE_MAX)
		return capabilities->table_count;
	netvsc_refuse(nv, REFUSED_TABLE);
	return NDIS_RSS_TABLE_MAX;
}

/**
 * netvsc_rss_query() - ask how many channels the host spreads flows over
 * @nv: RNDIS is initialised
 *
 * May sleep, bounded. Return: 0, also if it does not, or -ETIMEDOUT, -ENODEV, -EIO.
 */
int netvsc_rss_query(struct netvsc *nv)
{
	struct ndis_rss_capabilities capabilities = {
		.header = { NDIS_OBJECT_RSS_CAPABILITIES, NDIS_RSS_CAPABILITIES_REVISION, sizeof(capabilities) },
	};
	u32 bytes = sizeof(capabilities);
	int error;

	nv->rss.host_queues = 1;
	nv->rss.host_entries = 0;
	if (nv->version < NVSP_VERSION_5)
		return 0;
	error = netvsc_query(nv, RNDIS_OID_GEN_RECEIVE_SCALE_CAPABILITIES, &capabilities, &bytes);
	if (error)
		return error == -ETIMEDOUT || error == -ENODEV || error == -EIO ? error : 0;
	if (bytes < offsetof(struct ndis_rss_capabilities, table_count)) {
		netvsc_refuse(nv, REFUSED_TABLE);
		return 0;
	}
	nv->rss.host_queues = clamp(capabilities.queue_count, 1u, NETVSC_CHANNELS_MAX);
	nv->rss.host_entries = entries_of(nv, &capabilities, bytes);
	return 0;
}

/** netvsc_rss_spread() - fit the table to the channels that are open; the RTNL is held, or nobody knows the adapter yet */
void netvsc_rss_spread(struct netvsc *nv)
{
	struct netvsc_rss *rss = &nv->rss;
	u32 i;

	/* ethtool's "default" takes back what the user wrote. */
	if (rss->entries != rss->host_entries || !netif_is_rxfh_configured(nv->netdev))
		rss->user_table = false;
	rss->entries = rss->host_entries;
	for (i = 0; i < rss->entries; i++) {
		if (!rss->user_table || rss->table[i] >= nv->channels)
			rss->table[i] = ethtool_rxfh_indir_default(i, nv->channels);
	}
}

/**
 * netvsc_rss_set() - tell the host table and key
 * @nv: RNDIS is initialised, the channels are open
 *
 * May sleep, bounded. Return: 0, also if the host has no table or there is one channel only; or as netvsc_set().
 */
int netvsc_rss_set(struct netvsc *nv)
{
	const u32 room = sizeof(struct ndis_rss_parameters) + NDIS_RSS_TABLE_MAX * sizeof(u32) + NDIS_RSS_KEY_BYTES;
	void *value;
	u32 bytes;
	int error;

	if (!nv->rss.entries || nv->channels == 1)
		return 0;
	value = kzalloc(room, GFP_KERNEL);
	if (!value)
		return -ENOMEM;
	bytes = netvsc_build_rss(value, room, nv->rss.table, nv->rss.entries, nv->rss.key);
	error = netvsc_set(nv, RNDIS_OID_GEN_RECEIVE_SCALE_PARAMETERS, value, bytes);
	kfree(value);
	return error;
}

/**
 * netvsc_send_table() - the host says which channel to send on by hash
 * @nv: the adapter
 * @message: private copy, an NVSP message
 * @bytes: of it
 *
 * In poll().
 */
void netvsc_send_table(struct netvsc *nv, const void *message, u32 bytes)
{
	const u32 base = offsetofend(struct nvsp_message, indirection_table);
	struct nvsp_indirection_table header;
	u32 table[NVSP_INDIRECTION_COUNT], i;

	if (bytes < base + sizeof(table))
		return netvsc_refuse(nv, REFUSED_TABLE);
	memcpy(&header, message + offsetof(struct nvsp_message, indirection_table), sizeof(header));
	if (header.count != NVSP_INDIRECTION_COUNT)
		return netvsc_refuse(nv, REFUSED_TABLE);
	/* A wrong offset is a known habit of hosts up to version 6 (wire/nvsp.h). */
	if (header.offset < base || header.offset > bytes - sizeof(table)) {
		if (nv->version > NVSP_VERSION_6)
			return netvsc_refuse(nv, REFUSED_TABLE);
		header.offset = base;
	}
	memcpy(table, message + header.offset, sizeof(table));
	for (i = 0; i < NVSP_INDIRECTION_COUNT; i++)
		WRITE_ONCE(nv->send_table[i], min(table[i], NETVSC_CHANNELS_MAX - 1));
	WRITE_ONCE(nv->send_table_valid, true);
}

static u16 choose_queue(struct net_device *netdev, struct sk_buff *skb, struct net_device *sb_dev, u32 queues)
{
	const struct netvsc *nv = netdev_priv(netdev);
	int arrives_on = skb->sk ? sk_rx_queue_get(skb->sk) : -1;

	if (arrives_on >= 0 && arrives_on < queues)
		return arrives_on;
	if (!READ_ONCE(nv->send_table_valid))
		return netdev_pick_tx(netdev, skb, sb_dev);
	return READ_ONCE(nv->send_table[skb_get_hash(skb) % NVSP_INDIRECTION_COUNT]) % queues;
}

/**
 * netvsc_select_queue() - which queue a frame is sent on
 * @netdev: of the adapter
 * @skb: it
 * @sb_dev: as for netdev_pick_tx()
 *
 * Where the other direction of its connection arrives: then acknowledgements and what they set free go with the answers of one poll().
 * Otherwise as the host's table says. It stays on a queue while something of it is on its way there, so that its order is kept.
 * Any context. Return: its index.
 */
u16 netvsc_select_queue(struct net_device *netdev, struct sk_buff *skb, struct net_device *sb_dev)
{
	u32 queues = READ_ONCE(netdev->real_num_tx_queues);
	struct sock *sk = skb->sk;
	int now, old;

	if (queues == 1)
		return 0;
	old = sk ? sk_tx_queue_get(sk) : -1;
	if (old >= 0 && old < queues && !skb->ooo_okay)
		return old;
	now = choose_queue(netdev, skb, sb_dev, queues);
	if (now != old && sk && sk_fullsock(sk) && rcu_access_pointer(sk->sk_dst_cache))
		sk_tx_queue_set(sk, now);
	return now;
}
