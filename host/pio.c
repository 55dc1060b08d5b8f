// SPDX-License-Identifier: GPL-2.0
/*
 * Port IO dispatch: owns the table of port ranges. Leaves the meaning of ports to the devices.
 * Invariant: ranges do not overlap, and a device sees only accesses that lie wholly inside its
 * range.
 */
#include "pio.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define DEVICES_MAX 16

struct usage {
	_Atomic uint64_t in, out;
};

struct pio {
	unsigned int device_count;
	struct pio_device devices[DEVICES_MAX];
	struct usage usage[DEVICES_MAX];
	struct usage nobody; /* bytes and wider that no device took */
};

static void count(struct usage *usage, bool write)
{
	atomic_fetch_add_explicit(write ? &usage->out : &usage->in, 1, memory_order_relaxed);
}

struct pio *pio_create(void)
{
	return calloc(1, sizeof(struct pio));
}

void pio_destroy(struct pio *pio)
{
	free(pio);
}

int pio_add(struct pio *pio, const struct pio_device *device)
{
	uint32_t end = (uint32_t)device->port + device->count;

	if (!device->count || end > 0x10000)
		return -EINVAL;
	for (unsigned int i = 0; i < pio->device_count; i++) {
		const struct pio_device *other = &pio->devices[i];

		if (device->port < (uint32_t)other->port + other->count && other->port < end)
			return -EEXIST;
	}
	if (pio->device_count == DEVICES_MAX)
		return -ENOSPC;
	pio->devices[pio->device_count++] = *device;
	return 0;
}

static const struct pio_device *find_device(const struct pio *pio, uint32_t port, unsigned int size)
{
	for (unsigned int i = 0; i < pio->device_count; i++) {
		const struct pio_device *device = &pio->devices[i];

		if (port >= device->port && port + size <= (uint32_t)device->port + device->count)
			return device;
	}
	return NULL;
}

static bool access_device(struct pio *pio, bool write, uint32_t port, uint8_t *data,
			  unsigned int size)
{
	const struct pio_device *device = find_device(pio, port, size);

	if (!device)
		return false;
	count(&pio->usage[device - pio->devices], write);
	if (write)
		device->out(device->context, (uint16_t)(port - device->port), data, size);
	else
		device->in(device->context, (uint16_t)(port - device->port), data, size);
	return true;
}

static void access_once(struct pio *pio, bool write, uint32_t port, uint8_t *data,
			unsigned int size)
{
	bool taken = false;

	if (access_device(pio, write, port, data, size))
		return;
	if (!write)
		memset(data, 0xff, size);
	/* As the ISA bus does: what no device takes whole is split into bytes. */
	for (unsigned int i = 0; size > 1 && i < size; i++)
		taken |= access_device(pio, write, port + i, data + i, 1);
	if (!taken)
		count(&pio->nobody, write);
}

void pio_access(struct pio *pio, bool write, uint16_t port, uint8_t *data, unsigned int size,
		unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		access_once(pio, write, port, data + (size_t)i * size, size);
}

bool pio_query(const struct pio *pio, unsigned int index, struct pio_counters *counters)
{
	bool device = index < pio->device_count;
	const struct usage *usage = device ? &pio->usage[index] : &pio->nobody;

	if (index > pio->device_count)
		return false;
	*counters = (struct pio_counters){
		.port = device ? pio->devices[index].port : 0,
		.count = device ? pio->devices[index].count : 0,
		.in = atomic_load_explicit(&usage->in, memory_order_relaxed),
		.out = atomic_load_explicit(&usage->out, memory_order_relaxed),
	};
	return true;
}
