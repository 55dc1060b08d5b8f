// SPDX-License-Identifier: GPL-2.0
/*
 * Sets of VPs. Which VP a CPU is, is vp.c's; this file knows numbers only.
 * Source: TLFS 7.8.7.3 (sparse VP set). Invariant: a bank that is named has a VP, and its contents stand where its
 * rank among the named ones says.
 */
#include <linux/types.h>

#include "vp_set.h"

/** vp_set_clear() - nobody is in it */
void vp_set_clear(struct vp_set *set)
{
	set->banks_used = 0;
}

/** vp_set_add() - @vp is in it; false if no set can name that VP */
bool vp_set_add(struct vp_set *set, u32 vp)
{
	const u32 bank = vp / 64;

	if (vp >= VP_SET_LIMIT)
		return false;
	if (!(set->banks_used & 1ull << bank)) {
		set->banks_used |= 1ull << bank;
		set->bank[bank] = 0;
	}
	set->bank[bank] |= 1ull << vp % 64;
	return true;
}

/** vp_set_empty() - is nobody in it? */
bool vp_set_empty(const struct vp_set *set)
{
	return !set->banks_used;
}

/** vp_set_is_low() - are all VPs below 64, so that one word names them (bank[0])? Not for an empty set. */
bool vp_set_is_low(const struct vp_set *set)
{
	return set->banks_used == 1;
}

/**
 * vp_set_write() - the set as a hypercall's input
 * @set: not empty
 * @wire: written to
 * @room: words that there are for banks
 *
 * Return: words written behind the head of @wire, which is the call's variable header size; 0: no room.
 */
unsigned int vp_set_write(const struct vp_set *set, struct tlfs_vp_set *wire, unsigned int room)
{
	unsigned int bank, words = 0;

	wire->format = TLFS_VP_SET_SPARSE_4K;
	wire->valid_banks = set->banks_used;
	for (bank = 0; bank < TLFS_VP_BANKS_MAX; bank++) {
		if (!(set->banks_used & 1ull << bank))
			continue;
		if (words == room)
			return 0;
		wire->banks[words++] = set->bank[bank];
	}
	return words;
}
