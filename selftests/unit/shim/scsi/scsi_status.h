/* SPDX-License-Identifier: GPL-2.0 */
/*
 * SCSI status (SAM-5, status codes) and host bytes, as far as storvsc uses them; the kernel's
 * names.
 */
#ifndef SHIM_SCSI_SCSI_STATUS_H
#define SHIM_SCSI_SCSI_STATUS_H

#define SAM_STAT_GOOD 0x00
#define SAM_STAT_CHECK_CONDITION 0x02
#define SAM_STAT_CONDITION_MET 0x04
#define SAM_STAT_BUSY 0x08
#define SAM_STAT_RESERVATION_CONFLICT 0x18
#define SAM_STAT_TASK_SET_FULL 0x28
#define SAM_STAT_ACA_ACTIVE 0x30
#define SAM_STAT_TASK_ABORTED 0x40

#define DID_OK 0x00
#define DID_NO_CONNECT 0x01
#define DID_BUS_BUSY 0x02
#define DID_TIME_OUT 0x03
#define DID_BAD_TARGET 0x04
#define DID_ABORT 0x05
#define DID_ERROR 0x07
#define DID_RESET 0x08
#define DID_SOFT_ERROR 0x0b
#define DID_IMM_RETRY 0x0c
#define DID_REQUEUE 0x0d
#define DID_TRANSPORT_DISRUPTED 0x0e

#endif
