// SPDX-License-Identifier: GPL-2.0
/*
 * Control socket. See control.h. A client is a small machine that waits for one thing at any time:
 * to receive until a line is complete, or to send until its answer is out. So a client that does
 * not read stops only itself; or for an answer that takes its time, and then for nothing else. What the
 * commands do is control_command.c's. The loop only polls; no buffer is ever in the kernel's hands, so all
 * may be freed once the loop has returned.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control_internal.h"
#include "error.h"
#include "log.h"
#include "machine.h"
#include "unix_socket.h"

#define LINE_MAX_BYTES 65536
#define CLIENTS_MAX 16
struct client {
	struct loop_op op; /* first: done() gets back to the client by a cast */
	struct control *control;
	int fd;
	bool sending;
	bool closing; /* after the answer */
	bool quit; /* after the answer */
	bool dropped; /* to make place for another */
	uint64_t turn; /* when it last did something */
	struct control_call *call; /* that it waits for; then op is idle */
	char line[LINE_MAX_BYTES];
	size_t filled;
	char *answer;
	size_t sent;
};

struct control {
	struct loop_op op; /* accept, or a pause before it */
	struct machine *machine;
	int fd;
	bool accepting; /* op is in flight */
	bool crowded; /* somebody waits for a place */
	bool short_of_files; /* and that has been logged */
	uint64_t turn;
	char path[UNIX_SOCKET_PATH_BYTES];
	struct client *clients[CLIENTS_MAX];
};

static void close_client(struct client *client)
{
	struct control *control = client->control;

	for (unsigned int i = 0; i < CLIENTS_MAX; i++)
		if (control->clients[i] == client)
			control->clients[i] = NULL;
	if (client->call)
		client->call->client = NULL;
	close(client->fd);
	free(client->answer);
	free(client);
}

static void accept_client(struct control *control);

static void wait_for(struct client *client, bool sending)
{
	client->sending = sending;
	client->turn = ++client->control->turn;
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

static void end_client(struct client *client)
{
	struct control *control = client->control;

	close_client(client);
	accept_client(control); /* if it had stopped because all places were taken */
}

void control_answer(struct control_call *call, json_t *answer)
{
	struct client *client = call->client;

	if (call->starting) {
		call->answer = answer;
		return;
	}
	free(call);
	if (!client) {
		json_decref(answer);
		return;
	}
	client->call = NULL;
	if (!send_answer(client, answer))
		end_client(client);
}

/* Return: the answer, or NULL, also where client->call says that it comes later. */
static json_t *answer_line(struct client *client, const char *line, size_t length)
{
	json_error_t wrong;
	json_t *request = json_loadb(line, length, JSON_REJECT_DUPLICATES, &wrong);
	struct control_call *call = calloc(1, sizeof(*call));
	json_t *answer = NULL;
	char text[200];

	if (!request) {
		snprintf(text, sizeof(text), "not JSON: %.160s", wrong.text);
		answer = control_error("GenericError", text);
	} else if (call) {
		call->client = client;
		answer = control_run(client->control->machine, request, call);
		client->quit = call->quit;
	}
	json_decref(request);
	if (call && call->later)
		client->call = call;
	else
		free(call);
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
		if (client->call)
			return true;
		if (!blank)
			return send_answer(client, answer);
	}
	if (client->filled == sizeof(client->line)) {
		client->closing = true;
		return send_answer(client, control_error("GenericError", "the line is too long"));
	}
	wait_for(client, false);
	if (client->control->crowded)
		accept_client(client->control);
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
	bool alive = result >= 0 && !client->dropped;

	if (alive && (client->sending ? send_rest(client) : receive(client)))
		return;
	/* After the answer, or without it if the client did not wait for that. */
	if (client->quit)
		vm_stop(client->control->machine->vm, VM_POWERED_OFF);
	end_client(client);
}

static struct client **free_place(struct control *control)
{
	for (unsigned int i = 0; i < CLIENTS_MAX; i++)
		if (!control->clients[i])
			return &control->clients[i];
	return NULL;
}

/*
 * A client that only sits there must not keep others out: of those with nothing asked and nothing to send
 * the one that has been so longest is hung up on. Its poll ends with that, and then so does it.
 */
static bool drop_idle(struct control *control)
{
	struct client *oldest = NULL;

	for (unsigned int i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = control->clients[i];

		if (!client || client->call || client->sending || client->filled)
			continue;
		if (client->dropped)
			return true;
		if (!oldest || client->turn < oldest->turn)
			oldest = client;
	}
	if (!oldest)
		return false;
	oldest->dropped = true;
	shutdown(oldest->fd, SHUT_RDWR);
	return true;
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

/*
 * Without descriptors or memory the connection stays where it is and the poll would end at once, again and
 * again: an idle client gives up its own, or we wait a little.
 */
static void cannot_accept(struct control *control, int error)
{
	static const struct __kernel_timespec pause = { .tv_nsec = 200000000 };

	if (error == EINTR || error == ECONNABORTED || error == EAGAIN) {
		accept_client(control);
		return;
	}
	if (!control->short_of_files)
		log_warn("--control %s: %s", control->path, strerror(error));
	control->short_of_files = true;
	drop_idle(control);
	control->accepting = true;
	io_uring_prep_timeout(loop_sqe(control->machine->loop, &control->op),
			      (struct __kernel_timespec *)&pause, 0, 0);
}

static void connected(struct loop_op *op, int result)
{
	struct control *control = (struct control *)op;
	struct client **place = free_place(control);
	int fd;

	control->accepting = false;
	if (result == -ETIME) {
		accept_client(control);
		return;
	}
	if (!place) {
		control->crowded = true;
		drop_idle(control);
		return; /* until a place is free, or a client idle */
	}
	fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0) {
		cannot_accept(control, result < 0 ? -result : errno);
		return;
	}
	control->short_of_files = false;
	add_client(control, place, fd);
	accept_client(control);
}

static void accept_client(struct control *control)
{
	control->crowded = false;
	if (control->accepting)
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
		error_set(error, "--control %.180s: %s", path, strerror(-ret));
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
