#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# XDP programs of one verdict, in native mode: frames pass, are dropped or sent back, with MTU 9000 and frames in pieces, too.
. ./net.sh
ours_only "the kernel's driver takes no program at MTU 9000"

# under VERDICT FIGURE [frags]: pings short and long under a program; FIGURE must have moved.
under()
{
	before=$(total "$2")
	xdp eth0 $1 $3 >/tmp/xdp.out 2>&1 &
	program=$!
	await 10 /tmp/xdp.out=attached || { cat /tmp/xdp.out; return 1; }
	ping -q -c 3 -i 0.2 -W 1 $there
	ping -q -c 3 -i 0.2 -W 1 -s 7000 $there
	kill $program
	wait $program
	[ "$(total "$2")" -gt "$before" ]
}

# A program that passes all must not be seen.
passes()
{
	xdp eth0 pass $1 >/tmp/xdp.out 2>&1 &
	program=$!
	await 10 /tmp/xdp.out=attached && pings 56 5 && pings 7000 5 && channels_are 1 && channels_are 2
	status=$?
	kill $program
	wait $program
	return $status
}

drops_all()
{
	xdp eth0 drop >/tmp/xdp.out 2>&1 &
	program=$!
	await 10 /tmp/xdp.out=attached && refuses ping -q -c 3 -i 0.1 -W 1 $there
	status=$?
	kill $program
	wait $program
	return $status
}

plan 10
check "mtu_$HVIS_MTU" mtu_is "$HVIS_MTU"
check pass under pass rx_xdp_passed
check drop under drop rx_xdp_dropped
check tx under tx rx_xdp_tx
check pass_frags under pass rx_xdp_passed frags
check tx_frags under tx tx_xdp_sent frags
check unseen passes frags
check nothing_passes_a_drop drops_all
check frames_afterwards pings 7000 3
check mtu_1500 mtu_is 1500
finish
