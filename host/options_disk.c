// SPDX-License-Identifier: GPL-2.0
/*
 * --disk SPEC: "file=PATH" or "null=SIZE", then ",key=value" or ",flag"; --controller SPEC. See
 * options_disk.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "options_disk.h"
#include "storvsp.h"

/* One key of a SPEC. @value is NULL where none was given. Return: NULL or what is wrong. */
struct key {
	const char *name;
	const char *(*set)(struct option_disk *disk, const char *value);
};

static const char *set_file(struct option_disk *disk, const char *value)
{
	if (!value || !*value)
		return "file= needs a path";
	disk->disk.path = value;
	return NULL;
}

static const char *set_null(struct option_disk *disk, const char *value)
{
	if (!value || !options_parse_size(value, &disk->disk.null_bytes) ||
	    !disk->disk.null_bytes || disk->disk.null_bytes > INT64_MAX)
		return "null= needs a size, for example null=10G";
	return NULL;
}

static bool parse_small(const char *value, unsigned int limit, unsigned int *number)
{
	uint64_t parsed;

	if (!value || !*value || value[strspn(value, "0123456789")] ||
	    !options_parse_size(value, &parsed) || parsed >= limit)
		return false;
	*number = parsed;
	return true;
}

static const char *set_lun(struct option_disk *disk, const char *value)
{
	_Static_assert(STORVSP_LUNS == 64, "the text below");
	if (!parse_small(value, STORVSP_LUNS, &disk->lun))
		return "lun= needs a number from 0 to 63";
	disk->lun_given = true;
	return NULL;
}

static const char *set_controller(struct option_disk *disk, const char *value)
{
	_Static_assert(OPTIONS_CONTROLLERS_MAX == 4, "the text below");
	if (!parse_small(value, OPTIONS_CONTROLLERS_MAX, &disk->controller))
		return "controller= needs a number from 0 to 3";
	return NULL;
}

static const char *set_ro(struct option_disk *disk, const char *value)
{
	if (value)
		return "ro takes no value";
	disk->disk.read_only = true;
	return NULL;
}

static const char *set_block(struct option_disk *disk, const char *value)
{
	if (value && !strcmp(value, "512"))
		disk->disk.block_bytes = 512;
	else if (value && !strcmp(value, "4096"))
		disk->disk.block_bytes = 4096;
	else
		return "block= must be 512 or 4096";
	return NULL;
}

static const char *set_serial(struct option_disk *disk, const char *value)
{
	size_t length = value ? strlen(value) : 0;

	if (length < 1 || length >= sizeof(((struct disk *)NULL)->id))
		return "serial= needs 1 to 31 characters";
	for (size_t i = 0; i < length; i++)
		if (value[i] <= ' ' || value[i] > '~')
			return "serial= needs printable characters without blanks";
	disk->disk.serial = value;
	return NULL;
}

static bool parse_switch(const char *value, bool *flag)
{
	if (!value || (strcmp(value, "on") && strcmp(value, "off")))
		return false;
	*flag = !strcmp(value, "on");
	return true;
}

static const char *set_direct(struct option_disk *disk, const char *value)
{
	return parse_switch(value, &disk->disk.direct) ? NULL : "direct= must be on or off";
}

static const char *set_unmap(struct option_disk *disk, const char *value)
{
	return parse_switch(value, &disk->disk.unmap) ? NULL : "unmap= must be on or off";
}

static const struct key keys[] = {
	{ "file", set_file },	  { "null", set_null },
	{ "lun", set_lun },	  { "controller", set_controller },
	{ "ro", set_ro },	  { "block", set_block },
	{ "serial", set_serial }, { "direct", set_direct },
	{ "unmap", set_unmap },
};

char *option_cut_part(char *part)
{
	char *to = part;

	for (char *from = part;; from++) {
		if (from[0] == ',' && from[1] == ',')
			from++;
		else if (*from == ',' || !*from) {
			char *rest = *from ? from + 1 : NULL;

			*to = 0;
			return rest;
		}
		*to++ = *from;
	}
}

