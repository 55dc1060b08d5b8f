// SPDX-License-Identifier: GPL-2.0
/*
 * What an IDE controller tells of itself, in the shape that synthetic controllers have (storvsp.c). docs/legacy.md says what the
 * names mean that those do not have.
 */
#include "legacy/ide_internal.h"

static void set(json_t *object, const char *name, uint64_t value)
{
	json_object_set_new(object, name, json_integer((json_int_t)value));
}

/* A path may hold any bytes, JSON only UTF-8. */
static json_t *text_of(const char *bytes)
{
	json_t *string = json_string(bytes);

	return string ? string : json_string("(not UTF-8)");
}

static json_t *query_drive(const struct ide_drive *drive, unsigned int position)
{
	const struct disk *disk = drive->disk;
	json_t *object = json_object();

	json_object_set_new(object, "backend", json_string(disk->ops->name));
	json_object_set_new(object, "path", text_of(disk->path));
	json_object_set_new(object, "id", json_string(disk->id));
	set(object, "bytes", disk->bytes);
	set(object, "block_bytes", disk->block_bytes);
	set(object, "physical_bytes", disk->physical_bytes);
	json_object_set_new(object, "read_only", json_boolean(disk->read_only));
	json_object_set_new(object, "buffered", json_boolean(disk->buffered));
	json_object_set_new(object, "write_cache", json_boolean(drive->write_cache));
	set(object, "lun", position);
	set(object, "commands", drive->counters.commands);
	set(object, "reads", drive->counters.reads);
	set(object, "read_bytes", drive->counters.read_bytes);
	set(object, "writes", drive->counters.writes);
	set(object, "write_bytes", drive->counters.write_bytes);
	set(object, "flushes", drive->counters.flushes);
	set(object, "refused", drive->counters.aborted + drive->counters.out_of_range + drive->counters.bad_tables);
	set(object, "aborted", drive->counters.aborted);
	set(object, "out_of_range", drive->counters.out_of_range);
	set(object, "bad_tables", drive->counters.bad_tables);
	set(object, "errors", drive->counters.failed);
	return object;
}

static void query_channel(struct ide_channel *channel, json_t *channels, json_t *luns)
{
	json_t *object = json_object();

	pthread_mutex_lock(&channel->lock);
	set(object, "channel", channel->index);
	set(object, "interrupts", channel->counters.interrupts);
	set(object, "dma", channel->counters.dma);
	set(object, "pio", channel->counters.pio);
	set(object, "copied_bytes", channel->counters.copied_bytes);
	set(object, "resets", channel->counters.resets);
	set(object, "ignored_writes", channel->counters.ignored);
	for (unsigned int i = 0; i < 2; i++)
		if (channel->drives[i].disk)
			json_array_append_new(luns, query_drive(&channel->drives[i], 2 * channel->index + i));
	pthread_mutex_unlock(&channel->lock);
	json_array_append_new(channels, object);
}

json_t *ide_query(struct ide *ide)
{
	json_t *channels = json_array(), *luns = json_array();

	for (unsigned int i = 0; i < IDE_CHANNELS; i++)
		if (ide_has_channel(ide, i))
			query_channel(&ide->channels[i], channels, luns);
	return json_pack("{s:o, s:o}", "channels", channels, "luns", luns);
}
