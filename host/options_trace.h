/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The SPEC of --trace and of the control socket's trace-start.
 */
#ifndef HVIS_HOST_OPTIONS_TRACE_H
#define HVIS_HOST_OPTIONS_TRACE_H

#include <stddef.h>

#include "trace.h"

/**
 * option_trace_parse() - parse "FILE,key=value..." into @options
 * @copy: gets a copy of @argument that @options points into; the caller frees it, also on failure
 * @what: on failure, what is wrong with it
 *
 * Return: 0 or -EINVAL.
 */
int option_trace_parse(struct trace_options *options, const char *argument, char **copy, char *what,
		       size_t room);

#endif
