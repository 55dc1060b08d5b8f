/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The IDE controller of a PIIX4: two channels with up to two ATA disks each, PIO and bus-master DMA, on the same backends
 * as the synthetic disks. Its place on the PCI bus is chipset.h's. Registers are VP threads' business, several at a
 * time; data moves in a worker thread per channel.
 */
#ifndef HVIS_HOST_LEGACY_IDE_H
#define HVIS_HOST_LEGACY_IDE_H

#include <jansson.h>
#include <stdbool.h>

#include "disk.h"
#include "guestmem.h"
#include "pio.h"

#define IDE_CHANNELS	 2u
#define IDE_DISKS	 (2 * IDE_CHANNELS) /* primary master, primary slave, secondary master, secondary slave */
#define IDE_MASTER_BYTES 16 /* of the bus-master registers */

struct ide;

struct ide_config {
	const struct guestmem *mem; /* outlives the controller */
	/* A channel's interrupt line changes. Any thread, with a lock of the channel held. */
	void (*interrupt)(void *context, unsigned int channel, bool level);
	void *context;
};

/** ide_create() - a controller without disks. Return: NULL when out of memory. */
struct ide *ide_create(const struct ide_config *config);
/**
 * ide_destroy() - close all disks. Nobody uses the ports any more, and it has been stopped.
 *
 * After an ide_stop() that failed, everything that the request in flight may still touch stays until the process ends.
 */
void ide_destroy(struct ide *ide);

/**
 * ide_add_disk() - put @disk, which has blocks of 512 bytes, at @position; before ide_attach()
 * Return: 0, then the disk is the controller's; -EEXIST; -ENOMEM.
 */
int ide_add_disk(struct ide *ide, unsigned int position, struct disk *disk);

/** ide_attach() - claim the ports of channels that have disks and start their workers. Return: 0 or negative errno. */
int ide_attach(struct ide *ide, struct pio *pio);
/**
 * ide_stop() - after the VPs: wait for what is in flight, end the workers. Also after a failed ide_attach().
 * @limit_ms: how long in all
 *
 * Return: false: a backend has not answered in that time. The interrupt lines do not move any more. May be called again.
 */
bool ide_stop(struct ide *ide, unsigned int limit_ms);

/** ide_has_channel() - whether a channel has a disk. */
bool ide_has_channel(const struct ide *ide, unsigned int channel);
/** ide_set_decoded() - whether the channel's ports answer. Any thread. */
void ide_set_decoded(struct ide *ide, unsigned int channel, bool decoded);
/** ide_set_master() - whether the controller may read and write memory. Any thread. */
void ide_set_master(struct ide *ide, bool may);

/** ide_master_in(), ide_master_out() - the bus-master registers of both channels, as a struct pio_device's. */
void ide_master_in(void *ide, uint16_t offset, uint8_t *data, unsigned int size);
void ide_master_out(void *ide, uint16_t offset, const uint8_t *data, unsigned int size);

/** ide_query() - channels, disks and their counters as JSON. Any thread. */
json_t *ide_query(struct ide *ide);

#endif