static const struct key *find_key(const char *name)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!strcmp(keys[i].name, name))
			return &keys[i];
	return NULL;
}

static int parse_part(struct option_disk *disk, char *part, unsigned int *seen, char *what,
		      size_t room)
{
	char *value = strchr(part, '=');
	const struct key *key;
	const char *wrong;

	if (value)
		*value++ = 0;
	key = find_key(part);
	if (!key) {
		snprintf(what, room, "unknown part '%.40s'", part);
		return -EINVAL;
	}
	if (*seen & 1u << (key - keys)) {
		snprintf(what, room, "%s is given twice", key->name);
		return -EINVAL;
	}
	*seen |= 1u << (key - keys);
	wrong = key->set(disk, value);
	if (wrong) {
		snprintf(what, room, "%s", wrong);
		return -EINVAL;
	}
	return 0;
}

int option_disk_parse(struct option_disk *disk, const char *argument, char *what, size_t room)
{
	unsigned int seen = 0;
	char *part;

	disk->argument = argument;
	disk->disk.direct = true;
	disk->disk.unmap = true;
	disk->disk.block_bytes = 512;
	disk->copy = part = strdup(argument);
	while (part) {
		char *rest = option_cut_part(part);
		int ret = parse_part(disk, part, &seen, what, room);

		if (ret)
			return ret;
		part = rest;
	}
	if (!disk->disk.path == !disk->disk.null_bytes) {
		snprintf(what, room, "needs either file=PATH or null=SIZE");
		return -EINVAL;
	}
	if (disk->disk.null_bytes % disk->disk.block_bytes) {
		snprintf(what, room, "null= must be a multiple of the block size, %u",
			 disk->disk.block_bytes);
		return -EINVAL;
	}
	return 0;
}

static int parse_channels(unsigned int *channels, const char *text)
{
	static const char key[] = "channels=";

	if (strncmp(text, key, sizeof(key) - 1))
		return -EINVAL;
	text += sizeof(key) - 1;
	return parse_small(text, STORVSP_SUBS_MAX + 2, channels) && *channels ? 0 : -EINVAL;
}

int option_controller_parse(struct option_controller *controllers, const char *argument, char *what,
			    size_t room)
{
	struct option_controller parsed = { .given = true };
	const char *rest = strchr(argument, ',');
	char number[8];
	unsigned int n;

	_Static_assert(OPTIONS_CONTROLLERS_MAX == 4 && STORVSP_SUBS_MAX == 63, "the texts below");
	snprintf(number, sizeof(number), "%.*s", (int)strcspn(argument, ","), argument);
	if (!parse_small(number, OPTIONS_CONTROLLERS_MAX, &n)) {
		snprintf(what, room, "needs a number from 0 to 3 first");
		return -EINVAL;
	}
	if (rest && parse_channels(&parsed.channels, rest + 1)) {
		snprintf(what, room, "after the number comes channels= with a number from 1 to 64");
		return -EINVAL;
	}
	if (controllers[n].given) {
		snprintf(what, room, "this controller is given twice");
		return -EINVAL;
	}
	controllers[n] = parsed;
	return 0;
}

const struct option_disk *option_disk_assign_luns(struct option_disk *disks, unsigned int count)
{
	uint64_t taken[OPTIONS_CONTROLLERS_MAX] = { 0 };

	for (unsigned int i = 0; i < count; i++) {
		uint64_t *luns = &taken[disks[i].controller];

		if (!disks[i].lun_given)
			continue;
		if (*luns & 1ull << disks[i].lun)
			return &disks[i];
		*luns |= 1ull << disks[i].lun;
	}
	for (unsigned int i = 0; i < count; i++) {
		uint64_t *luns = &taken[disks[i].controller];

		if (disks[i].lun_given)
			continue;
		if (!~*luns)
			return &disks[i];
		disks[i].lun = __builtin_ctzll(~*luns);
		*luns |= 1ull << disks[i].lun;
	}
	return NULL;
}
