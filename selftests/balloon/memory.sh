#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What can be seen and set of dynamic memory in the guest alone, with a host that offers it and asks for nothing meanwhile.
. /kselftest/guest.sh
ours_only

# value NAME: of a line in debugfs.
value()
{
	awk -v name="$1" '$1 == name { print $2 }' /sys/kernel/debug/hvis_balloon/*/memory /sys/kernel/debug/hvis_balloon/*/counters
}

load()
{
	modprobe hvis_balloon "$@" && await 10 '/sys/bus/vmbus/drivers/hvis_balloon/*-*-*-*-*'
}

negotiated()
{
	value state
	value version
	[ "$(value state)" = ready ] && value version | grep -Eq '^(0\.3|1\.0|2\.0)$'
}

total_as_the_kernel_says()
{
	kib=$(awk '/^MemTotal/ { print $2 }' /proc/meminfo)
	echo "$(value total) pages, $kib KiB"
	[ $(($(value total) * 4)) = "$kib" ]
}

# The curve of docs/balloon.md at this size.
floor_by_size()
{
	total=$(value total)
	if [ "$total" -lt 131072 ]; then floor=$((40 * 256 + total / 4)); else floor=$((104 * 256 + total / 8)); fi
	[ "$total" -ge 32768 ] && [ "$total" -lt 524288 ] || return 0
	echo "$total: $(value floor), not $floor"
	[ "$(value floor)" = $floor ]
}

# In two seconds two reports, be they early or not.
reports()
{
	before=$(value reports)
	sleep 3
	echo "$before, then $(value reports)"
	[ "$(value reports)" -ge $((before + 2)) ]
}

nothing_refused()
{
	! grep '^refused_' /sys/kernel/debug/hvis_balloon/*/counters | grep -v ' 0$'
}

events()
{
	mkdir -p /tmp/tracing && { mountpoint -q /tmp/tracing || mount -t tracefs tracefs /tmp/tracing; }
	ls /tmp/tracing/events/hvis_balloon
	[ "$(ls -d /tmp/tracing/events/hvis_balloon/balloon_* | wc -l)" = 10 ]
}

bad_period()
{
	rmmod hvis_balloon || return 1
	! modprobe hvis_balloon status_ms=1 && dmesg | tail -n 3 | grep 'status_ms=1 is out of range 100..60000'
}

fixed_floor()
{
	load floor_mb=100 && [ "$(value floor)" = 25600 ]
}

gone()
{
	rmmod hvis_balloon && [ ! -e /sys/kernel/debug/hvis_balloon ]
}

load || exit 1
plan 9
check negotiated negotiated
check total_as_the_kernel_says total_as_the_kernel_says
check floor_by_size floor_by_size
check reports reports
check nothing_refused nothing_refused
check events events
check bad_period_is_refused bad_period
check fixed_floor fixed_floor
check unload_leaves_nothing gone
finish
