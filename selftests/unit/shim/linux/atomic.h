/* SPDX-License-Identifier: GPL-2.0 */
/* Counters that several threads may change. */
#ifndef SHIM_LINUX_ATOMIC_H
#define SHIM_LINUX_ATOMIC_H

#include <linux/types.h>

#define atomic_read(v)	     __atomic_load_n(&(v)->counter, __ATOMIC_RELAXED)
#define atomic_set(v, value) __atomic_store_n(&(v)->counter, value, __ATOMIC_RELAXED)
#define atomic_inc_return(v) __atomic_add_fetch(&(v)->counter, 1, __ATOMIC_SEQ_CST)
#define atomic_inc(v)	     ((void)atomic_inc_return(v))
#define atomic_set_release(v, value) __atomic_store_n(&(v)->counter, value, __ATOMIC_RELEASE)
#define atomic64_read(v)     __atomic_load_n(&(v)->counter, __ATOMIC_RELAXED)

/* Return: what was there before; it was @old if @value is there now. */
static inline int atomic_cmpxchg(atomic_t *v, int old, int value)
{
	__atomic_compare_exchange_n(&v->counter, &old, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	return old;
}

static inline bool atomic64_try_cmpxchg(atomic64_t *v, s64 *old, s64 value)
{
	return __atomic_compare_exchange_n(&v->counter, old, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

#endif
