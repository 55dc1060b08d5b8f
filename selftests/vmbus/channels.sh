#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Every channel of the SCSI controller is in sysfs, with the figures of the kernel's own bus, under its names and in its
# forms: the same test passes with the kernel's drivers.
. /kselftest/guest.sh

scsi='{ba6163d9-04a1-4d29-b605-72e2ffb1dc7f}'

for device in /sys/bus/vmbus/devices/*; do
	[ "$(cat "$device/class_id")" = "$scsi" ] && break
done

# each_matches FILE PATTERN: every channel has it, and it reads so.
each_matches()
{
	for channel in "$device"/channels/*/; do
		echo "$channel$1 is $(cat "$channel$1")"
		grep -Exq "$2" "$channel$1" || return 1
	done
}

all_match()
{
	for file in "$@"; do
		each_matches "$file" '[0-9]+' || return 1
	done
}

masks()
{
	each_matches in_mask '[01]' && each_matches out_mask '[01]'
}

device_matches()
{
	for file in "$@"; do
		echo "$file is $(cat "$device/$file")"
		grep -Exq '[0-9]+' "$device/$file" || return 1
	done
}

# The lines NUMBER:CPU name each channel once, and its CPU.
mapping()
{
	cat "$device/channel_vp_mapping"
	[ "$(wc -l <"$device/channel_vp_mapping")" -eq "$(ls "$device/channels" | wc -l)" ] || return 1
	for channel in "$device"/channels/*/; do
		grep -x "$(basename "$channel"):$(cat "${channel}cpu")" "$device/channel_vp_mapping" || return 1
	done
}

# Channel 0 is the primary; the sub-channels are numbered without a gap.
numbering()
{
	cat "$device"/channels/*/subchannel_id | sort -n | awk '$1 != NR - 1 { exit 1 } END { if (!NR) exit 1 }'
}

counts()
{
	total=0
	for channel in "$device"/channels/*/; do
		total=$((total + $(cat "$channel$1")))
	done
	echo "$total"
}

# Reading from the disk rings doorbells and brings interrupts, all of them counted.
figures_move()
{
	events=$(counts events) empty=$(counts intr_out_empty) interrupts=$(counts interrupts)
	dd if="$(disk_of_lun 0)" of=/dev/null bs=4k count=20 iflag=direct || return 1
	echo "events $events to $(counts events), interrupts $interrupts to $(counts interrupts)"
	[ "$(counts events)" -gt "$events" ] && [ "$(counts intr_out_empty)" -gt "$empty" ] &&
		[ "$(counts interrupts)" -gt "$interrupts" ]
}

no_monitor()
{
	for file in pending latency monitor_id; do
		ls "$device"/channels/*/$file && return 1
	done
	return 0
}

plan 9
check primary_has_its_directory test -d "$device/channels/$(cat "$device/id")"
check figures_are_numbers all_match cpu interrupts events intr_in_full intr_out_empty out_full_first out_full_total \
	subchannel_id read_avail write_avail
check masks_are_flags masks
check device_figures_are_numbers device_matches in_intr_mask in_read_index in_write_index in_read_bytes_avail \
	in_write_bytes_avail out_intr_mask out_read_index out_write_index out_read_bytes_avail out_write_bytes_avail
check numa_node grep -Ex '[0-9]+' "$device/numa_node"
check every_channel_and_its_cpu mapping
check numbered_without_gap numbering
check io_is_counted figures_move
check unused_monitor_hidden no_monitor
finish
