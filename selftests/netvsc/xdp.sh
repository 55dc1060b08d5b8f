#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# XDP programs of one verdict, in native mode: frames pass, are dropped or sent back, with MTU 9000 and frames in pieces, too.
. ./net.sh
ours_only "the kernel's driver takes no program at MTU 9000"

# begin VERDICT [frags]: the program is attached when this returns. The file that says so is not that of the program before it.
begin()
{
	rm -f /tmp/xdp.out
	xdp eth0 "$@" >/tmp/xdp.out 2>&1 &
	program=$!
	await 10 /tmp/xdp.out=attached && return
	cat /tmp/xdp.out
	end
	return 1
}

end()
{
	kill $program
	wait $program
}

# under VERDICT FIGURE [frags]: pings short and long under a program; FIGURE must have moved.
under()
{
	before=$(total "$2")
	begin $1 $3 || return 1
	ping -q -c 3 -i 0.2 -W 1 $there
	ping -q -c 3 -i 0.2 -W 1 -s 7000 $there
	end
	[ "$(total "$2")" -gt "$before" ]
}

# A program that passes all must not be seen.
passes()
{
	begin pass $1 || return 1
	pings 56 5 && pings 7000 5 && channels_are 1 && channels_are 2
	status=$?
	end
	return $status
}

drops_all()
{
	begin drop || return 1
	refuses ping -q -c 3 -i 0.1 -W 1 $there
	status=$?
	end
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
