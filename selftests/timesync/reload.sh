#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The module comes and goes HVIS_RELOADS times (default 20) under load: sleepers are woken in time, time never steps back, and nothing is left.
. /kselftest/guest.sh
. /kselftest/timesync/time.sh
rounds=${HVIS_RELOADS:-20}

reload()
{
	rm -f /tmp/stop
	while [ ! -e /tmp/stop ]; do clockload lateness 2000 500 >>/tmp/late 2>&1 || touch /tmp/early; done &
	sleeper=$!
	while [ ! -e /tmp/stop ]; do clockload monotone "$cpus" 20000 1 >>/tmp/race || touch /tmp/back; usleep 50000; done &
	racer=$!
	round=0
	while [ $round -lt "$rounds" ]; do
		round=$((round + 1))
		unload_time && load_time || break
	done
	touch /tmp/stop
	wait $sleeper $racer
	echo "round $round"
	[ $round -eq "$rounds" ] || return 1
	sort -n -k4 /tmp/late | tail -1
	tail -1 /tmp/race
}

nothing_left()
{
	unload_time || return 1
	! is_available hvis_tsc_page && ! is_available hvis_msr && timers_are_not hvis_stimer && [ ! -e $debug ] &&
		! grep hvis_stimer /proc/interrupts /proc/timer_list
}

plan 5
check "reload_${rounds}_times" reload
check nobody_woke_early test ! -e /tmp/early
check no_step_back test ! -e /tmp/back
check nothing_is_left nothing_left
check loads_once_more load_time
finish
