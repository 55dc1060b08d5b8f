#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Channels move from CPU to CPU: at the user's wish, and when a CPU goes offline and comes back, with each version that
# has a message for that. Reading goes on meanwhile.
. /kselftest/guest.sh
ours_only "the kernel's bus keeps CPUs with open channels online"

cpu1=/sys/devices/system/cpu/cpu1/online
[ -e $cpu1 ] || skip "one CPU only"

reads()
{
	dd if="$(disk_of_lun 0)" of=/dev/null bs=4k count=50 iflag=direct
}

refused()
{
	! echo "$1" >"$2"
}

find_device()
{
	for device in /sys/bus/vmbus/devices/*; do
		[ -e "$device/driver" ] && break
	done
	channel=$device/channels/$(cat "$device/id")
}

is_on()
{
	echo "channel on CPU $(cat "$channel/cpu"), expected $1"
	[ "$(cat "$channel/cpu")" -eq "$1" ] && grep -x "$(basename "$channel"):$1" "$device/channel_vp_mapping"
}

move()
{
	echo "$1" >"$channel/cpu" && is_on "$1" && reads
}

offline()
{
	echo 0 >$cpu1 && is_on 0 && reads
}

online()
{
	echo 1 >$cpu1 && is_on "$1" && reads
}

# A reader at work while the channel is thrown to and fro.
under_io()
{
	while :; do reads 2>/dev/null || exit 1; done &
	reader=$!
	round=0
	while [ $round -lt 20 ]; do
		round=$((round + 1))
		echo $((round % 2)) >"$channel/cpu" || return 1
	done
	kill -0 $reader && kill $reader
}

with_version()
{
	[ $(cat $cpu1) -eq 1 ] && unload_drivers && load_drivers max_version="$1" || return 1
	find_device
	move 1 && offline && online 1 && move 0
}

channels_on()
{
	grep -lx "$1" "$device"/channels/*/cpu
}

# verified_load ARGUMENT...: lieload until /tmp/stop is there. An IO that fails, wrong data, and a request that is only found
# by the time limit of its disk (30 s) are errors.
verified_load()
{
	while [ ! -e /tmp/stop ]; do
		timeout 20 lieload "$@" || return 1
	done
}

# Before 4.1 no channel moves: with its CPU it is closed, and opened on another one, while data is written and read back and
# another disk has 32 requests in flight. None may fail.
reopens()
{
	[ $(cat $cpu1) -eq 1 ] && unload_drivers && load_drivers max_version="$1" || return 1
	find_device
	refused 0 "$channel/cpu" && channels_on 1 || return 1
	rm -f /tmp/stop
	verified_load verify $((64 << 20)) 400 &
	verified=$!
	verified_load storm $((1 << 30)) 500 &
	storm=$!
	leaves_and_comes
	left=$?
	touch /tmp/stop
	wait $verified && wait $storm && [ $left -eq 0 ]
}

leaves_and_comes()
{
	round=0
	while [ $round -lt 3 ]; do
		round=$((round + 1))
		echo 0 >$cpu1 && ! channels_on 1 && echo 1 >$cpu1 || return 1
	done
}

# The host offers sub-channels for it.
channel_per_cpu()
{
	cat "$device/channel_vp_mapping"
	for cpu in $(seq 0 $(($(nproc) - 1))); do
		channels_on "$cpu" || return 1
	done
	grep -Ex '[1-9][0-9]*' "$device"/channels/*/subchannel_id
}

find_device
plan 13
check a_channel_on_every_cpu channel_per_cpu
check moves_to_cpu_1 move 1
check moves_to_cpu_0 move 0
check refuses_no_cpu refused 99 "$channel/cpu"
check refuses_garbage refused x "$channel/cpu"
check moves_20_times_under_io under_io
check starts_on_cpu_1 move 1
check leaves_with_its_cpu offline
check refuses_offline_cpu refused 1 "$channel/cpu"
check comes_home_with_its_cpu online 1
check version_5.2 with_version 5.2
check version_4.1 with_version 4.1
check version_4.0 reopens 4.0
finish
