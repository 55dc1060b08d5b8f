/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints of hvis_storvsc, group "hvis_storvsc": the life of each command in four steps, tied
 * together by host and id. An id is queue:tag and a generation, as in map.h; the CPU is the trace's
 * own. Off, a tracepoint is a no-op in the code.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM hvis_storvsc

#if !defined(HVIS_STORVSC_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define HVIS_STORVSC_TRACE_H

#include <linux/tracepoint.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_host.h>

#include "internal.h"

/* queuecommand() has it; a command that finds no room comes again. */
TRACE_EVENT(storvsc_io_queued,
	TP_PROTO(struct scsi_cmnd *cmd, u32 queue, u32 tag),
	TP_ARGS(cmd, queue, tag),
	TP_STRUCT__entry(
		__field(u32, host)
		__field(u32, target)
		__field(u64, lun)
		__field(u32, queue)
		__field(u32, tag)
		__field(u32, bytes)
		__field(u8, opcode)
	),
	TP_fast_assign(
		__entry->host = cmd->device->host->host_no;
		__entry->target = cmd->device->id;
		__entry->lun = cmd->device->lun;
		__entry->queue = queue;
		__entry->tag = tag;
		__entry->bytes = scsi_bufflen(cmd);
		__entry->opcode = cmd->cmnd[0];
	),
	TP_printk("host=%u target=%u lun=%llu queue=%u tag=%u opcode=%02x bytes=%u",
		  __entry->host, __entry->target, __entry->lun, __entry->queue, __entry->tag,
		  __entry->opcode, __entry->bytes)
);

/* It is in the ring of a channel: link 0 is the primary, others are sub-channels. */
TRACE_EVENT(storvsc_io_sent,
	TP_PROTO(u32 host, u64 id, u32 link, u32 packet_bytes),
	TP_ARGS(host, id, link, packet_bytes),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, host)
		__field(u32, link)
		__field(u32, packet_bytes)
	),
	TP_fast_assign(
		__entry->id = id;
		__entry->host = host;
		__entry->link = link;
		__entry->packet_bytes = packet_bytes;
	),
	TP_printk("host=%u id=%016llx queue=%u tag=%u link=%u packet_bytes=%u", __entry->host,
		  __entry->id, (u32)__entry->id >> 16, ((u32)__entry->id & 0xffff) - 1,
		  __entry->link, __entry->packet_bytes)
);

/* The host answered, and the answer was accepted; the command is about to end. */
TRACE_EVENT(storvsc_io_completed,
	TP_PROTO(u32 host, u64 id, u32 link, const struct vstor_srb *srb),
	TP_ARGS(host, id, link, srb),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, host)
		__field(u32, link)
		__field(u32, bytes)
		__field(u8, srb_status)
		__field(u8, scsi_status)
	),
	TP_fast_assign(
		__entry->id = id;
		__entry->host = host;
		__entry->link = link;
		__entry->bytes = srb->transfer_length;
		__entry->srb_status = srb->srb_status;
		__entry->scsi_status = srb->scsi_status;
	),
	TP_printk("host=%u id=%016llx queue=%u tag=%u link=%u srb_status=%02x scsi_status=%02x bytes=%u",
		  __entry->host, __entry->id, (u32)__entry->id >> 16,
		  ((u32)__entry->id & 0xffff) - 1, __entry->link, __entry->srb_status,
		  __entry->scsi_status, __entry->bytes)
);

#define show_error(error) __print_symbolic(error,				\
	{ REFUSED_UNKNOWN_ID, "unknown_id" }, { REFUSED_STALE_ID, "stale_id" },	\
	{ REFUSED_OPERATION, "operation" }, { REFUSED_TYPE, "type" },		\
	{ REFUSED_SHORT, "short" }, { REFUSED_UNASKED, "unasked" },		\
	{ REFUSED_CHANNEL, "channel" }, { REFUSALS, "ended_by_driver" })

TRACE_DEFINE_ENUM(REFUSED_UNKNOWN_ID);
TRACE_DEFINE_ENUM(REFUSED_STALE_ID);
TRACE_DEFINE_ENUM(REFUSED_OPERATION);
TRACE_DEFINE_ENUM(REFUSED_TYPE);
TRACE_DEFINE_ENUM(REFUSED_SHORT);
TRACE_DEFINE_ENUM(REFUSED_UNASKED);
TRACE_DEFINE_ENUM(REFUSED_CHANNEL);
TRACE_DEFINE_ENUM(REFUSALS);

/* A packet was refused, or a command ended without an answer; id 0: it was never sent. */
TRACE_EVENT(storvsc_io_error,
	TP_PROTO(u32 host, u64 id, u32 error, u32 result),
	TP_ARGS(host, id, error, result),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, host)
		__field(u32, error)
		__field(u32, result)
	),
	TP_fast_assign(
		__entry->id = id;
		__entry->host = host;
		__entry->error = error;
		__entry->result = result;
	),
	TP_printk("host=%u id=%016llx error=%s result=%08x", __entry->host, __entry->id,
		  show_error(__entry->error), __entry->result)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
