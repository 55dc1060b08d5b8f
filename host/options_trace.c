// SPDX-License-Identifier: GPL-2.0
/*
 * --trace SPEC: a file, then ",key=value". See options_trace.h. The limits are trace.h's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "options_spec.h"
#include "options_trace.h"

static const char *set_signals(struct trace_options *options, const char *value)
{
	return spec_switch(value, &options->signals) ? NULL : "signals= must be on or off";
}

static const char *set_data(struct trace_options *options, const char *value)
{
	uint64_t bytes;

	_Static_assert(TRACE_DATA_MAX == 64 << 10, "the text below");
	if (!value || !options_parse_size(value, &bytes) || bytes > TRACE_DATA_MAX)
		return "data= needs a size up to 64K";
	options->data = bytes;
	return NULL;
}

static const char *set_buffer(struct trace_options *options, const char *value)
{
	uint64_t bytes;

	_Static_assert(TRACE_BUFFER_MIN == 64 << 10 && TRACE_BUFFER_MAX == 1 << 30, "the text below");
	if (!value || !options_parse_size(value, &bytes) || bytes < TRACE_BUFFER_MIN ||
	    bytes > TRACE_BUFFER_MAX)
		return "buffer= needs a size from 64K to 1G";
	options->buffer = bytes;
	return NULL;
}

static const struct {
	const char *name;
	const char *(*set)(struct trace_options *options, const char *value);
} keys[] = {
	{ "signals", set_signals },
	{ "data", set_data },
	{ "buffer", set_buffer },
};

/* Return: NULL, or what is wrong. */
static const char *set_part(struct trace_options *options, char *part)
{
	char *value = strchr(part, '=');

	if (value)
		*value++ = 0;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!strcmp(keys[i].name, part))
			return keys[i].set(options, value);
	return "after the file come signals=on|off, data=BYTES, buffer=BYTES";
}

int option_trace_parse(struct trace_options *options, const char *argument, char **copy, char *what,
		       size_t room)
{
	const char *wrong = NULL;
	char *part;

	*copy = strdup(argument);
	*options = (struct trace_options){ .path = *copy };
	part = *copy ? spec_cut_part(*copy) : NULL;
	if (!*copy || !**copy)
		wrong = "needs a file first";
	while (part && !wrong) {
		char *rest = spec_cut_part(part);

		wrong = set_part(options, part);
		part = rest;
	}
	if (!wrong)
		return 0;
	snprintf(what, room, "%s", wrong);
	return -EINVAL;
}
