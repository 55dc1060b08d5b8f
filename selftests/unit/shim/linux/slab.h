/* SPDX-License-Identifier: GPL-2.0 */
/* Memory; the sanitizer sees what is not given back. */
#ifndef SHIM_LINUX_SLAB_H
#define SHIM_LINUX_SLAB_H

#include <stdlib.h>

#include <linux/types.h>

#define GFP_KERNEL 0

static inline void *kzalloc(size_t bytes, gfp_t flags)
{
	return calloc(1, bytes);
}

static inline void kfree(const void *memory)
{
	free((void *)memory);
}

#endif
