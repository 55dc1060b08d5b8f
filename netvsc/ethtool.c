// SPDX-License-Identifier: GPL-2.0
/*
 * ethtool: what can be seen and set from user space. Whatever needs another connection goes through netvsc_reconnect(), and is undone if
 * that fails.
 */
#include <linux/ethtool.h>
#include <linux/slab.h>

#include "internal.h"

static void get_drvinfo(struct net_device *netdev, struct ethtool_drvinfo *info)
{
	const struct netvsc *nv = netdev_priv(netdev);

	strscpy(info->driver, KBUILD_MODNAME, sizeof(info->driver));
	strscpy(info->bus_info, dev_name(&nv->device->dev), sizeof(info->bus_info));
	snprintf(info->fw_version, sizeof(info->fw_version), "NVSP %u.%u", nv->version >> 16, nv->version & 0xFFFF);
}

static int get_link_ksettings(struct net_device *netdev, struct ethtool_link_ksettings *settings)
{
	struct netvsc *nv = netdev_priv(netdev);
	u32 speed, bytes = sizeof(speed);

	settings->base.duplex = DUPLEX_FULL;
	settings->base.port = PORT_OTHER;
	settings->base.speed = SPEED_UNKNOWN;
	if (nv->connected && !netvsc_query(nv, RNDIS_OID_GEN_LINK_SPEED, &speed, &bytes) && bytes == sizeof(speed))
		settings->base.speed = speed / 10000; /* of 100 bit/s */
	return 0;
}

static int get_sset_count(struct net_device *netdev, int set)
{
	return set == ETH_SS_STATS ? netvsc_stats_count(netdev_priv(netdev)) : -EOPNOTSUPP;
}

static void get_strings(struct net_device *netdev, u32 set, u8 *names)
{
	if (set == ETH_SS_STATS)
		netvsc_stats_names(netdev_priv(netdev), names);
}

static void get_ethtool_stats(struct net_device *netdev, struct ethtool_stats *stats, u64 *values)
{
	netvsc_stats_values(netdev_priv(netdev), values);
}

static void get_channels(struct net_device *netdev, struct ethtool_channels *channels)
{
	const struct netvsc *nv = netdev_priv(netdev);

	channels->max_combined = min(nv->queue_count, max(nv->rss.host_queues, 1u));
	channels->combined_count = nv->channels;
}

static int set_channels(struct net_device *netdev, struct ethtool_channels *channels)
{
	struct netvsc *nv = netdev_priv(netdev);
	u32 old = nv->wanted;
	int error;

	if (!channels->combined_count || channels->rx_count || channels->tx_count || channels->other_count)
		return -EINVAL;
	if (channels->combined_count == nv->channels)
		return 0;
	nv->wanted = channels->combined_count;
	error = netvsc_reconnect(nv);
	if (!error)
		return 0;
	nv->wanted = old;
	netvsc_reset_soon(nv);
	return error;
}

/* In sections: the receive buffer is divided by the host, who tells how when it has got it. */
static u32 recv_section(const struct netvsc *nv)
{
	return nv->recv_section_bytes ?: 1728;
}

static u32 send_section(const struct netvsc *nv)
{
	return nv->send_section_bytes ?: 6144;
}

static void get_ringparam(struct net_device *netdev, struct ethtool_ringparam *ring,
			  struct kernel_ethtool_ringparam *kernel_ring, struct netlink_ext_ack *extack)
{
	const struct netvsc *nv = netdev_priv(netdev);

	ring->rx_pending = nv->recv_sections;
	ring->tx_pending = nv->send_sections;
	ring->rx_max_pending = NVSP_RECV_BUF_MAX / recv_section(nv);
	ring->tx_max_pending = NVSP_SEND_BUF_MAX / send_section(nv);
}

static int set_ringparam(struct net_device *netdev, struct ethtool_ringparam *ring,
			 struct kernel_ethtool_ringparam *kernel_ring, struct netlink_ext_ack *extack)
{
	struct netvsc *nv = netdev_priv(netdev);
	u32 old_recv = nv->recv_wanted, old_send = nv->send_wanted;
	u32 recv = clamp_t(u64, (u64)ring->rx_pending * recv_section(nv), 256 * 1024, NVSP_RECV_BUF_MAX);
	u32 send = clamp_t(u64, (u64)ring->tx_pending * send_section(nv), 64 * 1024, NVSP_SEND_BUF_MAX);
	int error;

