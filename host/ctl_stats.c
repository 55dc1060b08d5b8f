// SPDX-License-Identifier: GPL-2.0
/*
 * The table of "hvis-host ctl SOCKET stats". See ctl_stats.h. One row of columns[] is one column:
 * where its number stands in the statistics, and how it is shown.
 */
#include <string.h>

#include "ctl_stats.h"

enum where {
	TOP, /* a member of the answer, or of the object named first */
	CHANNELS, /* summed over the channels, those that are gone among them */
	LUNS, /* summed over all LUNs of all controllers */
};

enum how {
	RATE,
	MEGABYTES, /* per second */
	PERCENT, /* of nanoseconds per second */
	NOW,
};

static const struct column {
	const char *group, *title;
	int width;
	enum where where;
	enum how how;
	const char *object, *name, *also; /* @also is added */
} columns[] = {
	{ "VM exits", "all", 8, TOP, RATE, NULL, "exits", NULL },
	{ "", "io", 7, TOP, RATE, "exits_by_cause", "io", NULL },
	{ "", "halt", 7, TOP, RATE, "exits_by_cause", "halt", NULL },
	{ "", "hyperv", 7, TOP, RATE, "exits_by_cause", "hyperv", NULL },
	{ "signals", "bells", 8, TOP, RATE, NULL, "doorbells", NULL },
	{ "", "intr", 7, TOP, RATE, NULL, "interrupts", NULL },
	{ "packets", "in", 8, CHANNELS, RATE, NULL, "packets_in", NULL },
	{ "", "out", 7, CHANNELS, RATE, NULL, "packets_out", NULL },
	{ "", "flying", 7, CHANNELS, NOW, NULL, "in_flight", NULL },
	{ "", "full", 5, CHANNELS, RATE, NULL, "ring_full", "guest_ring_full" },
	{ "disks", "reads", 8, LUNS, RATE, NULL, "reads", NULL },
	{ "", "MB/s", 8, LUNS, MEGABYTES, NULL, "read_bytes", NULL },
	{ "", "writes", 7, LUNS, RATE, NULL, "writes", NULL },
	{ "", "MB/s", 8, LUNS, MEGABYTES, NULL, "write_bytes", NULL },
	{ "", "errors", 7, LUNS, RATE, NULL, "errors", "refused" },
	{ "host", "CPU%", 6, TOP, PERCENT, "cpu", "user_ns", "system_ns" },
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static double number(const json_t *object, const char *name)
{
	return (double)json_integer_value(json_object_get(object, name));
}

static double sum_of(const json_t *object, const struct column *column)
{
	return number(object, column->name) + (column->also ? number(object, column->also) : 0);
}

static double sum_channels(const json_t *stats, const struct column *column)
{
	const json_t *vmbus = json_object_get(stats, "vmbus");
	double sum = sum_of(json_object_get(vmbus, "channels_removed"), column);
	json_t *channel;
	size_t i;

	json_array_foreach(json_object_get(vmbus, "channels"), i, channel)
		sum += sum_of(channel, column);
	return sum;
}

static double sum_luns(const json_t *stats, const struct column *column)
{
	json_t *controller, *lun;
	const char *name;
	double sum = 0;
	size_t i;

	json_object_foreach(json_object_get(stats, "disks"), name, controller)
		json_array_foreach(json_object_get(controller, "luns"), i, lun)
			sum += sum_of(lun, column);
	return sum;
}

static double value_of(const json_t *stats, const struct column *column)
{
	switch (column->where) {
	case CHANNELS:
		return sum_channels(stats, column);
	case LUNS:
		return sum_luns(stats, column);
	default:
		if (column->object)
			stats = json_object_get(stats, column->object);
		return sum_of(stats, column);
	}
}

void ctl_stats_head(FILE *out)
{
	for (size_t i = 0; i < COLUMNS; i++)
		fprintf(out, "%*s", columns[i].width, columns[i].group);
	fputc('\n', out);
	for (size_t i = 0; i < COLUMNS; i++)
		fprintf(out, "%*s", columns[i].width, columns[i].title);
	fputc('\n', out);
}

void ctl_stats_line(FILE *out, const json_t *before, const json_t *after)
{
	double seconds = (number(after, "uptime_ns") - number(before, "uptime_ns")) / 1e9;

	for (size_t i = 0; i < COLUMNS; i++) {
		const struct column *column = &columns[i];
		double now = value_of(after, column);
		double rate = seconds > 0 ? (now - value_of(before, column)) / seconds : 0;

		if (column->how == MEGABYTES)
			fprintf(out, "%*.1f", column->width, rate / 1e6);
		else if (column->how == PERCENT)
			fprintf(out, "%*.0f", column->width, rate / 1e7);
		else
			fprintf(out, "%*.0f", column->width, column->how == NOW ? now : rate);
	}
	fputc('\n', out);
	fflush(out);
}
