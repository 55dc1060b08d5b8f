// SPDX-License-Identifier: GPL-2.0
/*
 * GPADLs: assembly of a header and its bodies, every bound checked, and the budget all of them
 * share. Which channel may use which, and what the guest is told, is the bus's business.
 * Invariant: memory for a GPADL is allocated once, from what its header declares, after the budget
 * has agreed. Only the owner's thread changes the list and frees; others borrow under the lock.
 */
#include "gpadl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PFN_MAX (UINT64_MAX >> 12)

static int refuse(const char **why, const char *rule, int error)
{
	*why = rule;
	return error;
}

static uint32_t page_count(const struct gpadl *gpadl)
{
	return gpadl->words - gpadl->ranges;
}

void gpadl_table_init(struct gpadl_table *table, const struct guestmem *mem)
{
	*table = (struct gpadl_table){ .mem = mem };
	pthread_mutex_init(&table->lock, NULL);
}

static void drop(struct gpadl_table *table, struct gpadl *gpadl)
{
	struct gpadl **link = &table->first;

	pthread_mutex_lock(&table->lock);
	while (*link != gpadl)
		link = &(*link)->next;
	*link = gpadl->next;
	pthread_mutex_unlock(&table->lock);
	table->count--;
	table->pages -= page_count(gpadl);
	free(gpadl);
}

struct gpadl *gpadl_find(const struct gpadl_table *table, uint32_t handle)
{
	struct gpadl *gpadl = table->first;

	while (gpadl && gpadl->handle != handle)
		gpadl = gpadl->next;
	return gpadl;
}

/* Read the range at word @at; false: it does not fit into what is left. */
static bool range_at(const struct gpadl *gpadl, uint32_t at, struct gpadl_range *range)
{
	struct gpa_range head;
	uint64_t pages;

	if (at >= gpadl->words)
		return false;
	memcpy(&head, &gpadl->list[at], sizeof(head));
	if (head.byte_offset >= 4096 || !head.byte_count)
		return false;
	pages = ((uint64_t)head.byte_offset + head.byte_count + 4095) / 4096;
	if (pages > gpadl->words - at - 1)
		return false;
	*range = (struct gpadl_range){ .bytes = head.byte_count,
				       .offset = head.byte_offset,
				       .pages = pages,
				       .pfns = &gpadl->list[at + 1] };
	return true;
}

static bool range_is_ram(const struct guestmem *mem, const struct gpadl_range *range)
{
	for (uint32_t i = 0; i < range->pages; i++) {
		uint64_t pfn = range->pfns[i];

		if (pfn > PFN_MAX || !guestmem_ptr(mem, gpa(pfn << 12), 4096))
			return false;
	}
	return true;
}

/* All words have arrived: are they what the header declared, and RAM? */
static int check(const struct gpadl_table *table, const struct gpadl *gpadl, const char **why)
{
	struct gpadl_range range;
	uint32_t at = 0;

	for (uint32_t i = 0; i < gpadl->ranges; i++) {
		if (!range_at(gpadl, at, &range))
			return refuse(why, "range does not match its page numbers", -EINVAL);
		if (!range_is_ram(table->mem, &range))
			return refuse(why, "page outside of memory", -EFAULT);
		at += 1 + range.pages;
	}
	if (at != gpadl->words)
		return refuse(why, "page numbers beyond the last range", -EINVAL);
	return 0;
}

/* In one step, as gpadl_find_gone() wants it. */
static int complete(struct gpadl_table *table, struct gpadl *gpadl, const char **why)
{
	int error;

	pthread_mutex_lock(&table->lock);
	error = check(table, gpadl, why);
	gpadl->complete = !error;
	pthread_mutex_unlock(&table->lock);
	return error;
}

/*
 * Take the words that a message carries; complete when the last has arrived. Drops @gpadl on error.
 */
