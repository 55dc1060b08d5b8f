/* SPDX-License-Identifier: GPL-2.0 */
/* A tick is a millisecond. */
#ifndef SHIM_LINUX_JIFFIES_H
#define SHIM_LINUX_JIFFIES_H

#define HZ 1000

/* The count wraps: the sign of the difference tells. */
#define time_after(a, b)  ((long)((unsigned long)(b) - (unsigned long)(a)) < 0)
#define time_before(a, b) time_after(b, a)

static inline unsigned long msecs_to_jiffies(unsigned int ms)
{
	return ms;
}

#endif
