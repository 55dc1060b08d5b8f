// SPDX-License-Identifier: GPL-2.0
/*
 * What is shown of a channel's rings and monitor to those who watch it. Nothing here is on the way of a packet.
 * Invariant: ring memory is looked at under channel->lock with the state OPEN; close cannot take it away meanwhile.
 */
#include <linux/mm.h>

#include "channel.h"

static int read_figures(struct ring_figures *figures, const struct ring_header *header, u32 size)
{
	u32 read = READ_ONCE(header->read_index), write = READ_ONCE(header->write_index);

	/* Half of it is the host's. */
	if (read >= size || write >= size)
		return -EINVAL;
	*figures = (struct ring_figures){
		.mask = READ_ONCE(header->interrupt_mask),
		.read = read,
		.write = write,
		.readable = write >= read ? write - read : size - read + write,
	};
	figures->writable = size - figures->readable;
	return 0;
}

/**
 * channel_ring_figures() - both rings as they are now
 * @channel: any
 * @out: guest to host; filled in
 * @in: host to guest; likewise
 *
 * May sleep. Return: 0; -EINVAL not open, or an index is impossible.
 */
int channel_ring_figures(struct vmbus_channel *channel, struct ring_figures *out, struct ring_figures *in)
{
	int error = -EINVAL;

	mutex_lock(&channel->lock);
	if (channel->state == CHANNEL_OPEN) {
		error = read_figures(out, channel->out.header, channel->out.size);
		if (!error)
			error = read_figures(in, channel->in.header, channel->in.size);
	}
	mutex_unlock(&channel->lock);
	return error;
}

/**
 * channel_ring_read() - the bytes of both rings: guest-to-host header and data, then the other's
 * @channel: any
 * @buffer: filled in
 * @offset: from the start of the first header
 * @bytes: room
 *
 * May sleep. Return: how many, 0 behind the end; -EINVAL not open.
 */
ssize_t channel_ring_read(struct vmbus_channel *channel, char *buffer, loff_t offset, size_t bytes)
{
	ssize_t done = -EINVAL;
	size_t index = offset / PAGE_SIZE, from = offset % PAGE_SIZE;

	mutex_lock(&channel->lock);
	if (channel->state == CHANNEL_OPEN) {
		done = index < channel->memory.shared.count ? min(bytes, PAGE_SIZE - from) : 0;
		if (done)
			memcpy(buffer, page_address(channel->memory.shared.pages[index]) + from, done);
	}
	mutex_unlock(&channel->lock);
	return done;
}

static const struct vmbus_monitor_page *monitor_page(void)
{
	return hvis_bus.connection.monitor_pages[1];
}

/** channel_monitor_pending() - is the bit of a monitored channel set in the page to the host? Any context. */
bool channel_monitor_pending(const struct vmbus_channel *channel)
{
	u32 group = channel->monitor_id / 32 % VMBUS_MONITOR_GROUPS;

	return READ_ONCE(monitor_page()->group[group].pending) & BIT(channel->monitor_id % 32);
}

/** channel_monitor_latency() - after how many 100 ns the host would look at it; any context */
unsigned int channel_monitor_latency(const struct vmbus_channel *channel)
{
	u32 group = channel->monitor_id / 32 % VMBUS_MONITOR_GROUPS;

	return READ_ONCE(monitor_page()->latency[group][channel->monitor_id % 32]);
}
