// SPDX-License-Identifier: GPL-2.0
/*
 * Offloads: what the host can do, what we switch on, and what goes with each frame in either direction.
 * Source: NDIS_OFFLOAD, NDIS_OFFLOAD_PARAMETERS; drivers/net/hyperv/rndis_filter.c of Linux for which of them hosts have.
 */
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <net/ip6_checksum.h>

#include "internal.h"

#define TX4 (NDIS_CSUM_IP4 | NDIS_CSUM_TCP4 | NDIS_CSUM_TCP4_OPTIONS)
#define TX6 (NDIS_CSUM_TCP6 | NDIS_CSUM_TCP6_OPTIONS)
#define LSO_BYTES_MIN 4096u /* a host that takes less is of no help */

/**
 * netvsc_offload_query() - ask the host what it can do
 * @nv: RNDIS is initialised
 *
 * May sleep, bounded. A host that does not know offloads has none. Return: 0, or -ETIMEDOUT, -ENODEV, -EIO.
 */
int netvsc_offload_query(struct netvsc *nv)
{
	bool old = nv->version <= NVSP_VERSION_4;
	u32 bytes = old ? offsetof(struct ndis_offload, rsc_ip4) : sizeof(nv->offload);
	const struct ndis_object header = {
		.type = NDIS_OBJECT_OFFLOAD,
		.revision = old ? NDIS_OFFLOAD_REVISION_2 : NDIS_OFFLOAD_REVISION_3,
		.bytes = bytes,
	};
	struct ndis_offload offload = { .header = header };
	int error = netvsc_query(nv, RNDIS_OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES, &offload, &bytes);

	memset(&nv->offload, 0, sizeof(nv->offload));
	nv->rsc = false;
	if (error)
		return error == -ETIMEDOUT || error == -ENODEV || error == -EIO ? error : 0;
	if (bytes < offsetof(struct ndis_offload, ipsec_v2) || offload.header.type != NDIS_OBJECT_OFFLOAD) {
		netvsc_refuse(nv, REFUSED_LIMITS);
		return 0;
	}
	memcpy(&nv->offload, &offload, bytes);
	nv->rsc = bytes >= offsetofend(struct ndis_offload, rsc_ip6) && nv->version >= NVSP_VERSION_6 &&
		  offload.rsc_ip4 && offload.rsc_ip6;
	return 0;
}

static bool has(u32 capabilities, u32 wanted)
{
	return (capabilities & wanted) == wanted;
}

/** netvsc_offload_features() - the features that this connection's host can do; any context */
netdev_features_t netvsc_offload_features(const struct netvsc *nv)
{
	const struct ndis_csum_offload *csum = &nv->offload.csum;
	const struct ndis_lso_v2_offload *lso = &nv->offload.lso_v2;
	netdev_features_t features = NETIF_F_SG | NETIF_F_HIGHDMA | NETIF_F_RXHASH | NETIF_F_HW_VLAN_CTAG_TX |
				     NETIF_F_HW_VLAN_CTAG_RX;

	if (has(csum->ip4_tx, TX4)) {
		features |= NETIF_F_IP_CSUM;
		if (lso->ip4_encapsulation & NDIS_ENCAPSULATION_8023 && lso->ip4_bytes_max >= LSO_BYTES_MIN)
			features |= NETIF_F_TSO;
	}
	if (has(csum->ip6_tx, TX6)) {
		features |= NETIF_F_IPV6_CSUM;
		if (lso->ip6_encapsulation & NDIS_ENCAPSULATION_8023 && lso->ip6_bytes_max >= LSO_BYTES_MIN)
			features |= NETIF_F_TSO6;
	}
	if (csum->ip4_rx & NDIS_CSUM_TCP4)
		features |= NETIF_F_RXCSUM;
	if (nv->rsc)
		features |= NETIF_F_LRO;
	return features;
}

static u8 csum_setting(bool tx, bool rx)
{
	if (tx)
		return rx ? NDIS_OFFLOAD_TX_RX : NDIS_OFFLOAD_TX;
	return rx ? NDIS_OFFLOAD_RX : NDIS_OFFLOAD_OFF;
}

static u8 on_off(bool on)
{
	return on ? NDIS_OFFLOAD_ENABLED : NDIS_OFFLOAD_DISABLED;
}

/**
 * netvsc_offload_set() - switch on what is to be used
 * @nv: RNDIS is initialised
 * @features: of the net_device
 *
 * May sleep, bounded. Return: as netvsc_set().
 */
