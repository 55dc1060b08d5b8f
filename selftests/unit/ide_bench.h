/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An IDE controller on a bench: guest memory, a disk in memory that can fail or keep what it is asked, the interrupt lines, and a
 * worker that runs when the test says so. Accesses go through the port table, as a guest's do. Included once per program.
 */
#ifndef HVIS_UNIT_IDE_BENCH_H
#define HVIS_UNIT_IDE_BENCH_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "legacy/ide_internal.h"

#define MEMORY_BYTES (4u << 20)
#define DISK_SECTORS 4096u
#define TABLE	     0x10000u /* where PRD tables go */
#define DATA	     0x100000u /* and what they point to */
#define COMMAND_BASE 0x1F0
#define CONTROL	     0x3F6
#define MASTER	     0xC000
#define READY	     (ATA_STATUS_DRDY | ATA_STATUS_DSC)

struct bench_disk {
	struct disk disk; /* first */
	uint8_t *medium;
	int error; /* what the next requests end with */
	bool hold;
	struct disk_request *held;
	unsigned int submitted, pieces; /* requests; iovec entries of the last one */
	bool fua; /* of the last one */
	bool closed;
};

static struct bench {
	struct guestmem *mem;
	struct pio *pio;
	struct ide *ide;
	struct bench_disk disks[2];
	bool line[IDE_CHANNELS];
	unsigned int edges[IDE_CHANNELS];
	struct loop_work *works[2];
	unsigned int work_count;
	bool stopped;
} bench;

/* Stands for host/legacy/device_worker.c and the loop. */
struct device_worker *device_worker_create(const char *name)
{
	assert_memory_equal(name, "ide", 3);
	return (struct device_worker *)&bench;
}

int device_worker_run(struct device_worker *worker)
{
	assert_ptr_equal(worker, &bench);
	return 0;
}

void loop_stop(struct loop *loop)
{
	assert_null(loop);
	bench.stopped = true;
}

void device_worker_end(struct device_worker *worker)
{
	assert_ptr_equal(worker, &bench);
	assert_true(bench.stopped);
}

struct loop *device_worker_loop(const struct device_worker *worker)
{
	assert_ptr_equal(worker, &bench);
	return NULL;
}

void loop_call(struct loop *loop, struct loop_work *work)
{
	assert_null(loop);
	assert_true(bench.work_count < 2);
	bench.works[bench.work_count++] = work;
}

/* The worker does all that it has been given. */
static inline void pump(void)
{
	while (bench.work_count) {
		struct loop_work *work = bench.works[0];

		bench.works[0] = bench.works[--bench.work_count];
		work->run(work);
	}
}

static inline void disk_finish(struct bench_disk *disk, struct disk_request *request)
{
	uint8_t *at = disk->medium + request->offset;
	uint64_t left = request->bytes;

	for (unsigned int i = 0; !disk->error && i < request->iov_count; i++) {
		const struct iovec *piece = &request->iov[i];

		assert_true(piece->iov_len <= left);
		if (request->what == DISK_READ)
			memcpy(piece->iov_base, at, piece->iov_len);
		else
			memcpy(at, piece->iov_base, piece->iov_len);
		at += piece->iov_len;
		left -= piece->iov_len;
	}
	assert_true(disk->error || !left);
	request->finished(request, disk->error);
}

static inline void disk_submitted(struct disk *base, struct disk_request *request)
{
	struct bench_disk *disk = (struct bench_disk *)base;

	assert_true(request->offset + request->bytes <= base->bytes);
	assert_true((request->what == DISK_FLUSH) == !request->bytes);
	disk->submitted++;
	disk->pieces = request->iov_count;
	disk->fua = request->fua;
	if (disk->hold)
		disk->held = request;
	else
		disk_finish(disk, request);
}

static inline void disk_closed(struct disk *base)
{
	((struct bench_disk *)base)->closed = true;
}

static inline void let_go(struct bench_disk *disk)
{
	struct disk_request *request = disk->held;

	assert_non_null(request);
	disk->held = NULL;
	disk_finish(disk, request);
}

static inline void line_changed(void *context, unsigned int channel, bool level)
{
	assert_ptr_equal(context, &bench);
	assert_true(bench.line[channel] != level);
	bench.line[channel] = level;
	bench.edges[channel] += level;
}

static inline void init_disk(struct bench_disk *disk)
{
	static const struct disk_ops ops = { .name = "bench", .submit = disk_submitted, .close = disk_closed };

	disk->medium = malloc(DISK_SECTORS * ATA_SECTOR_BYTES);
	for (uint32_t i = 0; i < DISK_SECTORS * ATA_SECTOR_BYTES; i++)
		disk->medium[i] = (uint8_t)(i / ATA_SECTOR_BYTES * 7 + i);
	disk->disk = (struct disk){
		.ops = &ops,
		.bytes = DISK_SECTORS * ATA_SECTOR_BYTES,
		.block_bytes = 512,
		.physical_bytes = 4096,
		.id = "bench-serial",
	};
}

