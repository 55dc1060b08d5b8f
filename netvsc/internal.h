/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of hvis_netvsc share: one adapter. Its queues are in queue.h.
 *
 * Two lives meet in an adapter: that of its net_device (device.c), from probe to remove, and that of a connection with the
 * host (connect.c), which is made anew for another MTU, another number of channels or other buffers, and when the host broke
 * the protocol. The net_device's statistics, addresses, filters and indirection table outlive connections.
 * Invariant: a connection is made and ended under the RTNL or before and after the net_device is registered, and every wait for
 * the host in it has a limit.
 */
#ifndef HVIS_NETVSC_INTERNAL_H
#define HVIS_NETVSC_INTERNAL_H

#include <linux/atomic.h>
#include <linux/etherdevice.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "conversation.h"
#include "queue.h"
#include "refusal.h"
#include "vmbus.h"
#include "wire/ndis.h"
#include "wire/nvsp.h"
#include "wire/packet.h"
#include "wire/rndis.h"

#define NETVSC_CHANNELS_MAX 64u

/* Bounds, in ms. */
#define NETVSC_PROBE_MS 60000 /* the conversation when the adapter appears: a busy host takes its time */
#define NETVSC_CONNECT_MS 8000 /* later ones, which hold the RTNL */
#define NETVSC_REQUEST_MS 3000 /* one request outside a conversation */
#define NETVSC_OFFERS_MS 3000 /* all sub-channels */
#define NETVSC_DRAIN_MS 500 /* answers to what was sent, before closing */
#define NETVSC_RETRY_MIN_MS 500 /* after a connection that failed; doubled each time */
#define NETVSC_RETRY_MAX_MS 60000

#define NETVSC_PACKET_MAX 8192 /* of inbound packets: 562 ranges take 4568 */

/**
 * struct netvsc_rss - receive-side scaling
 * @host_entries: of the host's table at most; 0: it has none
 * @host_queues: channels that it spreads over
 * @entries: of our table
 * @table: receive queue for each hash value
 * @user_table: the user wrote it, so it is kept as far as possible
 * @key: of the hash
 */
struct netvsc_rss {
	u32 host_entries;
	u32 host_queues;
	u32 entries;
	u32 table[NDIS_RSS_TABLE_MAX];
	bool user_table;
	u8 key[NDIS_RSS_KEY_BYTES];
};

/**
 * struct netvsc - one adapter; lives behind its net_device
 * @netdev: the kernel's side
 * @device: the bus's side
 * @queues: NETVSC_CHANNELS_MAX at most
 * @bells: of each CPU
 * @queue_count: how many there may be; constant
 * @wanted: channels to ask for
 * @channels: in use, with the primary; changes with a connection
 * @connected: there is a connection; under the RTNL
 * @carrying: frames may be sent. Whoever clears it waits for those who send
 * @gone: the primary channel was rescinded, or the device is being removed: no more connections
 * @link_down: the host said so
 * @version: NVSP
 * @mtu: that the connection was made for
 * @mdl_chain_max: ranges in one packet of ours
 * @limits: of packets with several messages
 * @recv: the receive buffer; @send: the send buffer
 * @recv_base: where @recv is mapped
 * @recv_bytes: its length
 * @recv_section_bytes: and @recv_sections: how the host divides it
 * @send_base: likewise
 * @send_section_bytes: and @send_sections
 * @recv_wanted: and @send_wanted: bytes to allocate
 * @deadline: of the conversation under way, in jiffies
 * @control: requests
 * @rss: as above
 * @offload: what the host can do
 * @rsc: the host may join frames
 * @send_table: which queue to send on by hash, as the host wishes; valid with @send_table_valid
 * @prog: XDP program; RCU and the RTNL
 * @filter_work: tells the host of another filter
 * @link_work: news of the link
 * @link_news: LINK_*
 * @reset: a new connection
 * @retry_ms: delay of the next one, if this one fails
 * @resets: how many there were
 * @sent: woken when something that was sent is answered and somebody drains
 * @draining: somebody does
 * @refused: by reason
 */
struct netvsc {
	struct net_device *netdev;
	struct vmbus_device *device;
	struct netvsc_queue *queues;
	struct netvsc_bell __percpu *bells;
	u32 queue_count;
	u32 wanted;
	u32 channels;
	bool connected;
	bool carrying;
	bool gone;
	bool link_down;
	u32 version;
	u32 mtu;
	u32 mdl_chain_max;
	struct netvsc_limits limits;

	struct hvis_memory *recv;
	struct hvis_memory *send;
	u8 *recv_base;
	u32 recv_bytes;
	u32 recv_section_bytes;
	u32 recv_sections;
	u8 *send_base;
	u32 send_section_bytes;
	u32 send_sections;
	u32 recv_wanted;
	u32 send_wanted;

