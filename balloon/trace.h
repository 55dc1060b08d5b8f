/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints of hvis_balloon, group "hvis_balloon": what the host said, what was done about it, and where each block of pages went. Page
 * numbers and counts are of 4 KiB. Off, a tracepoint is a no-op in the code.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM hvis_balloon

#if !defined(HVIS_BALLOON_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define HVIS_BALLOON_TRACE_H

#include <linux/tracepoint.h>

#include "internal.h"

/* A message came; the verdict is the gate's, 0: fine. */
TRACE_EVENT(balloon_heard,
	TP_PROTO(u16 type, u32 trans_id, u32 bytes, u32 verdict),
	TP_ARGS(type, trans_id, bytes, verdict),
	TP_STRUCT__entry(
		__field(u32, trans_id)
		__field(u32, bytes)
		__field(u32, verdict)
		__field(u16, type)
	),
	TP_fast_assign(
		__entry->trans_id = trans_id;
		__entry->bytes = bytes;
		__entry->verdict = verdict;
		__entry->type = type;
	),
	TP_printk("type=%u trans_id=%u bytes=%u verdict=%u", __entry->type, __entry->trans_id, __entry->bytes, __entry->verdict)
);

/* The state changed. */
TRACE_EVENT(balloon_entered,
	TP_PROTO(enum balloon_state from, enum balloon_state to),
	TP_ARGS(from, to),
	TP_STRUCT__entry(
		__field(u32, from)
		__field(u32, to)
	),
	TP_fast_assign(
		__entry->from = from;
		__entry->to = to;
	),
	TP_printk("from=%u to=%u", __entry->from, __entry->to)
);

DECLARE_EVENT_CLASS(balloon_pages,
	TP_PROTO(u64 pfn, u64 pages),
	TP_ARGS(pfn, pages),
	TP_STRUCT__entry(
		__field(u64, pfn)
		__field(u64, pages)
	),
	TP_fast_assign(
		__entry->pfn = pfn;
		__entry->pages = pages;
	),
	TP_printk("pfn=0x%llx pages=%llu", __entry->pfn, __entry->pages)
);

/* A block of pages was taken for the host. */
DEFINE_EVENT(balloon_pages, balloon_taken, TP_PROTO(u64 pfn, u64 pages), TP_ARGS(pfn, pages));

/* The host gave a range back. */
DEFINE_EVENT(balloon_pages, balloon_deflated, TP_PROTO(u64 pfn, u64 pages), TP_ARGS(pfn, pages));

DECLARE_EVENT_CLASS(balloon_memory_block,
	TP_PROTO(u64 pfn, u64 pages, int error),
	TP_ARGS(pfn, pages, error),
	TP_STRUCT__entry(
		__field(u64, pfn)
		__field(u64, pages)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->pfn = pfn;
		__entry->pages = pages;
		__entry->error = error;
	),
	TP_printk("pfn=0x%llx pages=%llu error=%d", __entry->pfn, __entry->pages, __entry->error)
);

/* A memory block was added and is online, or not. */
DEFINE_EVENT(balloon_memory_block, balloon_block_added, TP_PROTO(u64 pfn, u64 pages, int error), TP_ARGS(pfn, pages, error));

/* One was emptied and removed, or not. */
DEFINE_EVENT(balloon_memory_block, balloon_block_removed, TP_PROTO(u64 pfn, u64 pages, int error), TP_ARGS(pfn, pages, error));

/* A message named pages to the host. */
TRACE_EVENT(balloon_told,
	TP_PROTO(u64 pages, u32 ranges, bool more),
	TP_ARGS(pages, ranges, more),
	TP_STRUCT__entry(
		__field(u64, pages)
		__field(u32, ranges)
		__field(bool, more)
	),
	TP_fast_assign(
		__entry->pages = pages;
		__entry->ranges = ranges;
		__entry->more = more;
	),
	TP_printk("pages=%llu ranges=%u more=%d", __entry->pages, __entry->ranges, __entry->more)
);

/* A report of status is about to be sent. */
TRACE_EVENT(balloon_report,
	TP_PROTO(u64 available, u64 committed, u64 held, u64 total),
	TP_ARGS(available, committed, held, total),
	TP_STRUCT__entry(
		__field(u64, available)
		__field(u64, committed)
		__field(u64, held)
		__field(u64, total)
	),
	TP_fast_assign(
		__entry->available = available;
		__entry->committed = committed;
		__entry->held = held;
		__entry->total = total;
	),
	TP_printk("available=%llu committed=%llu held=%llu total=%llu", __entry->available, __entry->committed,
		  __entry->held, __entry->total)
);

/* The guest was out of memory and took so many pages back. */
TRACE_EVENT(balloon_surrendered,
	TP_PROTO(u64 pages),
	TP_ARGS(pages),
	TP_STRUCT__entry(
		__field(u64, pages)
	),
	TP_fast_assign(
		__entry->pages = pages;
	),
	TP_printk("pages=%llu", __entry->pages)
);

/* Something the host said is not acted on; the reason is a line of debugfs's counters, from refused_packet_type on. */
TRACE_EVENT(balloon_refused,
	TP_PROTO(enum balloon_refusal reason, u64 pfn, u64 pages),
	TP_ARGS(reason, pfn, pages),
	TP_STRUCT__entry(
		__field(u64, pfn)
		__field(u64, pages)
		__string(name, balloon_refusal_name(reason))
	),
	TP_fast_assign(
		__entry->pfn = pfn;
		__entry->pages = pages;
		compat_assign_str(name, balloon_refusal_name(reason));
	),
	TP_printk("reason=%s pfn=0x%llx pages=%llu", __get_str(name), __entry->pfn, __entry->pages)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
