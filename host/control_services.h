/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Commands of the control socket that are about time, the integration services and pausing. control_command.c has the table.
 */
#ifndef HVIS_HOST_CONTROL_SERVICES_H
#define HVIS_HOST_CONTROL_SERVICES_H

#include "control_internal.h"

/* As struct command of control_command.c wants them. */
json_t *control_query_services(struct machine *machine, const json_t *arguments, char *error);
json_t *control_heartbeat(struct machine *machine, const json_t *arguments, char *error);
json_t *control_time_offset(struct machine *machine, const json_t *arguments, char *error);
json_t *control_pause(struct machine *machine, const json_t *arguments, char *error);
json_t *control_resume(struct machine *machine, const json_t *arguments, char *error);
json_t *control_tsc_page(struct machine *machine, const json_t *arguments, char *error);
int control_shutdown(struct machine *machine, const json_t *arguments, struct control_call *call, char *error);
int control_reboot(struct machine *machine, const json_t *arguments, struct control_call *call, char *error);

/** control_parse_offset() - "+1h", "-250ms", "90", in ns. Return: false: it is no such thing. */
bool control_parse_offset(const char *text, int64_t *offset);

#endif
