/* SPDX-License-Identifier: GPL-2.0 */
/* Locks know who holds them, as under lockdep. */
#ifndef SHIM_LINUX_LOCKDEP_H
#define SHIM_LINUX_LOCKDEP_H

#define lockdep_assert_held(lock) shim_lock_assert_held(lock)

#endif
