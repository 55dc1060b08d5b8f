// SPDX-License-Identifier: GPL-2.0
/*
 * Tables of physical region descriptors: from guest addresses to an iovec. See ide_internal.h.
 * A table without an end mark is no trap: a command ends it, and so does the 64-KiB boundary that no table may cross.
 * Invariant: each descriptor is copied out before it is looked at, and no region gets longer than the command needs.
 */
#include <errno.h>
#include <string.h>

#include "legacy/ide_internal.h"

static int read_prd(const struct guestmem *mem, uint32_t at, struct bmide_prd *prd)
{
	const void *entry = guestmem_ptr(mem, gpa(at), sizeof(*prd));

	if (!entry)
		return -EFAULT;
	memcpy(prd, entry, sizeof(*prd));
	return 0;
}

static void append(struct iovec *iov, unsigned int *count, void *host, uint32_t bytes)
{
	struct iovec *last = *count ? &iov[*count - 1] : NULL;

	if (last && (uint8_t *)last->iov_base + last->iov_len == host)
		last->iov_len += bytes;
	else
		iov[(*count)++] = (struct iovec){ host, bytes };
}

int ide_prd_gather(const struct guestmem *mem, uint32_t table, uint32_t bytes, struct iovec *iov, unsigned int *count)
{
	uint32_t at = table & ~3u;
	uint32_t room = (BMIDE_TABLE_BYTES - at % BMIDE_TABLE_BYTES) / sizeof(struct bmide_prd);
	bool longer = false;

	*count = 0;
	for (; bytes; at += sizeof(struct bmide_prd)) {
		uint32_t region, used;
		struct bmide_prd prd;
		void *host;
		int ret = room-- ? read_prd(mem, at, &prd) : -E2BIG;

		if (ret)
			return ret;
		region = prd.bytes & ~1u ? prd.bytes & ~1u : BMIDE_PRD_BYTES_MAX;
		used = region < bytes ? region : bytes;
		host = guestmem_ptr(mem, gpa(prd.address & ~1u), used);
		if (!host)
			return -EFAULT;
		append(iov, count, host, used);
		bytes -= used;
		if (bytes && (prd.flags & BMIDE_PRD_LAST))
			return -ENODATA;
		longer = used < region || !(prd.flags & BMIDE_PRD_LAST);
	}
	return longer;
}
