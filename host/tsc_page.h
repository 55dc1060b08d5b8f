/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's reference TSC page, which KVM fills and we only look at, or spoil on purpose.
 * Source: TLFS 12.7.
 */
#ifndef HVIS_HOST_TSC_PAGE_H
#define HVIS_HOST_TSC_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "guestmem.h"

enum tsc_page_act {
	TSC_PAGE_LOOK,
	TSC_PAGE_INVALID, /* sequence 0: "use the counter's MSR" */
	TSC_PAGE_VALID, /* a sequence that was not there before, as after a migration */
};

struct tsc_page {
	const struct guestmem *mem;
	uint32_t last; /* the newest sequence that was not 0 */
};

/**
 * tsc_page_act() - look at the page's sequence, or change it
 * @fd: any VP of the VM, from its thread or while it does not run
 * @sequence: what it is afterwards; 0: the guest cannot use the page, or has none
 *
 * KVM keeps scale and offset to itself and does not look at the page again until its own clock changes (pause and resume do that). Return:
 * false: the guest has given no page.
 */
bool tsc_page_act(struct tsc_page *page, int fd, enum tsc_page_act act, uint32_t *sequence);

#endif
