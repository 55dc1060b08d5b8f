// SPDX-License-Identifier: GPL-2.0
/*
 * One adapter from offer to removal: its net_device, and when a connection with the host is made, ended, or made anew.
 *
 * A host that breaks the protocol, takes a sub-channel away or does not answer gets a new connection, later each time it fails; the
 * net_device stays, without carrier. Only the end of the primary channel is the end of the adapter.
 * Invariant: reset work is the only one that makes connections outside of what the RTNL's holder asked for, and holds it, too.
 */
#include <linux/jiffies.h>
#include <linux/rtnetlink.h>

#include "internal.h"

#define TX_TIMEOUT_S 5
#define MTU_MAX 9000

/**
 * netvsc_reset_soon() - this connection is of no more use: make another one
 * @nv: the adapter
 *
 * Any context but hard interrupts. Further calls until then change nothing.
 */
void netvsc_reset_soon(struct netvsc *nv)
{
	if (!READ_ONCE(nv->gone))
		schedule_delayed_work(&nv->reset, msecs_to_jiffies(nv->retry_ms));
}

/**
 * netvsc_reconnect() - a new connection with what was changed, where there was one or should be
 * @nv: the RTNL is held
 *
 * Frames that were on their way are lost; those that the kernel holds go out afterwards. May sleep, bounded.
 * Return: 0; negative errno: there is no connection now.
 */
int netvsc_reconnect(struct netvsc *nv)
{
	struct net_device *netdev = nv->netdev;
	bool running = netif_running(netdev);
	int error;

	ASSERT_RTNL();
	netif_device_detach(netdev);
	netvsc_stop_carrying(nv);
	netvsc_disconnect(nv);
	nv->resets++;
	error = netvsc_connect(nv, netvsc_connect_ms);
	if (error) {
		netif_carrier_off(netdev);
		return error;
	}
	nv->retry_ms = NETVSC_RETRY_MIN_MS;
	netif_device_attach(netdev);
	if (running)
		netvsc_carry(nv);
	netdev_update_features(netdev);
	return 0;
}

static void reset_work(struct work_struct *work)
{
	struct netvsc *nv = container_of(to_delayed_work(work), struct netvsc, reset);

	rtnl_lock();
	if (!READ_ONCE(nv->gone)) {
		netdev_info(nv->netdev, "connecting anew\n");
		if (netvsc_reconnect(nv)) {
			nv->retry_ms = min_t(u32, 2 * nv->retry_ms, NETVSC_RETRY_MAX_MS);
			netvsc_reset_soon(nv);
		}
	}
	rtnl_unlock();
}

/* Something happened to the network behind the link, so tell it where we are. */
static void link_work(struct work_struct *work)
{
	struct netvsc *nv = container_of(work, struct netvsc, link_work);

	rtnl_lock();
	if (test_and_clear_bit(LINK_CHANGED, &nv->link_news) && nv->carrying && !READ_ONCE(nv->link_down)) {
		netif_carrier_off(nv->netdev);
		netif_carrier_on(nv->netdev);
		netdev_notify_peers(nv->netdev);
	}
	if (nv->carrying && !READ_ONCE(nv->gone)) {
		if (READ_ONCE(nv->link_down))
			netif_carrier_off(nv->netdev);
		else
			netif_carrier_on(nv->netdev);
	}
	rtnl_unlock();
}

/**
 * netvsc_link_says() - the host indicated a status
 * @nv: the adapter
 * @status: RNDIS_STATUS_*
 *
 * In poll().
 */
void netvsc_link_says(struct netvsc *nv, u32 status)
{
	switch (status) {
	case RNDIS_STATUS_MEDIA_CONNECT:
		WRITE_ONCE(nv->link_down, false);
		break;
	case RNDIS_STATUS_MEDIA_DISCONNECT:
		WRITE_ONCE(nv->link_down, true);
		break;
	case RNDIS_STATUS_NETWORK_CHANGE:
		set_bit(LINK_CHANGED, &nv->link_news);
		break;
	default:
		return; /* speed and the like, which are asked for when wanted */
	}
	schedule_work(&nv->link_work);
}

