/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * GPADL: a list of guest pages the host may use, sent as one header message and as many bodies as it takes.
 * Source: include/linux/hyperv.h and drivers/hv/channel.c of Linux. All of it is written by the guest.
 *
 *	GPADL_HEADER { relid, gpadl, range_buflen, rangecount } { byte_count, byte_offset } pfn[0..25]
 *	GPADL_BODY   { msgnumber, gpadl } pfn[0..27]
 */
#ifndef HVIS_WIRE_GPADL_H
#define HVIS_WIRE_GPADL_H

#include "chanmsg.h"

/* A byte range over whole pages: offset into the first page, count in bytes, then its page numbers. */
struct gpa_range {
	__u32 byte_count;
	__u32 byte_offset;
};
_Static_assert(sizeof(struct gpa_range) == 8, "gpa_range");

struct chanmsg_gpadl_header {
	struct chanmsg_header header;
	__u32 relid;
	__u32 gpadl; /* chosen by the guest, unique while it lives */
	__u16 range_buflen; /* bytes of all ranges with their page numbers, over all messages */
	__u16 rangecount;
};
_Static_assert(sizeof(struct chanmsg_gpadl_header) == 20, "GPADL_HEADER");

struct chanmsg_gpadl_body {
	struct chanmsg_header header;
	__u32 msgnumber; /* informational: hosts do not rely on it */
	__u32 gpadl;
};
_Static_assert(sizeof(struct chanmsg_gpadl_body) == 16, "GPADL_BODY");

#define GPADL_HEADER_PFNS ((CHANMSG_SIZE_MAX - sizeof(struct chanmsg_gpadl_header) - sizeof(struct gpa_range)) / 8)
#define GPADL_BODY_PFNS ((CHANMSG_SIZE_MAX - sizeof(struct chanmsg_gpadl_body)) / 8)
_Static_assert(GPADL_HEADER_PFNS == 26, "page numbers in a GPADL_HEADER");
_Static_assert(GPADL_BODY_PFNS == 28, "page numbers in a GPADL_BODY");

/* range_buflen is 16 bits wide, which bounds a GPADL of one range. */
#define GPADL_PFNS_MAX ((0xFFFF - sizeof(struct gpa_range)) / 8)

#endif
