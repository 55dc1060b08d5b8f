/* SPDX-License-Identifier: GPL-2.0 */
/* min() and max() that evaluate once, nest, and refuse to mix types as the kernel's do. */
#ifndef SHIM_LINUX_MINMAX_H
#define SHIM_LINUX_MINMAX_H

#define shim_pick_named(a, op, b, x, y)                                \
	({                                                             \
		__typeof__(a) x = (a);                                 \
		__typeof__(b) y = (b);                                 \
		(void)(&x == &y); /* a warning if the types differ */ \
		x op y ? x : y;                                        \
	})
#define shim_paste(name, number) name##number
#define shim_pick_numbered(a, op, b, number) \
	shim_pick_named(a, op, b, shim_paste(shim_x_, number), shim_paste(shim_y_, number))
#define shim_pick(a, op, b) shim_pick_numbered(a, op, b, __COUNTER__)

#define min(a, b)			shim_pick(a, <, b)
#define max(a, b)			shim_pick(a, >, b)
#define min_t(type, a, b)		min((type)(a), (type)(b))
#define max_t(type, a, b)		max((type)(a), (type)(b))
#define clamp(value, low, high)		min(max(value, low), high)
#define clamp_t(type, value, low, high) clamp((type)(value), (type)(low), (type)(high))

#endif