static inline int ide_setup(void **state)
{
	const struct pio_device master = { MASTER, IDE_MASTER_BYTES, NULL, ide_master_in, ide_master_out };
	struct pio_device ports = master;
	struct ide_config config = { .interrupt = line_changed, .context = &bench };

	(void)state;
	memset(&bench, 0, sizeof(bench));
	bench.mem = guestmem_create(MEMORY_BYTES);
	config.mem = bench.mem;
	bench.pio = pio_create();
	bench.ide = ide_create(&config);
	for (unsigned int i = 0; i < 2; i++)
		init_disk(&bench.disks[i]);
	/* Primary master and secondary slave. */
	assert_int_equal(ide_add_disk(bench.ide, 0, &bench.disks[0].disk), 0);
	assert_int_equal(ide_add_disk(bench.ide, 3, &bench.disks[1].disk), 0);
	ports.context = bench.ide;
	assert_int_equal(pio_add(bench.pio, &ports), 0);
	assert_int_equal(ide_attach(bench.ide, bench.pio), 0);
	for (unsigned int i = 0; i < IDE_CHANNELS; i++)
		ide_set_decoded(bench.ide, i, true);
	ide_set_master(bench.ide, true);
	return 0;
}

static inline int ide_teardown(void **state)
{
	(void)state;
	assert_true(ide_stop(bench.ide, 60000));
	ide_destroy(bench.ide);
	for (unsigned int i = 0; i < 2; i++) {
		assert_true(bench.disks[i].closed);
		free(bench.disks[i].medium);
	}
	pio_destroy(bench.pio);
	guestmem_destroy(bench.mem);
	return 0;
}

static inline uint32_t port_in(uint16_t port, unsigned int size)
{
	uint8_t data[4] = { 0 };
	uint32_t value;

	pio_access(bench.pio, false, port, data, size, 1);
	memcpy(&value, data, sizeof(value));
	return value;
}

static inline void port_out(uint16_t port, unsigned int size, uint32_t value)
{
	uint8_t data[4];

	memcpy(data, &value, sizeof(data));
	pio_access(bench.pio, true, port, data, size, 1);
}

/* Of the primary channel. */
static inline uint8_t get(unsigned int number)
{
	return (uint8_t)port_in((uint16_t)(COMMAND_BASE + number), 1);
}

static inline void put(unsigned int number, uint8_t value)
{
	port_out((uint16_t)(COMMAND_BASE + number), 1, value);
}

static inline uint8_t alternate(void)
{
	return (uint8_t)port_in(CONTROL, 1);
}

static inline void ask28(uint8_t opcode, uint32_t lba, uint8_t count)
{
	put(ATA_COUNT, count);
	put(ATA_LBA_LOW, (uint8_t)lba);
	put(ATA_LBA_MID, (uint8_t)(lba >> 8));
	put(ATA_LBA_HIGH, (uint8_t)(lba >> 16));
	put(ATA_DEVICE, (uint8_t)(ATA_DEVICE_LBA | (lba >> 24 & 0xf)));
	put(ATA_COMMAND, opcode);
}

static inline void ask48(uint8_t opcode, uint64_t lba, uint16_t count)
{
	put(ATA_COUNT, (uint8_t)(count >> 8));
	for (unsigned int i = 0; i < 3; i++)
		put(ATA_LBA_LOW + i, (uint8_t)(lba >> (24 + 8 * i)));
	ask28(opcode, lba & 0xffffff, (uint8_t)count);
}

/* Entry @index of the table. */
static inline void prd(unsigned int index, uint32_t address, uint16_t bytes, bool last)
{
	struct bmide_prd entry = { address, bytes, last ? BMIDE_PRD_LAST : 0 };

	memcpy(guestmem_ptr(bench.mem, gpa(TABLE + index * sizeof(entry)), sizeof(entry)), &entry, sizeof(entry));
}

static inline void start(uint8_t direction)
{
	port_out(MASTER + BMIDE_TABLE, 4, TABLE);
	port_out(MASTER + BMIDE_COMMAND, 1, direction);
	port_out(MASTER + BMIDE_COMMAND, 1, direction | BMIDE_START);
}

static inline uint8_t master_status(void)
{
	return (uint8_t)port_in(MASTER + BMIDE_STATUS, 1);
}

static inline uint8_t *guest(uint32_t address)
{
	return guestmem_ptr(bench.mem, gpa(address), 1);
}

/* The command has ended so, with the line raised once more; acknowledges it. */
static inline void ended(uint8_t status, uint8_t error)
{
	assert_true(bench.line[0]);
	assert_int_equal(alternate(), status);
	assert_int_equal(get(ATA_ERROR), error);
	assert_true(bench.line[0]);
	assert_int_equal(get(ATA_STATUS), status);
	assert_false(bench.line[0]);
}

#endif
