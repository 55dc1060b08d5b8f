// SPDX-License-Identifier: GPL-2.0
/*
 * What ATA commands do. Those that move no data are done at once; the others are handed on as a struct ide_command whose range
 * has been checked, and nobody checks it again.
 * Source: ATA/ATAPI-7 volume 1, 6 (command descriptions). Disks are addressed by LBA only, as every system since the
 * nineties does.
 */
#include "legacy/ide_internal.h"

enum {
	WIDE = 1, /* 48-bit address, 16-bit count */
	DMA = 2,
	MULTIPLE = 4,
	FUA = 8,
};

struct opcode {
	void (*run)(struct ide_channel *channel, const struct opcode *opcode);
	uint8_t flags;
	enum disk_op what;
};

static void finish(struct ide_channel *channel, uint8_t error)
{
	ide_complete(channel, error);
	ide_raise(channel);
}

static void refuse(struct ide_channel *channel)
{
	ide_selected(channel)->counters.aborted++;
	finish(channel, ATA_ERROR_ABRT);
}

static uint32_t count_of(const struct ide_channel *channel, bool wide)
{
	uint32_t count = channel->now[ATA_COUNT];

	if (!wide)
		return count ? count : 0x100;
	count |= (uint32_t)channel->before[ATA_COUNT] << 8;
	return count ? count : 0x10000;
}

static uint64_t lba_of(const struct ide_channel *channel, bool wide)
{
	const uint8_t *now = channel->now, *before = channel->before;
	uint64_t lba = now[ATA_LBA_LOW] | now[ATA_LBA_MID] << 8 | now[ATA_LBA_HIGH] << 16;

	if (!wide)
		return lba | (uint64_t)(now[ATA_DEVICE] & 0x0F) << 24;
	return lba | (uint64_t)before[ATA_LBA_LOW] << 24 | (uint64_t)before[ATA_LBA_MID] << 32 |
	       (uint64_t)before[ATA_LBA_HIGH] << 40;
}

/* Return: false: the command has been refused. */
static bool take_range(struct ide_channel *channel, const struct opcode *opcode)
{
	struct ide_command *command = &channel->command;
	struct ide_drive *drive = ide_selected(channel);
	bool wide = opcode->flags & WIDE;
	uint64_t sectors = ide_sectors(drive);

	if (!(channel->now[ATA_DEVICE] & ATA_DEVICE_LBA))
		return refuse(channel), false;
	*command = (struct ide_command){
		.drive = drive,
		.what = opcode->what,
		.dma = opcode->flags & DMA,
		.fua = opcode->what == DISK_WRITE && (opcode->flags & FUA || !drive->write_cache),
		.lba = lba_of(channel, wide),
		.sectors = count_of(channel, wide),
		.block_bytes = ATA_SECTOR_BYTES * (opcode->flags & MULTIPLE ? drive->multiple : 1),
	};
	if (command->lba < sectors && command->sectors <= sectors - command->lba)
		return true;
	drive->counters.out_of_range++;
	finish(channel, ATA_ERROR_IDNF);
	return false;
}

static void transfer(struct ide_channel *channel, const struct opcode *opcode)
{
	struct ide_drive *drive = ide_selected(channel);

	if (((opcode->flags & MULTIPLE) && !drive->multiple) || (opcode->what == DISK_WRITE && drive->disk->read_only)) {
		refuse(channel);
		return;
	}
	if (!take_range(channel, opcode))
		return;
	if (opcode->flags & DMA) {
		channel->counters.dma++;
		channel->phase = IDE_DMA_READY;
		drive->status = ATA_STATUS_BSY;
		ide_dma_look(channel);
		return;
	}
	channel->counters.pio++;
	if (opcode->what == DISK_READ)
		ide_transfer_start(channel);
	else
		ide_pio_ask(channel);
}

/* There is no medium whose sectors could be tried: that they exist is all. */
static void verify(struct ide_channel *channel, const struct opcode *opcode)
{
	if (take_range(channel, opcode))
		finish(channel, 0);
}

static void flush(struct ide_channel *channel, const struct opcode *opcode)
{
	channel->command = (struct ide_command){ .drive = ide_selected(channel), .what = opcode->what };
	ide_transfer_start(channel);
}

static void identify(struct ide_channel *channel, const struct opcode *opcode)
{
	(void)opcode;
	channel->command = (struct ide_command){
		.drive = ide_selected(channel), .what = DISK_READ, .block_bytes = ATA_SECTOR_BYTES };
	ide_identify(channel->command.drive, channel->buffer);
	channel->filled = ATA_SECTOR_BYTES;
	ide_pio_offer(channel);
}

/* Both drives run them, and drive 0 tells. */
static void diagnostic(struct ide_channel *channel, const struct opcode *opcode)
{
	(void)opcode;
	ide_sign(channel);
	ide_raise(channel);
}

