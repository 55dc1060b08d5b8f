/* SPDX-License-Identifier: GPL-2.0 */
/* A tick is a millisecond. */
#ifndef SHIM_LINUX_JIFFIES_H
#define SHIM_LINUX_JIFFIES_H

#define HZ 1000

static inline unsigned long msecs_to_jiffies(unsigned int ms)
{
	return ms;
}

#endif
