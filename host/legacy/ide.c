// SPDX-License-Identifier: GPL-2.0
/*
 * The IDE controller: its channels and their disks, from creation to the end. See ide.h.
 * Invariant: a channel has buffers if it has a disk, and a worker between ide_attach() and an ide_stop() that succeeded.
 */
#include "legacy/ide.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "legacy/ide_internal.h"
#include "thread.h"

#define SECONDARY_BELOW 0x80 /* the secondary's ports are so much below the primary's */

static void init_channel(struct ide *ide, unsigned int index)
{
	struct ide_channel *channel = &ide->channels[index];

	channel->ide = ide;
	channel->index = index;
	pthread_mutex_init(&channel->lock, NULL);
	thread_condition_init(&channel->rested);
	ide_transfer_init(channel);
	ide_sign(channel);
}

struct ide *ide_create(const struct ide_config *config)
{
	struct ide *ide = calloc(1, sizeof(*ide));

	if (!ide)
		return NULL;
	ide->mem = config->mem;
	ide->interrupt = config->interrupt;
	ide->context = config->context;
	for (unsigned int i = 0; i < IDE_CHANNELS; i++)
		init_channel(ide, i);
	return ide;
}

static void destroy_channel(struct ide_channel *channel)
{
	for (unsigned int i = 0; i < 2; i++)
		if (channel->drives[i].disk)
			disk_close(channel->drives[i].disk);
	pthread_cond_destroy(&channel->rested);
	pthread_mutex_destroy(&channel->lock);
	free(channel->buffer);
	free(channel->iov);
}

void ide_destroy(struct ide *ide)
{
	bool busy = false;

	if (!ide)
		return;
	for (unsigned int i = 0; i < IDE_CHANNELS; i++) {
		if (ide->channels[i].worker)
			busy = true;
		else
			destroy_channel(&ide->channels[i]);
	}
	if (!busy)
		free(ide);
}

/* O_DIRECT wants its memory aligned. The iovecs are not touched before there is a table that needs them. */
static int take_buffers(struct ide_channel *channel)
{
	if (!channel->buffer)
		channel->buffer = aligned_alloc(4096, IDE_BUFFER_BYTES);
	if (!channel->iov)
		channel->iov = calloc(BMIDE_PRDS_MAX, sizeof(channel->iov[0]));
	return channel->buffer && channel->iov ? 0 : -ENOMEM;
}

int ide_add_disk(struct ide *ide, unsigned int position, struct disk *disk)
{
	struct ide_channel *channel = &ide->channels[position / 2];
	struct ide_drive *drive = &channel->drives[position % 2];
	int ret;

	if (drive->disk)
		return -EEXIST;
	ret = take_buffers(channel);
	if (ret)
		return ret;
	drive->disk = disk;
	drive->multiple = IDE_MULTIPLE_MAX;
	drive->write_cache = true;
	if (!disk->id[0])
		snprintf(disk->id, sizeof(disk->id), "ide%u", position);
	return 0;
}

bool ide_has_channel(const struct ide *ide, unsigned int channel)
{
	return ide->channels[channel].drives[0].disk || ide->channels[channel].drives[1].disk;
}

void ide_set_decoded(struct ide *ide, unsigned int channel, bool decoded)
{
	atomic_store(&ide->channels[channel].decoded, decoded);
}

void ide_set_master(struct ide *ide, bool may)
{
	atomic_store(&ide->master, may);
}

static int add_ports(struct ide_channel *channel, struct pio *pio)
{
	struct pio_device command = ide_command_ports, control = ide_control_ports;
	uint16_t below = channel->index ? SECONDARY_BELOW : 0;
	int ret;

	command.port -= below;
	control.port -= below;
	command.context = channel;
	control.context = channel;
	ret = pio_add(pio, &command);
	return ret ? ret : pio_add(pio, &control);
}

static int start_worker(struct ide_channel *channel)
{
	char name[8];

	snprintf(name, sizeof(name), "ide%u", channel->index % IDE_CHANNELS);
	channel->worker = device_worker_create(name);
	return channel->worker ? -device_worker_run(channel->worker) : -errno;
}

int ide_attach(struct ide *ide, struct pio *pio)
{
	for (unsigned int i = 0; i < IDE_CHANNELS; i++) {
		struct ide_channel *channel = &ide->channels[i];
		int ret;

		if (!ide_has_channel(ide, i))
			continue;
		ret = start_worker(channel);
		if (!ret)
			ret = add_ports(channel, pio);
		if (ret)
			return ret;
	}
	return 0;
}

/*
 * Nobody gives the worker anything new. A file may lie on a server that is gone, and a loop may have failed: then what is in flight never
 * ends, and neither its memory nor its thread can be taken away from it.
 */
static bool stop_channel(struct ide_channel *channel, const struct timespec *until)
{
	bool busy;
	int late = 0;

	pthread_mutex_lock(&channel->lock);
	while (channel->phase == IDE_WORKING && !late)
		late = pthread_cond_timedwait(&channel->rested, &channel->lock, until);
	busy = channel->phase == IDE_WORKING;
	channel->abandoned = busy;
	pthread_mutex_unlock(&channel->lock);
	if (busy)
		return false;
	loop_stop(device_worker_loop(channel->worker));
	device_worker_end(channel->worker);
	channel->worker = NULL;
	return true;
}

bool ide_stop(struct ide *ide, unsigned int limit_ms)
{
	struct timespec until = thread_after(limit_ms * 1000000ull);
	bool stopped = true;

	for (unsigned int i = 0; i < IDE_CHANNELS; i++)
		if (ide->channels[i].worker && !stop_channel(&ide->channels[i], &until))
			stopped = false;
	return stopped;
}