static int take(struct gpadl_table *table, struct gpadl *gpadl, const uint8_t *from, uint32_t bytes,
		const char **why)
{
	int error = 0;

	if (bytes % 8)
		error = refuse(why, "part of a page number", -EINVAL);
	else if (bytes / 8 > gpadl->words - gpadl->filled)
		error = refuse(why, "more page numbers than declared", -EINVAL);
	if (!error) {
		memcpy(&gpadl->list[gpadl->filled], from, bytes);
		gpadl->filled += bytes / 8;
		if (gpadl->filled < gpadl->words)
			return 0;
		error = complete(table, gpadl, why);
	}
	if (!error)
		return 1;
	drop(table, gpadl);
	return error;
}

/* What the fixed part of a header declares: possible, and within the budget? */
static int check_header(const struct gpadl_table *table, const struct chanmsg_gpadl_header *message,
			const char **why)
{
	uint32_t words = message->range_buflen / 8;

	if (gpadl_find(table, message->gpadl))
		return refuse(why, "GPADL handle already in use", -EEXIST);
	if (!message->rangecount)
		return refuse(why, "GPADL without a range", -EINVAL);
	if (message->range_buflen % 8 || words < 2u * message->rangecount)
		return refuse(why, "impossible length of the range list", -EINVAL);
	if (table->count >= GPADL_COUNT_MAX)
		return refuse(why, "too many GPADLs", -ENOSPC);
	if (words - message->rangecount > GPADL_PAGES_MAX - table->pages)
		return refuse(why, "too many pages in GPADLs", -ENOSPC);
	return 0;
}

int gpadl_begin(struct gpadl_table *table, const struct chanmsg_gpadl_header *message,
		uint32_t bytes, const char **why)
{
	int error = check_header(table, message, why);
	uint32_t words = message->range_buflen / 8;
	struct gpadl *gpadl;

	if (error)
		return error;
	gpadl = calloc(1, sizeof(*gpadl) + words * sizeof(gpadl->list[0]));
	if (!gpadl)
		return refuse(why, "host out of memory", -ENOMEM);
	gpadl->handle = message->gpadl;
	gpadl->relid = message->relid;
	gpadl->words = words;
	gpadl->ranges = message->rangecount;
	pthread_mutex_lock(&table->lock);
	gpadl->next = table->first;
	table->first = gpadl;
	pthread_mutex_unlock(&table->lock);
	table->count++;
	table->pages += page_count(gpadl);
	return take(table, gpadl, (const uint8_t *)(message + 1), bytes - sizeof(*message), why);
}

int gpadl_continue(struct gpadl_table *table, struct gpadl *gpadl,
		   const struct chanmsg_gpadl_body *message, uint32_t bytes, const char **why)
{
	if (gpadl->complete)
		return refuse(why, "GPADL body after its last", -EEXIST);
	if (bytes == sizeof(*message)) {
		drop(table, gpadl);
		return refuse(why, "GPADL body without page numbers", -EINVAL);
	}
	return take(table, gpadl, (const uint8_t *)(message + 1), bytes - sizeof(*message), why);
}

bool gpadl_single_range(const struct gpadl *gpadl, struct gpadl_range *range)
{
	return gpadl->complete && gpadl->ranges == 1 && range_at(gpadl, 0, range);
}

static bool has_gone(const struct guestmem *mem, const struct gpadl *gpadl, uint64_t *pfn)
{
	struct gpadl_range range;

	for (uint32_t i = 0, at = 0; i < gpadl->ranges && range_at(gpadl, at, &range); i++, at += 1 + range.pages)
		for (uint32_t page = 0; page < range.pages; page++) {
			*pfn = range.pfns[page];
			if (guestmem_gone(mem, *pfn, 1))
				return true;
		}
	return false;
}

