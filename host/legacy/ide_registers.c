// SPDX-License-Identifier: GPL-2.0
/*
 * The registers of an IDE channel: ports, device selection, software reset, the interrupt line.
 * Source: ATA/ATAPI-7 volume 2, 5 (interface registers) and 9.2 (software reset).
 * Invariant: while a command is in progress the command block does not change; only a reset ends it early.
 */
#include <string.h>

#include "legacy/ide_internal.h"

#define COMMAND_PORT 0x1F0
#define CONTROL_PORT 0x3F6

void ide_settle(struct ide_channel *channel)
{
	bool level = channel->pending && !(channel->control & ATA_CONTROL_NIEN);

	if (level == channel->line)
		return;
	channel->line = level;
	if (level) {
		channel->master.status |= BMIDE_INTERRUPT;
		channel->counters.interrupts++;
	}
	channel->ide->interrupt(channel->ide->context, channel->index, level);
}

void ide_raise(struct ide_channel *channel)
{
	channel->pending = true;
	ide_settle(channel);
}

static void acknowledge(struct ide_channel *channel)
{
	channel->pending = false;
	ide_settle(channel);
}

void ide_complete(struct ide_channel *channel, uint8_t error)
{
	struct ide_drive *drive = ide_selected(channel);

	channel->phase = IDE_IDLE;
	drive->error = error;
	drive->status = ATA_STATUS_DRDY | ATA_STATUS_DSC | (error ? ATA_STATUS_ERR : 0);
}

/* The signature of an ATA device: count and LBA low 1, the others 0. */
void ide_sign(struct ide_channel *channel)
{
	memset(channel->now, 0, sizeof(channel->now));
	memset(channel->before, 0, sizeof(channel->before));
	channel->now[ATA_COUNT] = 1;
	channel->now[ATA_LBA_LOW] = 1;
	channel->phase = IDE_IDLE;
	for (unsigned int i = 0; i < 2; i++) {
		channel->drives[i].status = ATA_STATUS_DRDY | ATA_STATUS_DSC;
		channel->drives[i].error = ATA_DIAGNOSTIC_PASSED;
	}
}

static void begin_reset(struct ide_channel *channel)
{
	channel->counters.resets++;
	channel->master.armed = false;
	if (channel->phase == IDE_WORKING)
		channel->resetting = true;
	else
		channel->phase = IDE_IDLE;
	for (unsigned int i = 0; i < 2; i++)
		channel->drives[i].status = ATA_STATUS_BSY;
	channel->pending = false;
}

/*
 * What the backend has cannot be called back, and may still write to the guest's memory: the drives stay busy until it is
 * done, so a guest that waits for the reset gets its pages back untouched from then on.
 */
void ide_reset_ends(struct ide_channel *channel)
{
	if (!channel->resetting && !(channel->control & ATA_CONTROL_SRST))
		ide_sign(channel);
}

static void write_control(struct ide_channel *channel, uint8_t value)
{
	uint8_t was = channel->control;

	channel->control = value & (ATA_CONTROL_HOB | ATA_CONTROL_SRST | ATA_CONTROL_NIEN);
	if (~was & value & ATA_CONTROL_SRST)
		begin_reset(channel);
	else if (was & ~value & ATA_CONTROL_SRST)
		ide_reset_ends(channel);
	ide_settle(channel);
}

/* Only the diagnostics are for both drives, selected or not, there or not. */
static void write_command(struct ide_channel *channel, uint8_t opcode)
{
	struct ide_drive *drive = ide_selected(channel);

	if (!drive->disk && opcode != ATA_DIAGNOSTIC)
		return;
	channel->pending = false;
	ide_settle(channel);
	drive->counters.commands++;
	ide_execute(channel, opcode);
}

static void write_register(struct ide_channel *channel, unsigned int number, uint8_t value)
{
	if (channel->phase != IDE_IDLE || channel->resetting || (channel->control & ATA_CONTROL_SRST)) {
		channel->counters.ignored++;
		return;
	}
	channel->control &= (uint8_t)~ATA_CONTROL_HOB;
	if (number == ATA_COMMAND) {
		write_command(channel, value);
		return;
	}
	channel->before[number] = channel->now[number];
	channel->now[number] = value;
}

/* A drive that is not there: the other one answers in its place, with zeros. */
static uint8_t read_register(struct ide_channel *channel, unsigned int number)
{
	const struct ide_drive *drive = ide_selected(channel);

	if (!drive->disk)
		return 0;
	switch (number) {
	case ATA_ERROR:
		return drive->error;
	case ATA_DEVICE:
		return channel->now[ATA_DEVICE] | ATA_DEVICE_SET;
	case ATA_STATUS:
		return drive->status;
	default:
		return channel->control & ATA_CONTROL_HOB ? channel->before[number] : channel->now[number];
	}
}

static bool decoded(const struct ide_channel *channel)
{
	return atomic_load_explicit(&channel->decoded, memory_order_relaxed);
}

/* Registers are bytes; a wider access to them is one to each, as on the ISA bus. The data register takes all widths. */
static void command_in(void *context, uint16_t offset, uint8_t *data, unsigned int size)
{
	struct ide_channel *channel = context;

	memset(data, 0xff, size);
	if (!decoded(channel))
		return;
	pthread_mutex_lock(&channel->lock);
	if (offset == ATA_DATA)
		ide_pio_in(channel, data, size);
	for (unsigned int i = 0; offset != ATA_DATA && i < size; i++) {
		data[i] = read_register(channel, offset + i);
		if (offset + i == ATA_STATUS)
			acknowledge(channel);
	}
	pthread_mutex_unlock(&channel->lock);
}

static void command_out(void *context, uint16_t offset, const uint8_t *data, unsigned int size)
{
	struct ide_channel *channel = context;

	if (!decoded(channel))
		return;
	pthread_mutex_lock(&channel->lock);
	if (offset == ATA_DATA)
		ide_pio_out(channel, data, size);
	for (unsigned int i = 0; offset != ATA_DATA && i < size; i++)
		write_register(channel, offset + i, data[i]);
	pthread_mutex_unlock(&channel->lock);
}

/* The alternate status tells and acknowledges nothing. */
static void control_in(void *context, uint16_t offset, uint8_t *data, unsigned int size)
{
	struct ide_channel *channel = context;

	(void)offset;
	memset(data, 0xff, size);
	if (!decoded(channel))
		return;
	pthread_mutex_lock(&channel->lock);
	data[0] = read_register(channel, ATA_STATUS);
	pthread_mutex_unlock(&channel->lock);
}

static void control_out(void *context, uint16_t offset, const uint8_t *data, unsigned int size)
{
	struct ide_channel *channel = context;

	(void)offset;
	(void)size;
	if (!decoded(channel))
		return;
	pthread_mutex_lock(&channel->lock);
	write_control(channel, data[0]);
	pthread_mutex_unlock(&channel->lock);
}

const struct pio_device ide_command_ports = { COMMAND_PORT, ATA_REGISTERS, NULL, command_in, command_out };
const struct pio_device ide_control_ports = { CONTROL_PORT, 1, NULL, control_in, control_out };
