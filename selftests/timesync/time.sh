# SPDX-License-Identifier: GPL-2.0
# What the tests of time share: where clocks and timers are in sysfs and debugfs.

source=/sys/devices/system/clocksource/clocksource0
debug=/sys/kernel/debug/hvis_timesync
cpus=$(grep -c ^processor /proc/cpuinfo)

# Before TSC deadline, which is chosen otherwise.
load_time()
{
	modprobe hvis_timesync stimer_rating=200 "$@"
}

unload_time()
{
	rmmod hvis_timesync && return
	echo "used $(cat /sys/module/hvis_timesync/refcnt) times: $(dmesg | grep hvis_timesync | tail -5)"
	return 1
}

# use CLOCK: it is the clocksource from now on.
use()
{
	echo "$1" >$source/current_clocksource && is_current "$1"
}

is_current()
{
	echo "clocksource $(cat $source/current_clocksource), expected $1, of $(cat $source/available_clocksource)"
	[ "$(cat $source/current_clocksource)" = "$1" ]
}

is_available()
{
	grep -qw "$1" $source/available_clocksource
}

# told FILE NAME: what debugfs says of it.
told()
{
	awk -v name="$2" '$1 == name { print $2 }' $debug/$1
}

timer_of()
{
	cat "/sys/devices/system/clockevents/clockevent$1/current_device"
}

# timers_are NAME: of all CPUs that are online.
timers_are()
{
	for cpu in $(seq 0 $((cpus - 1))); do
		[ "$(cat /sys/devices/system/cpu/cpu$cpu/online 2>/dev/null || echo 1)" = 1 ] || continue
		echo "CPU $cpu: $(timer_of "$cpu"), expected $1"
		[ "$(timer_of "$cpu")" = "$1" ] || return 1
	done
}

timers_are_not()
{
	! timers_are "$1"
}
