#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Debian's chronyd with the PTP clock of the host, as its guides have it: it takes the clock as its reference and says how far it is.
. /kselftest/guest.sh
. /kselftest/timesync/time.sh

start()
{
	for clock in /sys/class/ptp/*; do
		[ "$(cat "$clock/clock_name")" = hyperv ] && ptp=/dev/${clock##*/}
	done
	echo root:x:0:0:root:/root:/bin/sh >/etc/passwd
	echo root:x:0: >/etc/group
	mkdir -p /run/chrony /var/lib/chrony && chmod 750 /run/chrony && ip link set lo up
	cat >/tmp/chrony.conf <<-EOF
		refclock PHC $ptp poll 0 dpoll -2 offset 0 stratum 2
		makestep 1.0 -1
		port 0
		cmdport 0
		pidfile /run/chrony/chronyd.pid
	EOF
	chronyd -u root -f /tmp/chrony.conf && kill -0 "$(cat /run/chrony/chronyd.pid)"
}

# tracks: the reference is the clock, and the last offset is below 1 ms.
tracks()
{
	tries=0
	while [ $tries -lt 60 ]; do
		tries=$((tries + 1))
		sleep 1
		chronyc -c -h /run/chrony/chronyd.sock tracking >/tmp/tracking || continue
		offset=$(cut -d, -f6 /tmp/tracking)
		grep -q PHC0 /tmp/tracking && awk -v o="$offset" 'BEGIN { exit !(o < 0.001 && o > -0.001) }' && break
	done
	chronyc -h /run/chrony/chronyd.sock tracking
	chronyc -h /run/chrony/chronyd.sock sources
	[ $tries -lt 60 ] && figure clock.chrony.last_offset.ns "$(awk -v o="$offset" 'BEGIN { printf "%d", o * 1e9 }')" ns
}

plan 2
check chronyd_starts start
check chronyd_tracks_the_host tracks
kill "$(cat /run/chrony/chronyd.pid)"
finish