	if (PAGE_ALIGN(recv) == PAGE_ALIGN(old_recv) && PAGE_ALIGN(send) == PAGE_ALIGN(old_send))
		return 0;
	nv->recv_wanted = recv;
	nv->send_wanted = send;
	error = netvsc_reconnect(nv);
	if (!error)
		return 0;
	nv->recv_wanted = old_recv;
	nv->send_wanted = old_send;
	netvsc_reset_soon(nv);
	return error;
}

static u32 get_rxfh_key_size(struct net_device *netdev)
{
	return NDIS_RSS_KEY_BYTES;
}

static u32 get_rxfh_indir_size(struct net_device *netdev)
{
	const struct netvsc *nv = netdev_priv(netdev);

	return nv->rss.entries;
}

static int get_rxfh(struct net_device *netdev, COMPAT_RXFH_GET)
{
	const struct netvsc *nv = netdev_priv(netdev);

	COMPAT_RXFH_HASH_SET(ETH_RSS_HASH_TOP);
	if (COMPAT_RXFH_TABLE)
		memcpy(COMPAT_RXFH_TABLE, nv->rss.table, nv->rss.entries * sizeof(nv->rss.table[0]));
	if (COMPAT_RXFH_KEY)
		memcpy(COMPAT_RXFH_KEY, nv->rss.key, NDIS_RSS_KEY_BYTES);
	return 0;
}

static bool table_fits(const struct netvsc *nv, const u32 *table)
{
	u32 i;

	for (i = 0; table && i < nv->rss.entries; i++) {
		if (table[i] >= nv->channels)
			return false;
	}
	return true;
}

/* The host gets the key always with a table: without one it is of no use, and not taken. */
static int set_rxfh(struct net_device *netdev, COMPAT_RXFH_SET)
{
	struct netvsc *nv = netdev_priv(netdev);
	struct netvsc_rss *old;
	int error;

	if (COMPAT_RXFH_CONTEXT || !nv->rss.entries || !nv->connected ||
	    (COMPAT_RXFH_HASH != ETH_RSS_HASH_NO_CHANGE && COMPAT_RXFH_HASH != ETH_RSS_HASH_TOP))
		return -EOPNOTSUPP;
	if (!table_fits(nv, COMPAT_RXFH_TABLE))
		return -EINVAL;
	old = kmemdup(&nv->rss, sizeof(nv->rss), GFP_KERNEL);
	if (!old)
		return -ENOMEM;
	if (COMPAT_RXFH_TABLE) {
		memcpy(nv->rss.table, COMPAT_RXFH_TABLE, nv->rss.entries * sizeof(nv->rss.table[0]));
		nv->rss.user_table = true;
	}
	if (COMPAT_RXFH_KEY)
		memcpy(nv->rss.key, COMPAT_RXFH_KEY, NDIS_RSS_KEY_BYTES);
	error = netvsc_rss_set(nv);
	if (error)
		nv->rss = *old;
	kfree(old);
	return error;
}

static int get_rxnfc(struct net_device *netdev, struct ethtool_rxnfc *info, u32 *rules)
{
	const struct netvsc *nv = netdev_priv(netdev);

	switch (info->cmd) {
	case ETHTOOL_GRXRINGS:
		info->data = nv->channels;
		return 0;
	case ETHTOOL_GRXFH:
		info->data = RXH_IP_SRC | RXH_IP_DST;
		if (info->flow_type == TCP_V4_FLOW || info->flow_type == TCP_V6_FLOW)
			info->data |= RXH_L4_B_0_1 | RXH_L4_B_2_3;
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

const struct ethtool_ops netvsc_ethtool_ops = {
	.get_drvinfo = get_drvinfo,
	.get_link = ethtool_op_get_link,
	.get_link_ksettings = get_link_ksettings,
	.get_ts_info = ethtool_op_get_ts_info,
	.get_sset_count = get_sset_count,
	.get_strings = get_strings,
	.get_ethtool_stats = get_ethtool_stats,
	.get_channels = get_channels,
	.set_channels = set_channels,
	.get_ringparam = get_ringparam,
	.set_ringparam = set_ringparam,
	.get_rxfh_key_size = get_rxfh_key_size,
	.get_rxfh_indir_size = get_rxfh_indir_size,
	.get_rxfh = get_rxfh,
	.set_rxfh = set_rxfh,
	.get_rxnfc = get_rxnfc,
};
