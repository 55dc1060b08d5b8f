#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Channels, MTU, buffers and the module itself are changed while frames flow, HVIS_ROUNDS times; after each they flow again.
. ./net.sh
rounds=${HVIS_ROUNDS:-1}

down_and_up()
{
	ip link set eth0 down && ip link set eth0 up && pings 56 3
}

buffers()
{
	ethtool -G eth0 rx "$1" tx "$2" && pings 1000 3
}

# The link, the address and the flood are gone with the interface.
unloads()
{
	rmmod $nic && [ ! -e /sys/class/net/eth0 ]
}

loads()
{
	modprobe $nic && nic_up 10.9.0.1 && pings 56 3
}

plan $((6 * rounds + 5))
begin_flood
for round in $(seq $rounds); do
	check one_channel_$round channels_are 1
	check two_channels_$round channels_are 2
	check mtu_${HVIS_MTU}_$round mtu_is "$HVIS_MTU"
	check mtu_1500_$round mtu_is 1500
	check buffers_$round buffers $((1000 + 1000 * (round & 1))) $((50 + 50 * (round & 1)))
	check down_and_up_$round down_and_up
done
check unloads_under_a_flood unloads
end_flood
check flood_was_answered test "$answered" -ge 100
check loads_again loads
if [ "$HVIS_DRIVER" = kernel ]; then
	check flows pings 56 3
else
	check nothing_refused nothing_refused
fi
check channels_are_all test "$(channels_now)" = "$(channels_max)"
finish
