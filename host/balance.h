/* SPDX-License-Identifier: GPL-2.0 */
/* "hvis-host balance": one budget of memory for several VMs, by their control sockets. */
#ifndef HVIS_HOST_BALANCE_H
#define HVIS_HOST_BALANCE_H

/** balance_main() - @arguments: @count of them, behind "balance". Return: exit status. */
int balance_main(int count, char *const *arguments);

#endif
