#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Enlightenments are switched, refused, and do what they say, under load. HVIS_SWITCHES: how often they are switched and the module is
# reloaded; HVIS_MODE "hv": the kernel's own Hyper-V code is active, and does most of them itself; HVIS_SHORT: only the checks that say most.
. /kselftest/guest.sh
ours_only

parameters=/sys/module/hvis_enlighten/parameters
seen=/sys/kernel/debug/hvis_enlighten
switches=${HVIS_SWITCHES:-10}
case "$HVIS_MODE" in
hv) ours=spin others="tlb ipi crash" ;;
*) ours="spin tlb ipi crash" others= ;;
esac

# value NAME: of a line in debugfs.
value()
{
	awk -v name="$1" '$1 == name { print $2 }' $seen/state $seen/counters
}

# all_are WORD LETTER: by both ways to see it.
all_are()
{
	for row in $ours; do
		echo "$row: $(value $row) $(cat $parameters/$row), not $1 $2"
		[ "$(value $row)" = "$1" ] && [ "$(cat $parameters/$row)" = "$2" ] || return 1
	done
}

write_all()
{
	for row in $ours; do
		echo "$1" >$parameters/$row || return 1
	done
}

on_by_advice()
{
	cat $seen/state
	all_are on Y || return 1
	for row in $others; do
		[ "$(value ${row}_advice)" = kernel ] && [ "$(value $row)" = off ] || return 1
	done
	[ "$(value cpus)" = "$(nproc)" ]
}

off_and_on()
{
	write_all 0 && all_are off N && write_all 1 && all_are on Y && write_all N && all_are off N && write_all Y && all_are on Y &&
		write_all 1 && all_are on Y
}

# refused ROW WORD TEXT: the write fails, and the log says why.
refused()
{
	! echo "$2" >$parameters/"$1" && dmesg | tail -n 3 | grep "$3"
}

refusals()
{
	refused spin maybe 'spin=maybe: must be 0, 1 or force' && refused tlb "" 'must be 0, 1 or force' || return 1
	for row in $others; do
		refused $row 1 "$row: this kernel does it by itself" && refused $row force "$row: this kernel does it by itself" || return 1
	done
	all_are on Y
}

# moves COUNTER COMMAND...: the command succeeds and the counter grows. An overcommitted guest does a few in a second.
moves()
{
	counter=$1
	shift
	before=$(value $counter)
	"$@" || return 1
	echo "$counter: $before, then $(value $counter)"
	[ $(($(value $counter) - before)) -ge 2 ]
}

rests()
{
	counter=$1
	shift
	before=$(value $counter)
	"$@" || return 1
	echo "$counter: $before, then $(value $counter)"
	[ "$(value $counter)" = "$before" ]
}

lock_load()
{
	echo "$1" >/sys/module/lockload/parameters/run && [ "$(cat /sys/module/lockload/parameters/lost)" = N ]
}

long_spins_are_told() { moves spin_waits lock_load 1000 && echo "notified $(value spin_notified), queued $(value spin_queued)"; }
off_tells_nothing() { echo 0 >$parameters/spin && rests spin_waits lock_load 300 && echo 1 >$parameters/spin; }
flushes_by_hypercall() { moves tlb_flushes remoteload tlb 2; }
off_flushes_nothing() { echo 0 >$parameters/tlb && rests tlb_flushes remoteload tlb 1 && echo 1 >$parameters/tlb; }
page_tables_freed_by_interrupt() { moves tlb_native_freed remoteload free 2; }
walkers_of_page_tables() { moves tlb_native_freed remoteload gup 5; }
interrupts_by_hypercall() { moves ipi_calls remoteload ipi 2; }
off_interrupts_nothing() { echo 0 >$parameters/ipi && rests ipi_calls remoteload ipi 1 && echo 1 >$parameters/ipi; }

# The form of calls for more than 64 VPs, which names few as well.
by_sets_of_processors()
{
	echo 1 >$parameters/sets && moves tlb_ex remoteload tlb 1 && moves ipi_calls_ex remoteload ipi 1 && remoteload gup 2 && echo 0 >$parameters/sets
}

# The hypervisor refused nothing, and every CPU was known.
nothing_refused()
{
	cat $seen/counters
	all_are on Y && [ "$(value tlb_native)" = 0 ] && [ "$(value ipi_native)" = 0 ]
}

# begin_load [lock_load]
begin_load()
{
	rm -f /tmp/loaded
	for load in "remoteload gup" "remoteload tlb" "remoteload ipi" "$@"; do
		while [ ! -e /tmp/loaded ]; do
			case "$load" in
			lock_load) lock_load 500 || echo "$load" >>/tmp/load.failed ;;
			*) $load 1 >/dev/null || echo "$load" >>/tmp/load.failed ;;
			esac
		done &
	done
}

end_load()
{
	echo yes >/tmp/loaded
	wait
	! cat /tmp/load.failed 2>/dev/null
}

switched_under_load()
{
	begin_load lock_load
	round=0
	while [ $round -lt "$switches" ]; do
		round=$((round + 1))
		write_all 0 && write_all 1 || break
	done
	end_load && echo "$round rounds" && [ $round = "$switches" ] && all_are on Y
}

reloaded_under_load()
{
	begin_load lock_load
	round=0
	while [ $round -lt "$switches" ]; do
		round=$((round + 1))
		rmmod hvis_enlighten && modprobe hvis_enlighten || break
	done
	end_load && echo "$round rounds" && [ $round = "$switches" ] && all_are on Y
}

# A CPU goes and comes while others flush and interrupt; calls meanwhile go the kernel's own way where it must be. Without lockload: 6.12 warns
# of its threads that end just before, with and without our modules (docs/enlighten.md).
hotplugged_under_load()
{
	cpu=/sys/devices/system/cpu/cpu1/online
	begin_load
	round=0
	while [ $round -lt 10 ]; do
		round=$((round + 1))
		echo 0 >$cpu && echo 1 >$cpu || break
	done
	end_load && echo "$round rounds" && [ $round = 10 ] && [ "$(value cpus)" = "$(nproc)" ] && all_are on Y
}

by_command_line()
{
	rmmod hvis_enlighten && modprobe hvis_enlighten spin=0 || return 1
	[ "$(value spin)" = off ] || return 1
	rmmod hvis_enlighten && ! modprobe hvis_enlighten spin=soon && ! grep -q '^hvis_enlighten ' /proc/modules && modprobe hvis_enlighten
}

unload_leaves_nothing()
{
	rmmod hvis_enlighten && [ ! -e $seen ] && ! grep -e native_flush_tlb_multi -e native_queued_spin /sys/kernel/debug/tracing/enabled_functions &&
		remoteload tlb 1 && lock_load 300
}

basics="on_by_advice off_and_on refusals long_spins_are_told off_tells_nothing"
calls="flushes_by_hypercall off_flushes_nothing interrupts_by_hypercall off_interrupts_nothing"
more_calls="page_tables_freed_by_interrupt walkers_of_page_tables by_sets_of_processors"
changes="switched_under_load reloaded_under_load by_command_line"
case "$HVIS_MODE$HVIS_SHORT" in
hv) names="$basics $changes unload_leaves_nothing" ;;
nopv) names="$basics $calls $more_calls nothing_refused $changes hotplugged_under_load unload_leaves_nothing" ;;
*) names="$basics $calls nothing_refused switched_under_load unload_leaves_nothing" ;;
esac

[ -e $seen/state ] || modprobe hvis_enlighten || exit 1
plan $(echo $names | wc -w)
for name in $names; do
	check $name $name
done
modprobe hvis_enlighten || exit 1
finish
