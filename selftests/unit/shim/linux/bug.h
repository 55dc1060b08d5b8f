/* SPDX-License-Identifier: GPL-2.0 */
/* A warning of the kernel is a failure here. */
#ifndef SHIM_LINUX_BUG_H
#define SHIM_LINUX_BUG_H

#include <stdio.h>
#include <stdlib.h>

#include <linux/build_bug.h>

/* abort() ends the test program, which the runner counts as a failure. */
#define WARN_ON(condition)                                                                       \
	({                                                                                       \
		int shim_warn = !!(condition);                                                   \
		if (shim_warn) {                                                                 \
			fprintf(stderr, "%s:%d: WARN_ON(%s)\n", __FILE__, __LINE__, #condition); \
			abort();                                                                 \
		}                                                                                \
		shim_warn;                                                                       \
	})
#define WARN_ON_ONCE(condition) WARN_ON(condition)

#endif
