// SPDX-License-Identifier: GPL-2.0
/* See options_spec.h. */
#include "options_spec.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "options.h"

char *spec_cut_part(char *part)
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

static const struct spec_key *find_key(const struct spec_key *keys, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(keys[i].name, name))
			return &keys[i];
	return NULL;
}

int spec_parse(const struct spec_key *keys, size_t count, void *target, char *text, char *what, size_t room)
{
	unsigned int seen = 0;
	char *part, *rest;

	for (part = text; part; part = rest) {
		const struct spec_key *key;
		const char *wrong;
		char *value;

		rest = spec_cut_part(part);
		value = strchr(part, '=');
		if (value)
			*value++ = 0;
		key = find_key(keys, count, part);
		if (!key) {
			snprintf(what, room, "unknown part '%.40s'", part);
			return -EINVAL;
		}
		if (seen & 1u << (key - keys)) {
			snprintf(what, room, "%s is given twice", key->name);
			return -EINVAL;
		}
		seen |= 1u << (key - keys);
		wrong = key->set(target, value);
		if (wrong) {
			snprintf(what, room, "%s", wrong);
			return -EINVAL;
		}
	}
	return 0;
}

bool spec_number(const char *value, unsigned int min, unsigned int max, unsigned int *number)
{
	uint64_t parsed;

	if (!value || !*value || value[strspn(value, "0123456789")] || !options_parse_size(value, &parsed) ||
	    parsed < min || parsed > max)
		return false;
	*number = (unsigned int)parsed;
	return true;
}

bool spec_switch(const char *value, bool *flag)
{
	if (!value || (strcmp(value, "on") && strcmp(value, "off")))
		return false;
	*flag = !strcmp(value, "on");
	return true;
}
