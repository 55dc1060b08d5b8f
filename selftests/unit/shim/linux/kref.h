/* SPDX-License-Identifier: GPL-2.0 */
/* References, counted. */
#ifndef SHIM_LINUX_KREF_H
#define SHIM_LINUX_KREF_H

#include <linux/types.h>

struct kref {
	int count;
};

static inline void kref_init(struct kref *ref)
{
	ref->count = 1;
}

static inline void kref_get(struct kref *ref)
{
	__atomic_add_fetch(&ref->count, 1, __ATOMIC_SEQ_CST);
}

static inline int kref_put(struct kref *ref, void (*release)(struct kref *ref))
{
	if (__atomic_sub_fetch(&ref->count, 1, __ATOMIC_SEQ_CST))
		return 0;
	release(ref);
	return 1;
}

#endif
