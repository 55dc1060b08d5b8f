/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between control.c (clients and their lines) and control_command.c (what the lines ask for).
 */
#ifndef HVIS_HOST_CONTROL_INTERNAL_H
#define HVIS_HOST_CONTROL_INTERNAL_H

#include <jansson.h>
#include <stdbool.h>

#include "control.h"

struct client;

/* One request, until it is answered. */
struct control_call {
	struct client *client; /* NULL: gone before the answer came */
	bool starting; /* control_run() has not returned yet */
	json_t *answer; /* that came meanwhile */
	bool later; /* control_answer() will be called */
	bool quit; /* stop the guest after the answer */
};

/**
 * control_run() - do what @request asks for
 * Return: the answer (new reference); NULL: out of memory, or @call->later.
 */
json_t *control_run(struct machine *machine, const json_t *request, struct control_call *call);
/** control_answer() - the answer to a call that was not answered at once; takes both. Main thread. */
void control_answer(struct control_call *call, json_t *answer);
/** control_ended() - the same for who says only whether it is done; @context: the call, @why: NULL, or what went wrong. */
void control_ended(void *context, const char *why);
/** control_error() - an error as answer. */
json_t *control_error(const char *class, const char *description);

#endif