	unsigned long deadline;
	struct netvsc_control control;
	struct netvsc_rss rss;
	struct ndis_offload offload;
	bool rsc;
	u16 send_table[NVSP_INDIRECTION_COUNT];
	bool send_table_valid;
	struct bpf_prog __rcu *prog;

	struct work_struct filter_work;
	struct work_struct link_work;
	unsigned long link_news;
#define LINK_UP 0
#define LINK_DOWN 1
#define LINK_CHANGED 2
	struct delayed_work reset;
	unsigned int retry_ms;
	u32 resets;
	wait_queue_head_t sent;
	bool draining;
	atomic_t refused[REFUSALS];
};

/* The kernel's queue that goes with one of ours. */
static inline struct netdev_queue *netvsc_txq(const struct netvsc_queue *queue)
{
	return netdev_get_tx_queue(queue->nv->netdev, queue->index);
}

/* All that is in the ring: answers, too. */
static inline void netvsc_kick(struct netvsc_queue *queue)
{
	WRITE_ONCE(queue->owed, 0);
	hvis_channel_kick(queue->channel);
}

/* main.c */
extern unsigned int netvsc_ring_bytes;
extern unsigned int netvsc_recv_bytes;
extern unsigned int netvsc_send_bytes;
extern unsigned int netvsc_copy_limit;
extern bool netvsc_hold;
extern unsigned int netvsc_probe_ms;
extern unsigned int netvsc_connect_ms;

/* device.c */
int netvsc_probe(struct vmbus_device *device, const struct hv_vmbus_device_id *id);
void netvsc_remove(struct vmbus_device *device);
void netvsc_reset_soon(struct netvsc *nv);
void netvsc_link_says(struct netvsc *nv, u32 status);
int netvsc_reconnect(struct netvsc *nv);

/* connect.c */
int netvsc_connect(struct netvsc *nv, unsigned int limit_ms);
void netvsc_disconnect(struct netvsc *nv);
void netvsc_carry(struct netvsc *nv);
void netvsc_stop_carrying(struct netvsc *nv);

/* buffers.c */
int netvsc_buffers_share(struct netvsc *nv);
void netvsc_buffers_unshare(struct netvsc *nv);
void netvsc_buffers_destroy(struct netvsc *nv);
int netvsc_buffers_recv(struct netvsc *nv, const struct nvsp_recv_buf_complete *complete, u32 bytes);
void netvsc_buffers_send(struct netvsc *nv, const struct nvsp_send_buf_complete *complete);

/* offload.c */
int netvsc_offload_query(struct netvsc *nv);
int netvsc_offload_set(struct netvsc *nv, netdev_features_t features);
netdev_features_t netvsc_offload_features(const struct netvsc *nv);
netdev_features_t netvsc_fix_features(struct net_device *netdev, netdev_features_t features);
netdev_features_t netvsc_features_check(struct sk_buff *skb, struct net_device *netdev, netdev_features_t features);
int netvsc_set_features(struct net_device *netdev, netdev_features_t features);

/* rss.c */
void netvsc_rss_init(struct netvsc *nv);
int netvsc_rss_query(struct netvsc *nv);
int netvsc_rss_set(struct netvsc *nv);
void netvsc_rss_spread(struct netvsc *nv);
void netvsc_send_table(struct netvsc *nv, const void *message, u32 bytes);
u16 netvsc_select_queue(struct net_device *netdev, struct sk_buff *skb, struct net_device *sb_dev);

/* filter.c */
void netvsc_set_rx_mode(struct net_device *netdev);
void netvsc_filter_work(struct work_struct *work);
int netvsc_filter_set(struct netvsc *nv, bool open);
int netvsc_set_mac_address(struct net_device *netdev, void *address);

/* stats.c */
void netvsc_refuse(struct netvsc *nv, enum netvsc_refusal reason);
void netvsc_get_stats(struct net_device *netdev, struct rtnl_link_stats64 *stats);
int netvsc_stats_count(const struct netvsc *nv);
void netvsc_stats_names(const struct netvsc *nv, u8 *names);
void netvsc_stats_values(const struct netvsc *nv, u64 *values);

/* ethtool.c */
extern const struct ethtool_ops netvsc_ethtool_ops;

/* xdp.c */
int netvsc_bpf(struct net_device *netdev, struct netdev_bpf *bpf);
int netvsc_xdp_xmit(struct net_device *netdev, int count, struct xdp_frame **frames, u32 flags);
int netvsc_xdp_register(struct netvsc_queue *queue);
void netvsc_xdp_unregister(struct netvsc_queue *queue);

#endif
