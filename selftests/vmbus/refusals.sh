#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What the bus module must refuse, it refuses with a line that says why, and the machine goes on.
. /kselftest/guest.sh
ours_only

refuses()
{
	pattern=$1
	shift
	if "$@"; then
		echo "it was not refused: $*"
		return 1
	fi
	dmesg | tail -n 12 | grep -i "$pattern"
}

fails()
{
	! "$@"
}

wrong_version()
{
	unload_drivers || return 1
	refuses 'max_version' modprobe hvis_vmbus max_version=9.9.9
	status=$?
	load_drivers && return $status
}

plan 3
check wrong_max_version wrong_version
check busy_module_stays fails rmmod hvis_vmbus
check still_works dd if="$(disk_of_lun 0)" of=/dev/null bs=4k count=1 iflag=direct
finish
