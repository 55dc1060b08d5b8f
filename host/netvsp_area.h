/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The two buffers that the guest lends to a NIC (NVSP: receive buffer, send buffer), and who holds which piece of them.
 */
#ifndef HVIS_HOST_NETVSP_AREA_H
#define HVIS_HOST_NETVSP_AREA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#define NETVSP_UNIT_NONE UINT32_MAX

struct channel;
struct channel_buffer;
struct netvsp;
struct netvsp_channel;

/* Of a unit that is handed over: bytes of its message, and how many units the frame has; 0: it is not the first. */
struct netvsp_handed {
	uint16_t bytes, parts;
};

/*
 * A buffer that the guest lends, cut in equal units: the receive buffer's are suballocations, the send buffer's
 * sections. Every channel that uses it holds a reference. @free has a bit per unit of the receive buffer that is
 * ours and that no channel keeps; @next links those that a packet or a chain holds.
 */
struct netvsp_area {
	struct channel_buffer *buffer;
	atomic_uint references;
	uint32_t unit_bytes, units;
	atomic_bool starved; /* a channel waits for units */
	_Atomic uint64_t *free;
	uint32_t *next;
	struct netvsp_handed *handed;
};

/**
 * netvsp_area_open() - borrow the GPADL @handle
 * @units: whether it is to be given away in units
 * @why: on failure, what is wrong
 */
struct netvsp_area *netvsp_area_open(struct channel *channel, uint32_t handle, uint32_t unit_bytes, bool units,
				     const char **why);
/** netvsp_area_drop() - one reference less; the last gives the buffer back. May be NULL. Any worker. */
void netvsp_area_drop(struct netvsp_area *area);
/** netvsp_area_take() - @count units of the receive buffer onto @channel's spare ones. False: there are not so many. */
bool netvsp_area_take(struct netvsp_channel *channel, uint32_t count);
/** netvsp_area_give() - the list of units that starts with @first is free; those who wait for some are called. */
void netvsp_area_give(struct netvsp *netvsp, struct netvsp_area *area, uint32_t first);
/** netvsp_area_pieces() - bytes of an area as pieces, added to @iov. Return: how many there are then; 0: no room. */
unsigned int netvsp_area_pieces(const struct netvsp_area *area, uint32_t offset, uint32_t bytes, struct iovec *iov,
				unsigned int count, unsigned int room);

#endif
