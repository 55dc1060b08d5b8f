/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The values of --hyperv and --host-cpus. Only options.c includes this.
 */
#ifndef HVIS_HOST_OPTIONS_HYPERV_H
#define HVIS_HOST_OPTIONS_HYPERV_H

#include "options.h"

/**
 * option_hyperv_parse() - "on", "off", or what is left out of it: "-NAME,-NAME,spin=N,apicv=on"
 * @what: on failure, what is wrong with it
 *
 * Return: 0 or -EINVAL.
 */
int option_hyperv_parse(struct options *options, const char *argument, char *what, size_t room);

/** option_host_cpus_parse() - "0,2-3" as processors of this machine that we may run on; as option_hyperv_parse(). */
int option_host_cpus_parse(struct options *options, const char *argument, char *what, size_t room);

#endif
