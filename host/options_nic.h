/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The SPEC of --nic. Only options.c and network.c include this.
 */
#ifndef HVIS_HOST_OPTIONS_NIC_H
#define HVIS_HOST_OPTIONS_NIC_H

#include "options.h"

/**
 * option_nic_parse() - parse one SPEC
 * @nic: zeroed; nic->copy is to be freed, also on failure
 * @what: on failure, what is wrong with it
 *
 * Return: 0 or -EINVAL.
 */
int option_nic_parse(struct option_nic *nic, const char *argument, char *what, size_t room);
/**
 * option_nic_settle() - which model a NIC is that names none, once the generation is known
 * Return: NULL, or what is wrong with it then.
 */
const char *option_nic_settle(struct option_nic *nic, unsigned int generation);
/** option_nic_mac() - its address: the one given, or one of our own by the name of its tap, or for NIC @number. */
void option_nic_mac(const struct option_nic *nic, unsigned int number, uint8_t mac[6]);

#endif
