# SPDX-License-Identifier: GPL-2.0
# What the tests of this folder share. eth0 has an address, on a network that answers ARP and ping for every address (--nic sink).
. /kselftest/guest.sh
there=10.9.0.2

refuses()
{
	! "$@"
}

# total NAME: the sum of a figure of our driver's over all queues.
total()
{
	ethtool -S eth0 | sed -n "s/^ *\(q[0-9]*_\)\{0,1\}$1: //p" | awk '{ sum += $1 } END { print sum + 0 }'
}

channels_now()
{
	ethtool -l eth0 | sed -n 's/^Combined:[^0-9]*//p' | tail -1
}

channels_max()
{
	ethtool -l eth0 | sed -n 's/^Combined:[^0-9]*//p' | head -1
}

# queues_are NUMBER: the stack uses so many, in each direction. The kernel's driver leaves two where it has one channel.
queues_are()
{
	[ "$HVIS_DRIVER" = kernel ] && [ "$1" = 1 ] && return
	for way in tx rx; do
		echo "$way: $(ls -d /sys/class/net/eth0/queues/$way-* | wc -l) queues, expected $1"
		[ "$(ls -d /sys/class/net/eth0/queues/$way-* | wc -l)" = "$1" ] || return 1
	done
}

# channels_are NUMBER: set, and seen everywhere.
channels_are()
{
	ethtool -L eth0 combined "$1" && [ "$(channels_now)" = "$1" ] && queues_are "$1" && pings 56 3
}

# mtu_is BYTES: set, and the largest frame passes.
mtu_is()
{
	ip link set eth0 mtu "$1" && grep -qx "$1" /sys/class/net/eth0/mtu && pings $(($1 - 28)) 3
}
