// SPDX-License-Identifier: GPL-2.0
/*
 * --disk SPEC: "file=PATH" or "null=SIZE", then ",key=value" or ",flag"; --controller SPEC. See
 * options_disk.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "legacy/ide.h"
#include "options_disk.h"
#include "options_spec.h"
#include "storvsp.h"

static const char *set_file(void *target, const char *value)
{
	struct option_disk *disk = target;

	if (!value || !*value)
		return "file= needs a path";
	disk->disk.path = value;
	return NULL;
}

static const char *set_null(void *target, const char *value)
{
	struct option_disk *disk = target;

	if (!value || !options_parse_size(value, &disk->disk.null_bytes) ||
	    !disk->disk.null_bytes || disk->disk.null_bytes > INT64_MAX)
		return "null= needs a size, for example null=10G";
	return NULL;
}

static const char *set_lun(void *target, const char *value)
{
	struct option_disk *disk = target;

	_Static_assert(STORVSP_LUNS == 64, "the text below");
	if (!spec_number(value, 0, STORVSP_LUNS - 1, &disk->lun))
		return "lun= needs a number from 0 to 63";
	disk->lun_given = true;
	return NULL;
}

static const char *set_controller(void *target, const char *value)
{
	struct option_disk *disk = target;

	_Static_assert(OPTIONS_CONTROLLERS_MAX == 4, "the text below");
	disk->controller_given = true;
	if (value && !strcmp(value, "ide"))
		disk->controller = OPTIONS_CONTROLLER_IDE;
	else if (!spec_number(value, 0, OPTIONS_CONTROLLERS_MAX - 1, &disk->controller))
		return "controller= needs a number from 0 to 3, or ide";
	return NULL;
}

static const char *set_ro(void *target, const char *value)
{
	struct option_disk *disk = target;

	if (value)
		return "ro takes no value";
	disk->disk.read_only = true;
	return NULL;
}

static const char *set_block(void *target, const char *value)
{
	struct option_disk *disk = target;

	if (value && !strcmp(value, "512"))
		disk->disk.block_bytes = 512;
	else if (value && !strcmp(value, "4096"))
		disk->disk.block_bytes = 4096;
	else
		return "block= must be 512 or 4096";
	return NULL;
}

static const char *set_serial(void *target, const char *value)
{
	struct option_disk *disk = target;
	size_t length = value ? strlen(value) : 0;

	if (length < 1 || length >= sizeof(((struct disk *)NULL)->id))
		return "serial= needs 1 to 31 characters";
	for (size_t i = 0; i < length; i++)
		if (value[i] <= ' ' || value[i] > '~')
			return "serial= needs printable characters without blanks";
	disk->disk.serial = value;
	return NULL;
}

static const char *set_direct(void *target, const char *value)
{
	struct option_disk *disk = target;

	return spec_switch(value, &disk->disk.direct) ? NULL : "direct= must be on or off";
}

static const char *set_unmap(void *target, const char *value)
{
	struct option_disk *disk = target;

	return spec_switch(value, &disk->disk.unmap) ? NULL : "unmap= must be on or off";
}

static const struct spec_key keys[] = {
	{ "file", set_file },	  { "null", set_null },
	{ "lun", set_lun },	  { "controller", set_controller },
	{ "ro", set_ro },	  { "block", set_block },
	{ "serial", set_serial }, { "direct", set_direct },
	{ "unmap", set_unmap },
};

/* What a disk of the IDE controller cannot have. */
static const char *check_ide(const struct option_disk *disk)
{
	_Static_assert(IDE_DISKS == 4, "the text below");
	if (disk->controller != OPTIONS_CONTROLLER_IDE)
		return NULL;
	if (disk->lun >= IDE_DISKS)
		return "lun= needs a number from 0 to 3 with controller=ide";
	if (disk->disk.block_bytes != 512)
		return "block= must be 512 with controller=ide";
	return NULL;
}

int option_disk_parse(struct option_disk *disk, const char *argument, char *what, size_t room)
{
	const char *wrong;
	int ret;

	disk->argument = argument;
	disk->disk.direct = true;
	disk->disk.unmap = true;
	disk->disk.block_bytes = 512;
	disk->copy = strdup(argument);
	ret = spec_parse(keys, sizeof(keys) / sizeof(keys[0]), disk, disk->copy, what, room);
	if (ret)
		return ret;
	if (!disk->disk.path == !disk->disk.null_bytes) {
		snprintf(what, room, "needs either file=PATH or null=SIZE");
		return -EINVAL;
	}
	if (disk->disk.null_bytes % disk->disk.block_bytes) {
		snprintf(what, room, "null= must be a multiple of the block size, %u",
			 disk->disk.block_bytes);
		return -EINVAL;
	}
	wrong = check_ide(disk);
	if (wrong) {
		snprintf(what, room, "%s", wrong);
		return -EINVAL;
	}
	return 0;
}

const char *option_disk_settle(struct option_disk *disk, unsigned int generation)
{
	if (generation != 1 || disk->controller_given)
		return NULL;
	disk->controller = OPTIONS_CONTROLLER_IDE;
	return check_ide(disk);
}

static int parse_channels(unsigned int *channels, const char *text)
{
	static const char key[] = "channels=";

	if (strncmp(text, key, sizeof(key) - 1))
		return -EINVAL;
	text += sizeof(key) - 1;
	return spec_number(text, 1, STORVSP_SUBS_MAX + 1, channels) ? 0 : -EINVAL;
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
	if (!spec_number(number, 0, OPTIONS_CONTROLLERS_MAX - 1, &n)) {
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
	uint64_t taken[OPTIONS_CONTROLLERS_MAX + 1] = { [OPTIONS_CONTROLLER_IDE] = ~0ull << IDE_DISKS };

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
