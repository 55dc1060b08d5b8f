// SPDX-License-Identifier: GPL-2.0
/*
 * Port IO dispatch: owns the table of port ranges. Leaves the meaning of ports to the devices.
 * Invariant: ranges do not overlap, and a device sees only accesses that lie wholly inside its
 * range.
 */
#include "pio.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEVICES_MAX 16

struct pio {
	unsigned int device_count;
	struct pio_device devices[DEVICES_MAX];
};

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

static bool access_device(const struct pio *pio, bool write, uint32_t port, uint8_t *data,
			  unsigned int size)
{
	const struct pio_device *device = find_device(pio, port, size);

	if (!device)
		return false;
	if (write)
		device->out(device->context, (uint16_t)(port - device->port), data, size);
	else
		device->in(device->context, (uint16_t)(port - device->port), data, size);
	return true;
}

static void access_once(const struct pio *pio, bool write, uint32_t port, uint8_t *data,
			unsigned int size)
{
	if (access_device(pio, write, port, data, size))
		return;
	if (!write)
		memset(data, 0xff, size);
	/* As the ISA bus does: what no device takes whole is split into bytes. */
	for (unsigned int i = 0; size > 1 && i < size; i++)
		access_device(pio, write, port + i, data + i, 1);
}

void pio_access(const struct pio *pio, bool write, uint16_t port, uint8_t *data, unsigned int size,
		unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		access_once(pio, write, port, data + (size_t)i * size, size);
}
