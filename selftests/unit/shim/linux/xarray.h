/* SPDX-License-Identifier: GPL-2.0 */
/* A sorted array of pointers by index; one thread at a time. */
#ifndef SHIM_LINUX_XARRAY_H
#define SHIM_LINUX_XARRAY_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/types.h>

#define XA_PRESENT 0

struct xarray {
	struct {
		unsigned long index;
		void *value;
	} *entries;
	size_t count;
};

static inline void xa_init(struct xarray *array)
{
	*array = (struct xarray){ 0 };
}

static inline void xa_destroy(struct xarray *array)
{
	free(array->entries);
	xa_init(array);
}

/* The first entry whose index is not below. */
static inline size_t shim_xa_at(const struct xarray *array, unsigned long index)
{
	size_t at = 0;

	while (at < array->count && array->entries[at].index < index)
		at++;
	return at;
}

static inline void *xa_find(struct xarray *array, unsigned long *index, unsigned long max, unsigned int filter)
{
	size_t at = shim_xa_at(array, *index);

	(void)filter;
	if (at == array->count || array->entries[at].index > max)
		return NULL;
	*index = array->entries[at].index;
	return array->entries[at].value;
}

static inline void *xa_find_after(struct xarray *array, unsigned long *index, unsigned long max, unsigned int filter)
{
	unsigned long next = *index + 1;
	void *value = next ? xa_find(array, &next, max, filter) : NULL;

	if (value)
		*index = next;
	return value;
}

static inline void *xa_load(struct xarray *array, unsigned long index)
{
	return xa_find(array, &index, index, XA_PRESENT);
}

static inline int xa_insert(struct xarray *array, unsigned long index, void *value, gfp_t flags)
{
	size_t at = shim_xa_at(array, index);

	(void)flags;
	if (at < array->count && array->entries[at].index == index)
		return -EBUSY;
	array->entries = realloc(array->entries, (array->count + 1) * sizeof(*array->entries));
	memmove(&array->entries[at + 1], &array->entries[at], (array->count - at) * sizeof(*array->entries));
	array->entries[at].index = index;
	array->entries[at].value = value;
	array->count++;
	return 0;
}

#define xa_for_each(array, at, value)                                                     \
	for ((at) = 0, (value) = xa_find(array, &(at), ~0ul, XA_PRESENT); (value) != NULL; \
	     (value) = xa_find_after(array, &(at), ~0ul, XA_PRESENT))

#endif
