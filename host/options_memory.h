/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The SPEC of --memory. Only options.c includes this.
 */
#ifndef HVIS_HOST_OPTIONS_MEMORY_H
#define HVIS_HOST_OPTIONS_MEMORY_H

#include "options.h"

/**
 * option_memory_parse() - parse "SIZE", which is memory that stays as it is, or "startup=SIZE,key=value..."
 * @what: on failure, what is wrong with it
 *
 * Return: 0 or -EINVAL.
 */
int option_memory_parse(struct option_memory *memory, const char *argument, char *what, size_t room);

#endif
