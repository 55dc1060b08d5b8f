// SPDX-License-Identifier: GPL-2.0
/*
 * The bus as JSON, for the control socket and the statistics file.
 * It only reads. Counters of open channels are read while their workers count on.
 */
#include <stdio.h>

#include "vmbus_internal.h"

#define GUID_TEXT 37

static const char *const bus_states[] = {
	[BUS_DISCONNECTED] = "disconnected",
	[BUS_CONNECTED] = "connected",
	[BUS_OFFERED] = "offered",
	[BUS_RESETTING] = "resetting",
};

static const char *const channel_states[] = {
	[CHANNEL_CLOSED] = "closed",
	[CHANNEL_OPENING] = "opening",
	[CHANNEL_OPEN] = "open",
	[CHANNEL_CLOSING] = "closing",
};

/* The first three fields are little-endian in memory and big-endian on paper. */
static void guid_text(const struct vmbus_guid *guid, char text[GUID_TEXT])
{
	const __u8 *b = guid->b;

	snprintf(text, GUID_TEXT,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[3], b[2],
		 b[1], b[0], b[5], b[4], b[7], b[6], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		 b[15]);
}

static const char *const message_names[CHANMSG_TYPE_COUNT + 1] = {
	[CHANMSG_OFFER] = "OFFER",
	[CHANMSG_RESCIND] = "RESCIND",
	[CHANMSG_REQUEST_OFFERS] = "REQUEST_OFFERS",
	[CHANMSG_ALL_OFFERS_DELIVERED] = "ALL_OFFERS_DELIVERED",
	[CHANMSG_OPEN] = "OPEN",
	[CHANMSG_OPEN_RESULT] = "OPEN_RESULT",
	[CHANMSG_CLOSE] = "CLOSE",
	[CHANMSG_GPADL_HEADER] = "GPADL_HEADER",
	[CHANMSG_GPADL_BODY] = "GPADL_BODY",
	[CHANMSG_GPADL_CREATED] = "GPADL_CREATED",
	[CHANMSG_GPADL_TEARDOWN] = "GPADL_TEARDOWN",
	[CHANMSG_GPADL_TORNDOWN] = "GPADL_TORNDOWN",
	[CHANMSG_RELID_RELEASED] = "RELID_RELEASED",
	[CHANMSG_INITIATE_CONTACT] = "INITIATE_CONTACT",
	[CHANMSG_VERSION_RESPONSE] = "VERSION_RESPONSE",
	[CHANMSG_UNLOAD] = "UNLOAD",
	[CHANMSG_UNLOAD_RESPONSE] = "UNLOAD_RESPONSE",
	[CHANMSG_MODIFY] = "MODIFYCHANNEL",
	[CHANMSG_MODIFY_RESPONSE] = "MODIFYCHANNEL_RESPONSE",
};

/* Only types that were seen; what has no name counts as "other". */
static json_t *message_counts(const uint64_t counters[CHANMSG_TYPE_COUNT + 1])
{
	json_t *object = json_object();
	json_int_t other = 0;

	for (unsigned int type = 0; type <= CHANMSG_TYPE_COUNT; type++) {
		if (!message_names[type])
			other += counters[type];
		else if (counters[type])
			json_object_set_new(object, message_names[type],
					    json_integer(counters[type]));
	}
	if (other)
		json_object_set_new(object, "other", json_integer(other));
	return object;
}

static json_t *version_text(uint32_t version)
{
	return version ? json_sprintf("%u.%u", version >> 16, version & 0xFFFF) : json_null();
}

