#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# LUNs and controllers come, grow and go while the guest runs; nobody tells the guest to scan. Each "mark" lets the other
# side (selftests/lib/storage.py) do what it is named for, before it answers. HVIS_ROUNDS: how often the long test goes round.
. /kselftest/guest.sh
rounds=${HVIS_ROUNDS:-50}
trace=/sys/kernel/debug/tracing
new=/sys/class/scsi_disk/*:7

block_of_new()
{
	basename $new/device/block/*
}

# Traces what is queued from here to "traced".
start_trace()
{
	echo >$trace/trace
	echo 1 >$trace/events/hvis_storvsc/storvsc_io_queued/enable
}

# Nothing was sent to another LUN than 7: opcodes of those that were are shown.
traced_only_that_lun()
{
	echo 0 >$trace/events/hvis_storvsc/storvsc_io_queued/enable
	grep -c 'lun=7 ' $trace/trace
	! grep storvsc_io_queued $trace/trace | grep -v 'lun=7 '
}

comes()
{
	mark lun-add
	await 20 "$new/device/block/*"
}

reads()
{
	dd if="/dev/$(block_of_new)" of=/dev/null bs=64k count=4 iflag=direct
}

grows()
{
	size=/sys/block/$(block_of_new)/size
	seen=$(cat /sys/kernel/uevent_seqnum)
	cat "$size"
	mark lun-grow
	await 20 "$size=262144" && [ "$(cat /sys/kernel/uevent_seqnum)" -gt "$seen" ]
}

goes()
{
	mark lun-remove
	await 20 "!$new"
}

controller_comes()
{
	mark controller-add
	await 30 '/sys/class/scsi_disk/*:9/device/block/*' &&
		dd if="$(disk_of_lun 9)" of=/dev/null bs=64k count=4 iflag=direct
}

controller_goes()
{
	mark controller-remove
	await 30 '!/sys/class/scsi_disk/*:9'
}

# Reads LUN 0 until told to stop; its exit status says whether every read was good.
load()
{
	while [ ! -e /tmp/stop ]; do
		dd if="$(disk_of_lun 0)" of=/dev/null bs=64k count=64 iflag=direct 2>/tmp/load.err || return 1
	done
}

slab_kib()
{
	sync
	echo 3 >/proc/sys/vm/drop_caches
	awk '/^(SUnreclaim|Percpu|VmallocUsed|KernelStack)/ { kib += $2 } END { print kib }' /proc/meminfo
}

one_round()
{
	comes || return 1
	dd if="/dev/$(block_of_new)" of=/dev/null bs=64k count=256 iflag=direct 2>/dev/null &
	reader=$!
	grows || return 1
	goes || return 1
	# It may have been in the middle: it has to end, well or not.
	wait $reader
	return 0
}

many_rounds()
{
	rm -f /tmp/stop
	load &
	loader=$!
	round=0
	while [ $round -lt "$rounds" ]; do
		round=$((round + 1))
		one_round || { echo "round $round of $rounds"; touch /tmp/stop; return 1; }
		[ $round -ne 5 ] || slab_before=$(slab_kib)
		[ $round -ne 5 ] || mark rounds-begin
	done
	mark rounds-end
	touch /tmp/stop
	wait $loader || { cat /tmp/load.err; return 1; }
}

lost_little()
{
	lost=$(($(slab_kib) - slab_before))
	echo "$lost KiB more kernel memory after $rounds rounds"
	[ $lost -lt 1024 ]
}

# The devices that are left are those there were.
nothing_left()
{
	ls /sys/class/scsi_device
	[ "$(ls /sys/class/scsi_device | wc -l)" = "$devices" ]
}

plan 11
devices=$(ls /sys/class/scsi_device | wc -l)
start_trace
check lun_comes comes
check only_it_was_looked_at traced_only_that_lun
check lun_reads reads
start_trace
check lun_grows grows
check only_it_was_looked_at_again traced_only_that_lun
check lun_goes goes
check controller_comes controller_comes
check controller_goes controller_goes
check "${rounds}_rounds_under_io" many_rounds
check memory_stays lost_little
check no_device_left nothing_left
finish
