// SPDX-License-Identifier: GPL-2.0
/*
 * --hyperv and --host-cpus. See options_hyperv.h.
 * Invariant: a name that is in no table is refused with the table, so that a slip of the pen never runs another experiment than was meant.
 */
#include "options_hyperv.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 3, 4))) static int fail(char *what, size_t room, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, room, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

static void add_names(char *text, size_t room)
{
	size_t used = strlen(text);
	const char *name;

	for (unsigned int i = 0; (name = hyperv_feature_name(i)) && used < room; i++)
		used += (size_t)snprintf(text + used, room - used, "%s-%s", i ? " " : "", name);
}

static int leave_out(struct hyperv_features *features, const char *part, char *what, size_t room)
{
	const char *name;

	for (unsigned int i = 0; (name = hyperv_feature_name(i)); i++) {
		if (strcmp(name, part + 1))
			continue;
		features->without |= 1u << i;
		return 0;
	}
	fail(what, room, "'%.20s': must be ", part);
	add_names(what, room);
	return -EINVAL;
}

static int set_spin(struct hyperv_features *features, const char *value, char *what, size_t room)
{
	char *end;
	unsigned long long number;

	errno = 0;
	number = strtoull(value, &end, 0);
	if (*value < '0' || *value > '9' || *end || errno || number > UINT32_MAX)
		return fail(what, room, "spin= needs a number up to 0xffffffff, which is never");
	features->spin_given = true;
	features->spin = (uint32_t)number;
	return 0;
}

static int set_apicv(struct hyperv_features *features, const char *value, char *what, size_t room)
{
	if (strcmp(value, "on") && strcmp(value, "off"))
		return fail(what, room, "apicv= must be on or off: whether advice is for processors that do APICs");
	features->apicv = strcmp(value, "on") ? HYPERV_APICV_OFF : HYPERV_APICV_ON;
	return 0;
}

static int parse_part(struct hyperv_features *features, const char *part, char *what, size_t room)
{
	if (!strncmp(part, "spin=", 5))
		return set_spin(features, part + 5, what, room);
	if (!strncmp(part, "apicv=", 6))
		return set_apicv(features, part + 6, what, room);
	if (*part == '-')
		return leave_out(features, part, what, room);
	return fail(what, room, "must be on or off, or begin with a minus sign: what is left out (hvis-host --help)");
}

int option_hyperv_parse(struct options *options, const char *argument, char *what, size_t room)
{
	char *copy, *part, *rest;
	int ret = 0;

	options->hyperv = true;
	if (!strcmp(argument, "on"))
		return 0;
	if (!strcmp(argument, "off")) {
		options->hyperv = false;
		return 0;
	}
	copy = strdup(argument);
	if (!copy)
		return fail(what, room, "out of memory");
	for (part = copy; !ret && part; part = rest) {
		rest = strchr(part, ',');
		if (rest)
			*rest++ = 0;
		ret = parse_part(&options->hyperv_features, part, what, room);
	}
	free(copy);
	return ret;
}

/* Takes "N" or "N-M" off the front. Return: what is behind it, or NULL: it is neither. */
static const char *take_range(const char *text, unsigned long *first, unsigned long *last)
{
	char *end;

	if (*text < '0' || *text > '9')
		return NULL;
	*first = *last = strtoul(text, &end, 10);
	if (*end == '-') {
		text = end + 1;
		if (*text < '0' || *text > '9')
			return NULL;
		*last = strtoul(text, &end, 10);
	}
	return *last < *first || *last >= CPU_SETSIZE ? NULL : end;
}

int option_host_cpus_parse(struct options *options, const char *argument, char *what, size_t room)
{
	unsigned long first, last;
	cpu_set_t ours;

	if (sched_getaffinity(0, sizeof(ours), &ours))
		return fail(what, room, "%s", strerror(errno));
	options->host_cpu_count = 0;
	do {
		argument = take_range(argument, &first, &last);
		if (!argument || (*argument && *argument != ','))
			return fail(what, room, "must be processors of this machine, for example 0 or 0,2-3");
		for (unsigned long cpu = first; cpu <= last; cpu++) {
			if (!CPU_ISSET(cpu, &ours))
				return fail(what, room, "processor %lu is not one that this process may run on", cpu);
			if (options->host_cpu_count >= OPTIONS_HOST_CPUS_MAX)
				return fail(what, room, "more than %d processors", OPTIONS_HOST_CPUS_MAX);
			options->host_cpus[options->host_cpu_count++] = (unsigned int)cpu;
		}
	} while (*argument++);
	return 0;
}
