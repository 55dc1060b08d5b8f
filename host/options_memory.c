// SPDX-License-Identifier: GPL-2.0
/*
 * --memory SPEC. See options_memory.h.
 * Invariant: after it min <= startup <= max, all multiples of 4 KiB and within what the address map has room for.
 */
#include "options_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "options_spec.h"
#include "wire/dm.h"

#define MEMORY_MIN (1ull << 20)
#define WEIGHT_MAX 10000
#define WEIGHT_DEFAULT 100
#define BUFFER_DEFAULT 20

static const char *set_size(uint64_t *bytes, const char *value, const char *wrong)
{
	return value && options_parse_size(value, bytes) && *bytes ? NULL : wrong;
}

static const char *set_startup(void *target, const char *value)
{
	struct option_memory *memory = target;

	return set_size(&memory->startup, value, "startup= needs a size, for example 512M");
}

static const char *set_min(void *target, const char *value)
{
	struct option_memory *memory = target;

	return set_size(&memory->min, value, "min= needs a size, for example 256M");
}

static const char *set_max(void *target, const char *value)
{
	struct option_memory *memory = target;

	return set_size(&memory->max, value, "max= needs a size, for example 2G");
}

static const char *set_buffer(void *target, const char *value)
{
	struct option_memory *memory = target;
	static const char wrong[] = "buffer= needs a percentage from 0% to 400%";
	char digits[8] = "";
	size_t length = value ? strlen(value) : 0;

	if (length < 2 || length > sizeof(digits) || value[length - 1] != '%')
		return wrong;
	memcpy(digits, value, length - 1);
	return spec_number(digits, 0, 400, &memory->buffer) ? NULL : wrong;
}

static const char *set_weight(void *target, const char *value)
{
	struct option_memory *memory = target;

	_Static_assert(WEIGHT_MAX == 10000, "the text below");
	return spec_number(value, 1, WEIGHT_MAX, &memory->weight) ? NULL : "weight= needs a number from 1 to 10000";
}

static const char *set_auto(void *target, const char *value)
{
	struct option_memory *memory = target;

	memory->automatic = true;
	return value ? "auto takes no value" : NULL;
}

static const char *set_version(void *target, const char *value)
{
	struct option_memory *memory = target;
	static const struct {
		const char *name;
		uint32_t version;
	} versions[] = { { "0.3", DM_VERSION_WIN7 }, { "1.0", DM_VERSION_WIN8 }, { "2.0", DM_VERSION_WIN10 } };

	for (size_t i = 0; value && i < sizeof(versions) / sizeof(versions[0]); i++) {
		if (strcmp(versions[i].name, value))
			continue;
		memory->version_max = versions[i].version;
		return NULL;
	}
	return "dm= must be 0.3, 1.0 or 2.0";
}

/* Names with plus signs between. */
static const char *set_without(void *target, const char *value)
{
	struct option_memory *memory = target;
	static const struct {
		const char *name;
		uint64_t cap;
	} caps[] = { { "balloon", DM_CAP_BALLOON }, { "hot-add", DM_CAP_HOT_ADD }, { "hot-remove", DM_CAP_HOT_REMOVE } };

	while (value) {
		size_t length = strcspn(value, "+"), i = 0;

		while (i < 3 && (strlen(caps[i].name) != length || strncmp(caps[i].name, value, length)))
			i++;
		if (i == 3)
			break;
		memory->caps_off |= caps[i].cap;
		if (!value[length])
			return NULL;
		value += length + 1;
	}
	return "without= needs balloon, hot-add or hot-remove, with a plus sign between";
}

static const struct spec_key keys[] = {
	{ "startup", set_startup }, { "min", set_min },	  { "max", set_max },	 { "buffer", set_buffer },
	{ "weight", set_weight },   { "auto", set_auto }, { "dm", set_version }, { "without", set_without },
};

static int fail(char *what, size_t room, const char *text)
{
	snprintf(what, room, "%s", text);
	return -EINVAL;
}

static int check(const struct option_memory *memory, char *what, size_t room)
{
	if (!memory->startup)
		return fail(what, room, "needs startup=SIZE, what the guest has when it starts");
	if (memory->min > memory->startup)
		return fail(what, room, "min= must not be above startup=");
	if (memory->max < memory->startup)
		return fail(what, room, "max= must not be below startup=");
	if (memory->min < MEMORY_MIN || memory->max > OPTIONS_MEMORY_MAX) {
		snprintf(what, room, "must be from %lluM to %lluG", MEMORY_MIN >> 20, (unsigned long long)OPTIONS_MEMORY_MAX >> 30);
		return -EINVAL;
	}
	if ((memory->startup | memory->min | memory->max) % 4096)
		return fail(what, room, "must be a multiple of 4K");
	return 0;
}

static int parse_spec(struct option_memory *memory, const char *argument, char *what, size_t room)
{
	char *copy = strdup(argument);
	int ret = copy ? spec_parse(keys, sizeof(keys) / sizeof(keys[0]), memory, copy, what, room) : fail(what, room, "out of memory");

	free(copy);
	memory->dynamic = true;
	return ret;
}

int option_memory_parse(struct option_memory *memory, const char *argument, char *what, size_t room)
{
	*memory = (struct option_memory){ .buffer = BUFFER_DEFAULT, .weight = WEIGHT_DEFAULT };
	if (strpbrk(argument, "=,")) {
		if (parse_spec(memory, argument, what, room))
			return -EINVAL;
	} else if (!options_parse_size(argument, &memory->startup)) {
		return fail(what, room, "must be a size, for example 512M or 2G, or startup=SIZE,min=SIZE,max=SIZE");
	} else if (memory->startup < MEMORY_MIN) {
		memory->min = memory->max = memory->startup;
		snprintf(what, room, "must be from %lluM to %lluG", MEMORY_MIN >> 20, (unsigned long long)OPTIONS_MEMORY_MAX >> 30);
		return -EINVAL;
	}
	if (!memory->min)
		memory->min = memory->startup;
	if (!memory->max)
		memory->max = memory->startup;
	return check(memory, what, room);
}
