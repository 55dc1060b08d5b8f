#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# CPU 1, where all channels of the disks are, goes offline and comes back HVIS_HOTPLUGS times (default 50) while fio
# writes and reads back with checksums.
. /kselftest/guest.sh
ours_only "the kernel's bus keeps CPUs with open channels online"

cpu1=/sys/devices/system/cpu/cpu1/online
[ -e $cpu1 ] || skip "one CPU only"
rounds=${HVIS_HOTPLUGS:-50}
disk=$(disk_of_lun 0)

# Over and over until told to stop: each run ends with every block verified.
load()
{
	runs=0
	while [ ! -e /tmp/stop ] || [ $runs -eq 0 ]; do
		fio --name=verify --filename="$disk" --direct=1 --ioengine=libaio --rw=randrw --bsrange=4k-128k \
			--iodepth=16 --numjobs=2 --size=8m --io_size=8m --offset_increment=16m --verify=crc32c \
			--verify_fatal=1 --verify_state_save=0 --group_reporting >/tmp/load.out 2>&1 &&
			grep -q 'jobs=2): err= 0' /tmp/load.out || return 1
		runs=$((runs + 1))
	done
	echo $runs >/tmp/runs
}

to_cpu_1()
{
	for cpu in $(channel_cpus); do
		echo 1 >"$cpu" || return 1
	done
	all_on 1
}

all_on()
{
	grep -H . $(channel_cpus)
	! cat $(channel_cpus) | grep -qvx "$1"
}

go_and_come()
{
	done_rounds=0
	while [ $done_rounds -lt "$rounds" ]; do
		echo "round $done_rounds"
		echo 0 >$cpu1 && all_on 0 && echo 1 >$cpu1 && all_on 1 || return 1
		done_rounds=$((done_rounds + 1))
	done
}

# On the channel of CPU 0, which is at home on CPU 1 like all.
reads()
{
	timeout 10 taskset 1 dd if="$disk" of=/dev/null bs=4k count=20 iflag=direct
}

interrupts_of_cpu_1()
{
	awk '/hvis_vmbus/ { sum += $3 } END { print sum }' /proc/interrupts
}

# The host may be late with moving the channels here, too.
interrupts_come_to_cpu_1()
{
	before=$(interrupts_of_cpu_1)
	[ -n "$before" ] || return 1
	for attempt in $(seq 500); do
		reads 2>/dev/null || return 1
		[ "$(interrupts_of_cpu_1)" -eq "$before" ] || return 0
	done
	return 1
}

# An interrupt that went to the CPU that left would cost the disk's time limit, which is far longer.
answers_at_once()
{
	for round in 1 2 3; do
		interrupts_come_to_cpu_1 && echo 0 >$cpu1 || return 1
		reads && echo 1 >$cpu1 || return 1
	done
}

verified()
{
	touch /tmp/stop
	wait $loader && echo "$(cat /tmp/runs) runs of fio" && return 0
	cat /tmp/load.out
	return 1
}

plan 5
check every_channel_on_cpu_1 to_cpu_1
check answers_at_once_after_cpu_1_left answers_at_once
load &
loader=$!
check "cpu_1_went_and_came_${rounds}_times" go_and_come
check every_block_verified verified
check cpu_1_is_online grep -x 1 $cpu1
finish
