/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Automatic memory: this machine's pressure (PSI), the cgroup's where we are in one that has it, decides how much the guest has.
 * What it decides is pressure_policy.h's. Main thread.
 */
#ifndef HVIS_HOST_PRESSURE_H
#define HVIS_HOST_PRESSURE_H

#include <jansson.h>

#include "balloon.h"
#include "loop.h"

struct pressure;

/** pressure_create() - begin to decide for @balloon. Return: NULL and one line in @error (ERROR_BYTES). */
struct pressure *pressure_create(struct loop *loop, struct balloon *balloon, char *error);
/** pressure_leave() - decide no more, while the loop runs on: it is freed when nothing of it is in the loop. NULL: nothing. */
void pressure_leave(struct pressure *pressure);
/** pressure_destroy() - free it; the loop runs no more. NULL: nothing. */
void pressure_destroy(struct pressure *pressure);
/** pressure_query() - where it looks and what it has seen, as JSON. */
json_t *pressure_query(const struct pressure *pressure);

#endif
