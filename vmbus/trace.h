/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints of the bus, group "hvis_vmbus": control messages both ways with the fields that tell them apart, the life
 * and the moves of channels, events and doorbells. What each field means per message is in docs/vmbus.md.
 * Off, a tracepoint is a no-op in the code; all decoding is done when it is on.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM hvis_vmbus

#if !defined(HVIS_VMBUS_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define HVIS_VMBUS_TRACE_H

#include <linux/tracepoint.h>

#include "wire/chanmsg.h"

#ifndef HVIS_VMBUS_TRACE_ONCE
#define HVIS_VMBUS_TRACE_ONCE
/**
 * struct trace_message - what tells one control message from another; what it has not is 0
 * @type: CHANMSG_*
 * @relid: channel
 * @handle: GPADL, open id, connection id
 * @value: version, status, VP, sub-channel index
 */
struct trace_message {
	u32 type;
	u32 relid;
	u32 handle;
	u32 value;
};

struct trace_message trace_message_decode(const void *message, u32 bytes);
#endif

#define show_message_type(type) __print_symbolic(type,						\
	{ CHANMSG_OFFER, "OFFER" }, { CHANMSG_RESCIND, "RESCIND" },				\
	{ CHANMSG_REQUEST_OFFERS, "REQUEST_OFFERS" },						\
	{ CHANMSG_ALL_OFFERS_DELIVERED, "ALL_OFFERS_DELIVERED" },				\
	{ CHANMSG_OPEN, "OPEN" }, { CHANMSG_OPEN_RESULT, "OPEN_RESULT" },			\
	{ CHANMSG_CLOSE, "CLOSE" }, { CHANMSG_GPADL_HEADER, "GPADL_HEADER" },			\
	{ CHANMSG_GPADL_BODY, "GPADL_BODY" }, { CHANMSG_GPADL_CREATED, "GPADL_CREATED" },	\
	{ CHANMSG_GPADL_TEARDOWN, "GPADL_TEARDOWN" },						\
	{ CHANMSG_GPADL_TORNDOWN, "GPADL_TORNDOWN" },						\
	{ CHANMSG_RELID_RELEASED, "RELID_RELEASED" },						\
	{ CHANMSG_INITIATE_CONTACT, "INITIATE_CONTACT" },					\
	{ CHANMSG_VERSION_RESPONSE, "VERSION_RESPONSE" },					\
	{ CHANMSG_UNLOAD, "UNLOAD" }, { CHANMSG_UNLOAD_RESPONSE, "UNLOAD_RESPONSE" },		\
	{ CHANMSG_MODIFY, "MODIFYCHANNEL" },							\
	{ CHANMSG_MODIFY_RESPONSE, "MODIFYCHANNEL_RESPONSE" })

TRACE_EVENT(control_in,
	TP_PROTO(const void *message, u32 bytes),
	TP_ARGS(message, bytes),
	TP_STRUCT__entry(
		__field(u32, bytes)
		__field(u32, type)
		__field(u32, relid)
		__field(u32, handle)
		__field(u32, value)
	),
	TP_fast_assign(
		struct trace_message fields = trace_message_decode(message, bytes);

		__entry->bytes = bytes;
		__entry->type = fields.type;
		__entry->relid = fields.relid;
		__entry->handle = fields.handle;
		__entry->value = fields.value;
	),
	TP_printk("%s relid=%u handle=0x%x value=0x%x bytes=%u", show_message_type(__entry->type), __entry->relid,
		  __entry->handle, __entry->value, __entry->bytes)
);

