// SPDX-License-Identifier: GPL-2.0
/*
 * A pool of slot numbers without a lock: one side takes, another one gives.
 * Invariant: a number is in the pool, or with a packet; it is read before @taken moves, and written before @given does.
 */
#include <linux/compiler.h>
#include <linux/types.h>
#include <asm/barrier.h>

#include "slot.h"

/**
 * netvsc_pool_init() - all are free
 * @pool: filled in
 * @numbers: its memory, @size entries
 * @size: a power of two, not less than @count
 * @first: the lowest number
 * @count: how many
 */
void netvsc_pool_init(struct netvsc_pool *pool, u16 *numbers, u32 size, u32 first, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++)
		numbers[i] = first + i;
	*pool = (struct netvsc_pool){ .size = size, .given = count, .numbers = numbers };
}

/**
 * netvsc_pool_peek() - the next free number
 * @pool: the taking side's lock is held
 * @number: set if there is one
 *
 * It stays in the pool until netvsc_pool_take(), so that a packet which does not go need not give it back.
 * Any context. Return: whether there is one.
 */
bool netvsc_pool_peek(const struct netvsc_pool *pool, u32 *number)
{
	/* The number is there when @given covers it. */
	if (pool->taken == smp_load_acquire(&pool->given))
		return false;
	*number = pool->numbers[pool->taken & (pool->size - 1)];
	return true;
}

/** netvsc_pool_free() - how many are free, at least; the taking side's lock is held; any context */
u32 netvsc_pool_free(const struct netvsc_pool *pool)
{
	return READ_ONCE(pool->given) - pool->taken;
}

/** netvsc_pool_take() - what netvsc_pool_peek() said is in use now; the taking side's lock is held; any context */
void netvsc_pool_take(struct netvsc_pool *pool)
{
	WRITE_ONCE(pool->taken, pool->taken + 1);
}

/** netvsc_pool_give() - a number is free again; the giving side alone; any context */
void netvsc_pool_give(struct netvsc_pool *pool, u32 number)
{
	pool->numbers[pool->given & (pool->size - 1)] = number;
	/* The number before @given, and whatever was done with what it stands for. */
	smp_store_release(&pool->given, pool->given + 1);
}
