/* SPDX-License-Identifier: GPL-2.0 */
/*
 * As much of the SCSI layer as the guest's storage driver needs, on top of one_thread.h. What it does is the target's.
 */
#ifndef SHIM_ONE_THREAD_SCSI_H
#define SHIM_ONE_THREAD_SCSI_H

#include <one_thread.h>
#include <scsi/scsi_proto.h>
#include <scsi/scsi_status.h>

#define SCSI_SENSE_BUFFERSIZE 96
#define SCAN_WILD_CARD	      (~0ull)
#define host_byte(result)     ((result) >> 16 & 0xFF)

enum scsi_scan_mode {
	SCSI_SCAN_INITIAL,
	SCSI_SCAN_RESCAN,
};
enum {
	SDEV_CREATED,
	SDEV_RUNNING,
};
enum {
	SUBMITTED_BY_BLOCK_LAYER,
	SUBMITTED_BY_SCSI_ERROR_HANDLER,
};
#define SCMD_STATE_COMPLETE 0

struct Scsi_Host {
	unsigned int host_no;
	struct device shost_gendev;
};
struct scsi_host_template {
	int unused;
};
struct scsi_device {
	struct Scsi_Host *host;
	unsigned int id;
	u64 lun;
	int sdev_state;
};
struct request {
	int tag;
};
struct scsi_cmnd {
	struct request request;
	struct scsi_device *device;
	u8 cmnd[16];
	u8 *sense_buffer;
	unsigned int underflow, bytes, resid;
	int submitter;
	unsigned long state;
	u32 result;
};
struct scsi_sense_hdr {
	int unused;
};
#define scsi_cmd_to_rq(cmd)	   (&(cmd)->request)
#define scsi_bufflen(cmd)	   ((cmd)->bytes)
#define scsi_set_resid(cmd, left)  ((cmd)->resid = (left))
void scsi_done(struct scsi_cmnd *cmd);
struct scsi_device *scsi_device_lookup(struct Scsi_Host *shost, unsigned int channel, unsigned int id, u64 lun);
#define scsi_device_put(sdev) ((void)(sdev))
void scsi_scan_target(struct device *parent, unsigned int channel, unsigned int id, u64 lun, enum scsi_scan_mode mode);
void scsi_rescan_device(struct scsi_device *sdev);
void scsi_remove_device(struct scsi_device *sdev);
int scsi_test_unit_ready(struct scsi_device *sdev, int timeout, int retries, struct scsi_sense_hdr *sense);
int compat_scsi_read(struct scsi_device *sdev, const u8 *cdb, void *buffer, unsigned int bytes, int timeout, int retries,
		     int *resid);

#endif
