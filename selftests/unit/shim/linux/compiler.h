/* SPDX-License-Identifier: GPL-2.0 */
/* One access, not torn, repeated or invented by the compiler. */
#ifndef SHIM_LINUX_COMPILER_H
#define SHIM_LINUX_COMPILER_H

/* The thread sanitizer knows no volatile: for it they are what they are meant as. */
#ifdef SHIM_THREAD_SANITIZER
#define READ_ONCE(x)	     __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, value) __atomic_store_n(&(x), value, __ATOMIC_RELAXED)
#else
#define READ_ONCE(x)	     (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, value) ((void)(*(volatile __typeof__(x) *)&(x) = (value)))
#endif
#define barrier()	     __asm__ __volatile__("" : : : "memory")
#define likely(x)	     __builtin_expect(!!(x), 1)
#define unlikely(x)	     __builtin_expect(!!(x), 0)
#define notrace
#define __must_check	     __attribute__((warn_unused_result))
#define __maybe_unused	     __attribute__((unused))
#define fallthrough	     __attribute__((fallthrough))

#endif
