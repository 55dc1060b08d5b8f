/* SPDX-License-Identifier: GPL-2.0 */
/* Sets of virtual processors as hypercalls take them: built in any order of VPs, written in the one order that is allowed. */
#ifndef HVIS_ENLIGHTEN_VP_SET_H
#define HVIS_ENLIGHTEN_VP_SET_H

#include <linux/types.h>

#include "wire/hypercall.h"

/* VPs that a set can name: 64 banks of 64. */
#define VP_SET_LIMIT (TLFS_VP_BANKS_MAX * 64u)

/**
 * struct vp_set - a set that is being built
 * @banks_used: bit n: bank n has a VP
 * @bank: valid where banks_used says so; others are not even zeroed, since a set is built for every flush
 */
struct vp_set {
	u64 banks_used;
	u64 bank[TLFS_VP_BANKS_MAX];
};

void vp_set_clear(struct vp_set *set);
bool vp_set_add(struct vp_set *set, u32 vp);
bool vp_set_empty(const struct vp_set *set);
bool vp_set_is_low(const struct vp_set *set);
unsigned int vp_set_write(const struct vp_set *set, struct tlfs_vp_set *wire, unsigned int room);

#endif