TRACE_EVENT(control_out,
	TP_PROTO(const void *message, u32 bytes, u16 status),
	TP_ARGS(message, bytes, status),
	TP_STRUCT__entry(
		__field(u32, bytes)
		__field(u32, type)
		__field(u32, relid)
		__field(u32, handle)
		__field(u32, value)
		__field(u16, status)
	),
	TP_fast_assign(
		struct trace_message fields = trace_message_decode(message, bytes);

		__entry->bytes = bytes;
		__entry->type = fields.type;
		__entry->relid = fields.relid;
		__entry->handle = fields.handle;
		__entry->value = fields.value;
		__entry->status = status;
	),
	TP_printk("%s relid=%u handle=0x%x value=0x%x bytes=%u status=%u", show_message_type(__entry->type),
		  __entry->relid, __entry->handle, __entry->value, __entry->bytes, __entry->status)
);

TRACE_EVENT(channel_open,
	TP_PROTO(u32 relid, u32 index, u32 cpu, u32 send_bytes, u32 recv_bytes, bool polled, int error),
	TP_ARGS(relid, index, cpu, send_bytes, recv_bytes, polled, error),
	TP_STRUCT__entry(
		__field(u32, relid)
		__field(u32, index)
		__field(u32, cpu)
		__field(u32, send_bytes)
		__field(u32, recv_bytes)
		__field(bool, polled)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->relid = relid;
		__entry->index = index;
		__entry->cpu = cpu;
		__entry->send_bytes = send_bytes;
		__entry->recv_bytes = recv_bytes;
		__entry->polled = polled;
		__entry->error = error;
	),
	TP_printk("relid=%u index=%u cpu=%u send=%u recv=%u polled=%d error=%d", __entry->relid, __entry->index,
		  __entry->cpu, __entry->send_bytes, __entry->recv_bytes, __entry->polled, __entry->error)
);

TRACE_EVENT(channel_close,
	TP_PROTO(u32 relid, bool leaked),
	TP_ARGS(relid, leaked),
	TP_STRUCT__entry(
		__field(u32, relid)
		__field(bool, leaked)
	),
	TP_fast_assign(
		__entry->relid = relid;
		__entry->leaked = leaked;
	),
	TP_printk("relid=%u leaked=%d", __entry->relid, __entry->leaked)
);

TRACE_EVENT(channel_rescind,
	TP_PROTO(u32 relid, u32 index, bool open),
	TP_ARGS(relid, index, open),
	TP_STRUCT__entry(
		__field(u32, relid)
		__field(u32, index)
		__field(bool, open)
	),
	TP_fast_assign(
		__entry->relid = relid;
		__entry->index = index;
		__entry->open = open;
	),
	TP_printk("relid=%u index=%u open=%d", __entry->relid, __entry->index, __entry->open)
);

TRACE_EVENT(channel_move,
	TP_PROTO(u32 relid, u32 from, u32 to, int error),
	TP_ARGS(relid, from, to, error),
	TP_STRUCT__entry(
		__field(u32, relid)
		__field(u32, from)
		__field(u32, to)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->relid = relid;
		__entry->from = from;
		__entry->to = to;
		__entry->error = error;
	),
	TP_printk("relid=%u from=%u to=%u error=%d", __entry->relid, __entry->from, __entry->to, __entry->error)
);

TRACE_EVENT(channel_event,
	TP_PROTO(u32 relid, u32 cpu),
	TP_ARGS(relid, cpu),
	TP_STRUCT__entry(
		__field(u32, relid)
		__field(u32, cpu)
	),
	TP_fast_assign(
		__entry->relid = relid;
		__entry->cpu = cpu;
	),
	TP_printk("relid=%u cpu=%u", __entry->relid, __entry->cpu)
);

TRACE_EVENT(channel_doorbell,
	TP_PROTO(u32 relid, u32 connection_id, u16 status),
	TP_ARGS(relid, connection_id, status),
	TP_STRUCT__entry(
		__field(u32, relid)
		__field(u32, connection_id)
		__field(u16, status)
	),
	TP_fast_assign(
		__entry->relid = relid;
		__entry->connection_id = connection_id;
		__entry->status = status;
	),
	TP_printk("relid=%u connection_id=0x%x status=%u", __entry->relid, __entry->connection_id, __entry->status)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
