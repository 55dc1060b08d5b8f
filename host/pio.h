/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Port IO: which device answers which ports. Devices are added before the vCPUs run and stay; after
 * that the table is read without a lock by all vCPU threads, and each device takes care of its own
 * locking. Accesses are counted per range.
 */
#ifndef HVIS_HOST_PIO_H
#define HVIS_HOST_PIO_H

#include <stdbool.h>
#include <stdint.h>

struct pio;

/**
 * struct pio_device - a range of ports
 * @port: first port
 * @count: number of ports
 * @context: handed to in() and out()
 * @in: a read of @size bytes (1, 2 or 4) at @port + offset; fills all of data. vCPU
 *	threads, several at a time.
 * @out: a write, likewise. The access lies inside the range: offset + size <= count.
 */
struct pio_device {
	uint16_t port;
	uint16_t count;
	void *context;
	void (*in)(void *context, uint16_t offset, uint8_t *data, unsigned int size);
	void (*out)(void *context, uint16_t offset, const uint8_t *data, unsigned int size);
};

/** pio_create() - an empty table, or NULL when out of memory */
struct pio *pio_create(void);
void pio_destroy(struct pio *pio);

/**
 * pio_add() - add a copy of @device. Return: 0, -EINVAL (no ports, past 0xffff), -EEXIST (overlap),
 * -ENOSPC.
 */
int pio_add(struct pio *pio, const struct pio_device *device);

/**
 * pio_access() - do what a guest's IN, OUT, INS or OUTS asks for
 * @data: @size * @count bytes, read or filled
 * @size: 1, 2 or 4
 * @count: repetitions, all at @port
 *
 * Reads that no device answers give all ones, writes vanish; an access that straddles devices is
 * done byte by byte. Any vCPU thread.
 */
void pio_access(struct pio *pio, bool write, uint16_t port, uint8_t *data, unsigned int size,
		unsigned int count);

/**
 * struct pio_counters - accesses since start, one per repetition; one that straddles is counted
 * per byte
 */
struct pio_counters {
	uint16_t port; /* the range's */
	uint16_t count; /* 0: what no device took */
	uint64_t in, out;
};

/** pio_query() - range @index of those added, then the rest. Any thread. Return: false: no more. */
bool pio_query(const struct pio *pio, unsigned int index, struct pio_counters *counters);

#endif
