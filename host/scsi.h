/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The SCSI disk: one CDB in, a status, sense and data out. Block commands of SBC-3, the rest of
 * SPC-4. It knows disks and iovecs; it does not know VSTOR, rings or guest addresses (storvsp*.c).
 * Invariant: every task given to scsi_execute() is finished exactly once, and no byte outside its
 * iovec is touched.
 */
#ifndef HVIS_HOST_SCSI_H
#define HVIS_HOST_SCSI_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "disk.h"
#include "loop.h"

#define SCSI_CDB_MAX		    16
#define SCSI_SENSE_BYTES	    18 /* fixed format */
#define SCSI_SCRATCH_BYTES	    4096 /* private memory of a task: replies, lists, a block */
#define SCSI_LUNS_MAX		    64

/* SAM-5 status codes */
#define SCSI_STATUS_GOOD	    0x00
#define SCSI_STATUS_CHECK_CONDITION 0x02
#define SCSI_STATUS_TASK_SET_FULL   0x28

/* Which way the initiator lets data go. */
enum scsi_direction {
	SCSI_NO_DATA,
	SCSI_DATA_IN,
	SCSI_DATA_OUT
};

/* How the transport should report the task, beside its SCSI status. */
enum scsi_delivery {
	SCSI_DELIVERED,
	SCSI_NO_LUN, /* nothing at that address; no sense */
	SCSI_OVERRUN, /* the initiator's buffer was shorter than the data */
	SCSI_BAD_REQUEST, /* CDB length or data direction do not fit the command */
};

/* What a LUN has done; any worker adds, anyone reads (relaxed). */
struct scsi_counters {
	_Atomic uint64_t reads, read_bytes;
	_Atomic uint64_t writes, write_bytes;
	_Atomic uint64_t flushes;
	_Atomic uint64_t unmaps; /* UNMAP and WRITE SAME with the UNMAP bit */
	_Atomic uint64_t refused; /* CHECK CONDITION for what the initiator asked */
	_Atomic uint64_t errors; /* CHECK CONDITION for what the disk answered */
};

/*
 * Unit attention conditions: the next command that is not asked of an absent or unknown unit too hears
 * of one, the lowest first, once per controller, which is one I_T nexus however many channels it has.
 */
#define SCSI_ATTENTION_INQUIRY	1u /* another disk has taken the place: 3F/03 */
#define SCSI_ATTENTION_CAPACITY 2u /* 2A/09 */

struct scsi_lun {
	_Atomic(struct disk *) disk; /* NULL: nobody there */
	atomic_uint attentions; /* SCSI_ATTENTION_* that are owed */
	struct scsi_counters counters;
};

/**
 * struct scsi_target - the LUNs one REPORT LUNS tells of
 * @max_transfer_bytes: largest data transfer of one READ or WRITE, told in VPD page B0
 *
 * LUNs come and go while commands run: a command looks once, and works with the disk that it found. Who
 * takes a disk away may close it only when no command that could have found it is left.
 */
struct scsi_target {
	uint32_t max_transfer_bytes;
	struct scsi_lun luns[SCSI_LUNS_MAX];
};

/* What a step of a command did: it is over, or its disk_request is filled in and has to be run. */
enum scsi_progress {
	SCSI_DONE,
	SCSI_WAIT
};

/**
 * struct scsi_task - one command from its CDB to its status
 *
 * The first part is the caller's and stays unchanged but for @iov, which the engine and the backend
 * may alter. The second part is valid in @finished. The third belongs to the engine.
 */
struct scsi_task {
	struct scsi_target *target; /* NULL: no such target */
	unsigned int lun_number;
	struct loop *loop;
	uint8_t cdb[SCSI_CDB_MAX]; /* zero behind cdb_length */
	uint8_t cdb_length;
	enum scsi_direction direction;
	struct iovec *iov; /* the initiator's buffer, @bytes in all */
	unsigned int iov_count;
	unsigned int iov_room; /* entries the array at @iov has */
	uint32_t bytes;
	uint8_t *scratch; /* SCSI_SCRATCH_BYTES, aligned to 4096 for the benefit of O_DIRECT */
	/* Once, in the loop's thread, maybe inside scsi_execute(). */
	void (*finished)(struct scsi_task *task);

	uint8_t status; /* SCSI_STATUS_* */
	enum scsi_delivery delivery;
	uint8_t sense[SCSI_SENSE_BYTES];
	uint8_t sense_bytes; /* 0 or SCSI_SENSE_BYTES */
	uint32_t moved; /* data bytes moved */

	struct scsi_lun *lun;
	struct disk *disk; /* of the LUN when the command came */
	struct disk_request request;
	enum scsi_progress (*next)(struct scsi_task *task); /* after @request succeeded */
	bool submitting, arrived; /* see drive() in scsi.c */
	int error; /* of @request */
	uint64_t lba; /* next block to work on */
	uint64_t blocks; /* still to do */
	unsigned int index; /* of the UNMAP descriptor to do next */
};

/**
 * scsi_execute() - run @task. The loop's thread. Never fails: the outcome is in the task when it
 * finishes.
 */
void scsi_execute(struct scsi_task *task);

#endif
