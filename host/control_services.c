// SPDX-License-Identifier: GPL-2.0
/*
 * See control_services.h. What arguments mean, and what is answered; what is done is services.c's, pause.c's and tsc_page.c's.
 */
#include "control_services.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "heartbeat.h"
#include "machine.h"
#include "pause.h"
#include "services.h"
#include "timesync.h"

json_t *control_query_services(struct machine *machine, const json_t *arguments, char *error)
{
	(void)arguments;
	(void)error;
	return services_query(machine);
}

json_t *control_heartbeat(struct machine *machine, const json_t *arguments, char *error)
{
	(void)arguments;
	return services_heartbeat(machine, error);
}

bool control_parse_offset(const char *text, int64_t *offset)
{
	static const struct {
		const char *unit;
		int64_t ns;
	} units[] = { { "", 1000000000 },    { "s", 1000000000 },	 { "ms", 1000000 },
		      { "us", 1000 },	     { "m", 60 * 1000000000ll }, { "h", 3600 * 1000000000ll } };
	long long number;
	char *end;

	if (!strchr("+-0123456789", *text) || !*text)
		return false;
	number = strtoll(text, &end, 10); /* too many digits: as far as it goes, which is too far */
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]) && end != text; i++) {
		if (strcmp(units[i].unit, end))
			continue;
		if (__builtin_mul_overflow(number, units[i].ns, offset))
			*offset = number < 0 ? INT64_MIN : INT64_MAX;
		return true;
	}
	return false;
}

/* "0" to undo it; a number is seconds. */
json_t *control_time_offset(struct machine *machine, const json_t *arguments, char *error)
{
	const json_t *value = json_object_get(arguments, "offset");
	const char *text = json_string_value(value);
	char number[24];
	int64_t offset;

	if (json_is_integer(value)) {
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
		text = number;
	}
	if (!text || !control_parse_offset(text, &offset)) {
		error_set(error, "offset must be a time with its sign, for example +1h, -250ms or 0");
		return NULL;
	}
	return services_set_offset(machine, offset, error) ? NULL : timesync_query(machine->timesync);
}

json_t *control_pause(struct machine *machine, const json_t *arguments, char *error)
{
	(void)arguments;
	if (pause_machine(machine, error))
		return NULL;
	return json_pack("{s:s, s:s}", "status", "paused", "clocks", pause_clock_stands(machine) ? "stopped" : "running");
}

json_t *control_resume(struct machine *machine, const json_t *arguments, char *error)
{
	(void)arguments;
	return pause_end(machine, error) ? NULL : json_pack("{s:s}", "status", "running");
}

struct page_question {
	struct tsc_page *page;
	enum tsc_page_act act;
	uint32_t sequence;
	bool there;
};

static void ask_page(int fd, void *argument)
{
	struct page_question *question = argument;

	question->there = tsc_page_act(question->page, fd, question->act, &question->sequence);
}

json_t *control_tsc_page(struct machine *machine, const json_t *arguments, char *error)
{
	const char *state = json_string_value(json_object_get(arguments, "state"));
	struct page_question question = { .page = &machine->tsc_page, .act = TSC_PAGE_LOOK };

	if (state && !strcmp(state, "invalid"))
		question.act = TSC_PAGE_INVALID;
	else if (state && !strcmp(state, "valid"))
		question.act = TSC_PAGE_VALID;
	if (question.act == TSC_PAGE_LOOK || !machine->options->hyperv) {
		error_set(error, "%s", machine->options->hyperv ? "state must be invalid or valid" : "there is no Hyper-V");
		return NULL;
	}
	vcpus_call(machine->vcpus, 0, ask_page, &question);
	if (question.there)
		return json_pack("{s:I}", "sequence", (json_int_t)question.sequence);
	error_set(error, "the guest has no reference TSC page");
	return NULL;
}

static int ask(struct machine *machine, uint32_t flags, const json_t *arguments, struct control_call *call, char *error)
{
	const json_t *force = json_object_get(arguments, "force"), *reason = json_object_get(arguments, "reason");

	if ((force && !json_is_boolean(force)) || (reason && !json_is_string(reason)))
		return error_set(error, "force must be true or false, and reason a text");
	if (json_is_true(force))
		flags |= IC_SHUTDOWN_FORCE;
	return services_shutdown(machine, flags, json_string_value(reason), control_ended, call, error);
}

int control_shutdown(struct machine *machine, const json_t *arguments, struct control_call *call, char *error)
{
	return ask(machine, IC_SHUTDOWN_POWER_OFF, arguments, call, error);
}

int control_reboot(struct machine *machine, const json_t *arguments, struct control_call *call, char *error)
{
	return ask(machine, IC_SHUTDOWN_REBOOT, arguments, call, error);
}
