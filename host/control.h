/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The control socket: JSON lines in QMP's shape. A greeting, then per line {"execute": NAME,
 * "arguments": {...}} and as answer {"return": ...} or {"error": {"class": ..., "desc": ...}}.
 * Up to 16 clients, each with one command at a time; the one that has been idle longest makes way for a
 * seventeenth.
 * Invariant: whatever a client sends or leaves unread, the main loop neither waits for it nor dies
 * of it.
 */
#ifndef HVIS_HOST_CONTROL_H
#define HVIS_HOST_CONTROL_H

struct control;
struct machine;

/**
 * control_create() - listen
 * @path: a path without a socket, or with one that nobody listens on any more
 * @error: ERROR_BYTES; one line on failure
 *
 * Main thread. Clients are answered once the loop runs. Return: NULL on failure.
 */
struct control *control_create(struct machine *machine, const char *path, char *error);

/** control_destroy() - close all, remove the socket. Main thread, after loop_run() has returned. */
void control_destroy(struct control *control);

#endif