static int open(struct net_device *netdev)
{
	struct netvsc *nv = netdev_priv(netdev);
	int error = nv->connected ? 0 : netvsc_connect(nv, netvsc_connect_ms);

	if (!error)
		netvsc_carry(nv);
	return error;
}

static int stop(struct net_device *netdev)
{
	struct netvsc *nv = netdev_priv(netdev);

	netif_carrier_off(netdev);
	netvsc_stop_carrying(nv);
	return 0;
}

static int change_mtu(struct net_device *netdev, int mtu)
{
	struct netvsc *nv = netdev_priv(netdev);
	int old = netdev->mtu, error = 0;

	netdev->mtu = mtu;
	if (nv->connected)
		error = netvsc_reconnect(nv);
	/* How much is too much a host only says when it is asked for it: back to what it takes. */
	if (!error && mtu > netdev->max_mtu) {
		netdev->mtu = old;
		error = netvsc_reconnect(nv);
		if (!error)
			return -ERANGE;
	}
	if (!error)
		return 0;
	netdev->mtu = old;
	netvsc_reset_soon(nv);
	return error;
}

static void tx_timeout(struct net_device *netdev, unsigned int queue)
{
	struct netvsc *nv = netdev_priv(netdev);

	netdev_warn(netdev, "the host answers nothing on queue %u\n", queue);
	netvsc_reset_soon(nv);
}

static const struct net_device_ops netdev_ops = {
	.ndo_open = open,
	.ndo_stop = stop,
	.ndo_start_xmit = netvsc_start_xmit,
	.ndo_select_queue = netvsc_select_queue,
	.ndo_features_check = netvsc_features_check,
	.ndo_fix_features = netvsc_fix_features,
	.ndo_set_features = netvsc_set_features,
	.ndo_set_rx_mode = netvsc_set_rx_mode,
	.ndo_set_mac_address = netvsc_set_mac_address,
	.ndo_validate_addr = eth_validate_addr,
	.ndo_change_mtu = change_mtu,
	.ndo_tx_timeout = tx_timeout,
	.ndo_get_stats64 = netvsc_get_stats,
	.ndo_bpf = netvsc_bpf,
	.ndo_xdp_xmit = netvsc_xdp_xmit,
};

static void init(struct netvsc *nv, struct net_device *netdev, struct vmbus_device *device)
{
	nv->netdev = netdev;
	nv->device = device;
	nv->wanted = min_t(u32, num_online_cpus(), NETVSC_CHANNELS_MAX);
	nv->queue_count = netdev->num_tx_queues;
	nv->channels = 1;
	nv->recv_wanted = netvsc_recv_bytes;
	nv->send_wanted = netvsc_send_bytes;
	nv->retry_ms = NETVSC_RETRY_MIN_MS;
	INIT_WORK(&nv->filter_work, netvsc_filter_work);
	INIT_WORK(&nv->link_work, link_work);
	INIT_DELAYED_WORK(&nv->reset, reset_work);
	init_waitqueue_head(&nv->sent);
	netvsc_control_init(nv);
	netvsc_rss_init(nv);
}

static struct netvsc *create(struct vmbus_device *device)
{
	u32 count = min_t(u32, num_present_cpus(), NETVSC_CHANNELS_MAX);
	struct net_device *netdev = alloc_etherdev_mqs(sizeof(struct netvsc), count, count);
	struct netvsc *nv;

