// SPDX-License-Identifier: GPL-2.0
/*
 * The controller: made and offered, its numbers, its end. Its LUNs are storvsp_plug.c's; what is said on
 * its channels is in storvsp_channel.c and storvsp_srb.c.
 * Invariant: it outlives the channels that are offered with it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storvsp_internal.h"

static uint32_t transfer_bytes(uint32_t wanted)
{
	uint32_t bytes = wanted ? wanted : STORVSP_TRANSFER_DEFAULT;

	bytes -= bytes % STORVSP_PAGE;
	if (bytes < STORVSP_PAGE)
		return STORVSP_PAGE;
	return bytes < STORVSP_TRANSFER_MAX ? bytes : STORVSP_TRANSFER_MAX;
}

struct storvsp *storvsp_create(const struct storvsp_options *options)
{
	struct storvsp *storvsp = calloc(1, sizeof(*storvsp));

	if (!storvsp)
		return NULL;
	pthread_mutex_init(&storvsp->lock, NULL);
	storvsp->controller = options->controller;
	storvsp->provider.loop = options->loop;
	storvsp->version_max = options->version_max ? options->version_max : VSTOR_VERSION_WIN10;
	snprintf(storvsp->name, sizeof(storvsp->name), "scsi%u", options->controller);
	storvsp->target.max_transfer_bytes = transfer_bytes(options->max_transfer_bytes);
	storvsp->sub_channels = options->sub_channels < STORVSP_SUBS_MAX ? options->sub_channels
									 : STORVSP_SUBS_MAX;
	storvsp->ops = storvsp_channel_ops;
	storvsp->ops.packet_max =
		(uint32_t)(sizeof(struct packet_gpa_direct) + sizeof(struct gpa_range) +
			   storvsp_pages_max(storvsp) * sizeof(uint64_t) +
			   sizeof(struct vstor_packet));
	return storvsp;
}

int storvsp_offer(struct storvsp *storvsp, struct vmbus *vmbus)
{
	const struct vmbus_guid type = VSTOR_SCSI_GUID;
	struct channel_offer offer = {
		.name = storvsp->name,
		.type = type,
		/*
		 * Ours to choose; the last byte tells controllers apart, so names in the guest are
		 * stable.
		 */
		.instance = {{0x53, 0x69, 0x76, 0x68, 0x73, 0x63, 0x69, 0x73, 0x80, 0x00, 0x68,
			      0x76, 0x69, 0x73, 0x00, (uint8_t)storvsp->controller}},
		.ops = &storvsp->ops,
		.context = storvsp,
	};

	return provider_offer(&storvsp->provider, vmbus, &offer);
}

void storvsp_destroy(struct storvsp *storvsp)
{
	storvsp_drop_jobs(storvsp);
	for (unsigned int i = 0; i < STORVSP_LUNS; i++)
		if (storvsp_disk(storvsp, i))
			disk_close(storvsp_disk(storvsp, i));
	pthread_mutex_destroy(&storvsp->lock);
	free(storvsp);
}

static void set(json_t *object, const char *name, const _Atomic uint64_t *counter)
{
	json_int_t value = (json_int_t)atomic_load_explicit(counter, memory_order_relaxed);

	json_object_set_new(object, name, json_integer(value));
}

/* A path may hold any bytes, JSON only UTF-8. */
static json_t *text_of(const char *bytes)
{
	json_t *string = json_string(bytes);

	return string ? string : json_string("(not UTF-8)");
}

static json_t *query_disk(const struct disk *disk)
{
	return json_pack("{sssosssIsisisbsbsb}", "backend", disk->ops->name, "path",
			 text_of(disk->path), "id", disk->id, "bytes", (json_int_t)disk->bytes,
			 "block_bytes", (int)disk->block_bytes, "physical_bytes",
			 (int)disk->physical_bytes, "read_only", disk->read_only, "unmap",
			 disk->can_unmap, "buffered", disk->buffered);
}

static json_t *query_lun(unsigned int number, const struct scsi_lun *lun)
{
	const struct scsi_counters *counters = &lun->counters;
	json_t *object = query_disk(lun->disk);

	json_object_set_new(object, "lun", json_integer(number));
	set(object, "reads", &counters->reads);
	set(object, "read_bytes", &counters->read_bytes);
	set(object, "writes", &counters->writes);
	set(object, "write_bytes", &counters->write_bytes);
	set(object, "flushes", &counters->flushes);
	set(object, "unmaps", &counters->unmaps);
	set(object, "refused", &counters->refused);
	set(object, "errors", &counters->errors);
	return object;
}

json_t *storvsp_query(struct storvsp *storvsp)
{
	uint32_t version = atomic_load(&storvsp->version);
	json_t *luns = json_array(), *object = json_object();
	char text[16] = "";

	if (version)
		snprintf(text, sizeof(text), "%u.%u", version >> 8 & 0xFF, version & 0xFF);
	json_object_set_new(object, "version", json_string(text));
	json_object_set_new(object, "max_transfer_bytes",
			    json_integer(storvsp->target.max_transfer_bytes));
	json_object_set_new(object, "channels_max", json_integer(1 + storvsp->sub_channels));
	set(object, "refused", &storvsp->refused);
	set(object, "task_set_full", &storvsp->full);
	set(object, "resets", &storvsp->resets);
	for (unsigned int i = 0; i < STORVSP_LUNS; i++)
		if (storvsp_disk(storvsp, i))
			json_array_append_new(luns, query_lun(i, &storvsp->target.luns[i]));
	json_object_set_new(object, "luns", luns);
	return object;
}
