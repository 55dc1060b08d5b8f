/* SPDX-License-Identifier: GPL-2.0 */
/* A mutex that knows its holder; no interrupts to switch off. linux/mutex.h is the same thing. */
#ifndef SHIM_LINUX_SPINLOCK_H
#define SHIM_LINUX_SPINLOCK_H

#include <pthread.h>
#include <stdlib.h>

#include <linux/lockdep.h>
#include <linux/types.h>

typedef struct mutex {
	pthread_mutex_t mutex;
	pthread_t holder;
	bool held;
} spinlock_t;

#define DEFINE_SPINLOCK(name) spinlock_t name = { .mutex = PTHREAD_MUTEX_INITIALIZER }

static inline void spin_lock_init(spinlock_t *lock)
{
	*lock = (spinlock_t){ .mutex = PTHREAD_MUTEX_INITIALIZER };
}

static inline void spin_lock(spinlock_t *lock)
{
	pthread_mutex_lock(&lock->mutex);
	lock->holder = pthread_self();
	lock->held = true;
}

static inline void spin_unlock(spinlock_t *lock)
{
	lock->held = false;
	pthread_mutex_unlock(&lock->mutex);
}

/* Reads fields that only the holder writes: wrong only where the assertion fails anyway. */
static inline void shim_lock_assert_held(spinlock_t *lock)
{
	if (!lock->held || !pthread_equal(lock->holder, pthread_self()))
		abort();
}

#define spin_lock_irqsave(lock, flags) \
	do {                           \
		(flags) = 0;           \
		spin_lock(lock);       \
	} while (0)
#define spin_unlock_irqrestore(lock, flags) \
	do {                                \
		(void)(flags);              \
		spin_unlock(lock);          \
	} while (0)
#define spin_lock_irq(lock)   spin_lock(lock)
#define spin_unlock_irq(lock) spin_unlock(lock)

#endif