int netvsc_offload_set(struct netvsc *nv, netdev_features_t features)
{
	const struct ndis_csum_offload *csum = &nv->offload.csum;
	bool tx4 = features & NETIF_F_IP_CSUM, tx6 = features & NETIF_F_IPV6_CSUM, rx = features & NETIF_F_RXCSUM;
	bool old = nv->version <= NVSP_VERSION_4;
	u32 bytes = old ? NDIS_OFFLOAD_PARAMETERS_BYTES_V4 : sizeof(struct ndis_offload_parameters);
	const struct ndis_offload_parameters parameters = {
		.header = { NDIS_OBJECT_DEFAULT, NDIS_OFFLOAD_PARAMETERS_REVISION, bytes },
		.ip4_csum = csum_setting(tx4, rx),
		.tcp4_csum = csum_setting(tx4, rx && csum->ip4_rx & NDIS_CSUM_TCP4),
		.udp4_csum = csum_setting(tx4 && csum->ip4_tx & NDIS_CSUM_UDP4, rx && csum->ip4_rx & NDIS_CSUM_UDP4),
		.tcp6_csum = csum_setting(tx6, rx && csum->ip6_rx & NDIS_CSUM_TCP6),
		.udp6_csum = csum_setting(tx6 && csum->ip6_tx & NDIS_CSUM_UDP6, rx && csum->ip6_rx & NDIS_CSUM_UDP6),
		.lso_v2_ip4 = on_off(features & NETIF_F_TSO),
		.lso_v2_ip6 = on_off(features & NETIF_F_TSO6),
		.rsc_ip4 = on_off(features & NETIF_F_LRO),
		.rsc_ip6 = on_off(features & NETIF_F_LRO),
	};

	return netvsc_set(nv, RNDIS_OID_TCP_OFFLOAD_PARAMETERS, &parameters, bytes);
}

/** netvsc_fix_features() - the RTNL is held. Return: what of @features the host of this connection can do */
netdev_features_t netvsc_fix_features(struct net_device *netdev, netdev_features_t features)
{
	const struct netvsc *nv = netdev_priv(netdev);
	netdev_features_t ours = NETIF_F_IP_CSUM | NETIF_F_IPV6_CSUM | NETIF_F_TSO | NETIF_F_TSO6 | NETIF_F_RXCSUM |
				 NETIF_F_LRO;

	return nv->connected ? features & (netvsc_offload_features(nv) | ~ours) : features;
}

/** netvsc_set_features() - the RTNL is held; may sleep, bounded. Return: 0 or negative errno, and nothing changed */
int netvsc_set_features(struct net_device *netdev, netdev_features_t features)
{
	struct netvsc *nv = netdev_priv(netdev);

	return nv->connected && nv->carrying ? netvsc_offload_set(nv, features) : 0;
}

/**
 * netvsc_features_check() - not every frame can have what the host can do
 * @skb: to be sent
 * @netdev: of the adapter
 * @features: what would be used
 *
 * Any context. Offsets of transport headers have ten bits. Return: what may be used.
 */
netdev_features_t netvsc_features_check(struct sk_buff *skb, struct net_device *netdev, netdev_features_t features)
{
	features = vlan_features_check(skb, features);
	if (skb->ip_summed == CHECKSUM_PARTIAL && skb_transport_offset(skb) > RNDIS_TX_TRANSPORT_OFFSET_MASK)
		features &= ~(NETIF_F_CSUM_MASK | NETIF_F_GSO_MASK);
	return features;
}

/* The host fills in lengths and checksums of each segment; ours shall cover addresses and protocol only. */
static int segment(struct sk_buff *skb, struct netvsc_send *send)
{
	bool ip6 = vlan_get_protocol(skb) == htons(ETH_P_IPV6);
	int error = skb_cow_head(skb, 0);

	if (error)
		return error;
	if (ip6) {
		tcp_v6_gso_csum_prep(skb);
	} else {
		struct iphdr *ip = ip_hdr(skb);

		ip->tot_len = 0;
		ip->check = 0;
		tcp_hdr(skb)->check = ~csum_tcpudp_magic(ip->saddr, ip->daddr, 0, IPPROTO_TCP, 0);
	}
	send->lso = RNDIS_LSO_V2 | (ip6 ? RNDIS_LSO_IPV6 : 0) | (skb_shinfo(skb)->gso_size & RNDIS_LSO_MSS_MASK) |
		    (u32)skb_transport_offset(skb) << RNDIS_LSO_TCP_OFFSET_SHIFT;
	return 0;
}

static bool host_can_udp(const struct netvsc *nv, bool ip6)
{
	const struct ndis_csum_offload *csum = &nv->offload.csum;

	return ip6 ? csum->ip6_tx & NDIS_CSUM_UDP6 : csum->ip4_tx & NDIS_CSUM_UDP4;
}

/* What the host cannot fill in, we do. */
static int checksum(struct sk_buff *skb, struct netvsc_send *send)
{
	bool ip6 = vlan_get_protocol(skb) == htons(ETH_P_IPV6);
	u8 protocol = ip6 ? ipv6_hdr(skb)->nexthdr : ip_hdr(skb)->protocol;
	u32 what;

	if (skb->csum_offset == offsetof(struct tcphdr, check) && protocol == IPPROTO_TCP)
		what = RNDIS_TX_TCP_CHECKSUM;
	else if (skb->csum_offset == offsetof(struct udphdr, check) && protocol == IPPROTO_UDP &&
		 host_can_udp(netdev_priv(skb->dev), ip6))
		what = RNDIS_TX_UDP_CHECKSUM;
	else
		return skb_checksum_help(skb);
	send->checksum = what | (ip6 ? RNDIS_TX_IPV6 : RNDIS_TX_IPV4) |
			 (u32)skb_transport_offset(skb) << RNDIS_TX_TRANSPORT_OFFSET_SHIFT;
	return 0;
}

