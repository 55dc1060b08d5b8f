// SPDX-License-Identifier: GPL-2.0
/*
 * The bus master of a channel: its registers, and when it moves data. The moving itself is ide_transfer.c's.
 * Source: Programming Interface for Bus Master IDE Controller 1.0, 2 (registers) and 3 (operation).
 * Invariant: BMIDE_ACTIVE is set as long as the worker may still touch the guest's memory, even where the guest has cleared
 * BMIDE_START meanwhile: what the backend has cannot be called back.
 */
#include <string.h>

#include "legacy/ide_internal.h"

void ide_dma_look(struct ide_channel *channel)
{
	if (channel->phase != IDE_DMA_READY || !channel->master.armed)
		return;
	channel->master.armed = false;
	ide_transfer_start(channel);
}

/* A table with more than the command needed leaves the bus master waiting, until it is stopped. */
void ide_dma_ends(struct ide_channel *channel, bool bad_table)
{
	struct ide_master *master = &channel->master;

	if (bad_table) {
		master->status |= BMIDE_ERROR;
		channel->command.drive->counters.bad_tables++;
	}
	if (bad_table || !master->longer || !(master->command & BMIDE_START))
		master->status &= (uint8_t)~BMIDE_ACTIVE;
}

static bool moving(const struct ide_channel *channel)
{
	return channel->phase == IDE_WORKING && channel->command.dma;
}

static void write_command(struct ide_channel *channel, uint8_t value)
{
	struct ide_master *master = &channel->master;
	uint8_t was = master->command;

	master->command = value & (BMIDE_START | BMIDE_TO_MEMORY);
	if (~was & value & BMIDE_START) {
		master->armed = true;
		master->status |= BMIDE_ACTIVE;
		ide_dma_look(channel);
	} else if (was & ~value & BMIDE_START) {
		master->armed = false;
		if (!moving(channel))
			master->status &= (uint8_t)~BMIDE_ACTIVE;
	}
}

static void write_byte(struct ide_channel *channel, unsigned int offset, uint8_t value)
{
	struct ide_master *master = &channel->master;
	unsigned int shift;

	switch (offset) {
	case BMIDE_COMMAND:
		write_command(channel, value);
		break;
	case BMIDE_STATUS:
		master->status &= (uint8_t)~(value & (BMIDE_ERROR | BMIDE_INTERRUPT));
		master->status = (uint8_t)((master->status & ~BMIDE_CAPABLE) | (value & BMIDE_CAPABLE));
		break;
	case BMIDE_TABLE ... BMIDE_TABLE + 3:
		shift = 8 * (offset - BMIDE_TABLE);
		master->table = (master->table & ~(0xffu << shift)) | (uint32_t)value << shift;
		break;
	default:
		break;
	}
}

static uint8_t read_byte(const struct ide_channel *channel, unsigned int offset)
{
	const struct ide_master *master = &channel->master;

	switch (offset) {
	case BMIDE_COMMAND:
		return master->command;
	case BMIDE_STATUS:
		return master->status;
	case BMIDE_TABLE ... BMIDE_TABLE + 3:
		return (uint8_t)((master->table & ~3u) >> 8 * (offset - BMIDE_TABLE));
	default:
		return 0;
	}
}

/* An access across both channels is none that the hardware knows. */
static struct ide_channel *addressed(struct ide *ide, uint16_t *offset, unsigned int size)
{
	struct ide_channel *channel = &ide->channels[*offset / BMIDE_REGISTERS % IDE_CHANNELS];

	*offset %= BMIDE_REGISTERS;
	return *offset + size <= BMIDE_REGISTERS ? channel : NULL;
}

void ide_master_in(void *ide, uint16_t offset, uint8_t *data, unsigned int size)
{
	struct ide_channel *channel = addressed(ide, &offset, size);

	memset(data, 0xff, size);
	if (!channel)
		return;
	pthread_mutex_lock(&channel->lock);
	for (unsigned int i = 0; i < size; i++)
		data[i] = read_byte(channel, offset + i);
	pthread_mutex_unlock(&channel->lock);
}

void ide_master_out(void *ide, uint16_t offset, const uint8_t *data, unsigned int size)
{
	struct ide_channel *channel = addressed(ide, &offset, size);

	if (!channel)
		return;
	pthread_mutex_lock(&channel->lock);
	for (unsigned int i = 0; i < size; i++)
		write_byte(channel, offset + i, data[i]);
	pthread_mutex_unlock(&channel->lock);
}
