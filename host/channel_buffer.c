// SPDX-License-Identifier: GPL-2.0
/*
 * Pages lent by the guest, see channel.h. The GPADL is pinned as long as they are.
 * Invariant: the pages of a complete GPADL are RAM, which was checked when it was made.
 */
#include <errno.h>
#include <stdlib.h>

#include "channel_internal.h"

struct channel_loan {
	struct channel_host host; /* outlives the channel */
	struct gpadl *gpadl;
};

struct channel_buffer *channel_borrow(struct channel *channel, uint32_t handle, const char **why)
{
	struct channel_buffer *buffer;
	struct channel_loan *loan = malloc(sizeof(*loan));
	struct gpadl_range range;

	*why = "host out of memory";
	if (!loan)
		return NULL;
	loan->host = channel->host;
	loan->gpadl = gpadl_borrow(channel->host.gpadls, handle, channel->relid, &range, why);
	if (!loan->gpadl)
		goto free_loan;
	buffer = malloc(sizeof(*buffer) + range.pages * sizeof(buffer->pages[0]));
	if (!buffer)
		goto return_gpadl;
	buffer->loan = loan;
	buffer->bytes = range.bytes;
	for (uint32_t i = 0; i < range.pages; i++)
		buffer->pages[i] = guestmem_ptr(channel->host.mem, gpa(range.pfns[i] << 12), 4096);
	return buffer;

return_gpadl:
	*why = "host out of memory";
	gpadl_return(channel->host.gpadls, loan->gpadl);
free_loan:
	free(loan);
	return NULL;
}

/* The bus thread tells the guest, if that waits for it. */
void channel_return(struct channel_buffer *buffer)
{
	const struct channel_host *host = &buffer->loan->host;

	gpadl_return(host->gpadls, buffer->loan->gpadl);
	host->wake(host->context);
	free(buffer->loan);
	free(buffer);
}

bool channel_lends_gone(const struct channel *channel, uint64_t *pfn)
{
	return gpadl_find_gone(channel->host.gpadls, pfn);
}
