/* SPDX-License-Identifier: GPL-2.0 */
/*
 * SCSI operation codes (SPC-4, SBC-3) and sense keys, as far as storvsc and its tests use them;
 * the kernel's names.
 */
#ifndef SHIM_SCSI_SCSI_PROTO_H
#define SHIM_SCSI_SCSI_PROTO_H

#define TEST_UNIT_READY 0x00
#define REQUEST_SENSE 0x03
#define INQUIRY 0x12
#define MODE_SENSE 0x1a
#define START_STOP 0x1b
#define READ_CAPACITY 0x25
#define READ_10 0x28
#define WRITE_10 0x2a
#define SYNCHRONIZE_CACHE 0x35
#define UNMAP 0x42
#define MODE_SENSE_10 0x5a
#define READ_16 0x88
#define WRITE_16 0x8a
#define WRITE_SAME_16 0x93
#define REPORT_LUNS 0xa0
#define MAINTENANCE_IN 0xa3

#define NO_SENSE 0x00
#define NOT_READY 0x02
#define MEDIUM_ERROR 0x03
#define HARDWARE_ERROR 0x04
#define ILLEGAL_REQUEST 0x05
#define UNIT_ATTENTION 0x06
#define DATA_PROTECT 0x07
#define ABORTED_COMMAND 0x0b

#endif
