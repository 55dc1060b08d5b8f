#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Every protocol version we speak brings the disks up and reads from them.
. /kselftest/guest.sh
ours_only

connects()
{
	unload_drivers && load_drivers max_version="$1" || return 1
	dmesg | grep 'hvis_vmbus: .*VMBus' | tail -n 1 | grep "VMBus $1" || return 1
	dd if="$(disk_of_lun 0)" of=/dev/null bs=64k count=16 iflag=direct
}

plan 7
for version in 3.0 4.0 4.1 5.0 5.1 5.2 5.3; do
	check "version_$version" connects $version
done
finish
