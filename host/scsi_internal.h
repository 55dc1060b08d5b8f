/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the SCSI engine share: outcomes of a command, big-endian fields, the command
 * handlers. A handler looks at the CDB, and returns either an outcome (SCSI_DONE) or a disk request
 * to run (SCSI_WAIT).
 */
#ifndef HVIS_HOST_SCSI_INTERNAL_H
#define HVIS_HOST_SCSI_INTERNAL_H

#include "scsi.h"

/* Sense: key << 16 | additional sense code << 8 | qualifier (SPC-4 annex D). */
#define SENSE_READ_ERROR	      0x031100u
#define SENSE_WRITE_ERROR	      0x030C00u
#define SENSE_TARGET_FAILURE	      0x044400u
#define SENSE_PARAMETER_LIST_LENGTH   0x051A00u
#define SENSE_INVALID_OPCODE	      0x052000u
#define SENSE_LBA_OUT_OF_RANGE	      0x052100u
#define SENSE_INVALID_FIELD_IN_CDB    0x052400u
#define SENSE_INVALID_FIELD_IN_LIST   0x052600u
#define SENSE_SAVING_NOT_SUPPORTED    0x053900u
#define SENSE_CAPACITY_CHANGED	      0x062A09u
#define SENSE_INQUIRY_CHANGED	      0x063F03u
#define SENSE_WRITE_PROTECTED	      0x072700u
#define SENSE_SPACE_ALLOCATION_FAILED 0x072707u

/* Limits told in VPD page B0. The first bounds how long one command can keep the disk busy. */
#define SCSI_SAME_BYTES_MAX	      (256u << 20) /* WRITE SAME, VERIFY */
#define SCSI_UNMAP_BYTES_MAX	      (4ull << 30) /* one UNMAP, all descriptors */
#define SCSI_UNMAP_DESCRIPTORS	      ((SCSI_SCRATCH_BYTES - 8) / 16)

static inline uint16_t get_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get_be32(const uint8_t *p)
{
	return (uint32_t)get_be16(p) << 16 | get_be16(p + 2);
}

static inline uint64_t get_be64(const uint8_t *p)
{
	return (uint64_t)get_be32(p) << 32 | get_be32(p + 4);
}

static inline void put_be16(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static inline void put_be32(uint8_t *p, uint32_t value)
{
	put_be16(p, value >> 16);
	put_be16(p + 2, value & 0xFFFF);
}

static inline void put_be64(uint8_t *p, uint64_t value)
{
	put_be32(p, (uint32_t)(value >> 32));
	put_be32(p + 4, (uint32_t)value);
}

static inline struct disk *scsi_disk(const struct scsi_task *task)
{
	return task->disk;
}

static inline uint64_t scsi_blocks(const struct disk *disk)
{
	return disk->bytes / disk->block_bytes;
}

static inline void scsi_count(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

/* Outcomes: each returns SCSI_DONE. */
enum scsi_progress scsi_good(struct scsi_task *task);
/** scsi_check() - CHECK CONDITION with @sense (SENSE_*); counted as refused. */
enum scsi_progress scsi_check(struct scsi_task *task, uint32_t sense);
/** scsi_attention() - take the next unit attention. Return: its SENSE_*, 0: none is owed. */
uint32_t scsi_attention(struct scsi_task *task);
/**
 * scsi_invalid_field() - INVALID FIELD IN CDB, pointing at @byte (and @bit, or -1 for the whole
 * byte).
 */
enum scsi_progress scsi_invalid_field(struct scsi_task *task, unsigned int byte, int bit);
/** scsi_invalid_parameter() - INVALID FIELD IN PARAMETER LIST, pointing at @byte of the list. */
enum scsi_progress scsi_invalid_parameter(struct scsi_task *task, unsigned int byte);
/** scsi_out_of_range() - LBA OUT OF RANGE with the LBA in the INFORMATION field where it fits. */
enum scsi_progress scsi_out_of_range(struct scsi_task *task, uint64_t lba);
/**
 * scsi_overrun() - the buffer is shorter than the CDB says: nothing moved, SCSI_OVERRUN, pointing
 * at CDB @byte.
 */
enum scsi_progress scsi_overrun(struct scsi_task *task, unsigned int byte);
/**
 * scsi_reply() - copy @bytes of the scratch to the initiator, at most @allocation and what its
 * buffer holds.
 */
enum scsi_progress scsi_reply(struct scsi_task *task, uint32_t bytes, uint32_t allocation);

/**
 * scsi_fetch() - copy @bytes of the initiator's buffer to the scratch; @bytes <= task->bytes and
 * the scratch.
 */
void scsi_fetch(struct scsi_task *task, uint32_t bytes);

/**
 * scsi_run() - run @what on a checked range, then @next(). Data is at task->iov. Return: SCSI_WAIT.
 */
enum scsi_progress scsi_run(struct scsi_task *task, enum disk_op what, uint64_t offset,
			    uint64_t bytes, enum scsi_progress (*next)(struct scsi_task *task));

/** scsi_in_range() - @blocks blocks from @lba exist (at least @lba does, if @blocks is 0). */
bool scsi_in_range(const struct disk *disk, uint64_t lba, uint64_t blocks);
/**
 * scsi_block_address() - @lba and @blocks of a READ, WRITE, VERIFY, WRITE SAME or SYNCHRONIZE
 * CACHE.
 */
void scsi_block_address(const uint8_t *cdb, uint64_t *lba, uint64_t *blocks);

/*
 * Command handlers; the CDB is as long as its opcode demands, the direction fits, the LUN is there
 * or not needed.
 */
enum scsi_progress scsi_inquiry(struct scsi_task *task); /* scsi_inquiry.c */
enum scsi_progress scsi_report_luns(struct scsi_task *task);
enum scsi_progress scsi_test_unit_ready(struct scsi_task *task); /* scsi_mode.c */
enum scsi_progress scsi_request_sense(struct scsi_task *task);
enum scsi_progress scsi_mode_sense(struct scsi_task *task);
enum scsi_progress scsi_start_stop(struct scsi_task *task);
enum scsi_progress scsi_read_capacity10(struct scsi_task *task);
enum scsi_progress scsi_service_action_in16(struct scsi_task *task);
enum scsi_progress scsi_read(struct scsi_task *task); /* scsi_rw.c */
enum scsi_progress scsi_write(struct scsi_task *task);
enum scsi_progress scsi_synchronize_cache(struct scsi_task *task);
enum scsi_progress scsi_verify(struct scsi_task *task);
enum scsi_progress scsi_unmap(struct scsi_task *task); /* scsi_unmap.c */
enum scsi_progress scsi_write_same(struct scsi_task *task);

#endif
