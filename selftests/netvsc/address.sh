#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Addresses of the NIC and what it listens to: MAC set and refused, promiscuous, all multicast, VLANs.
. ./net.sh
old=$(cat /sys/class/net/eth0/address)

# As the kernel wants it: changed while it is down.
set_address()
{
	ip link set eth0 down
	ip link set eth0 address "$1"
	changed=$?
	ip link set eth0 up && await 5 /sys/class/net/eth0/carrier=1 && return $changed
}

address_is()
{
	set_address "$1" && grep -qix "$1" /sys/class/net/eth0/address && pings 56 3
}

# address_refused ADDRESS THAT-STAYS
address_refused()
{
	refuses set_address "$1" && grep -qix "$2" /sys/class/net/eth0/address && pings 56 1
}

# flag NAME: switched on and off again, with frames each time.
flag()
{
	ifconfig eth0 "$1" && pings 56 3 && ifconfig eth0 "-$1" && pings 56 3
}

vlan_comes_and_goes()
{
	vconfig add eth0 "$1" && ip link set "eth0.$1" up && await 5 "/sys/class/net/eth0.$1/carrier=1" && pings 56 1 &&
		vconfig rem "eth0.$1" && [ ! -e "/sys/class/net/eth0.$1" ] && pings 56 1
}

# A VLAN that is there outlives another connection with the host.
vlan_stays()
{
	vconfig add eth0 9 && ip link set eth0.9 up && ip link set eth0 mtu 1400 && ip link set eth0 mtu 1500 &&
		await 5 /sys/class/net/eth0.9/carrier=1 && vconfig rem eth0.9
}

# The host answers by address, so a ping says that it has the new one.
plan 10
check mac_is_set address_is 02:11:22:33:44:55
check mac_multicast_is_refused address_refused 01:11:22:33:44:55 02:11:22:33:44:55
check mac_of_nobody_is_refused address_refused 00:00:00:00:00:00 02:11:22:33:44:55
check mac_as_before address_is "$old"
check promiscuous flag promisc
check all_multicast flag allmulti
check vlan_1 vlan_comes_and_goes 1
check vlan_4094 vlan_comes_and_goes 4094
check vlan_stays vlan_stays
check frames_of_every_size pings 1472 5
finish
