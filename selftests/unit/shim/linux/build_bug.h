/* SPDX-License-Identifier: GPL-2.0 */
/* Checks at compile time. */
#ifndef SHIM_LINUX_BUILD_BUG_H
#define SHIM_LINUX_BUILD_BUG_H

#define static_assert_shim(condition, message, ...) _Static_assert(condition, message)
#ifndef static_assert
#define static_assert(condition, ...) static_assert_shim(condition, ##__VA_ARGS__, #condition)
#endif
#define BUILD_BUG_ON(condition) _Static_assert(!(condition), #condition)

#endif
