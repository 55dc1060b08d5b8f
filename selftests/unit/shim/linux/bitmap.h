/* SPDX-License-Identifier: GPL-2.0 */
/* Arrays of bits; one thread at a time. */
#ifndef SHIM_LINUX_BITMAP_H
#define SHIM_LINUX_BITMAP_H

#include <linux/bits.h>
#include <linux/types.h>
#include <shim_bits.h>

#define BITS_PER_LONG		   64
#define DECLARE_BITMAP(name, bits) unsigned long name[((bits) + BITS_PER_LONG - 1) / BITS_PER_LONG]

static inline void set_bit(unsigned long bit, unsigned long *map)
{
	map[bit / BITS_PER_LONG] |= BIT(bit % BITS_PER_LONG);
}

static inline void clear_bit(unsigned long bit, unsigned long *map)
{
	map[bit / BITS_PER_LONG] &= ~BIT(bit % BITS_PER_LONG);
}

static inline bool test_bit(unsigned long bit, const unsigned long *map)
{
	return map[bit / BITS_PER_LONG] >> bit % BITS_PER_LONG & 1;
}

#define for_each_set_bit(bit, map, size)              \
	for ((bit) = 0; (bit) < (size); (bit)++)      \
		if (test_bit(bit, map))

#endif
