/* SPDX-License-Identifier: GPL-2.0 */
/* Work is done in order, when the queue is flushed. */
#ifndef SHIM_LINUX_WORKQUEUE_H
#define SHIM_LINUX_WORKQUEUE_H

#include <stdlib.h>

#include <linux/types.h>

struct work_struct {
	void (*func)(struct work_struct *work);
	struct work_struct *next;
	bool queued;
};

struct workqueue_struct {
	struct work_struct *first, **last;
};

#define INIT_WORK(work, function) (*(work) = (struct work_struct){ .func = (function) })

static inline struct workqueue_struct *alloc_ordered_workqueue(const char *name, unsigned int flags)
{
	struct workqueue_struct *wq = calloc(1, sizeof(*wq));

	wq->last = &wq->first;
	return wq;
}

#define WQ_UNBOUND 0
#define alloc_workqueue(name, flags, max) alloc_ordered_workqueue(name, flags)

static inline bool queue_work(struct workqueue_struct *wq, struct work_struct *work)
{
	if (work->queued)
		return false;
	work->queued = true;
	work->next = NULL;
	*wq->last = work;
	wq->last = &work->next;
	return true;
}

static inline void flush_workqueue(struct workqueue_struct *wq)
{
	struct work_struct *work;

	while ((work = wq->first)) {
		wq->first = work->next;
		if (!wq->first)
			wq->last = &wq->first;
		work->queued = false;
		work->func(work);
	}
}

static inline void destroy_workqueue(struct workqueue_struct *wq)
{
	flush_workqueue(wq);
	free(wq);
}

static inline void flush_work(struct work_struct *work)
{
}

#endif
