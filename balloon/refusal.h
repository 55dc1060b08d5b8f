/* SPDX-License-Identifier: GPL-2.0 */
/* What a host may get wrong. Each is counted, named in debugfs and in the log: refusal.c. */
#ifndef HVIS_BALLOON_REFUSAL_H
#define HVIS_BALLOON_REFUSAL_H

#include <linux/types.h>

/* Why something the host said was refused; indexes balloon.refused. Names: refusal.c. */
enum balloon_refusal {
	REFUSED_PACKET_TYPE,
	REFUSED_SHORT,
	REFUSED_SIZE,
	REFUSED_MESSAGE_TYPE,
	REFUSED_RANGE_COUNT,
	REFUSED_INFO,
	REFUSED_STATE,
	REFUSED_RANGE_EMPTY,
	REFUSED_RANGE_BEYOND,
	REFUSED_RANGE_FOREIGN,
	REFUSED_RANGE_FROZEN,
	REFUSED_ADD_EMPTY,
	REFUSED_ADD_BEYOND,
	REFUSED_ADD_REGION,
	REFUSED_ADD_OVERLAP,
	REFUSED_ADD_LIMIT,
	REFUSED_ADD_BLOCK,
	REFUSED_ADD_OFF,
	REFUSED_REMOVE_VERSION,
	REFUSED_BALLOON_OFF,
	REFUSALS,
};

struct balloon;

void balloon_refuse(struct balloon *balloon, enum balloon_refusal reason, u64 pfn, u64 pages);
const char *balloon_refusal_name(enum balloon_refusal reason);

#endif
