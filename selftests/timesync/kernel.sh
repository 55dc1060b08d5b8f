#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Where the kernel's own Hyper-V code has page and timers: they stay its own, one line says so, and the host's time is told all the same. What
# its clock costs is the mark for ours.
. /kselftest/guest.sh
. /kselftest/timesync/time.sh

own=$(cat $source/current_clocksource)
timer=$(timer_of 0)

cost()
{
	set -- $(clockload cost 100000)
	figure clock.vdso.ns.kernel "$1" ns
	figure clock.syscall.ns.kernel "$2" ns
	echo "$own: $1 ns by vDSO, $2 ns by system call"
	clockload quiet
}

said_once()
{
	dmesg | grep "hvis_timesync: $1"
	[ "$(dmesg | grep -c "hvis_timesync: $1")" -eq 1 ]
}

plan 7
check clock_of_the_kernel cost
check loads load_time
check clock_stays is_current "$own"
check timers_stay timers_are "$timer"
check clock_is_left_with_one_line said_once "the kernel's own Hyper-V clocksource"
check timers_are_left_with_one_line said_once "the kernel's own Hyper-V timers"
check page_is_read grep -x 'page kernel' $debug/clock
finish
