/* SPDX-License-Identifier: GPL-2.0 */
/* What people, and programs, see of the balancer: a table that is drawn anew each round, or a line of JSON. */
#ifndef HVIS_HOST_BALANCE_TABLE_H
#define HVIS_HOST_BALANCE_TABLE_H

#include "balance_vm.h"

struct balance_table {
	uint64_t total;
	unsigned int count;
	struct balance_member vms[BALANCE_VMS_MAX];
	uint64_t wanted[BALANCE_VMS_MAX]; /* shares of the last round */
	bool json, terminal;
	unsigned int lines; /* drawn last time, to be overdrawn */
};

/** balance_table_print() - how it stands. */
void balance_table_print(struct balance_table *table);
/** balance_table_end() - the last of them stays. */
void balance_table_end(struct balance_table *table);

#endif
