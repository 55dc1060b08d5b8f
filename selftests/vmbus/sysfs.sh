#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What tools such as lsvmbus read in sysfs is there, under the kernel's names and in its forms.
. /kselftest/guest.sh

scsi='{ba6163d9-04a1-4d29-b605-72e2ffb1dc7f}'

for device in /sys/bus/vmbus/devices/*; do
	[ "$(cat "$device/class_id")" = "$scsi" ] && break
done

is()
{
	echo "$1 is $(cat "$device/$1")"
	grep -Eq "$2" "$device/$1"
}

plan 7
check scsi_controller_offered test -e "$device/class_id"
check named_by_instance test "{$(basename "$device")}" = "$(cat "$device/device_id")"
check channel_id is id '^[0-9]+$'
check modalias is modalias '^vmbus:d96361baa104294db60572e2ffb1dc7f$'
check state is state '^[0-9]+$'
check uevent is uevent 'MODALIAS=vmbus:d96361ba'
check bound_to_its_driver test -e "$device/driver"
finish
