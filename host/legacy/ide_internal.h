/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An IDE controller inside: ide.c (the controller), ide_query.c (what it tells), ide_registers.c (ports, resets, interrupt line),
 * ide_command.c (what commands do), ide_identify.c, ide_pio.c (data through the port), ide_dma.c (the bus master),
 * ide_prd.c (its tables) and ide_transfer.c (what the worker does).
 * Invariant: everything in a channel is under its lock, but in phase IDE_WORKING the command, the request, the iovecs and the
 * buffer, which are the worker's then.
 */
#ifndef HVIS_HOST_LEGACY_IDE_INTERNAL_H
#define HVIS_HOST_LEGACY_IDE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "legacy/ata.h"
#include "legacy/device_worker.h"
#include "legacy/ide.h"

/* What PIO commands read ahead and gather: whole blocks of any READ MULTIPLE. */
#define IDE_BUFFER_BYTES   65536u
#define IDE_BUFFER_SECTORS (IDE_BUFFER_BYTES / ATA_SECTOR_BYTES)
#define IDE_MULTIPLE_MAX   16u
static_assert(IDE_BUFFER_SECTORS % IDE_MULTIPLE_MAX == 0, "a block is never split");

enum ide_phase {
	IDE_IDLE, /* no command */
	IDE_WORKING, /* the worker has one: BSY */
	IDE_DMA_READY, /* one waits for the bus master to be started: BSY */
	IDE_PIO_IN, /* a block waits to be read: DRQ */
	IDE_PIO_OUT, /* the same, written */
};

struct ide_drive {
	struct disk *disk; /* NULL: there is none, and nothing below means anything */
	uint8_t status, error;
	uint8_t multiple; /* sectors in a block of READ and WRITE MULTIPLE; 0: off */
	uint8_t mode; /* of transfers, as SET FEATURES had it */
	bool write_cache;
	struct {
		uint64_t commands, reads, read_bytes, writes, write_bytes, flushes;
		uint64_t aborted, out_of_range, bad_tables; /* refused */
		uint64_t failed; /* by the backend */
	} counters;
};

/* The command in progress, if it is about data. */
struct ide_command {
	struct ide_drive *drive;
	enum disk_op what;
	bool dma, fua;
	uint64_t lba;
	uint32_t sectors; /* not yet moved by the backend */
	uint32_t block_bytes; /* PIO: between two interrupts */
};

struct ide_master {
	uint8_t command, status;
	uint32_t table;
	bool armed; /* started, and no command has used that yet */
	bool longer; /* the table has more than the command that used it; the worker's */
};

struct ide_channel {
	struct ide *ide;
	unsigned int index;
	atomic_bool decoded;
	struct device_worker *worker; /* NULL: the channel has no disk */
	struct loop_work work;

	pthread_mutex_t lock;
	pthread_cond_t rested; /* the phase is not IDE_WORKING any more */
	uint8_t now[ATA_REGISTERS]; /* what was written last, both drives hear it */
	uint8_t before[ATA_REGISTERS]; /* and before that: the high half of LBA48 */
	uint8_t control;
	struct ide_drive drives[2];
	enum ide_phase phase;
	bool resetting; /* until the worker has given its command back */
	bool abandoned; /* ide_stop() waits no longer: nobody is to hear of the command */
	bool pending; /* an interrupt that nobody has acknowledged */
	bool line; /* what the outside sees of it */
	struct ide_master master;
	struct ide_command command;
	uint8_t *buffer; /* IDE_BUFFER_BYTES, for PIO */
	uint32_t at, block_end, filled; /* in buffer */
	struct disk_request request;
	struct iovec *iov; /* BMIDE_PRDS_MAX */
	struct {
		uint64_t interrupts, dma, pio, resets, ignored;
		uint64_t copied_bytes; /* by PIO */
	} counters;
};

struct ide {
	const struct guestmem *mem;
	void (*interrupt)(void *context, unsigned int channel, bool level);
	void *context;
	atomic_bool master; /* may read and write memory */
	struct ide_channel channels[IDE_CHANNELS];
};

static inline struct ide_drive *ide_selected(struct ide_channel *channel)
{
	return &channel->drives[!!(channel->now[ATA_DEVICE] & ATA_DEVICE_DEV)];
}

/* All of these are called with the channel's lock held, unless they say otherwise. */

/* ide_registers.c */
extern const struct pio_device ide_command_ports, ide_control_ports; /* of the primary, without context */
/** ide_raise() - the drive wants an interrupt. */
void ide_raise(struct ide_channel *channel);
/** ide_settle() - the interrupt line follows what is pending and whether it is masked. */
void ide_settle(struct ide_channel *channel);
/** ide_complete() - the command ends; @error: 0 or ATA_ERROR_*. Without an interrupt. */
void ide_complete(struct ide_channel *channel, uint8_t error);
/** ide_sign() - registers and drives as after a reset or diagnostics. */
void ide_sign(struct ide_channel *channel);
/** ide_reset_ends() - the drives are ready again. */
void ide_reset_ends(struct ide_channel *channel);

/* ide_command.c */
/** ide_execute() - the guest wrote a command, for a drive that is there and has none. */
void ide_execute(struct ide_channel *channel, uint8_t opcode);

/* ide_identify.c */
/** ide_identify() - fill @data, 512 bytes. */
void ide_identify(const struct ide_drive *drive, uint8_t *data);
/** ide_sectors() - what of the disk can be addressed. */
uint64_t ide_sectors(const struct ide_drive *drive);

/* ide_pio.c */
/** ide_pio_offer() - buffer has channel->filled bytes for the guest to read. */
void ide_pio_offer(struct ide_channel *channel);
/** ide_pio_ask() - the guest is to write what is left of the command, as much as fits. No interrupt. */
void ide_pio_ask(struct ide_channel *channel);
void ide_pio_in(struct ide_channel *channel, uint8_t *data, unsigned int size);
void ide_pio_out(struct ide_channel *channel, const uint8_t *data, unsigned int size);

/* ide_dma.c */
/** ide_dma_look() - start moving data if command and bus master are both ready. */
void ide_dma_look(struct ide_channel *channel);
/** ide_dma_ends() - the transfer is over; @bad_table: because of what the guest wrote there. */
void ide_dma_ends(struct ide_channel *channel, bool bad_table);

/* ide_prd.c */
/**
 * ide_prd_gather() - look up the first @bytes of the regions in a table
 * @iov: BMIDE_PRDS_MAX entries; neighbours become one
 * @count: how many were filled
 *
 * Needs no lock. Return: 0; 1: the table has more; -EFAULT: table or region where no memory is; -ENODATA: the table has less;
 * -E2BIG: it crosses its boundary.
 */
int ide_prd_gather(const struct guestmem *mem, uint32_t table, uint32_t bytes, struct iovec *iov, unsigned int *count);

/* ide_transfer.c */
/** ide_transfer_start() - give the command to the worker. */
void ide_transfer_start(struct ide_channel *channel);
void ide_transfer_init(struct ide_channel *channel);

#endif
