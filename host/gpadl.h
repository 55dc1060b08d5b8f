/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's GPADLs: lists of its pages, assembled from messages, checked, pinned while somebody
 * uses them. It sends nothing: the bus answers the guest. All of it belongs to the bus thread.
 * Invariant: a complete GPADL is well formed and names only RAM, none of it gone.
 */
#ifndef HVIS_HOST_GPADL_H
#define HVIS_HOST_GPADL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "guestmem.h"
#include "wire/gpadl.h"

#define GPADL_COUNT_MAX 4096u /* handles alive at a time */
#define GPADL_PAGES_MAX 327680u /* pages in all of them: 1280 MiB, as Windows Server 2019 allows */

struct gpadl {
	struct gpadl *next;
	uint32_t handle;
	uint32_t relid;
	uint32_t words; /* 8-byte words of list, as declared */
	uint32_t filled; /* words that have arrived */
	uint32_t ranges;
	uint32_t pins; /* users; it stays while there are any */
	bool complete;
	bool torn; /* the guest asked for teardown; it hears of it after the last pin */
	bool forgotten; /* its channel is gone: nobody is to hear of it */
	uint64_t list[]; /* as the guest sent it: ranges times { gpa_range, pfn[] } */
};

struct gpadl_table {
	const struct guestmem *mem;
	struct gpadl *first;
	uint32_t count;
	uint32_t pages;
	pthread_mutex_t lock; /* the list and all pins, against gpadl_borrow() and gpadl_return() */
	atomic_bool returned; /* gpadl_reap() may find something */
};

/* A byte range of a complete GPADL; points into it. */
struct gpadl_range {
	uint32_t bytes;
	uint32_t offset; /* into the first page */
	uint32_t pages;
	const uint64_t *pfns;
};

/**
 * gpadl_begin() - a GPADL_HEADER message
 * @bytes: of the whole message, at least the fixed part
 * @why: on error the rule that was broken
 *
 * Return: 1 complete, 0 bodies must follow, -EINVAL malformed, -EEXIST the handle is in use,
 * -ENOSPC over a limit, -ENOMEM, -EFAULT a page that is not RAM. On error nothing is left.
 */
int gpadl_begin(struct gpadl_table *table, const struct chanmsg_gpadl_header *message,
		uint32_t bytes, const char **why);

/**
 * gpadl_continue() - a GPADL_BODY message for @gpadl
 *
 * Return: as gpadl_begin(); on error @gpadl is gone, except -EEXIST: it was complete, and stays as
 * it was.
 */
int gpadl_continue(struct gpadl_table *table, struct gpadl *gpadl,
		   const struct chanmsg_gpadl_body *message, uint32_t bytes, const char **why);

/** gpadl_find() - by handle, whatever its state. NULL: none. */
struct gpadl *gpadl_find(const struct gpadl_table *table, uint32_t handle);

/**
 * gpadl_single_range() - the range of a complete GPADL that has exactly one. False: it has more.
 */
bool gpadl_single_range(const struct gpadl *gpadl, struct gpadl_range *range);

/** gpadl_table_init() - @mem: what the pages are of. */
void gpadl_table_init(struct gpadl_table *table, const struct guestmem *mem);

/**
 * gpadl_find_gone() - a page that is gone and yet in a complete GPADL, which must not be
 *
 * Who takes pages away marks them as gone, then asks this: a GPADL that was made before is found, and one that comes later is refused.
 * Any thread. Return: false: there is none; else its number in @pfn.
 */
bool gpadl_find_gone(struct gpadl_table *table, uint64_t *pfn);

/** gpadl_pin() - keep a complete, not torn GPADL. */
void gpadl_pin(struct gpadl_table *table, struct gpadl *gpadl);
/** gpadl_unpin() - Return: true if the guest had asked for teardown and it is now gone: tell it. */
bool gpadl_unpin(struct gpadl_table *table, struct gpadl *gpadl);
/**
 * gpadl_teardown() - Return: true if it is gone: tell the guest. False: pinned, gpadl_unpin() will
 * say so.
 */
bool gpadl_teardown(struct gpadl_table *table, struct gpadl *gpadl);

/** gpadl_forget() - drop all GPADLs of @relid; those that are lent, when they are returned. */
void gpadl_forget(struct gpadl_table *table, uint32_t relid);
/** gpadl_forget_all() - drop all; those that are lent, when they are returned. */
void gpadl_forget_all(struct gpadl_table *table);

/**
 * gpadl_borrow() - pin the GPADL @handle of channel @relid
 * @range: its one range, whole pages from the start of the first
 * @why: on failure what is wrong with it
 *
 * Any thread, unlike all else here. Return: NULL, or what gpadl_return() takes.
 */
struct gpadl *gpadl_borrow(struct gpadl_table *table, uint32_t handle, uint32_t relid,
			   struct gpadl_range *range, const char **why);
/** gpadl_return() - undo gpadl_borrow(); the owner of the table shall call gpadl_reap() soon. Any thread. */
void gpadl_return(struct gpadl_table *table, struct gpadl *gpadl);
/**
 * gpadl_reap() - drop one that was torn down while it was lent and has been returned
 * Return: false: there is none; else @handle, of which the guest is to hear.
 */
bool gpadl_reap(struct gpadl_table *table, uint32_t *handle);

#endif
