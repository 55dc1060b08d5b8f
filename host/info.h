/* SPDX-License-Identifier: GPL-2.0 */
/*
 * "hvis-host info": what KVM on this machine offers, as JSON. It shares only the capability table
 * with vm.c.
 */
#ifndef HVIS_HOST_INFO_H
#define HVIS_HOST_INFO_H

/**
 * info_main() - Return: exit status, 0, or 1 when KVM cannot run our guests (one line on stderr
 * says why).
 */
int info_main(void);

#endif
