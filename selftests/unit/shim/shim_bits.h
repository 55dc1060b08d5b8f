/* SPDX-License-Identifier: GPL-2.0 */
/* Runs of bits in arrays, one by one; for linux/bitmap.h here and the fuzz targets' shim. */
#ifndef SHIM_BITS_H
#define SHIM_BITS_H

#define hweight64(word) ((unsigned int)__builtin_popcountll(word))

static inline void bitmap_set(unsigned long *map, unsigned int from, unsigned int count)
{
	for (; count--; from++)
		map[from / 64] |= 1ul << from % 64;
}

static inline void bitmap_clear(unsigned long *map, unsigned int from, unsigned int count)
{
	for (; count--; from++)
		map[from / 64] &= ~(1ul << from % 64);
}

static inline void bitmap_zero(unsigned long *map, unsigned int bits)
{
	bitmap_clear(map, 0, bits);
}

static inline void bitmap_or(unsigned long *to, const unsigned long *a, const unsigned long *b, unsigned int bits)
{
	for (unsigned int i = 0; i < (bits + 63) / 64; i++)
		to[i] = a[i] | b[i];
}

static inline unsigned long shim_find_next(const unsigned long *map, unsigned long bits, unsigned long from, unsigned long wanted)
{
	while (from < bits && (map[from / 64] >> from % 64 & 1) != wanted)
		from++;
	return from < bits ? from : bits;
}

#define find_next_bit(map, bits, from)	    shim_find_next(map, bits, from, 1)
#define find_next_zero_bit(map, bits, from) shim_find_next(map, bits, from, 0)

#endif
