// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors of a 21140A, in rings or chains: from guest memory to pieces of a frame and back. See tulip_internal.h.
 * Invariant: a descriptor is copied out before it is looked at, and a buffer is looked up with its length.
 */
#include <errno.h>
#include <string.h>

#include "legacy/tulip_internal.h"

/* Lists are longword aligned, so the status is, too. */
static struct dec_descriptor *descriptor_at(const struct tulip *tulip, uint32_t at)
{
	return guestmem_ptr(tulip->mem, gpa(at), sizeof(struct dec_descriptor));
}

int tulip_ring_read(const struct tulip *tulip, uint32_t at, struct dec_descriptor *descriptor)
{
	const struct dec_descriptor *shared = descriptor_at(tulip, at);

	if (!shared)
		return -EFAULT;
	/* Who reads that it is ours sees what the driver wrote before. */
	if (!(__atomic_load_n(&shared->status, __ATOMIC_ACQUIRE) & DEC_OWN))
		return 0;
	memcpy(descriptor, shared, sizeof(*descriptor));
	return 1;
}

void tulip_ring_close(const struct tulip *tulip, uint32_t at, uint32_t status)
{
	struct dec_descriptor *shared = descriptor_at(tulip, at);

	/* Its page may have gone since it was read. */
	if (shared)
		__atomic_store_n(&shared->status, status & ~DEC_OWN, __ATOMIC_RELEASE);
}

void tulip_ring_begin(const struct tulip_list *list, struct tulip_frame *frame)
{
	frame->count = frame->descriptors = 0;
	frame->room = 0;
	frame->next = list->at;
	frame->control = 0;
}

static int add_buffer(const struct tulip *tulip, uint32_t address, uint32_t bytes, struct tulip_frame *frame)
{
	void *host;

	if (!bytes)
		return 0;
	host = guestmem_ptr(tulip->mem, gpa(address), bytes);
	if (!host)
		return -EFAULT;
	frame->pieces[frame->count++] = (struct iovec){ host, bytes };
	frame->room += bytes;
	return 0;
}

/* The end of a ring is more than a link. */
static uint32_t next_of(const struct tulip *tulip, const struct tulip_list *list, const struct dec_descriptor *descriptor,
			uint32_t at)
{
	if (descriptor->control & DEC_RING_END)
		return list->base;
	if (descriptor->control & DEC_CHAINED)
		return descriptor->buffer2 & ~3u;
	return at + (uint32_t)sizeof(*descriptor) + 4 * DEC_CSR0_SKIP(atomic_load(&tulip->csr0));
}

int tulip_ring_add(const struct tulip *tulip, const struct tulip_list *list, const struct dec_descriptor *descriptor,
		   struct tulip_frame *frame)
{
	uint32_t before = frame->room, at = frame->next;

	if (add_buffer(tulip, descriptor->buffer1, DEC_BUFFER1(descriptor->control), frame))
		return -EFAULT;
	if (!(descriptor->control & DEC_CHAINED) &&
	    add_buffer(tulip, descriptor->buffer2, DEC_BUFFER2(descriptor->control), frame))
		return -EFAULT;
	frame->at[frame->descriptors] = at;
	frame->bytes[frame->descriptors++] = frame->room - before;
	frame->control = descriptor->control;
	frame->next = next_of(tulip, list, descriptor, at);
	return 0;
}
