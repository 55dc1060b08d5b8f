/* SPDX-License-Identifier: GPL-2.0 */
/*
 * "hvis-host ctl": the client of the control socket. It shares nothing with the server but the
 * protocol (control.h).
 */
#ifndef HVIS_HOST_CTL_H
#define HVIS_HOST_CTL_H

/**
 * ctl_main() - hvis-host ctl SOCKET COMMAND [key=value]...
 * @arguments: @count of them, behind "ctl"
 *
 * Prints what the command returned. Return: exit status, 0, 1 (refused or not reachable) or 2
 * (usage).
 */
int ctl_main(int count, char *const *arguments);

#endif
