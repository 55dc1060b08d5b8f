/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The dynamic memory protocol (DM): the guest says how much memory it needs, the host takes pages, gives them back, adds and removes memory.
 * Source: drivers/hv/hv_balloon.c of Linux; hot remove: include/hw/hyperv/dynmem-proto.h of QEMU. Start of the conversation:
 *
 *	VERSION_REQUEST (newest first, the last one marked) - VERSION_RESPONSE, CAPS_REPORT - CAPS_RESPONSE, then
 *	STATUS_REPORT each second, unanswered, and requests of the host, one at a time of each kind.
 *
 * All messages are in-band packets without completion. Their sizes count the header; pages are of 4 KiB.
 */
#ifndef HVIS_WIRE_DM_H
#define HVIS_WIRE_DM_H

#include <linux/types.h>

/* 525074dc-8985-46e2-8057-a307dc18a502: dynamic memory. */
#define DM_GUID                                                                                                        \
	{ { 0xdc, 0x74, 0x50, 0x52, 0x85, 0x89, 0xe2, 0x46, 0x80, 0x57, 0xa3, 0x07, 0xdc, 0x18, 0xa5, 0x02 } }

#define DM_VERSION(major, minor) ((__u32)(major) << 16 | (minor))
#define DM_VERSION_WIN7 DM_VERSION(0, 3)
#define DM_VERSION_WIN8 DM_VERSION(1, 0)
#define DM_VERSION_WIN10 DM_VERSION(2, 0)

enum dm_type {
	DM_ERROR = 0,
	DM_VERSION_REQUEST = 1,
	DM_VERSION_RESPONSE = 2, /* host */
	DM_CAPS_REPORT = 3,
	DM_CAPS_RESPONSE = 4, /* host */
	DM_STATUS_REPORT = 5,
	DM_BALLOON_REQUEST = 6, /* host */
	DM_BALLOON_RESPONSE = 7,
	DM_UNBALLOON_REQUEST = 8, /* host */
	DM_UNBALLOON_RESPONSE = 9,
	DM_HOT_ADD_REQUEST = 10, /* host */
	DM_HOT_ADD_RESPONSE = 11,
	DM_INFO = 12, /* host; from 1.0 */
	DM_HOT_REMOVE_REQUEST = 13, /* host; from 2.0 */
	DM_HOT_REMOVE_RESPONSE = 14,
};

#define DM_PAGE_SHIFT 12

/* Both ends take no message above this: a page, as the kernel's own driver has room for no more. */
#define DM_MESSAGE_MAX 4096

struct dm_header {
	__u16 type; /* DM_* */
	__u16 size; /* of the message, header included */
	__u32 trans_id; /* chosen by the guest, for each of its messages anew */
};
_Static_assert(sizeof(struct dm_header) == 8, "DM header");

/* A range of pages in 64 bits: the number of the first in the low 40, how many in the high 24. */
#define DM_RANGE_PFN_BITS 40
#define DM_RANGE_PFN_MAX ((1ull << DM_RANGE_PFN_BITS) - 1)
#define DM_RANGE_PAGES_MAX ((1u << 24) - 1)
#define DM_RANGE(pfn, pages) ((__u64)(pfn) | (__u64)(pages) << DM_RANGE_PFN_BITS)
#define DM_RANGE_PFN(range) ((__u64)(range)&DM_RANGE_PFN_MAX)
#define DM_RANGE_PAGES(range) ((__u32)((__u64)(range) >> DM_RANGE_PFN_BITS))

struct dm_version_request {
	struct dm_header header;
	__u32 version; /* DM_VERSION_* */
	__u32 last_attempt; /* bit 0: the guest will ask for no other */
};
_Static_assert(sizeof(struct dm_version_request) == 16, "VERSION_REQUEST");

struct dm_version_response {
	struct dm_header header;
	__u64 accepted; /* bit 0 */
};
_Static_assert(sizeof(struct dm_version_response) == 16, "VERSION_RESPONSE");

#define DM_CAP_BALLOON (1ull << 0)
#define DM_CAP_HOT_ADD (1ull << 1)
#define DM_CAP_HOT_ADD_ALIGNMENT_SHIFT 2 /* four bits: hot-added memory is to be aligned to 2^n MiB */
#define DM_CAP_HOT_ADD_ALIGNMENT_MASK (0xfull << DM_CAP_HOT_ADD_ALIGNMENT_SHIFT)
#define DM_CAP_HOT_REMOVE (1ull << 6) /* from 2.0 */

