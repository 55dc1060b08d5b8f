// SPDX-License-Identifier: GPL-2.0
/*
 * The part of one_thread.h that has storage.
 */
#include <one_thread.h>

#include <stdarg.h>

unsigned long jiffies;
unsigned int shim_pages, shim_pages_leaked;

void (*shim_page_freed)(const struct page *page);

static struct work_struct *running_work;

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

struct workqueue_struct *alloc_ordered_workqueue(const char *name, unsigned int flags)
{
	struct workqueue_struct *wq = calloc(1, sizeof(*wq));

	wq->last = &wq->first;
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

bool shim_run_one(struct workqueue_struct *wq)
{
	struct work_struct *work = wq->first, *outer = running_work;

	if (!work || wq->running)
		return false;
	wq->first = work->next;
	if (!wq->first)
		wq->last = &wq->first;
	work->queued = false;
	wq->running = true;
	running_work = work;
	work->func(work);
	running_work = outer;
	wq->running = false;
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
	shim_must(!work->queued && running_work != work);
}

void destroy_workqueue(struct workqueue_struct *wq)
{
	flush_workqueue(wq);
	free(wq);
}
