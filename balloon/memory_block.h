/* SPDX-License-Identifier: GPL-2.0 */
/* Memory blocks of the kernel, the unit in which memory comes and goes: memory_block.c. */
#ifndef HVIS_BALLOON_MEMORY_BLOCK_H
#define HVIS_BALLOON_MEMORY_BLOCK_H

#include <linux/list.h>
#include <linux/types.h>

struct balloon;

/**
 * struct balloon_added - a memory block that we added
 * @link: in balloon.added_blocks
 * @pfn: its first page
 * @node: where it is
 */
struct balloon_added {
	struct list_head link;
	u64 pfn;
	int node;
};

u64 memory_block_pages(void);
int memory_block_add(struct balloon *balloon, u64 pfn, int node);
int memory_block_remove(struct balloon *balloon, u64 pfn, unsigned int limit_ms);
u64 memory_block_used(u64 pfn);

#endif
