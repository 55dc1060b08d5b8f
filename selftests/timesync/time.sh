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

# cost_of NAME FIELD READS CLOCK: a figure; what it is in ns is left in cost.
cost_of()
{
	use "$4" >/tmp/use || return 1
	set -- "$1" "$2" $(clockload cost "$3")
	[ $# -eq 5 ] || return 1
	eval "cost=\$$(($2 + 2))"
	figure "clock.$1" "$cost" ns
	echo "$1: $cost ns"
}

# The slowest that this machine emulates: a VM exit that ends in the host process.
emulated()
{
	for clock in hpet acpi_pm; do
		is_available $clock && echo $clock && return
	done
}

# late NAME [COUNT]: figures of how late sleepers of 1 ms are woken; the least of both kinds is left in least_lateness and least_sleep.
late()
{
	for kind in lateness sleep; do
		four=$(clockload $kind 1000 "${2:-2000}") || return 1
		set -- "$1" "${2:-2000}" $four
		echo "$1 $kind of 1 ms, ns: least $3, mean $4, 99% $5, most $6"
		figure "timer.$kind.least.ns.$1" "$3" ns
		figure "timer.$kind.mean.ns.$1" "$4" ns
		figure "timer.$kind.p99.ns.$1" "$5" ns
		eval "least_$kind=$3"
	done
}
