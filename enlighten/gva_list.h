/* SPDX-License-Identifier: GPL-2.0 */
/* Ranges of virtual addresses as the flush hypercalls take them. */
#ifndef HVIS_ENLIGHTEN_GVA_LIST_H
#define HVIS_ENLIGHTEN_GVA_LIST_H

#include <linux/types.h>

unsigned int gva_list_write(u64 *list, unsigned int room, u64 start, u64 end);

#endif
