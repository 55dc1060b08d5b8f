#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Synthetic timers: they are the CPUs' timers, go and come with a CPU and with their switch, lose no wake-up, and are not late.
. /kselftest/guest.sh
. /kselftest/timesync/time.sh

switch=/sys/module/hvis_timesync/parameters/stimer
cpu1=/sys/devices/system/cpu/cpu1/online

way()
{
	cat $debug/stimer
	[ "$(told stimer way)" = "$1" ]
}

ticks()
{
	had=$(told stimer cpu0)
	usleep 200000
	echo "$had, then $(told stimer cpu0)"
	[ "$(told stimer cpu0)" -gt "$had" ]
}

off()
{
	echo N >$switch && timers_are_not hvis_stimer && way off && usleep 10000
}

on()
{
	echo Y >$switch && timers_are hvis_stimer && way "$1" && usleep 10000
}

leaves_with_its_cpu()
{
	echo 0 >$cpu1 && timers_are hvis_stimer && echo 1 >$cpu1 && timers_are hvis_stimer
}

# lesser A B: the lesser one; A may be empty.
lesser()
{
	if [ "${1:-$2}" -lt "$2" ]; then echo "$1"; else echo "$2"; fi
}

# The least is what the timer itself adds; the rest is what else the machine does. Both sides twice, in turn. Not worse than what was there
# before; by messages, which cost one exit more, not three times as late.
compare()
{
	for turn in 1 2; do
		on "$1" >/dev/null && late hvis || return 1
		ours=$(lesser "$ours" $least_lateness) ours_sleep=$(lesser "$ours_sleep" $least_sleep)
		off >/dev/null && late "$(timer_of 0)" || return 1
		theirs=$(lesser "$theirs" $least_lateness) theirs_sleep=$(lesser "$theirs_sleep" $least_sleep)
	done
	on "$1" >/dev/null || return 1
	more=1.5
	[ "$1" = direct ] || more=3
	awk -v a=$ours -v b=$theirs -v c=$ours_sleep -v d=$theirs_sleep -v m=$more 'BEGIN { exit !(a <= m * b + 50000 && c <= m * d + 50000) }'
}

# Sleepers on all CPUs while the timers go and come: each is woken as often as it should.
under_load()
{
	for cpu in $(seq 0 $((cpus - 1))); do
		taskset -c "$cpu" timeout 60 clockload lateness 2000 2500 >/tmp/late.$cpu &
		eval "pid$cpu=$!"
	done
	round=0
	while [ $round -lt 100 ]; do
		round=$((round + 1))
		echo N >$switch && echo Y >$switch || return 1
	done
	for cpu in $(seq 0 $((cpus - 1))); do
		eval "wait \$pid$cpu" || return 1
		echo "CPU $cpu, ns late: $(cat /tmp/late.$cpu)"
	done
}

hotplug_under_load()
{
	timeout 60 clockload lateness 2000 2500 >/tmp/late &
	pid=$!
	round=0
	while [ $round -lt 5 ]; do
		round=$((round + 1))
		echo 0 >$cpu1 && echo 1 >$cpu1 || return 1
	done
	wait $pid && timers_are hvis_stimer
}

wanted=${HVIS_WAY:-direct}
plan 9
check timers_are_ours timers_are hvis_stimer
check way way "$wanted"
check they_tick ticks
check switched_off off
check switched_on on "$wanted"
if [ -e $cpu1 ]; then
	check leaves_and_comes_with_its_cpu leaves_with_its_cpu
	check cpus_come_and_go_under_load hotplug_under_load
else
	check one_cpu_keeps_its_timer timers_are hvis_stimer
	check one_cpu_ticks ticks
fi
check not_later_than_what_was_there compare "$wanted"
check switched_100_times_under_load under_load
finish
