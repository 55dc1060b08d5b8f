// SPDX-License-Identifier: GPL-2.0
/*
 * The commands of the control socket: which there are, what arguments they take, what they do. Who asks
 * and how the answer gets there is control.c's.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control_internal.h"
#include "control_services.h"
#include "error.h"
#include "machine.h"
#include "network.h"
#include "options_trace.h"
#include "ram.h"
#include "storage.h"

#define ARGUMENTS_MAX 4

/*
 * A command answers at once (run: NULL, and what is wrong in @error, ERROR_BYTES), or when it is
 * done (start: 0, or -1 and @error).
 */
struct command {
	const char *name;
	json_t *(*run)(struct machine *machine, const json_t *arguments, char *error);
	int (*start)(struct machine *machine, const json_t *arguments, struct control_call *call,
		     char *error);
	const char *takes[ARGUMENTS_MAX]; /* names of its arguments; "may:NAME" may be left out */
	bool quit;
};

static json_t *query_status(struct machine *machine, const json_t *arguments, char *error)
{
	const struct options *options = machine->options;
	struct timespec now;

	(void)arguments;
	(void)error;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return json_pack("{s:s, s:i, s:I, s:b, s:i}", "status",
			 vm_stopped(machine->vm) ? "stopping" : machine->paused ? "paused" : "running", "cpus", options->cpus,
			 "memory", (json_int_t)options->memory.startup, "hyperv", options->hyperv,
			 "uptime_seconds", (int)(now.tv_sec - machine->started.tv_sec));
}

static json_t *query_stats(struct machine *machine, const json_t *arguments, char *error)
{
	(void)arguments;
	(void)error;
	return stats_query(machine);
}

static json_t *query_vmbus(struct machine *machine, const json_t *arguments, char *error)
{
	(void)arguments;
	(void)error;
	return vmbus_query(machine->vmbus);
}

static json_t *query_disks(struct machine *machine, const json_t *arguments, char *error)
{
	(void)arguments;
	(void)error;
	return stats_query_disks(machine);
}

static json_t *query_nics(struct machine *machine, const json_t *arguments, char *error)
{
	(void)arguments;
	(void)error;
	return network_query(machine);
}

static json_t *add_fault(struct machine *machine, const json_t *arguments, char *error)
{
	const char *rule = json_string_value(json_object_get(arguments, "rule"));
	int id;

	if (!rule) {
		error_set(error, "rule must be a string");
		return NULL;
	}
	id = vmbus_fault_add(machine->vmbus, rule, error);
	return id > 0 ? json_pack("{s:i}", "id", id) : NULL;
}

static json_t *remove_fault(struct machine *machine, const json_t *arguments, char *error)
{
	json_int_t id = json_integer_value(json_object_get(arguments, "id"));

	if (id > 0 && id <= INT_MAX && vmbus_fault_remove(machine->vmbus, id))
		return json_object();
	error_set(error, "there is no rule with that id");
	return NULL;
}

static json_t *list_faults(struct machine *machine, const json_t *arguments, char *error)
{
	(void)arguments;
	(void)error;
	return fault_list(machine->fault);
}

static json_t *clear_faults(struct machine *machine, const json_t *arguments, char *error)
{
	(void)arguments;
	(void)error;
	return json_pack("{s:i}", "removed", (int)vmbus_fault_remove(machine->vmbus, 0));
}

/* How a command that takes its time ended. */
void control_ended(void *context, const char *why)
{
	control_answer(context, why ? control_error("GenericError", why)
				    : json_pack("{s:{}}", "return"));
}

static json_t *add_disk(struct machine *machine, const json_t *arguments, char *error)
{
	const char *spec = json_string_value(json_object_get(arguments, "spec"));

	if (spec)
		return storage_add_disk(machine, spec, error);
	error_set(error, "spec must be a string, as --disk takes it");
	return NULL;
}

static json_t *add_controller(struct machine *machine, const json_t *arguments, char *error)
{
	const char *spec = json_string_value(json_object_get(arguments, "spec"));

	if (spec)
		return storage_add_controller(machine, spec, error);
	error_set(error, "spec must be a string, as --controller takes it");
	return NULL;
}

/* A number from 0 on. Return: 0 or -1. */
static int number_of(const json_t *arguments, const char *name, unsigned int *number, char *error)
{
	const json_t *value = json_object_get(arguments, name);
	json_int_t given = json_integer_value(value);

	if (!json_is_integer(value) || given < 0 || given > INT_MAX) {
		error_set(error, "%s must be a number", name);
		return -1;
	}
	*number = (unsigned int)given;
	return 0;
}

static int remove_disk(struct machine *machine, const json_t *arguments, struct control_call *call,
		       char *error)
{
	unsigned int controller, lun;

	if (number_of(arguments, "controller", &controller, error) ||
	    number_of(arguments, "lun", &lun, error))
		return -1;
	return storage_remove_disk(machine, controller, lun, control_ended, call, error);
}

