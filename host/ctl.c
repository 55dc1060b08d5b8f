// SPDX-License-Identifier: GPL-2.0
/*
 * Control client: connect, read the greeting, send one command, print the answer. See ctl.h.
 */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl.h"
#include "ctl_internal.h"
#include "ctl_stats.h"

#define WATCH_SECONDS_MAX 3600
#define WATCH_HEAD_LINES  20 /* of the table, until its head comes again */
#define WAIT_SECONDS	  60 /* for a guest's memory */
#define WAIT_SECONDS_MAX  86400

/* How a command is carried out beyond its answer; seconds. */
struct manner {
	unsigned int every; /* ask again, and make a table; 0: no */
	unsigned int wait; /* for the guest's memory, at most; 0: no */
};

int ctl_fail(const char *path, const char *what)
{
	fprintf(stderr, "hvis-host: ctl %s: %s\n", path, what);
	return 1;
}

int ctl_connect(const char *path, int flags)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, ret;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	if (fd < 0)
		return -errno;
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

/* A value that is JSON is taken as that (numbers, true, lists), anything else as a string. */
static bool add_argument(json_t *arguments, const char *argument)
{
	const char *value = strchr(argument, '=');
	char key[64];
	json_t *parsed;

	if (!value || value == argument || (size_t)(value - argument) >= sizeof(key))
		return false;
	snprintf(key, sizeof(key), "%.*s", (int)(value - argument), argument);
	value++;
	parsed = json_loads(value, JSON_DECODE_ANY, NULL);
	if (!parsed)
		parsed = json_string(value);
	return parsed && json_object_set_new(arguments, key, parsed) == 0;
}

/* Takes the reference of @values. */
static json_t *pack_request(const char *command, json_t *values)
{
	json_t *request = json_pack("{s:s, s:o}", "execute", command, "arguments", values);

	if (!request)
		fprintf(stderr, "hvis-host: ctl: %.100s: is not valid UTF-8\n", command);
	return request;
}

/* A rule is a string, whatever it looks like. */
static json_t *make_fault_request(int count, char *const *arguments)
{
	static const struct {
		const char *word, *command, *takes;
	} words[] = { { "add", "fault-add", "rule" },
		      { "remove", "fault-remove", "id" },
		      { "list", "fault-list", NULL },
		      { "clear", "fault-clear", NULL } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && count > 1; i++) {
		json_t *values;

		if (strcmp(words[i].word, arguments[1]) || count != (words[i].takes ? 3 : 2))
			continue;
		values = json_object();
		if (words[i].takes)
			json_object_set_new(values, words[i].takes,
					    i ? json_integer(atoll(arguments[2]))
					      : json_string(arguments[2]));
		return pack_request(words[i].command, values);
	}
	fprintf(stderr, "hvis-host: ctl: fault: needs add RULE, remove ID, list or clear\n");
	return NULL;
}

/* Commands whose one argument needs no name: a SPEC as on the command line is full of '='. */
static const char *only_argument(const char *command)
{
	if (!strcmp(command, "disk-add") || !strcmp(command, "controller-add") ||
	    !strcmp(command, "nic-add") ||
	    !strcmp(command, "trace-start"))
		return "spec";
	if (!strcmp(command, "time-offset"))
		return "offset";
	if (!strcmp(command, "tsc-page"))
		return "state";
	return !strcmp(command, "set-memory") ? "size" : NULL;
}

/* "shutdown [--force] [--reason TEXT]", "reboot" alike. */
static json_t *make_shutdown_request(int count, char *const *arguments)
{
	json_t *values = json_object();

	for (int i = 1; i < count; i++) {
		if (!strcmp(arguments[i], "--force")) {
			json_object_set_new(values, "force", json_true());
		} else if (!strcmp(arguments[i], "--reason") && i + 1 < count) {
			json_object_set_new(values, "reason", json_string(arguments[++i]));
		} else {
			fprintf(stderr, "hvis-host: ctl: %s: %.100s: takes --force and --reason TEXT\n", arguments[0], arguments[i]);
			json_decref(values);
			return NULL;
		}
	}
	return pack_request(arguments[0], values);
}

static json_t *make_request(int count, char *const *arguments)
{
	const char *only = only_argument(arguments[0]);
	json_t *values;

	if (!strcmp(arguments[0], "fault"))
		return make_fault_request(count, arguments);
	if (!strcmp(arguments[0], "shutdown") || !strcmp(arguments[0], "reboot"))
		return make_shutdown_request(count, arguments);
	values = json_object();
	if (only && count == 2) {
		json_object_set_new(values, only, json_string(arguments[1]));
		return pack_request(arguments[0], values);
	}
	for (int i = 1; i < count; i++) {
		if (add_argument(values, arguments[i]))
			continue;
		fprintf(stderr, "hvis-host: ctl: %.100s: must be key=value\n", arguments[i]);
		json_decref(values);
		return NULL;
	}
	return pack_request(arguments[0], values);
}

json_t *ctl_read(FILE *file)
{
	char *line = NULL;
	size_t room = 0;
	json_t *result = NULL;

	if (getline(&line, &room, file) > 0)
		result = json_loads(line, 0, NULL);
	free(line);
	return result;
}

