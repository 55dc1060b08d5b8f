/* SPDX-License-Identifier: GPL-2.0 */
/* How much memory a guest keeps: floor.c. In pages. */
#ifndef HVIS_BALLOON_FLOOR_H
#define HVIS_BALLOON_FLOOR_H

#include <linux/types.h>

u64 balloon_floor(u64 total, u64 fixed);
u64 balloon_spare(u64 available, u64 total, u64 fixed);

#endif
