/* SPDX-License-Identifier: GPL-2.0 */
/* Who waits lets the test do something, once each time; if that does not help, the time is over. */
#ifndef SHIM_LINUX_WAIT_H
#define SHIM_LINUX_WAIT_H

#include <linux/types.h>

typedef struct {
	bool (*meanwhile)(void);
} wait_queue_head_t;

static inline void init_waitqueue_head(wait_queue_head_t *queue)
{
	queue->meanwhile = NULL;
}

#define wake_up_all(queue) ((void)(queue))
#define wait_event_timeout(queue, condition, ticks)                                       \
	((condition) ? (ticks) :                                                          \
		       (queue).meanwhile && (queue).meanwhile() && (condition) ? (ticks) : 0)

#endif
