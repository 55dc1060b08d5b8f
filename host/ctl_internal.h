/* SPDX-License-Identifier: GPL-2.0 */
/* Between ctl.c, one command and its answer, and what talks to control sockets for longer: ctl_memory.c, balance.c. */
#ifndef HVIS_HOST_CTL_INTERNAL_H
#define HVIS_HOST_CTL_INTERNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/** ctl_connect() - to the socket at @path; @flags: 0, or SOCK_NONBLOCK. Return: a file descriptor or negative errno. */
int ctl_connect(const char *path, int flags);
/** ctl_send() - a request. Return: false: it could not be sent. */
bool ctl_send(int fd, json_t *request);
/** ctl_read() - a line from the host. Return: NULL: there is none, or it is not JSON. */
json_t *ctl_read(FILE *from);
/** ctl_fail() - one line that says why. Return: 1. */
int ctl_fail(const char *path, const char *what);
/** ctl_print() - the result of an answer, or why there is none; takes the reference. Return: exit status. */
int ctl_print(const char *path, json_t *answer);

/**
 * ctl_memory_wait() - "set-memory --wait": ask until the guest is where it shall be, or comes no nearer
 * @seconds: at most
 *
 * Prints the last query-memory. Return: exit status, 0: it is there.
 */
int ctl_memory_wait(const char *path, int fd, FILE *from, unsigned int seconds);

#endif
