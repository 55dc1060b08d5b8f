/* SPDX-License-Identifier: GPL-2.0 */
/* Barriers towards a peer on another CPU. */
#ifndef SHIM_ASM_BARRIER_H
#define SHIM_ASM_BARRIER_H

#include <linux/compiler.h>

/* The thread sanitizer knows no fences; on x86 the compiler is the only one to be stopped, but for a full one. */
#ifdef SHIM_THREAD_SANITIZER
#define virt_mb()		     __asm__ __volatile__("mfence" : : : "memory")
#define virt_rmb()		     barrier()
#define virt_wmb()		     barrier()
#else
#define virt_mb()		     __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define virt_rmb()		     __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define virt_wmb()		     __atomic_thread_fence(__ATOMIC_RELEASE)
#endif
#define virt_load_acquire(p)	     __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define virt_store_release(p, value) __atomic_store_n(p, value, __ATOMIC_RELEASE)
#define virt_store_mb(x, value)	     __atomic_store_n(&(x), value, __ATOMIC_SEQ_CST)
#define smp_mb()		     virt_mb()
#define smp_rmb()		     virt_rmb()
#define smp_wmb()		     virt_wmb()
#define smp_load_acquire(p)	     virt_load_acquire(p)
#define smp_store_release(p, value)  virt_store_release(p, value)
#define cpu_relax()		     __builtin_ia32_pause()

#endif