int ctl_print(const char *path, json_t *answer)
{
	json_t *result = json_object_get(answer, "return");
	const char *why =
		json_string_value(json_object_get(json_object_get(answer, "error"), "desc"));
	int status = 1;

	if (!answer)
		ctl_fail(path, "closed the connection");
	else if (!result)
		ctl_fail(path, why ? why : "the answer is not one of ours");
	else if (json_dumpf(result, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY) ||
		 putchar('\n') == EOF || fflush(stdout))
		ctl_fail(path, "cannot write to standard output");
	else
		status = 0;
	json_decref(answer);
	return status;
}

bool ctl_send(int fd, json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT);
	bool gone = text && dprintf(fd, "%s\n", text) > 0;

	free(text);
	return gone;
}

static int converse(const char *path, int fd, FILE *from, json_t *request)
{
	return ctl_send(fd, request) ? ctl_print(path, ctl_read(from)) : ctl_fail(path, strerror(errno));
}

/* The command itself, then until it has come to an end. */
static int wait_for_memory(const char *path, int fd, FILE *from, json_t *request, unsigned int seconds)
{
	json_t *answer = ctl_send(fd, request) ? ctl_read(from) : NULL;

	if (!json_object_get(answer, "return"))
		return ctl_print(path, answer);
	json_decref(answer);
	return ctl_memory_wait(path, fd, from, seconds);
}

/* A table of statistics until the host goes, which is how it ends well, or we are interrupted. */
static int watch(const char *path, int fd, FILE *from, json_t *request, unsigned int seconds)
{
	json_t *before = NULL;
	unsigned int line = 0;

	while (ctl_send(fd, request)) {
		json_t *answer = ctl_read(from);
		json_t *stats = json_incref(json_object_get(answer, "return"));

		json_decref(answer);
		if (!stats)
			break;
		if (line % WATCH_HEAD_LINES == 0)
			ctl_stats_head(stdout);
		if (before)
			ctl_stats_line(stdout, before, stats);
		line++;
		json_decref(before);
		before = stats;
		if (ferror(stdout) || fflush(stdout))
			break;
		sleep(seconds);
	}
	json_decref(before);
	if (!line)
		return ctl_fail(path, "closed the connection");
	return ferror(stdout) ? ctl_fail(path, "cannot write to standard output") : 0;
}

/* Takes over @fd. */
static int talk(const char *path, int fd, json_t *request, const struct manner *manner)
{
	FILE *from = fdopen(fd, "r");
	json_t *greeting;
	int status = 1;

	if (!from) {
		close(fd);
		return ctl_fail(path, strerror(errno));
	}
	greeting = ctl_read(from);
	if (!greeting)
		ctl_fail(path, "closed the connection");
	else if (!json_object_get(greeting, "hvis"))
		ctl_fail(path, "is not a control socket of hvis-host");
	else if (manner->wait)
		status = wait_for_memory(path, fd, from, request, manner->wait);
	else
		status = manner->every ? watch(path, fd, from, request, manner->every) : converse(path, fd, from, request);
	json_decref(greeting);
	fclose(from);
	return status;
}

/* Return: false: it is not a number of seconds up to @max. */
static bool seconds_of(const char *text, long max, unsigned int *seconds)
{
	char *end;
	long number = strtol(text, &end, 10);

	*seconds = (unsigned int)number;
	return !*end && end != text && number >= 1 && number <= max;
}

/* "stats [SECONDS]". Return: false, with a line said, if it is neither that nor another command. */
static bool wants_table(int count, char *const *arguments, struct manner *manner)
{
	if (strcmp(arguments[0], "stats"))
		return true;
	manner->every = 1;
	if (count == 1 || (count == 2 && seconds_of(arguments[1], WATCH_SECONDS_MAX, &manner->every)))
		return true;
	fprintf(stderr, "hvis-host: ctl: stats: takes a number of seconds from 1 to %d\n", WATCH_SECONDS_MAX);
	return false;
}

/* "set-memory SIZE --wait[=SECONDS]": takes that away. Return: false, with a line said, where it is wrong. */
static bool wants_wait(int *count, char *const *arguments, struct manner *manner)
{
	const char *last = arguments[*count - 1];

	if (strcmp(arguments[0], "set-memory") || strncmp(last, "--wait", 6))
		return true;
	(*count)--;
	manner->wait = WAIT_SECONDS;
	if (!last[6] || (last[6] == '=' && seconds_of(last + 7, WAIT_SECONDS_MAX, &manner->wait)))
		return true;
	fprintf(stderr, "hvis-host: ctl: set-memory: --wait= takes a number of seconds from 1 to %d\n", WAIT_SECONDS_MAX);
	return false;
}

int ctl_main(int count, char *const *arguments)
{
	struct manner manner = { 0 };
	json_t *request;
	int status, fd;

	if (count < 2) {
		fprintf(stderr, "hvis-host: ctl: needs SOCKET and COMMAND (hvis-host --help)\n");
		return 2;
	}
	count--;
	if (!wants_table(count, arguments + 1, &manner) || !wants_wait(&count, arguments + 1, &manner))
		return 2;
	request = manner.every ? pack_request("query-stats", json_object()) : make_request(count, arguments + 1);
	if (!request)
		return 2;
	signal(SIGPIPE, SIG_IGN); /* a host that goes away is an error to report */
	fd = ctl_connect(arguments[0], 0);
	status = fd < 0 ? ctl_fail(arguments[0], strerror(-fd))
			: talk(arguments[0], fd, request, &manner);
	json_decref(request);
	return status;
}
