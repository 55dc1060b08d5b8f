// SPDX-License-Identifier: GPL-2.0
/*
 * Which frames the host delivers: packet filter and address. Source: OID_GEN_CURRENT_PACKET_FILTER; the parameter
 * RNDIS_PARAMETER_MAC of OID_GEN_RNDIS_CONFIG_PARAMETER, by which Linux's driver changes the address.
 */
#include <linux/rtnetlink.h>

#include "internal.h"

static u32 filter_of(const struct net_device *netdev)
{
	u32 filter = RNDIS_FILTER_DIRECTED | RNDIS_FILTER_BROADCAST;

	if (netdev->flags & IFF_PROMISC)
		return RNDIS_FILTER_PROMISCUOUS;
	if (netdev->flags & IFF_ALLMULTI || !netdev_mc_empty(netdev))
		filter |= RNDIS_FILTER_ALL_MULTICAST;
	return filter;
}

/**
 * netvsc_filter_set() - tell the host which frames to deliver
 * @nv: RNDIS is initialised; the RTNL is held
 * @open: those that the net_device wants; otherwise none
 *
 * May sleep, bounded. Return: as netvsc_set().
 */
int netvsc_filter_set(struct netvsc *nv, bool open)
{
	u32 filter = open ? filter_of(nv->netdev) : 0;

	return netvsc_set(nv, RNDIS_OID_GEN_CURRENT_PACKET_FILTER, &filter, sizeof(filter));
}

/** netvsc_filter_work() - flags or multicast addresses have changed; may sleep, bounded */
void netvsc_filter_work(struct work_struct *work)
{
	struct netvsc *nv = container_of(work, struct netvsc, filter_work);

	rtnl_lock();
	if (nv->carrying && !READ_ONCE(nv->gone))
		netvsc_filter_set(nv, true);
	rtnl_unlock();
}

/** netvsc_set_rx_mode() - the same, as the kernel says it: must not sleep */
void netvsc_set_rx_mode(struct net_device *netdev)
{
	struct netvsc *nv = netdev_priv(netdev);

	schedule_work(&nv->filter_work);
}

static void to_utf16(u16 *to, const char *text, u32 count)
{
	while (count--)
		*to++ = *text++;
}

/* Return: as netvsc_set(). */
static int tell_address(struct netvsc *nv, const u8 *address)
{
	static const char name[] = RNDIS_PARAMETER_MAC;
	struct {
		struct rndis_config_parameter parameter;
		u16 name[sizeof(name) - 1];
		u16 value[2 * ETH_ALEN];
	} request = {
		.parameter = {
			.name_offset = offsetof(typeof(request), name),
			.name_bytes = sizeof(request.name),
			.type = RNDIS_PARAMETER_STRING,
			.value_offset = offsetof(typeof(request), value),
			.value_bytes = sizeof(request.value),
		},
	};
	char text[2 * ETH_ALEN + 1];

	snprintf(text, sizeof(text), "%pm", address);
	to_utf16(request.name, name, ARRAY_SIZE(request.name));
	to_utf16(request.value, text, ARRAY_SIZE(request.value));
	return netvsc_set(nv, RNDIS_OID_GEN_CONFIG_PARAMETER, &request, sizeof(request));
}

/** netvsc_set_mac_address() - the RTNL is held; may sleep, bounded. Return: 0 or negative errno, and nothing changed */
int netvsc_set_mac_address(struct net_device *netdev, void *address)
{
	struct netvsc *nv = netdev_priv(netdev);
	struct sockaddr *wanted = address;
	int error = eth_prepare_mac_addr_change(netdev, wanted);

	if (!error && nv->connected)
		error = tell_address(nv, wanted->sa_data);
	if (!error)
		eth_commit_mac_addr_change(netdev, wanted);
	return error;
}
