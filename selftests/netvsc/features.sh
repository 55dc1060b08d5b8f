#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Every feature that ethtool -K can switch is switched off and on again, and traffic passes each time; all of them off at once, too.
. ./net.sh

# Those of the kernel's names that are the driver's business, and not fixed. (The groups among them would be switched twice.)
changeable()
{
	ethtool -k eth0 | sed -n 's/^[ \t]*\([a-z0-9-]*\): \(on\|off\)$/\1/p' |
		grep -xE 'tx-checksum-.*|tx-tcp.*-segmentation|rx-checksumming|large-receive-offload|[rt]x-vlan-offload|receive-hashing'
}

is()
{
	ethtool -k eth0 | grep -q "^[[:space:]]*$1: $2"
}

traffic()
{
	pings 56 2 && pings 1472 2 && pings 8000 2
}

# switched NAME: to what it is not, and back.
switched()
{
	is "$1" on && now=on other=off || now=off other=on
	ethtool -K eth0 "$1" $other && is "$1" $other && traffic && ethtool -K eth0 "$1" $now && is "$1" $now && traffic
}

all_off()
{
	before=$(ethtool -k eth0)
	for feature in $features; do
		ethtool -K eth0 "$feature" off || return 1
	done
	traffic && ip link set eth0 down && ip link set eth0 up && await 5 /sys/class/net/eth0/carrier=1 && traffic
}

# Features survive another connection with the host.
off_is_kept()
{
	ethtool -K eth0 tx off && ip link set eth0 mtu 1400 && is tx-checksumming off && ip link set eth0 mtu 1500 && traffic
}

all_as_before()
{
	for feature in $features; do
		echo "$before" | grep -q "^[[:space:]]*$feature: on" || continue
		ethtool -K eth0 "$feature" on || return 1
	done
	traffic
}

expected()
{
	for feature in tx-checksum-ipv4 tx-checksum-ipv6 tx-tcp-segmentation tx-tcp6-segmentation rx-checksumming; do
		echo "$feature"
		is $feature on || return 1
	done
}

features=$(changeable)
[ -n "$features" ] || features=none
plan $(($(echo $features | wc -w) + 4))
check offloads_are_on expected
for feature in $features; do
	check "$feature" switched "$feature"
done
check all_off all_off
check off_is_kept off_is_kept
check all_as_before all_as_before
finish