bool gpadl_find_gone(struct gpadl_table *table, uint64_t *pfn)
{
	bool found = false;

	pthread_mutex_lock(&table->lock);
	for (const struct gpadl *gpadl = table->first; gpadl && !found; gpadl = gpadl->next)
		found = gpadl->complete && has_gone(table->mem, gpadl, pfn);
	pthread_mutex_unlock(&table->lock);
	return found;
}

static uint32_t add_pins(struct gpadl_table *table, struct gpadl *gpadl, int by)
{
	uint32_t pins;

	pthread_mutex_lock(&table->lock);
	gpadl->pins += (uint32_t)by;
	pins = gpadl->pins;
	pthread_mutex_unlock(&table->lock);
	return pins;
}

void gpadl_pin(struct gpadl_table *table, struct gpadl *gpadl)
{
	add_pins(table, gpadl, 1);
}

bool gpadl_unpin(struct gpadl_table *table, struct gpadl *gpadl)
{
	if (add_pins(table, gpadl, -1) || !gpadl->torn)
		return false;
	drop(table, gpadl);
	return true;
}

bool gpadl_teardown(struct gpadl_table *table, struct gpadl *gpadl)
{
	uint32_t pins;

	pthread_mutex_lock(&table->lock);
	gpadl->torn = true;
	pins = gpadl->pins;
	pthread_mutex_unlock(&table->lock);
	if (pins)
		return false;
	drop(table, gpadl);
	return true;
}

static void forget(struct gpadl_table *table, struct gpadl *gpadl)
{
	gpadl->forgotten = true;
	gpadl_teardown(table, gpadl);
}

void gpadl_forget(struct gpadl_table *table, uint32_t relid)
{
	struct gpadl *next;

	for (struct gpadl *gpadl = table->first; gpadl; gpadl = next) {
		next = gpadl->next;
		if (gpadl->relid == relid)
			forget(table, gpadl);
	}
}

void gpadl_forget_all(struct gpadl_table *table)
{
	struct gpadl *next;

	for (struct gpadl *gpadl = table->first; gpadl; gpadl = next) {
		next = gpadl->next;
		forget(table, gpadl);
	}
}

/* Return: NULL, or why it cannot be lent. */
static const char *check_loan(const struct gpadl *gpadl, uint32_t relid, struct gpadl_range *range)
{
	if (!gpadl || !gpadl->complete || gpadl->torn)
		return "no such GPADL";
	if (gpadl->relid != relid)
		return "GPADL of another channel";
	if (!gpadl_single_range(gpadl, range) || range->offset || range->bytes % 4096)
		return "GPADL not of whole pages in one range";
	return NULL;
}

struct gpadl *gpadl_borrow(struct gpadl_table *table, uint32_t handle, uint32_t relid,
			   struct gpadl_range *range, const char **why)
{
	struct gpadl *gpadl;

	pthread_mutex_lock(&table->lock);
	gpadl = gpadl_find(table, handle);
	*why = check_loan(gpadl, relid, range);
	if (*why)
		gpadl = NULL;
	else
		gpadl->pins++;
	pthread_mutex_unlock(&table->lock);
	return gpadl;
}

/* The lock is let go before the owner can see the flag, and with it @gpadl go. */
void gpadl_return(struct gpadl_table *table, struct gpadl *gpadl)
{
	add_pins(table, gpadl, -1);
	atomic_store(&table->returned, true);
}

bool gpadl_reap(struct gpadl_table *table, uint32_t *handle)
{
	struct gpadl *next;
	bool forgotten;

	if (!atomic_exchange(&table->returned, false))
		return false;
	for (struct gpadl *gpadl = table->first; gpadl; gpadl = next) {
		next = gpadl->next;
		if (!gpadl->torn || add_pins(table, gpadl, 0))
			continue;
		forgotten = gpadl->forgotten;
		*handle = gpadl->handle;
		drop(table, gpadl);
		if (forgotten)
			continue;
		atomic_store(&table->returned, true); /* there may be another */
		return true;
	}
	return false;
}