/* A number of bytes, or a string with a unit. */
static int size_of(const json_t *value, uint64_t *bytes, char *error)
{
	const char *text = json_string_value(value);

	if (json_is_integer(value) && json_integer_value(value) >= 0) {
		*bytes = (uint64_t)json_integer_value(value);
		return 0;
	}
	if (text && options_parse_size(text, bytes))
		return 0;
	return error_set(error, "size must be a size, for example 512M or 2G");
}

static int resize_disk(struct machine *machine, const json_t *arguments, struct control_call *call,
		       char *error)
{
	const json_t *shrink = json_object_get(arguments, "shrink");
	unsigned int controller, lun;
	uint64_t bytes;

	if (number_of(arguments, "controller", &controller, error) ||
	    number_of(arguments, "lun", &lun, error) ||
	    size_of(json_object_get(arguments, "size"), &bytes, error))
		return -1;
	if (shrink && !json_is_boolean(shrink))
		return error_set(error, "shrink must be true or false");
	return storage_resize_disk(machine, controller, lun, bytes, json_is_true(shrink), control_ended,
				   call, error);
}

static int remove_controller(struct machine *machine, const json_t *arguments,
			     struct control_call *call, char *error)
{
	unsigned int controller;

	if (number_of(arguments, "controller", &controller, error))
		return -1;
	return storage_remove_controller(machine, controller, control_ended, call, error);
}

static json_t *add_nic(struct machine *machine, const json_t *arguments, char *error)
{
	const char *spec = json_string_value(json_object_get(arguments, "spec"));

	if (spec)
		return network_add(machine, spec, error);
	error_set(error, "spec must be a string, as --nic takes it");
	return NULL;
}

static int remove_nic(struct machine *machine, const json_t *arguments, struct control_call *call, char *error)
{
	unsigned int nic;

	if (number_of(arguments, "nic", &nic, error))
		return -1;
	return network_remove(machine, nic, control_ended, call, error);
}

static json_t *set_link(struct machine *machine, const json_t *arguments, char *error)
{
	const char *link = json_string_value(json_object_get(arguments, "link"));
	unsigned int nic;

	if (number_of(arguments, "nic", &nic, error))
		return NULL;
	if (!link || (strcmp(link, "up") && strcmp(link, "down"))) {
		error_set(error, "link must be up or down");
		return NULL;
	}
	return network_set_link(machine, nic, !strcmp(link, "up"), error) ? NULL : json_object();
}

static json_t *query_memory(struct machine *machine, const json_t *arguments, char *error)
{
	(void)arguments;
	(void)error;
	return ram_query(machine);
}

/* A size, or "auto". The guest is asked from now on; the answer says what it has so far. */
static json_t *set_memory(struct machine *machine, const json_t *arguments, char *error)
{
	const json_t *value = json_object_get(arguments, "size");
	const char *text = json_string_value(value);
	uint64_t bytes;
	int ret;

	if (text && !strcmp(text, "auto")) {
		ret = ram_set_auto(machine, error);
	} else {
		ret = size_of(value, &bytes, error);
		if (!ret)
			ret = ram_set(machine, bytes, error);
	}
	return ret ? NULL : ram_query(machine);
}

/* As --trace; the path is the host's. */
static json_t *start_trace(struct machine *machine, const json_t *arguments, char *error)
{
	const char *spec = json_string_value(json_object_get(arguments, "spec"));
	char why[ERROR_BYTES] = "must be a string, as --trace takes it";
	struct trace_options options;
	char *copy = NULL;
	bool started;

	started = spec && !option_trace_parse(&options, spec, &copy, why, sizeof(why)) &&
		  !trace_start(machine->trace, &options, why);
	free(copy);
	if (started)
		return trace_query(machine->trace);
	error_set(error, "%.80s: %.160s", spec ? spec : "spec", why);
	return NULL;
}

/* The file is complete when the answer comes. */
static json_t *stop_trace(struct machine *machine, const json_t *arguments, char *error)
{
	char why[ERROR_BYTES];

	(void)arguments;
	if (!trace_stop(machine->trace, why))
		return trace_query(machine->trace);
	error_set(error, "%.200s", why);
	return NULL;
}

static json_t *quit(struct machine *machine, const json_t *arguments, char *error)
{
	(void)machine;
	(void)arguments;
	(void)error;
	return json_object();
}

