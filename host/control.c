// SPDX-License-Identifier: GPL-2.0
/*
 * Control socket. See control.h. A client is a small machine that waits for one thing at any time:
 * to receive until a line is complete, or to send until its answer is out. So a client that does
 * not read stops only itself. The loop only polls; no buffer is ever in the kernel's hands, so all
 * may be freed once the loop has returned.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control.h"
#include "log.h"
#include "machine.h"
#include "unix_socket.h"

#define LINE_MAX_BYTES 65536
#define CLIENTS_MAX 16
#define ARGUMENTS_MAX 2
_Static_assert(CONTROL_ERROR_BYTES >= FAULT_ERROR_BYTES, "errors of rules");

struct client {
	struct loop_op op; /* first: done() gets back to the client by a cast */
	struct control *control;
	int fd;
	bool sending;
	bool closing; /* after the answer */
	bool quit; /* after the answer */
	char line[LINE_MAX_BYTES];
	size_t filled;
	char *answer;
	size_t sent;
};

struct control {
	struct loop_op op; /* accept */
	struct machine *machine;
	int fd;
	bool accepting;
	char path[UNIX_SOCKET_PATH_BYTES];
	struct client *clients[CLIENTS_MAX];
};

/* Return: NULL, and what is wrong in @error (CONTROL_ERROR_BYTES). */
struct command {
	const char *name;
	json_t *(*run)(struct machine *machine, const json_t *arguments, char *error);
	const char *takes[ARGUMENTS_MAX]; /* names of its arguments; all must be there */
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
			 vm_stopped(machine->vm) ? "stopping" : "running", "cpus", options->cpus,
			 "memory", (json_int_t)options->memory, "hyperv", options->hyperv,
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

static json_t *add_fault(struct machine *machine, const json_t *arguments, char *error)
{
	const char *rule = json_string_value(json_object_get(arguments, "rule"));
	int id;

	if (!rule) {
		snprintf(error, CONTROL_ERROR_BYTES, "rule must be a string");
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
	snprintf(error, CONTROL_ERROR_BYTES, "there is no rule with that id");
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
	{ .name = "fault-add", .run = add_fault, .takes = { "rule" } },
	{ .name = "fault-remove", .run = remove_fault, .takes = { "id" } },
	{ .name = "fault-list", .run = list_faults },
	{ .name = "fault-clear", .run = clear_faults },
	{ .name = "quit", .run = quit, .quit = true },
};

/* A description may quote the client, and cut in the middle of a character, which JSON refuses. */
static json_t *error_answer(const char *class, const char *description)
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

static bool takes(const struct command *command, const char *argument)
{
	for (size_t i = 0; i < ARGUMENTS_MAX; i++)
		if (command->takes[i] && !strcmp(command->takes[i], argument))
			return true;
	return false;
}

/* Naming an argument that a command does not take is a mistake that we should not hide. */
static bool arguments_fit(const struct command *command, const json_t *arguments, char *error)
{
	const char *name;
	json_t *value;

	if (arguments && !json_is_object(arguments)) {
		snprintf(error, CONTROL_ERROR_BYTES, "\"arguments\" must be an object");
		return false;
	}
	json_object_foreach((json_t *)arguments, name, value) {
		if (takes(command, name))
			continue;
		snprintf(error, CONTROL_ERROR_BYTES, "%s takes no %s%.80s", command->name,
			 command->takes[0] ? "" : "arguments, not even ", name);
		return false;
	}
	for (size_t i = 0; i < ARGUMENTS_MAX && command->takes[i]; i++) {
		if (json_object_get(arguments, command->takes[i]))
			continue;
		snprintf(error, CONTROL_ERROR_BYTES, "%s needs %s", command->name,
			 command->takes[i]);
		return false;
	}
	return true;
}

static json_t *run_command(struct client *client, const json_t *request)
{
	const char *name = json_string_value(json_object_get(request, "execute"));
	const json_t *arguments = json_object_get(request, "arguments");
	char error[CONTROL_ERROR_BYTES] = "out of memory";
	const struct command *command;
	json_t *result;

	if (!name)
		return error_answer("GenericError",
				    "a request is an object with a string \"execute\"");
	command = find_command(name);
	if (!command) {
		snprintf(error, sizeof(error), "unknown command '%.80s'", name);
		return error_answer("CommandNotFound", error);
	}
	if (!arguments_fit(command, arguments, error))
		return error_answer("GenericError", error);
	result = command->run(client->control->machine, arguments, error);
	if (!result)
		return error_answer("GenericError", error);
	client->quit = command->quit;
	return json_pack("{s:o}", "return", result);
}

static void close_client(struct client *client)
{
	struct control *control = client->control;

	for (unsigned int i = 0; i < CLIENTS_MAX; i++)
		if (control->clients[i] == client)
			control->clients[i] = NULL;
	close(client->fd);
	free(client->answer);
	free(client);
}

static void accept_client(struct control *control);

static void wait_for(struct client *client, bool sending)
{
	client->sending = sending;
	io_uring_prep_poll_add(loop_sqe(client->control->machine->loop, &client->op), client->fd,
			       sending ? POLLOUT : POLLIN);
}

/* Takes the reference of @answer. Return: false if there was no memory for it. */
static bool send_answer(struct client *client, json_t *answer)
{
	char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;

	json_decref(answer);
	client->sent = 0;
	client->answer = NULL;
	if (text && asprintf(&client->answer, "%s\n", text) < 0)
		client->answer = NULL;
	free(text);
	if (!client->answer)
		return false;
	wait_for(client, true);
	return true;
}

static json_t *answer_line(struct client *client, const char *line, size_t length)
{
	json_error_t wrong;
	json_t *request = json_loadb(line, length, JSON_REJECT_DUPLICATES, &wrong);
	json_t *answer;
	char text[200];

	if (!request) {
		snprintf(text, sizeof(text), "not JSON: %.160s", wrong.text);
		return error_answer("GenericError", text);
	}
	answer = run_command(client, request);
	json_decref(request);
	return answer;
}

/*
 * Answers the first complete line, or receives more. Return: false if the client is to be closed.
 */
static bool next_line(struct client *client)
{
	char *end;

	while ((end = memchr(client->line, '\n', client->filled))) {
		size_t length = end - client->line;
		bool blank = strspn(client->line, " \t\r\n") >= length;
		json_t *answer = blank ? NULL : answer_line(client, client->line, length);

		client->filled -= length + 1;
		memmove(client->line, end + 1, client->filled);
		if (!blank)
			return send_answer(client, answer);
	}
	if (client->filled == sizeof(client->line)) {
		client->closing = true;
		return send_answer(client, error_answer("GenericError", "the line is too long"));
	}
	wait_for(client, false);
	return true;
}

static bool receive(struct client *client)
{
	ssize_t got = recv(client->fd, client->line + client->filled,
			   sizeof(client->line) - client->filled, MSG_DONTWAIT);

	if (got < 0 && errno != EAGAIN && errno != EINTR)
		return false;
	if (got == 0)
		return false;
	if (got > 0)
		client->filled += got;
	return next_line(client);
}

static bool send_rest(struct client *client)
{
	const char *rest = client->answer + client->sent;
	ssize_t gone = send(client->fd, rest, strlen(rest), MSG_DONTWAIT | MSG_NOSIGNAL);

	if (gone < 0 && errno != EAGAIN && errno != EINTR)
		return false;
	if (gone > 0)
		client->sent += gone;
	if (client->answer[client->sent]) {
		wait_for(client, true);
		return true;
	}
	free(client->answer);
	client->answer = NULL;
	return !client->closing && !client->quit && next_line(client);
}

static void client_done(struct loop_op *op, int result)
{
	struct client *client = (struct client *)op;
	struct control *control = client->control;

	if (result >= 0 && (client->sending ? send_rest(client) : receive(client)))
		return;
	/* After the answer, or without it if the client did not wait for that. */
	if (client->quit)
		vm_stop(control->machine->vm, VM_POWERED_OFF);
	close_client(client);
	accept_client(control); /* if it had stopped because all places were taken */
}

static struct client **free_place(struct control *control)
{
	for (unsigned int i = 0; i < CLIENTS_MAX; i++)
		if (!control->clients[i])
			return &control->clients[i];
	return NULL;
}

static void add_client(struct control *control, struct client **place, int fd)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client) {
		close(fd);
		return;
	}
	client->op.done = client_done;
	client->control = control;
	client->fd = fd;
	*place = client;
	if (!send_answer(client, json_pack("{s:{s:s}}", "hvis", "version", HVIS_HOST_VERSION)))
		close_client(client);
}

