/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Packets that the host has not answered: ids, and a pool of slot numbers with one side that takes and one that gives.
 * Compiled in user space for the unit tests.
 */
#ifndef HVIS_NETVSC_SLOT_H
#define HVIS_NETVSC_SLOT_H

#include <linux/types.h>

/*
 * Transaction ids, kinds that cannot meet:
 *
 *	0			the host speaks unasked, or nobody wants an answer
 *	0:gen31:queue16:slot16	frames: the slot's generation (1..2^31-1), its queue, its number plus one
 *	1:sequence63		a control request
 *
 * A slot's generation moves on with every packet, so an answer that is late, doubled or made up does not match.
 */
#define NETVSC_ID_CONTROL (1ULL << 63)

static inline u64 netvsc_id_make(u32 generation, u32 queue, u32 slot)
{
	return (u64)generation << 32 | queue << 16 | (slot + 1);
}

static inline u32 netvsc_generation_next(u32 generation)
{
	return generation >= 0x7FFFFFFF ? 1 : generation + 1;
}

/* Return: false: no packet of this queue can have this id. */
static inline bool netvsc_id_parse(u64 id, u32 queue, u32 slots, u32 *slot)
{
	u32 number = (u32)id & 0xFFFF;

	if (id & NETVSC_ID_CONTROL || !(id >> 32) || ((u32)id >> 16) != queue || !number || number > slots)
		return false;
	*slot = number - 1;
	return true;
}

/**
 * struct netvsc_pool - free slots of one kind: a ring of their numbers
 * @size: of @numbers, a power of two
 * @taken: how many were ever taken; written by who sends, under the queue's transmit lock
 * @given: how many were ever given; written by who takes the answers
 * @numbers: free are those from @taken to @given
 */
struct netvsc_pool {
	u32 size;
	u32 taken;
	u32 given;
	u16 *numbers;
};

void netvsc_pool_init(struct netvsc_pool *pool, u16 *numbers, u32 size, u32 first, u32 count);
bool netvsc_pool_peek(const struct netvsc_pool *pool, u32 *number);
u32 netvsc_pool_free(const struct netvsc_pool *pool);
void netvsc_pool_take(struct netvsc_pool *pool);
void netvsc_pool_give(struct netvsc_pool *pool, u32 number);

#endif
