#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The host's wall clock: steps of the host's, a pause, an idle minute, nonsense, and the PTP clock. What the host is to do it does at our marks;
# how far we are from it, its own clock says over the serial port.
. /kselftest/guest.sh
. /kselftest/timesync/time.sh

device=
ptp=

find_device()
{
	for folder in $debug/*-*; do device=${folder##*/}; done
	for clock in /sys/class/ptp/*; do
		[ "$(cat "$clock/clock_name")" = hyperv ] && ptp=/dev/${clock##*/}
	done
	echo "device $device, PTP clock $ptp"
	[ "$device" ] && [ -c "$ptp" ]
}

host()
{
	told "$device/host" "$1"
}

# within NS [SECONDS]: as near to the host as that, at last after so many seconds.
within()
{
	tries=$((${2:-0} * 2 + 1))
	while [ $tries -gt 0 ]; do
		tries=$((tries - 1))
		set -- "$1" "$2" $(clockload host /dev/ttyS1 20)
		echo "the host is $3 ns ahead, by an answer within $4 ns"
		# What the answer took is what is not known.
		[ ${3#-} -le $(($1 + $4 / 2)) ] && return 0
		[ $tries -eq 0 ] || usleep 500000
	done
	return 1
}

has_sample()
{
	tries=0
	while [ "$(host samples)" = 0 ] && [ $tries -lt 50 ]; do usleep 200000; tries=$((tries + 1)); done
	cat "$debug/$device/host"
	[ "$(host samples)" -gt 0 ]
}

stepped()
{
	steps=$(host steps)
	mark "$1"
	within "$2" 5 && echo "$steps steps, then $(host steps)" && [ "$(host steps)" -gt "$steps" ]
}

after_pause()
{
	mark pause-10
	within 10000000 5
}

# Without anybody who steers: the clock is the host's own.
idle()
{
	within 1000000 || return 1
	usleep ${HVIS_IDLE:-60}000000
	within 1000000
}

ptp_is_read_only()
{
	set -- $(clockload ptp $ptp)
	echo "PTP: $1, host less guest $2 ns by extended stamps, $3 ns by precise ones"
	[ "$1" = read-only ] && [ "$3" != none ] && [ ${3#-} -lt 2000000 ] && [ $(($2 - $3)) -lt 1000000 ] && [ $(($3 - $2)) -lt 1000000 ] &&
		figure clock.ptp.precise.ns "$3" ns
}

ntp_is_told()
{
	for folder in /sys/bus/vmbus/devices/$device; do
		echo "leap $(cat "$folder/leap"), stratum $(cat "$folder/stratum")"
		[ "$(cat "$folder/leap")" -le 3 ] && [ "$(cat "$folder/stratum")" -le 16 ] || return 1
	done
}

# A host that has said nothing for longer than stale_s is no clock any more; the next sample makes it one again.
stale()
{
	parameter=/sys/module/hvis_timesync/parameters/stale_s
	echo 1 >$parameter
	tries=0
	while clockload ptp $ptp >/tmp/ptp 2>&1 && [ $tries -lt 100 ]; do usleep 100000; tries=$((tries + 1)); done
	cat /tmp/ptp
	echo "silent for $(host age_ms) ms"
	[ $tries -lt 100 ] && grep -q 'Stale file handle' /tmp/ptp && echo 600 >$parameter && ptp_is_read_only
}

# The host says nonsense: one line, nothing done, and the clock stays right.
refused()
{
	had=$(dmesg | grep -c "$2")
	mark "$1"
	tries=0
	while [ "$(dmesg | grep -c "$2")" -eq "$had" ] && [ $tries -lt 50 ]; do usleep 100000; tries=$((tries + 1)); done
	dmesg | grep "$2"
	cat "$debug/$device/host"
	[ "$(dmesg | grep -c "$2")" -gt "$had" ] && within 10000000 5
}

# Two days back is too far, unless we say so.
far_back()
{
	parameter=/sys/module/hvis_timesync/parameters/step_back_max_s
	had=$(host refused_back)
	mark back-2-days
	tries=0
	while [ "$(host refused_back)" -eq "$had" ] && [ $tries -lt 75 ]; do usleep 200000; tries=$((tries + 1)); done
	[ "$(host refused_back)" -gt "$had" ] && echo 0 >$parameter && mark sync && within 10000000 15 || return 1
	echo 86400 >$parameter && mark offset-0 && within 10000000 5
}

plan 12
check device_and_clock find_device
check host_tells_the_time has_sample
check ptp_is_read_only ptp_is_read_only
check leap_and_stratum ntp_is_told
check silent_host_is_stale stale
check one_hour_on stepped hour-on 10000000
check one_hour_back stepped hour-back 10000000
check pause_of_10_s after_pause
check idle_keeps_within_1_ms idle
check year_1600_is_refused refused year 'a time before 1970'
check short_message_is_refused refused short 'the host sent'
check two_days_back_only_when_allowed far_back
finish