static void connected(struct loop_op *op, int result)
{
	struct control *control = (struct control *)op;
	int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC);

	control->accepting = false;
	if (fd >= 0)
		add_client(control, free_place(control), fd);
	else if (result < 0 || (errno != EINTR && errno != ECONNABORTED && errno != EAGAIN))
		log_warn("--control %s: %s", control->path, strerror(result < 0 ? -result : errno));
	accept_client(control);
}

static void accept_client(struct control *control)
{
	if (control->accepting || !free_place(control))
		return;
	control->accepting = true;
	io_uring_prep_poll_add(loop_sqe(control->machine->loop, &control->op), control->fd, POLLIN);
}

static int listen_at(struct control *control, const char *path)
{
	int fd = unix_socket_listen(path, CLIENTS_MAX);

	if (fd < 0)
		return fd;
	control->fd = fd;
	strcpy(control->path, path); /* ours from here on */
	return 0;
}

struct control *control_create(struct machine *machine, const char *path, char *error)
{
	struct control *control = calloc(1, sizeof(*control));
	int ret = -ENOMEM;

	if (control) {
		control->machine = machine;
		control->op.done = connected;
		control->fd = -1;
		ret = listen_at(control, path);
	}
	if (ret) {
		snprintf(error, CONTROL_ERROR_BYTES, "--control %.180s: %s", path, strerror(-ret));
		control_destroy(control);
		return NULL;
	}
	accept_client(control);
	return control;
}

void control_destroy(struct control *control)
{
	if (!control)
		return;
	for (unsigned int i = 0; i < CLIENTS_MAX; i++)
		if (control->clients[i])
			close_client(control->clients[i]);
	if (control->path[0])
		unlink(control->path);
	if (control->fd >= 0)
		close(control->fd);
	free(control);
}