	if (!netdev)
		return NULL;
	nv = netdev_priv(netdev);
	init(nv, netdev, device);
	SET_NETDEV_DEV(netdev, &device->dev);
	netdev->netdev_ops = &netdev_ops;
	netdev->ethtool_ops = &netvsc_ethtool_ops;
	netdev->watchdog_timeo = TX_TIMEOUT_S * HZ;
	netdev->max_mtu = MTU_MAX;
	nv->control.page = (void *)__get_free_page(GFP_KERNEL | __GFP_ZERO);
	if (!nv->control.page)
		goto free_netdev;
	if (netvsc_queues_create(nv))
		goto free_page;
	return nv;

free_page:
	free_page((unsigned long)nv->control.page);
free_netdev:
	free_netdev(netdev);
	return NULL;
}

/* Nothing of the adapter runs any more, its channels are closed. */
static void destroy(struct netvsc *nv)
{
	netvsc_buffers_destroy(nv);
	netvsc_queues_destroy(nv);
	/* The host has closed the channel, or never will read it: see control.c. */
	free_page((unsigned long)nv->control.page);
	free_netdev(nv->netdev);
}

static void set_features(struct netvsc *nv)
{
	struct net_device *netdev = nv->netdev;
	const struct ndis_lso_v2_offload *lso = &nv->offload.lso_v2;

	netdev->hw_features = netvsc_offload_features(nv);
	netdev->features = netdev->hw_features;
	netdev->vlan_features = netdev->features & ~(NETIF_F_HW_VLAN_CTAG_TX | NETIF_F_HW_VLAN_CTAG_RX);
	if (netdev->features & NETIF_F_TSO)
		netif_set_tso_max_size(netdev, min_t(u32, lso->ip4_bytes_max, GSO_LEGACY_MAX_SIZE));
	compat_xdp_features(netdev);
}

/**
 * netvsc_probe() - an adapter was offered
 * @device: the offer
 * @id: unused, there is one type
 *
 * May sleep, bounded by netvsc_probe_ms and the bus's own limits. Return: 0 or negative errno, after one line that names the step.
 */
int netvsc_probe(struct vmbus_device *device, const struct hv_vmbus_device_id *id)
{
	struct netvsc *nv = create(device);
	int error;

	if (!nv)
		return -ENOMEM;
	error = netvsc_connect(nv, netvsc_probe_ms);
	if (error)
		goto destroy;
	set_features(nv);
	netif_carrier_off(nv->netdev);
	dev_set_drvdata(&device->dev, nv);
	error = register_netdev(nv->netdev);
	if (error) {
		dev_err(&device->dev, "no net_device: error %d\n", error);
		goto disconnect;
	}
	netdev_info(nv->netdev, "NVSP %u.%u, %u channels, %u receive sections of %u bytes, %u send sections of %u\n",
		    nv->version >> 16, nv->version & 0xFFFF, nv->channels, nv->recv_sections, nv->recv_section_bytes,
		    nv->send_sections, nv->send_section_bytes);
	return 0;

disconnect:
	dev_set_drvdata(&device->dev, NULL);
	WRITE_ONCE(nv->gone, true);
	cancel_delayed_work_sync(&nv->reset);
	netvsc_disconnect(nv);
destroy:
	WRITE_ONCE(nv->gone, true);
	cancel_delayed_work_sync(&nv->reset);
	cancel_work_sync(&nv->link_work);
	destroy(nv);
	return error;
}

/**
 * netvsc_remove() - the adapter goes: rescinded, unbound, or the module is unloaded
 * @device: the offer
 *
 * While the host is there it is told properly. May sleep, bounded.
 */
void netvsc_remove(struct vmbus_device *device)
{
	struct netvsc *nv = dev_get_drvdata(&device->dev);

	rtnl_lock();
	netif_device_detach(nv->netdev);
	netvsc_stop_carrying(nv);
	netvsc_disconnect(nv);
	WRITE_ONCE(nv->gone, true);
	rtnl_unlock();
	cancel_delayed_work_sync(&nv->reset);
	unregister_netdev(nv->netdev);
	cancel_delayed_work_sync(&nv->reset);
	cancel_work_sync(&nv->filter_work);
	cancel_work_sync(&nv->link_work);
	dev_set_drvdata(&device->dev, NULL);
	destroy(nv);
}
