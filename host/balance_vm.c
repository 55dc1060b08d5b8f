// SPDX-License-Identifier: GPL-2.0
/*
 * See balance_vm.h.
 * Invariant: at most one request of ours is unanswered on a socket, so each answer is the one to it.
 */
#include "balance_vm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl_internal.h"

#define LINE_BYTES 65536u

void balance_vm_init(struct balance_member *vm, const char *path)
{
	const char *slash = strrchr(path, '/');

	*vm = (struct balance_member){ .path = path, .name = slash && slash[1] ? slash + 1 : path, .fd = -1 };
}

/* A VM that has gone has no memory any more. */
static void hang_up(struct balance_member *vm, const char *why)
{
	if (!vm->told)
		fprintf(stderr, "hvis-host: balance: %s: %s\n", vm->path, why);
	vm->told = true;
	if (vm->fd >= 0)
		close(vm->fd);
	free(vm->line);
	vm->line = NULL;
	vm->fd = -1;
	vm->filled = 0;
	vm->missed = 0;
	vm->seen = false;
	vm->link = BALANCE_DEAD;
}

void balance_vm_free(struct balance_member *vm)
{
	vm->told = true;
	hang_up(vm, "");
}

static void send_request(struct balance_member *vm, json_t *request)
{
	char line[256];
	size_t length = json_dumpb(request, line, sizeof(line) - 1, JSON_COMPACT);

	json_decref(request);
	line[length++] = '\n';
	/* A socket that has no room for a short line although all before it was answered is none to wait for. */
	if (send(vm->fd, line, length, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)length)
		vm->link = BALANCE_ASKED;
	else
		hang_up(vm, "closed the connection");
}

static void connect_vm(struct balance_member *vm)
{
	int fd = ctl_connect(vm->path, SOCK_NONBLOCK);

	if (fd < 0) {
		hang_up(vm, strerror(-fd));
		return;
	}
	vm->fd = fd;
	vm->line = malloc(LINE_BYTES);
	vm->link = BALANCE_GREETED;
	if (!vm->line)
		hang_up(vm, "out of memory");
}

void balance_vm_ask(struct balance_member *vm)
{
	if (vm->link == BALANCE_DEAD)
		connect_vm(vm);
	else if (vm->link == BALANCE_IDLE)
		send_request(vm, json_pack("{s:s}", "execute", "query-memory"));
	else
		vm->missed++;
}

void balance_vm_set(struct balance_member *vm, uint64_t bytes)
{
	if (vm->link != BALANCE_IDLE)
		return;
	vm->numbers.target = bytes;
	send_request(vm, json_pack("{s:s, s:{s:I}}", "execute", "set-memory", "arguments", "size", (json_int_t)bytes));
}

struct pollfd balance_vm_poll(const struct balance_member *vm)
{
	bool due = vm->link == BALANCE_GREETED || vm->link == BALANCE_ASKED;

	return (struct pollfd){ .fd = due ? vm->fd : -1, .events = POLLIN };
}

static uint64_t number(const json_t *memory, const char *name)
{
	json_int_t value = json_integer_value(json_object_get(memory, name));

	return value > 0 ? (uint64_t)value : 0;
}

/* Return: NULL, or why these are no numbers to work with. */
static const char *take_numbers(struct balance_member *vm, const json_t *memory)
{
	const char *progress = json_string_value(json_object_get(memory, "progress"));
	struct balance_vm numbers = {
		.min = number(memory, "min"),
		.max = number(memory, "max"),
		.assigned = number(memory, "assigned"),
		.target = number(memory, "target"),
		.demand = number(memory, "demand"),
		.weight = (unsigned int)number(memory, "weight"),
	};

	if (!json_is_true(json_object_get(memory, "dynamic")))
		return "its memory is not dynamic (--memory startup=SIZE,min=SIZE,max=SIZE)";
	if (!progress || !numbers.weight || !numbers.assigned || numbers.min > numbers.max)
		return "what it says of its memory makes no sense";
	numbers.known = json_is_integer(json_object_get(memory, "demand")) && strcmp(progress, "no-driver") && strcmp(progress, "silent");
	snprintf(vm->progress, sizeof(vm->progress), "%s", progress);
	vm->rss = (json_int_t)number(memory, "rss");
	vm->numbers = numbers;
	vm->seen = true;
	vm->told = false;
	return NULL;
}

static void take_answer(struct balance_member *vm, json_t *answer)
{
	const char *desc = json_string_value(json_object_get(json_object_get(answer, "error"), "desc"));
	const json_t *memory = json_object_get(answer, "return");
	const char *why = memory ? take_numbers(vm, memory) : desc ? desc : "is not a control socket of hvis-host";

	vm->missed = 0;
	if (why)
		hang_up(vm, why);
	else
		vm->link = BALANCE_IDLE;
}

static void take_line(struct balance_member *vm, size_t length)
{
	json_t *line = json_loadb(vm->line, length, 0, NULL);

	vm->filled = 0;
	if (vm->link == BALANCE_ASKED) {
		take_answer(vm, line);
	} else if (json_object_get(line, "hvis")) {
		vm->link = BALANCE_IDLE;
		balance_vm_ask(vm);
	} else {
		hang_up(vm, "is not a control socket of hvis-host");
	}
	json_decref(line);
}

void balance_vm_read(struct balance_member *vm)
{
	ssize_t got = recv(vm->fd, vm->line + vm->filled, LINE_BYTES - vm->filled, MSG_DONTWAIT);
	const char *end;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	vm->filled += got > 0 ? (size_t)got : 0;
	if (got <= 0 || vm->filled == LINE_BYTES) {
		hang_up(vm, "closed the connection");
		return;
	}
	end = memchr(vm->line, '\n', vm->filled);
	if (end)
		take_line(vm, (size_t)(end - vm->line));
}

const char *balance_vm_state(const struct balance_member *vm)
{
	if (vm->link == BALANCE_DEAD)
		return "gone";
	return !vm->seen || vm->missed ? "no answer" : vm->progress;
}