static void set_multiple(struct ide_channel *channel, const struct opcode *opcode)
{
	uint8_t count = channel->now[ATA_COUNT];

	(void)opcode;
	if (count > IDE_MULTIPLE_MAX || (count & (count - 1))) {
		refuse(channel);
		return;
	}
	ide_selected(channel)->multiple = count;
	finish(channel, 0);
}

static bool mode_exists(uint8_t mode)
{
	unsigned int number = mode & ATA_MODE_NUMBER;

	switch (mode & ATA_MODE_KIND) {
	case ATA_MODE_PIO_DEFAULT:
		return number <= 1;
	case ATA_MODE_PIO:
		return number <= 4;
	case ATA_MODE_MWDMA:
		return number <= 2;
	case ATA_MODE_UDMA:
		return number <= 5;
	default:
		return false;
	}
}

static void set_features(struct ide_channel *channel, const struct opcode *opcode)
{
	struct ide_drive *drive = ide_selected(channel);
	uint8_t feature = channel->now[ATA_FEATURES], mode = channel->now[ATA_COUNT];

	(void)opcode;
	if (feature == ATA_FEATURE_TRANSFER_MODE && mode_exists(mode)) {
		drive->mode = mode;
	} else if (feature == ATA_FEATURE_WRITE_CACHE_ON || feature == ATA_FEATURE_WRITE_CACHE_OFF) {
		drive->write_cache = feature == ATA_FEATURE_WRITE_CACHE_ON;
	} else {
		refuse(channel);
		return;
	}
	finish(channel, 0);
}

/* The disk never sleeps, whatever it is told. */
static void power(struct ide_channel *channel, const struct opcode *opcode)
{
	(void)opcode;
	finish(channel, 0);
}

static void check_power(struct ide_channel *channel, const struct opcode *opcode)
{
	(void)opcode;
	channel->now[ATA_COUNT] = ATA_POWER_ACTIVE;
	finish(channel, 0);
}

static const struct opcode opcodes[256] = {
	[ATA_READ_SECTORS] = { transfer, 0, DISK_READ },
	[ATA_READ_SECTORS_NO_RETRY] = { transfer, 0, DISK_READ },
	[ATA_READ_SECTORS_EXT] = { transfer, WIDE, DISK_READ },
	[ATA_READ_MULTIPLE] = { transfer, MULTIPLE, DISK_READ },
	[ATA_READ_MULTIPLE_EXT] = { transfer, MULTIPLE | WIDE, DISK_READ },
	[ATA_READ_DMA] = { transfer, DMA, DISK_READ },
	[ATA_READ_DMA_NO_RETRY] = { transfer, DMA, DISK_READ },
	[ATA_READ_DMA_EXT] = { transfer, DMA | WIDE, DISK_READ },
	[ATA_WRITE_SECTORS] = { transfer, 0, DISK_WRITE },
	[ATA_WRITE_SECTORS_NO_RETRY] = { transfer, 0, DISK_WRITE },
	[ATA_WRITE_SECTORS_EXT] = { transfer, WIDE, DISK_WRITE },
	[ATA_WRITE_MULTIPLE] = { transfer, MULTIPLE, DISK_WRITE },
	[ATA_WRITE_MULTIPLE_EXT] = { transfer, MULTIPLE | WIDE, DISK_WRITE },
	[ATA_WRITE_MULTIPLE_FUA_EXT] = { transfer, MULTIPLE | WIDE | FUA, DISK_WRITE },
	[ATA_WRITE_DMA] = { transfer, DMA, DISK_WRITE },
	[ATA_WRITE_DMA_NO_RETRY] = { transfer, DMA, DISK_WRITE },
	[ATA_WRITE_DMA_EXT] = { transfer, DMA | WIDE, DISK_WRITE },
	[ATA_WRITE_DMA_FUA_EXT] = { transfer, DMA | WIDE | FUA, DISK_WRITE },
	[ATA_READ_VERIFY] = { verify, 0, DISK_READ },
	[ATA_READ_VERIFY_NO_RETRY] = { verify, 0, DISK_READ },
	[ATA_READ_VERIFY_EXT] = { verify, WIDE, DISK_READ },
	[ATA_FLUSH_CACHE] = { flush, 0, DISK_FLUSH },
	[ATA_FLUSH_CACHE_EXT] = { flush, 0, DISK_FLUSH },
	[ATA_IDENTIFY] = { .run = identify },
	[ATA_DIAGNOSTIC] = { .run = diagnostic },
	[ATA_SET_MULTIPLE] = { .run = set_multiple },
	[ATA_SET_FEATURES] = { .run = set_features },
	[ATA_STANDBY_IMMEDIATE] = { .run = power },
	[ATA_IDLE_IMMEDIATE] = { .run = power },
	[ATA_STANDBY] = { .run = power },
	[ATA_IDLE] = { .run = power },
	[ATA_CHECK_POWER_MODE] = { .run = check_power },
	[ATA_SLEEP] = { .run = power },
};

void ide_execute(struct ide_channel *channel, uint8_t opcode)
{
	const struct opcode *row = &opcodes[opcode];

	if (row->run)
		row->run(channel, row);
	else
		refuse(channel);
}