static json_t *optional_text(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *counter(const _Atomic uint64_t *value)
{
	return json_integer((json_int_t)atomic_load_explicit(value, memory_order_relaxed));
}

static void add_counters(json_t *object, const struct channel_stats *stats)
{
	json_object_set_new(object, "doorbells", counter(&stats->doorbells));
	json_object_set_new(object, "interrupts", counter(&stats->interrupts));
	json_object_set_new(object, "interrupts_merged", counter(&stats->merged));
	json_object_set_new(object, "packets_in", counter(&stats->packets_in));
	json_object_set_new(object, "packets_out", counter(&stats->packets_out));
	json_object_set_new(object, "bytes_in", counter(&stats->bytes_in));
	json_object_set_new(object, "bytes_out", counter(&stats->bytes_out));
	json_object_set_new(object, "ring_full", counter(&stats->ring_full));
	json_object_set_new(object, "guest_ring_full", counter(&stats->guest_ring_full));
	json_object_set_new(object, "refused", counter(&stats->refused));
}

static void add_work(json_t *object, const struct channel *channel)
{
	const struct channel_stats *stats = &channel->stats;
	struct channel_work work;

	channel_work(channel, &work);
	json_object_set_new(object, "in_flight", counter(&stats->in_flight));
	json_object_set_new(object, "in_flight_max", counter(&stats->in_flight_max));
	json_object_set_new(object, "cpu_ns", json_integer((json_int_t)work.cpu_ns));
	json_object_set_new(object, "io_uring",
			    json_pack("{s:I, s:I, s:I, s:I, s:I}", "enters",
				      (json_int_t)work.loop.enters, "sleeps",
				      (json_int_t)work.loop.sleeps, "submitted",
				      (json_int_t)work.loop.submitted, "batches",
				      (json_int_t)work.loop.batches, "completed",
				      (json_int_t)work.loop.completed));
}

static void add(_Atomic uint64_t *sum, const _Atomic uint64_t *value)
{
	atomic_fetch_add_explicit(sum, atomic_load_explicit(value, memory_order_relaxed),
				  memory_order_relaxed);
}

void vmbus_count_removed(struct vmbus *vmbus, const struct channel *channel)
{
	const struct channel_stats *stats = &channel->stats;
	struct channel_stats *removed = &vmbus->removed;

	vmbus->removed_count++;
	add(&removed->doorbells, &stats->doorbells);
	add(&removed->interrupts, &stats->interrupts);
	add(&removed->merged, &stats->merged);
	add(&removed->packets_in, &stats->packets_in);
	add(&removed->packets_out, &stats->packets_out);
	add(&removed->bytes_in, &stats->bytes_in);
	add(&removed->bytes_out, &stats->bytes_out);
	add(&removed->ring_full, &stats->ring_full);
	add(&removed->guest_ring_full, &stats->guest_ring_full);
	add(&removed->refused, &stats->refused);
}

static json_t *query_removed(const struct vmbus *vmbus)
{
	json_t *object = json_pack("{s:i}", "count", (int)vmbus->removed_count);

	add_counters(object, &vmbus->removed);
	return object;
}

static json_t *target_vp(const struct channel *channel)
{
	return channel->target_vp == CHANMSG_TARGET_VP_NONE ? json_null()
							    : json_integer(channel->target_vp);
}

static json_t *query_channel(struct channel *channel)
{
	bool open = channel->state != CHANNEL_CLOSED;
	char type[GUID_TEXT], instance[GUID_TEXT];
	json_t *object;

	guid_text(&channel->offer.type, type);
	guid_text(&channel->offer.instance, instance);
	object = json_pack("{s:s, s:i, s:i, s:s, s:s, s:i, s:s, s:b, s:b, s:i, s:i}", "name",
			   channel->name, "relid", (int)channel->relid, "connection_id",
			   (int)channel->connection_id, "type", type, "instance", instance,
			   "sub_channel_index", (int)channel->offer.sub_channel_index, "state",
			   channel_states[channel->state], "offered", (int)channel->offered,
			   "rescinded", (int)channel->rescinded, "ring_bytes_in",
			   open ? (int)channel->ring_bytes[0] : 0, "ring_bytes_out",
			   open ? (int)channel->ring_bytes[1] : 0);
	json_object_set_new(object, "target_vp", target_vp(channel));
	json_object_set_new(object, "broken", optional_text(atomic_load(&channel->broken)));
	add_counters(object, &channel->stats);
	add_work(object, channel);
	return object;
}

/* See vmbus.h. */
json_t *vmbus_query(struct vmbus *vmbus)
{
	const struct vmbus_counters *counters = &vmbus->counters;
	json_t *channels = json_array();
	json_t *object = json_pack(
		"{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:i}", "state", bus_states[vmbus->state],
		"messages_in", (json_int_t)counters->messages_in, "messages_out",
		(json_int_t)counters->messages_out, "messages_lost", (json_int_t)counters->lost,
		"refused", (json_int_t)counters->refused, "contacts",
		(json_int_t)counters->contacts, "unloads", (json_int_t)counters->unloads, "gpadls",
		(int)vmbus->gpadls.count, "gpadl_pages", (int)vmbus->gpadls.pages);

	json_object_set_new(object, "messages",
			    json_pack("{s:o, s:o}", "in", message_counts(counters->in), "out",
				      message_counts(counters->out)));
	json_object_set_new(object, "version", version_text(vmbus->version));
	json_object_set_new(object, "version_max", version_text(vmbus->config.version_max));
	for (struct channel *channel = vmbus->channels; channel; channel = channel->next)
		json_array_append_new(channels, query_channel(channel));
	json_object_set_new(object, "channels", channels);
	json_object_set_new(object, "channels_removed", query_removed(vmbus));
	return object;
}
