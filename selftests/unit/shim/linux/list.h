/* SPDX-License-Identifier: GPL-2.0 */
/* A circle of links. */
#ifndef SHIM_LINUX_LIST_H
#define SHIM_LINUX_LIST_H

#include <linux/container_of.h>
#include <linux/types.h>

struct list_head {
	struct list_head *next, *prev;
};

#define INIT_LIST_HEAD(head) ((head)->next = (head)->prev = (head))
#define list_entry	     container_of

static inline void list_add_tail(struct list_head *link, struct list_head *head)
{
	link->next = head;
	link->prev = head->prev;
	head->prev->next = link;
	head->prev = link;
}

static inline void list_del(struct list_head *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	link->next = link->prev = NULL;
}

static inline bool list_empty(const struct list_head *head)
{
	return head->next == head;
}

static inline void list_del_init(struct list_head *link)
{
	list_del(link);
	INIT_LIST_HEAD(link);
}

#define list_first_entry_or_null(head, type, member) \
	(list_empty(head) ? NULL : list_entry((head)->next, type, member))

#define list_of(link, at, member) list_entry(link, __typeof__(*(at)), member)

#define list_for_each_entry(at, head, member)                                   \
	for ((at) = list_of((head)->next, at, member); &(at)->member != (head); \
	     (at) = list_of((at)->member.next, at, member))

#define list_for_each_entry_safe_reverse(at, before, head, member)    \
	for ((at) = list_of((head)->prev, at, member),                \
	    (before) = list_of((at)->member.prev, at, member);        \
	     &(at)->member != (head);                                 \
	     (at) = (before), (before) = list_of((before)->member.prev, before, member))

#endif