/**
 * netvsc_offload_of() - what has to go with a frame
 * @skb: to be sent; its headers may be changed as offloads need, with the same result if it comes again
 * @send: zeroed; filled in
 *
 * The transmit lock is held. Return: 0, or negative errno: it cannot be sent.
 */
int netvsc_offload_of(struct sk_buff *skb, struct netvsc_send *send)
{
	if (skb_vlan_tag_present(skb)) {
		send->tagged = true;
		send->vlan = netvsc_vlan_ppi(skb_vlan_tag_get(skb));
	}
	if (skb_is_gso(skb))
		return segment(skb, send);
	return skb->ip_summed == CHECKSUM_PARTIAL ? checksum(skb, send) : 0;
}

/* A host that joined frames, or that fills in for one that never left its machine, leaves the header's own checksum to us. */
static void mend_ip_checksum(struct sk_buff *skb)
{
	struct iphdr *ip = (struct iphdr *)skb->data;

	if (skb->protocol != htons(ETH_P_IP) || skb_headlen(skb) < sizeof(*ip) || ip->ihl < 5 ||
	    skb_headlen(skb) < ip->ihl * 4)
		return;
	ip_send_check(ip);
}

static void receive_checksum(struct netvsc_queue *queue, struct sk_buff *skb, u32 checksum)
{
	if (checksum & RNDIS_RX_IP_VALUE_INVALID && checksum & RNDIS_RX_IP_SUCCEEDED)
		mend_ip_checksum(skb);
	if (checksum & (RNDIS_RX_TCP_SUCCEEDED | RNDIS_RX_UDP_SUCCEEDED)) {
		skb->ip_summed = CHECKSUM_UNNECESSARY;
		queue->rx.checksum_good++;
	}
	/* The kernel looks for itself. */
	if (checksum & (RNDIS_RX_TCP_FAILED | RNDIS_RX_UDP_FAILED | RNDIS_RX_IP_FAILED))
		queue->rx.checksum_bad++;
}

/* A hash without ports is the same for all flows between two hosts. Hosts that do not say are taken for those that hash ports. */
static enum pkt_hash_types hash_type(const struct netvsc_frame *frame)
{
	const u32 addresses = NDIS_HASH_IPV4 | NDIS_HASH_IPV6;

	return frame->has & NETVSC_HAS_HASH_INFO && frame->hash_info & addresses ? PKT_HASH_TYPE_L3 : PKT_HASH_TYPE_L4;
}

/*
 * A frame longer than the MTU is several segments of TCP that the host has joined. How long they were it does not say; full ones are the
 * rule. TCP learns its peer's segment size from that, and GRO puts such frames together.
 */
static void receive_joined(struct sk_buff *skb, u32 mtu)
{
	struct skb_shared_info *shared = skb_shinfo(skb);
	const struct iphdr *ip = (const struct iphdr *)skb->data;
	const struct ipv6hdr *ip6 = (const struct ipv6hdr *)skb->data;
	u32 header, type;

	if (skb_headlen(skb) < sizeof(*ip6) + sizeof(struct tcphdr))
		return;
	if (skb->protocol == htons(ETH_P_IP) && ip->protocol == IPPROTO_TCP && ip->ihl * 4 == sizeof(*ip)) {
		header = sizeof(*ip);
		type = SKB_GSO_TCPV4;
	} else if (skb->protocol == htons(ETH_P_IPV6) && ip6->nexthdr == IPPROTO_TCP) {
		header = sizeof(*ip6);
		type = SKB_GSO_TCPV6;
	} else {
		return;
	}
	header += ((const struct tcphdr *)(skb->data + header))->doff * 4;
	if (mtu <= header)
		return;
	shared->gso_size = mtu - header;
	shared->gso_segs = DIV_ROUND_UP(skb->len - header, shared->gso_size);
	shared->gso_type = type;
}

/**
 * netvsc_offload_received() - what the host says of a received frame
 * @queue: where it came
 * @skb: it, eth_type_trans() done
 * @frame: what the host says
 *
 * In poll().
 */
void netvsc_offload_received(struct netvsc_queue *queue, struct sk_buff *skb, const struct netvsc_frame *frame)
{
	netdev_features_t features = queue->nv->netdev->features;

	if (frame->has & NETVSC_HAS_CHECKSUM && features & NETIF_F_RXCSUM)
		receive_checksum(queue, skb, frame->checksum);
	if (frame->has & NETVSC_HAS_HASH && features & NETIF_F_RXHASH)
		skb_set_hash(skb, frame->hash, hash_type(frame));
	if (frame->has & NETVSC_HAS_VLAN)
		__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021Q), netvsc_vlan_tci(frame->vlan));
	if (skb->len > queue->nv->mtu)
		receive_joined(skb, queue->nv->mtu);
}
