#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The MTU, and what is beyond; the carrier when the interface goes down and comes up, and when the cable is taken out.
. ./net.sh

# The kernel's driver takes any MTU up to 65521, and keeps to what the host takes.
mtu_refused()
{
	if [ "$HVIS_DRIVER" = kernel ] && [ "$1" = 9001 ]; then set -- 65522; fi
	refuses ip link set eth0 mtu "$1" && grep -qx 1500 /sys/class/net/eth0/mtu && pings 56 1
}

# The host takes less than the driver could. The kernel's driver says that it is set, and keeps to what the host takes.
more_than_the_host_takes()
{
	[ "$HVIS_DRIVER" = kernel ] || refuses ip link set eth0 mtu $((HVIS_MTU + 1)) || return 1
	[ "$HVIS_DRIVER" != kernel ] || ip link set eth0 mtu $((HVIS_MTU + 1))
	cat /sys/class/net/eth0/mtu
	[ "$(cat /sys/class/net/eth0/mtu)" -le "$HVIS_MTU" ] && pings $(($(cat /sys/class/net/eth0/mtu) - 28)) 2
}

# What does not fit goes in pieces.
in_pieces()
{
	mtu_is 576 && pings 1472 3 && pings 8000 3 && mtu_is 1500
}

# Down, there is no carrier to be read; up, it is there at once or soon.
down_and_up()
{
	ip link set eth0 down && refuses cat /sys/class/net/eth0/carrier && ip link set eth0 up &&
		await 5 /sys/class/net/eth0/carrier=1 && pings 56 3
}

# The MTU may be changed while it is down; then it holds from the next time it is up.
mtu_while_down()
{
	ip link set eth0 down && ip link set eth0 mtu "$HVIS_MTU" && ip link set eth0 up && await 5 /sys/class/net/eth0/carrier=1 &&
		pings $((HVIS_MTU - 28)) 3 && mtu_is 1500
}

cable()
{
	mark link-down
	await 5 /sys/class/net/eth0/carrier=0 && ethtool eth0 | grep -q 'Link detected: no' || return 1
	mark link-up
	await 5 /sys/class/net/eth0/carrier=1 && pings 56 3
}

# The cable goes while the interface is down: it is not there when it comes up.
cable_while_down()
{
	ip link set eth0 down
	mark link-down
	ip link set eth0 up && await 5 /sys/class/net/eth0/carrier=0 || return 1
	mark link-up
	await 5 /sys/class/net/eth0/carrier=1 && pings 56 3
}

plan 12
check mtu_68 mtu_is 68
check mtu_576 in_pieces
check "mtu_$HVIS_MTU" mtu_is "$HVIS_MTU"
check mtu_of_more_than_the_host_takes more_than_the_host_takes
check mtu_1500 mtu_is 1500
check mtu_67_is_refused mtu_refused 67
check mtu_9001_is_refused mtu_refused 9001
check mtu_65535_is_refused mtu_refused 65535
check down_and_up down_and_up
check mtu_while_down mtu_while_down
check cable_out_and_in cable
check cable_while_down cable_while_down
finish
