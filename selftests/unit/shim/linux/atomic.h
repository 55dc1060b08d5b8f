/* SPDX-License-Identifier: GPL-2.0 */
/* Counters that several threads may change. */
#ifndef SHIM_LINUX_ATOMIC_H
#define SHIM_LINUX_ATOMIC_H

#include <linux/types.h>

#define atomic_read(v)	     __atomic_load_n(&(v)->counter, __ATOMIC_RELAXED)
#define atomic_set(v, value) __atomic_store_n(&(v)->counter, value, __ATOMIC_RELAXED)
#define atomic_inc_return(v) __atomic_add_fetch(&(v)->counter, 1, __ATOMIC_SEQ_CST)

/* What was there; @from if it was changed to @to. */
static inline int atomic_cmpxchg(atomic_t *v, int from, int to)
{
	__atomic_compare_exchange_n(&v->counter, &from, to, 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	return from;
}

#endif
