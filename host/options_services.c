// SPDX-License-Identifier: GPL-2.0
/*
 * --services LIST. See options_services.h.
 * Invariant: a version that is given is one of that service's.
 */
#include "options_services.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "options_spec.h"

/* VERSION text: the newest to agree to. */
static const char *set_version(struct option_service *service, const char *value, const char *known, const char *wrong)
{
	unsigned int major, minor;
	const char *found;

	service->on = true;
	if (!value)
		return NULL;
	found = strstr(known, value);
	if (strlen(value) != 3 || !found || sscanf(value, "%1u.%1u", &major, &minor) != 2)
		return wrong;
	service->version_max = (struct ic_version){ .major = (uint16_t)major, .minor = (uint16_t)minor };
	return NULL;
}

static const char *set_timesync(void *target, const char *value)
{
	struct option_services *services = target;

	return set_version(&services->timesync, value, "1.0 3.0 4.0", "timesync= must be 1.0, 3.0 or 4.0");
}

static const char *set_heartbeat(void *target, const char *value)
{
	struct option_services *services = target;

	return set_version(&services->heartbeat, value, "1.0 3.0", "heartbeat= must be 1.0 or 3.0");
}

static const char *set_shutdown(void *target, const char *value)
{
	struct option_services *services = target;

	return set_version(&services->shutdown, value, "1.0 3.0 3.1 3.2", "shutdown= must be 1.0, 3.0, 3.1 or 3.2");
}

static const struct spec_key keys[] = {
	{ "timesync", set_timesync },
	{ "heartbeat", set_heartbeat },
	{ "shutdown", set_shutdown },
};

void option_services_default(struct option_services *services)
{
	*services = (struct option_services){ .timesync.on = true, .heartbeat.on = true, .shutdown.on = true };
}

int option_services_parse(struct option_services *services, const char *argument, char *what, size_t room)
{
	char *copy;
	int ret;

	*services = (struct option_services){ 0 };
	if (!strcmp(argument, "off"))
		return 0;
	copy = strdup(argument);
	if (!copy) {
		snprintf(what, room, "out of memory");
		return -EINVAL;
	}
	ret = spec_parse(keys, sizeof(keys) / sizeof(keys[0]), services, copy, what, room);
	free(copy);
	if (ret)
		snprintf(what + strlen(what), room - strlen(what), " (off, or any of timesync, heartbeat, shutdown)");
	return ret;
}
