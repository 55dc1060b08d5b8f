// SPDX-License-Identifier: GPL-2.0
/*
 * See tsc_page.h.
 * Invariant: of the page only its sequence is ever written.
 */
#include "tsc_page.h"

#include "msr.h"
#include "wire/tlfs.h"

/* Never 0; KVM avoids the highest, which Linux once took for "invalid", too. */
static uint32_t next_sequence(uint32_t last)
{
	return last >= UINT32_MAX - 1 ? 1 : last + 1;
}

bool tsc_page_act(struct tsc_page *page, int fd, enum tsc_page_act act, uint32_t *sequence)
{
	uint32_t *there;
	uint64_t msr;

	*sequence = 0;
	if (msr_get(fd, TLFS_MSR_REFERENCE_TSC, &msr) || !(msr & TLFS_MSR_ENABLE))
		return false;
	there = guestmem_ptr(page->mem, gpa(msr & ~(uint64_t)(TLFS_PAGE_SIZE - 1)), TLFS_PAGE_SIZE);
	if (!there)
		return false;
	*sequence = __atomic_load_n(there, __ATOMIC_RELAXED);
	if (*sequence)
		page->last = *sequence;
	if (act == TSC_PAGE_LOOK)
		return true;
	*sequence = act == TSC_PAGE_INVALID ? 0 : next_sequence(page->last);
	__atomic_store_n(there, *sequence, __ATOMIC_SEQ_CST);
	return true;
}
