// SPDX-License-Identifier: GPL-2.0
/*
 * Data through the data register. The guest sees blocks of a sector, or of a READ MULTIPLE's; the backend sees as much at a
 * time as the buffer holds, so that not every block costs a way to the worker and back.
 * Source: ATA/ATAPI-7 volume 2, 9.5 and 9.6 (PIO data-in and data-out protocols).
 * Invariant: at <= block_end <= filled <= IDE_BUFFER_BYTES.
 */
#include <string.h>

#include "legacy/ide_internal.h"

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void open_block(struct ide_channel *channel, enum ide_phase phase)
{
	channel->block_end = least(channel->at + channel->command.block_bytes, channel->filled);
	channel->phase = phase;
	channel->command.drive->error = 0;
	channel->command.drive->status = ATA_STATUS_DRDY | ATA_STATUS_DSC | ATA_STATUS_DRQ;
}

void ide_pio_offer(struct ide_channel *channel)
{
	channel->at = 0;
	open_block(channel, IDE_PIO_IN);
	ide_raise(channel);
}

void ide_pio_ask(struct ide_channel *channel)
{
	channel->at = 0;
	channel->filled = least(channel->command.sectors, IDE_BUFFER_SECTORS) * ATA_SECTOR_BYTES;
	open_block(channel, IDE_PIO_OUT);
}

/* A block has been read or written. The last one that is read ends the command without an interrupt. */
static void block_ends(struct ide_channel *channel)
{
	bool in = channel->phase == IDE_PIO_IN;

	if (channel->at < channel->filled) {
		open_block(channel, channel->phase);
		ide_raise(channel);
	} else if (!in || channel->command.sectors) {
		ide_transfer_start(channel);
	} else {
		ide_complete(channel, 0);
	}
}

/* A read that is wider than what is left of the block finds ones behind it. */
void ide_pio_in(struct ide_channel *channel, uint8_t *data, unsigned int size)
{
	uint32_t bytes = least(size, channel->block_end - channel->at);

	if (channel->phase != IDE_PIO_IN)
		return;
	memcpy(data, channel->buffer + channel->at, bytes);
	channel->at += bytes;
	channel->counters.copied_bytes += bytes;
	if (channel->at == channel->block_end)
		block_ends(channel);
}

void ide_pio_out(struct ide_channel *channel, const uint8_t *data, unsigned int size)
{
	uint32_t bytes = least(size, channel->block_end - channel->at);

	if (channel->phase != IDE_PIO_OUT)
		return;
	memcpy(channel->buffer + channel->at, data, bytes);
	channel->at += bytes;
	channel->counters.copied_bytes += bytes;
	if (channel->at == channel->block_end)
		block_ends(channel);
}
