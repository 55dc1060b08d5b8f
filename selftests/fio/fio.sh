#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# fio writes mixed sizes at several depths from two jobs and reads everything back with checksums.
. /kselftest/guest.sh
disk=$(disk_of_lun 0)

verify()
{
	fio --name=verify --filename="$disk" --direct=1 --ioengine=libaio --rw=randrw --bsrange=512-1m \
		--blockalign=512 --iodepth="$1" --numjobs=2 --size=12m --io_size=12m --offset_increment=16m \
		--verify=crc32c --verify_fatal=1 --verify_state_save=0 --group_reporting >/tmp/fio.out
	status=$?
	cat /tmp/fio.out
	# Not only no error: both jobs really wrote, and read back.
	[ $status -eq 0 ] && grep -q 'jobs=2): err= 0' /tmp/fio.out && grep -q '^ *WRITE: ' /tmp/fio.out &&
		grep -q '^ *READ: ' /tmp/fio.out
}

plan 3
for depth in 1 8 64; do
	check "verify_depth_$depth" verify $depth
done
finish
