// SPDX-License-Identifier: GPL-2.0
/*
 * The part of one_thread.h that has storage.
 */
#include <one_thread.h>

#include <stdarg.h>

unsigned long jiffies;
unsigned int shim_pages, shim_pages_leaked;

void (*shim_page_freed)(const struct page *page);

static struct page *pages;

struct page *alloc_pages_node(int node, gfp_t flags, unsigned int order)
{
	struct page *page = calloc(1, sizeof(*page));

	page->next = pages;
	page->link = &pages;
	if (pages)
		pages->link = &page->next;
	pages = page;
	shim_pages++;
	return page;
}

void __free_page(struct page *page)
{
	if (shim_page_freed)
		shim_page_freed(page);
	*page->link = page->next;
	if (page->next)
		page->next->link = page->link;
	shim_pages--;
	free(page);
}

unsigned long get_zeroed_page(gfp_t flags)
{
	return (unsigned long)alloc_pages_node(0, flags, 0);
}

void free_page(unsigned long address)
{
	if (address)
		__free_page((struct page *)address);
}

void shim_pages_forget(void)
{
	while (pages)
		__free_page(pages);
	shim_pages_leaked = 0;
}

/* Pages that the host may still use are never given back; the log says how many. */
void shim_warn(const char *format, ...)
{
	unsigned int count;
	char line[256];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (sscanf(line, "%*[^:]: channel %*u: %u ring pages leaked", &count) == 1)
		shim_pages_leaked += count;
	else if (strstr(line, ": three pages"))
		shim_pages_leaked += 3;
	shim_log("%s", line);
}

struct workqueue_struct *alloc_workqueue(const char *name, unsigned int flags, int max_active)
{
	struct workqueue_struct *wq = calloc(1, sizeof(*wq));

	wq->last = &wq->first;
	return wq;
}

struct workqueue_struct *alloc_ordered_workqueue(const char *name, unsigned int flags)
{
	struct workqueue_struct *wq = alloc_workqueue(name, flags, 1);

	wq->ordered = true;
	return wq;
}

bool queue_work(struct workqueue_struct *wq, struct work_struct *work)
{
	if (work->queued)
		return false;
	work->queued = true;
	work->next = NULL;
	*wq->last = work;
	wq->last = &work->next;
	return true;
}

/* The work that is running further down the stack. */
struct running {
	struct work_struct *work;
	struct running *outer;
};

static struct running *running;

static bool is_running(const struct work_struct *work)
{
	for (const struct running *frame = running; frame; frame = frame->outer)
		if (frame->work == work)
			return true;
	return false;
}

static struct work_struct *take_work(struct workqueue_struct *wq)
{
	struct work_struct **link = &wq->first, *work;

	while (*link && is_running(*link))
		link = &(*link)->next;
	work = *link;
	if (!work)
		return NULL;
	*link = work->next;
	if (!*link)
		wq->last = link;
	work->queued = false;
	return work;
}

/* Work may free itself, so it is not touched after it has run. */
bool shim_run_one(struct workqueue_struct *wq)
{
	struct running frame = { .outer = running };

	if (wq->ordered && wq->running)
		return false;
	frame.work = take_work(wq);
	if (!frame.work)
		return false;
	wq->running++;
	running = &frame;
	frame.work->func(frame.work);
	running = frame.outer;
	wq->running--;
	return true;
}

struct workqueue_struct *system_unbound_wq;

/* The target has only this one in that queue. */
void cancel_delayed_work_sync(struct delayed_work *delayed)
{
	if (!delayed->work.queued)
		return;
	shim_must(system_unbound_wq->first == &delayed->work && !delayed->work.next);
	system_unbound_wq->first = NULL;
	system_unbound_wq->last = &system_unbound_wq->first;
	delayed->work.queued = false;
}

/* From outside of the queue: its own work would wait for itself. */
void flush_workqueue(struct workqueue_struct *wq)
{
	shim_must(!wq->running);
	while (shim_run_one(wq))
		;
}

/* The target runs queued work before it asks for this. */
void flush_work(struct work_struct *work)
{
	shim_must(!work->queued && !is_running(work));
}

void destroy_workqueue(struct workqueue_struct *wq)
{
	flush_workqueue(wq);
	free(wq);
}
