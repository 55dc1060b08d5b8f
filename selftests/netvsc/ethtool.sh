#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What ethtool shows and sets: driver, statistics, channels, buffers, the table and key of the host's hash.
. ./net.sh

driver_is_named()
{
	ethtool -i eth0
	ethtool -i eth0 | grep -qx "driver: $nic" && ethtool -i eth0 | grep -q '^firmware-version: '
}

link_is_seen()
{
	ethtool eth0
	ethtool eth0 | grep -q 'Link detected: yes' && ethtool eth0 | grep -q 'Duplex: Full'
}

names_are_unique()
{
	ethtool -S eth0 | sed -n 's/^ *\(.*\): [0-9]*$/\1/p' | sort >/tmp/names
	uniq -d /tmp/names
	[ -s /tmp/names ] && [ -z "$(uniq -d /tmp/names)" ]
}

# Each queue there may be has the same figures.
each_queue_has_the_same()
{
	for queue in $(seq 0 $(($(channels_max) - 1))); do
		sed -n "s/^q${queue}_//p" /tmp/names >/tmp/names-$queue
		[ -s /tmp/names-$queue ] && cmp /tmp/names-0 /tmp/names-$queue || return 1
	done
}

# In one moment with no frame in between both ways to ask say the same; a frame may come, so in one of some.
counters_agree()
{
	for try in 1 2 3 4 5 6 7 8; do
		pings 500 5 || return 1
		same=yes
		for counter in rx_packets tx_packets rx_bytes tx_bytes; do
			cat /sys/class/net/eth0/statistics/$counter
			[ "$(total $counter)" = "$(cat /sys/class/net/eth0/statistics/$counter)" ] || same=
		done
		[ -z "$same" ] || return 0
	done
	return 1
}

pings_are_counted()
{
	tx=$(cat /sys/class/net/eth0/statistics/tx_packets) rx=$(cat /sys/class/net/eth0/statistics/rx_packets)
	pings 56 20 || return 1
	[ "$(cat /sys/class/net/eth0/statistics/tx_packets)" -ge $((tx + 20)) ] &&
		[ "$(cat /sys/class/net/eth0/statistics/rx_packets)" -ge $((rx + 20)) ]
}

impossible_channels_are_refused()
{
	refuses ethtool -L eth0 combined 0 && refuses ethtool -L eth0 combined $(($(channels_max) + 1)) &&
		refuses ethtool -L eth0 rx 1 && pings 56 1
}

# buffers_are RX TX: about so many sections, for they come in whole pages; frames flow.
buffers_are()
{
	ethtool -G eth0 rx "$1" tx "$2" || return 1
	ethtool -g eth0
	ethtool -g eth0 | awk -v rx="$1" -v tx="$2" '
		/^Current/ { now = 1 }
		now && $1 == "RX:" { good += $2 >= rx * 0.7 && $2 <= rx * 1.1 }
		now && $1 == "TX:" { good += $2 >= tx * 0.7 && $2 <= tx * 1.1 }
		END { exit good != 2 }' && pings 1000 3
}

too_large_buffers_are_refused()
{
	refuses ethtool -G eth0 rx 1000000 && refuses ethtool -G eth0 tx 1000000 && pings 56 1
}

# The key is at the beginning of its line, the table is not.
table()
{
	ethtool -x eth0 | sed -n 's/^ \{1,\}[0-9]*: *//p' | tr -s ' \n' '  '
}

table_is_shown()
{
	ethtool -x eth0
	ethtool -x eth0 | grep -q "with $(channels_now) RX ring" && [ "$(table | wc -w)" = 128 ]
}

table_is_set()
{
	ethtool -X eth0 weight 1 3 && [ "$(table | tr ' ' '\n' | grep -c 1)" = 96 ] && pings 56 3 &&
		ethtool -X eth0 default && [ "$(table | tr ' ' '\n' | grep -c 1)" = 64 ] && pings 56 3
}

# It outlives another connection with the host.
table_is_kept()
{
	ethtool -X eth0 equal 1 && ip link set eth0 mtu 1400 && [ "$(table | tr ' ' '\n' | grep -c 1)" = 0 ] &&
		ip link set eth0 mtu 1500 && ethtool -X eth0 default
}

key_is_set()
{
	key=$(printf '%02x:' $(seq 1 39))28
	ethtool -X eth0 hkey "$key" && ethtool -x eth0 | grep -qx "$key" && pings 56 3
}

impossible_tables_are_refused()
{
	refuses ethtool -X eth0 equal $(($(channels_max) + 1)) && refuses ethtool -X eth0 hkey 01:02 && pings 56 1
}

flow_hash_is_shown()
{
	ethtool -n eth0 rx-flow-hash tcp4
	ethtool -n eth0 rx-flow-hash tcp4 | grep -q 'IP SA' && ethtool -n eth0 rx-flow-hash tcp4 | grep -q 'L4 bytes 0 & 1' &&
		ethtool -n eth0 rx-flow-hash tcp6 | grep -q 'IP DA'
}

# The host hashes TCP by ports and UDP by addresses, and takes no order in this.
flow_hash_of_tcp_stays()
{
	refuses ethtool -N eth0 rx-flow-hash tcp4 sd && flow_hash_is_shown
}

[ "$HVIS_DRIVER" = kernel ] && count=15 || count=18
plan $count
check driver_is_named driver_is_named
check link_is_seen link_is_seen
check statistics_have_unique_names names_are_unique
check pings_are_counted pings_are_counted
check one_channel channels_are 1
check all_channels channels_are "$(channels_max)"
check impossible_channels_are_refused impossible_channels_are_refused
check buffers_small buffers_are 1000 50
check buffers_large buffers_are 4000 160
check too_large_buffers_are_refused too_large_buffers_are_refused
check table_is_shown table_is_shown
check table_is_set table_is_set
check key_is_set key_is_set
check impossible_tables_are_refused impossible_tables_are_refused
check flow_hash_is_shown flow_hash_is_shown
if [ "$HVIS_DRIVER" != kernel ]; then
	check each_queue_has_the_same_figures each_queue_has_the_same
	check counters_agree counters_agree
	check table_is_kept table_is_kept
fi
finish
