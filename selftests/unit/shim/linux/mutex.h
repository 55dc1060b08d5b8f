/* SPDX-License-Identifier: GPL-2.0 */
/* The same as a spinlock here. */
#ifndef SHIM_LINUX_MUTEX_H
#define SHIM_LINUX_MUTEX_H

#include <linux/spinlock.h>

#define mutex_init(lock)   spin_lock_init(lock)
#define mutex_lock(lock)   spin_lock(lock)
#define mutex_unlock(lock) spin_unlock(lock)

#endif