struct dm_caps_report {
	struct dm_header header;
	__u64 caps; /* DM_CAP_* */
	__u64 min_page_count; /* the guest's floor: it is not asked for pages below */
	__u64 max_page_number;
};
_Static_assert(sizeof(struct dm_caps_report) == 32, "CAPS_REPORT");

#define DM_CAPS_ACCEPTED (1ull << 0) /* if not, the guest ends the service */
#define DM_CAPS_HOT_REMOVE (1ull << 1)
#define DM_CAPS_SUPPRESS_PRESSURE (1ull << 2) /* no STATUS_REPORT is wanted */

struct dm_caps_response {
	struct dm_header header;
	__u64 flags; /* DM_CAPS_* */
};
_Static_assert(sizeof(struct dm_caps_response) == 16, "CAPS_RESPONSE");

/* All in pages. The host goes by committed: what the guest has promised to programs, ballooned pages and its floor included. */
struct dm_status {
	struct dm_header header;
	__u64 available;
	__u64 committed;
	__u64 page_file_size;
	__u64 zero_free;
	__u32 page_file_writes;
	__u32 io_diff;
};
_Static_assert(sizeof(struct dm_status) == 48, "STATUS_REPORT");

struct dm_balloon_request {
	struct dm_header header;
	__u32 page_count;
	__u32 reserved;
};
_Static_assert(sizeof(struct dm_balloon_request) == 16, "BALLOON_REQUEST");

/* In flags of a BALLOON_RESPONSE the other 31 bits count the ranges. */
#define DM_MORE_PAGES 1u /* another message of this transaction follows */
#define DM_BALLOON_RANGES_SHIFT 1

/* As many as it needs for one request; the last without DM_MORE_PAGES. Fewer pages than asked for: the guest can spare no more. */
struct dm_balloon_response {
	struct dm_header header;
	__u32 reserved;
	__u32 flags;
	__u64 ranges[];
};
_Static_assert(sizeof(struct dm_balloon_response) == 16, "BALLOON_RESPONSE");

struct dm_unballoon_request {
	struct dm_header header;
	__u32 flags; /* DM_MORE_PAGES */
	__u32 range_count;
	__u64 ranges[];
};
_Static_assert(sizeof(struct dm_unballoon_request) == 16, "UNBALLOON_REQUEST");

/* To the last UNBALLOON_REQUEST of a transaction. */
struct dm_unballoon_response {
	struct dm_header header;
};
_Static_assert(sizeof(struct dm_unballoon_response) == 8, "UNBALLOON_RESPONSE");

/*
 * The region says within which the guest may expect more; without it (a message of one range, 16 bytes) the guest takes the
 * surroundings, as far as its alignment wants them.
 */
struct dm_hot_add_request {
	struct dm_header header;
	__u64 range;
	__u64 region[];
};
_Static_assert(sizeof(struct dm_hot_add_request) == 16, "HOT_ADD_REQUEST");

/* result 1: so many pages were added, be they fewer than asked for; with none of them: none will ever be. 0: none, the host may try again. */
struct dm_hot_add_response {
	struct dm_header header;
	__u32 page_count;
	__u32 result;
};
_Static_assert(sizeof(struct dm_hot_add_response) == 16, "HOT_ADD_RESPONSE");

#define DM_INFO_MAX_PAGE_COUNT 0 /* data: a __u64, the most pages that the guest may ever have */

struct dm_info {
	struct dm_header header;
	__u32 reserved;
	__u32 info_size; /* of what follows: an info header and its data */
	__u32 info_type; /* DM_INFO_* */
	__u32 data_size;
	__u64 data[];
};
_Static_assert(sizeof(struct dm_info) == 24, "INFO");

#define DM_REMOVE_QOS_LARGE 1u /* large ranges rather than exactly so many pages */
#define DM_REMOVE_QOS_LOCAL 2u /* of that node only */

struct dm_hot_remove_request {
	struct dm_header header;
	__u32 virtual_node;
	__u32 page_count;
	__u32 qos_flags; /* DM_REMOVE_QOS_* */
	__u32 reserved;
};
_Static_assert(sizeof(struct dm_hot_remove_request) == 24, "HOT_REMOVE_REQUEST");

/* As with balloon responses; what is named is no memory of the guest's any more. */
struct dm_hot_remove_response {
	struct dm_header header;
	__u32 result; /* as of HOT_ADD_RESPONSE */
	__u32 range_count;
	__u64 more_pages; /* bit 0 */
	__u64 ranges[];
};
_Static_assert(sizeof(struct dm_hot_remove_response) == 24, "HOT_REMOVE_RESPONSE");

#endif
