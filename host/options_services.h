/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The value of --services. Only options.c includes this.
 */
#ifndef HVIS_HOST_OPTIONS_SERVICES_H
#define HVIS_HOST_OPTIONS_SERVICES_H

#include "options.h"

/**
 * option_services_parse() - "off", or a list of NAME or NAME=VERSION
 * @what: on failure, what is wrong with it
 *
 * Return: 0 or -EINVAL.
 */
int option_services_parse(struct option_services *services, const char *argument, char *what, size_t room);
/** option_services_default() - what there is where --services says nothing. */
void option_services_default(struct option_services *services);

#endif