static const struct command commands[] = {
	{ .name = "query-status", .run = query_status },
	{ .name = "query-stats", .run = query_stats },
	{ .name = "query-vmbus", .run = query_vmbus },
	{ .name = "query-disks", .run = query_disks },
	{ .name = "query-nics", .run = query_nics },
	{ .name = "disk-add", .run = add_disk, .takes = { "spec" } },
	{ .name = "disk-remove", .start = remove_disk, .takes = { "controller", "lun" } },
	{ .name = "disk-resize",
	  .start = resize_disk,
	  .takes = { "controller", "lun", "size", "may:shrink" } },
	{ .name = "controller-add", .run = add_controller, .takes = { "spec" } },
	{ .name = "controller-remove", .start = remove_controller, .takes = { "controller" } },
	{ .name = "nic-add", .run = add_nic, .takes = { "spec" } },
	{ .name = "nic-remove", .start = remove_nic, .takes = { "nic" } },
	{ .name = "nic-link", .run = set_link, .takes = { "nic", "link" } },
	{ .name = "query-memory", .run = query_memory },
	{ .name = "set-memory", .run = set_memory, .takes = { "size" } },
	{ .name = "query-services", .run = control_query_services },
	{ .name = "heartbeat", .run = control_heartbeat },
	{ .name = "time-offset", .run = control_time_offset, .takes = { "offset" } },
	{ .name = "shutdown", .start = control_shutdown, .takes = { "may:force", "may:reason" } },
	{ .name = "reboot", .start = control_reboot, .takes = { "may:force", "may:reason" } },
	{ .name = "pause", .run = control_pause },
	{ .name = "resume", .run = control_resume },
	{ .name = "tsc-page", .run = control_tsc_page, .takes = { "state" } },
	{ .name = "fault-add", .run = add_fault, .takes = { "rule" } },
	{ .name = "fault-remove", .run = remove_fault, .takes = { "id" } },
	{ .name = "fault-list", .run = list_faults },
	{ .name = "fault-clear", .run = clear_faults },
	{ .name = "trace-start", .run = start_trace, .takes = { "spec" } },
	{ .name = "trace-stop", .run = stop_trace },
	{ .name = "quit", .run = quit, .quit = true },
};

/* A description may quote the client, and cut in the middle of a character, which JSON refuses. */
json_t *control_error(const char *class, const char *description)
{
	json_t *text = json_string(description);

	if (!text)
		text = json_string("the request is not valid UTF-8");
	return json_pack("{s:{s:s, s:o}}", "error", "class", class, "desc", text);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

#define OPTIONAL "may:"

static bool optional(const char *name)
{
	return !strncmp(name, OPTIONAL, sizeof(OPTIONAL) - 1);
}

static bool takes(const struct command *command, const char *argument)
{
	for (size_t i = 0; i < ARGUMENTS_MAX && command->takes[i]; i++) {
		const char *name = command->takes[i];

		if (!strcmp(optional(name) ? name + sizeof(OPTIONAL) - 1 : name, argument))
			return true;
	}
	return false;
}

/* Naming an argument that a command does not take is a mistake that we should not hide. */
static bool arguments_fit(const struct command *command, const json_t *arguments, char *error)
{
	const char *name;
	json_t *value;

	if (arguments && !json_is_object(arguments)) {
		error_set(error, "\"arguments\" must be an object");
		return false;
	}
	json_object_foreach((json_t *)arguments, name, value) {
		if (takes(command, name))
			continue;
		error_set(error, "%s takes no %s%.80s", command->name, command->takes[0] ? "" : "arguments, not even ", name);
		return false;
	}
	for (size_t i = 0; i < ARGUMENTS_MAX && command->takes[i]; i++) {
		if (optional(command->takes[i]) ||
		    json_object_get(arguments, command->takes[i]))
			continue;
		error_set(error, "%s needs %s", command->name, command->takes[i]);
		return false;
	}
	return true;
}

static json_t *start(const struct command *command, struct machine *machine,
		     const json_t *arguments, struct control_call *call, char *error)
{
	int ret;

	call->starting = true;
	ret = command->start(machine, arguments, call, error);
	call->starting = false;
	if (ret)
		return control_error("GenericError", error);
	call->later = !call->answer;
	return call->answer;
}

json_t *control_run(struct machine *machine, const json_t *request, struct control_call *call)
{
	const char *name = json_string_value(json_object_get(request, "execute"));
	const json_t *arguments = json_object_get(request, "arguments");
	char error[ERROR_BYTES] = "out of memory";
	const struct command *command;
	json_t *result;

	if (!name)
		return control_error("GenericError",
				     "a request is an object with a string \"execute\"");
	command = find_command(name);
	if (!command) {
		snprintf(error, sizeof(error), "unknown command '%.80s'", name);
		return control_error("CommandNotFound", error);
	}
	if (!arguments_fit(command, arguments, error))
		return control_error("GenericError", error);
	if (command->start)
		return start(command, machine, arguments, call, error);
	result = command->run(machine, arguments, error);
	if (!result)
		return control_error("GenericError", error);
	call->quit = command->quit;
	return json_pack("{s:o}", "return", result);
}
