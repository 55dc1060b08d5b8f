// SPDX-License-Identifier: GPL-2.0
/*
 * What a channel's worker does with a command: make one request of it, wait for the backend, tell the guest. DMA goes straight
 * between backend and guest memory, PIO through the channel's buffer.
 * Invariant: between ide_transfer_start() and the end of finished() the phase is IDE_WORKING, and only the worker touches the
 * command, the request, the iovecs and the buffer.
 */
#include <stddef.h>

#include "legacy/ide_internal.h"

static struct ide_channel *channel_of(struct disk_request *request)
{
	return (struct ide_channel *)((char *)request - offsetof(struct ide_channel, request));
}

void ide_transfer_start(struct ide_channel *channel)
{
	channel->phase = IDE_WORKING;
	channel->command.drive->status = ATA_STATUS_BSY;
	loop_call(device_worker_loop(channel->worker), &channel->work);
}

static void count_moved(struct ide_drive *drive, const struct disk_request *request)
{
	if (request->what == DISK_READ) {
		drive->counters.reads++;
		drive->counters.read_bytes += request->bytes;
	} else if (request->what == DISK_WRITE) {
		drive->counters.writes++;
		drive->counters.write_bytes += request->bytes;
	} else {
		drive->counters.flushes++;
	}
}

/* The registers tell which sector it was: the first of the request, for more is not known. */
static void name_sector(struct ide_channel *channel)
{
	uint64_t lba = channel->command.lba;

	for (unsigned int i = 0; i < 3; i++) {
		channel->now[ATA_LBA_LOW + i] = (uint8_t)(lba >> 8 * i);
		channel->before[ATA_LBA_LOW + i] = (uint8_t)(lba >> (24 + 8 * i));
	}
}

static void fail(struct ide_channel *channel)
{
	struct ide_command *command = &channel->command;

	command->drive->counters.failed++;
	if (command->what != DISK_FLUSH)
		name_sector(channel);
	ide_complete(channel, command->what == DISK_READ ? ATA_ERROR_UNC : ATA_ERROR_ABRT);
	ide_raise(channel);
}

/* Part of a PIO command, or all of it. */
static void pio_moved(struct ide_channel *channel)
{
	struct ide_command *command = &channel->command;
	uint32_t sectors = (uint32_t)(channel->request.bytes / ATA_SECTOR_BYTES);

	command->lba += sectors;
	command->sectors -= sectors;
	if (command->what == DISK_READ) {
		channel->filled = sectors * ATA_SECTOR_BYTES;
		ide_pio_offer(channel);
		return;
	}
	if (command->sectors)
		ide_pio_ask(channel);
	else
		ide_complete(channel, 0);
	ide_raise(channel);
}

static void succeed(struct ide_channel *channel)
{
	struct ide_command *command = &channel->command;

	count_moved(command->drive, &channel->request);
	if (command->what != DISK_FLUSH && !command->dma) {
		pio_moved(channel);
		return;
	}
	ide_complete(channel, 0);
	ide_raise(channel);
}

/* The guest has reset the channel meanwhile, and waits. */
static void abandon(struct ide_channel *channel)
{
	channel->phase = IDE_IDLE;
	channel->resetting = false;
	ide_reset_ends(channel);
}

/* The lock is held. The VM may be gone, and with it whoever hears of interrupts. */
static void end_late(struct ide_channel *channel)
{
	channel->phase = IDE_IDLE;
	pthread_cond_signal(&channel->rested);
}

/* The lock is held. @bad_table: nothing was asked of the backend. */
static void end(struct ide_channel *channel, int error, bool bad_table)
{
	if (channel->command.dma)
		ide_dma_ends(channel, bad_table);
	if (channel->resetting) {
		abandon(channel);
	} else if (bad_table) {
		ide_complete(channel, ATA_ERROR_ABRT);
		ide_raise(channel);
	} else if (error) {
		fail(channel);
	} else {
		succeed(channel);
	}
	if (channel->phase != IDE_WORKING)
		pthread_cond_signal(&channel->rested);
}

static void finished(struct disk_request *request, int error)
{
	struct ide_channel *channel = channel_of(request);

	pthread_mutex_lock(&channel->lock);
	if (channel->abandoned)
		end_late(channel);
	else
		end(channel, error, false);
	pthread_mutex_unlock(&channel->lock);
}

/*
 * The bus master must move data the way the drive does, and must be allowed to. What the guest writes to its registers from now
 * on is for the next command. Return: false: the table, or what goes with it, is bad.
 */
static bool gather(struct ide_channel *channel)
{
	struct disk_request *request = &channel->request;
	struct ide_command *command = &channel->command;
	bool may = atomic_load(&channel->ide->master), to_memory;
	uint32_t table;
	int ret;

	pthread_mutex_lock(&channel->lock);
	to_memory = channel->master.command & BMIDE_TO_MEMORY;
	table = channel->master.table;
	pthread_mutex_unlock(&channel->lock);
	if (!may || to_memory != (command->what == DISK_READ))
		return false;
	ret = ide_prd_gather(channel->ide->mem, table, command->sectors * ATA_SECTOR_BYTES, channel->iov,
			     &request->iov_count);
	channel->master.longer = ret > 0;
	return ret >= 0;
}

static void use_buffer(struct ide_channel *channel)
{
	struct disk_request *request = &channel->request;

	if (request->bytes > IDE_BUFFER_BYTES)
		request->bytes = IDE_BUFFER_BYTES;
	channel->iov[0] = (struct iovec){ channel->buffer, request->bytes };
	request->iov_count = 1;
}

static void run(struct loop_work *work)
{
	struct ide_channel *channel = (struct ide_channel *)((char *)work - offsetof(struct ide_channel, work));
	struct ide_command *command = &channel->command;
	struct disk *disk = command->drive->disk;

	channel->request = (struct disk_request){
		.what = command->what,
		.fua = command->fua,
		.offset = command->lba * ATA_SECTOR_BYTES,
		.bytes = (uint64_t)command->sectors * ATA_SECTOR_BYTES,
		.iov = channel->iov,
		.disk = disk,
		.loop = device_worker_loop(channel->worker),
		.finished = finished,
	};
	if (command->dma && !gather(channel)) {
		pthread_mutex_lock(&channel->lock);
		end(channel, 0, true);
		pthread_mutex_unlock(&channel->lock);
		return;
	}
	if (command->what != DISK_FLUSH && !command->dma)
		use_buffer(channel);
	disk_submit(disk, &channel->request);
}

void ide_transfer_init(struct ide_channel *channel)
{
	channel->work.run = run;
}
