#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The tools that administrators use on SCSI disks get sensible answers.
. /kselftest/guest.sh
disk=$(disk_of_lun 0)
sg=$(sg_of_lun 0)

says()
{
	pattern=$1
	shift
	"$@" >/tmp/says 2>&1
	status=$?
	cat /tmp/says
	[ $status -eq 0 ] && grep -Eq "$pattern" /tmp/says
}

refused()
{
	! "$@"
}

plan 15
check sg_inq says 'Vendor identification: [A-Za-z]' sg_inq "$sg"
check sg_turs sg_turs "$sg"
check sg_vpd_supported_pages says 'Block limits' sg_vpd "$sg"
check sg_vpd_serial says 'Unit serial number: .' sg_vpd -p sn "$sg"
check sg_vpd_identification says 'designator' sg_vpd -p di "$sg"
check sg_vpd_block_limits says 'Maximum unmap LBA count: [1-9]' sg_vpd -p bl "$sg"
check sg_vpd_block_characteristics sg_vpd -p bdc "$sg"
check sg_vpd_provisioning says 'LBPU\)?: *1' sg_vpd -p lbpv "$sg"
check sg_readcap_16 says 'Logical block length=512 bytes' sg_readcap --16 "$disk"
check sg_luns says 'Lun list length' sg_luns "$sg"
check sg_unmap sg_unmap --lba=2048 --num=64 --force "$disk"
check sg_write_same sg_write_same --16 --lba=4096 --num=64 --xferlen=512 "$disk"
check sg_write_same_unmap sg_write_same --16 --unmap --lba=8192 --num=64 --xferlen=512 "$disk"
check sg_sync sg_sync "$disk"
check sg_vpd_unknown_page_refused refused sg_vpd -p 0xc7 "$sg"
finish
