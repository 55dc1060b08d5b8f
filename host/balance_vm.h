/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A VM as the balancer sees it: a control socket that is asked how much memory its guest has and needs, and told how much it shall have.
 * Nothing here waits: a VM that does not answer holds up nobody.
 */
#ifndef HVIS_HOST_BALANCE_VM_H
#define HVIS_HOST_BALANCE_VM_H

#include <jansson.h>
#include <poll.h>

#include "balance_policy.h"

/* Who changes it: balance_vm.c alone. */
enum balance_link {
	BALANCE_DEAD, /* no such socket, or nobody listens */
	BALANCE_GREETED, /* connected; its greeting has not come yet */
	BALANCE_IDLE,
	BALANCE_ASKED, /* an answer is due */
};

struct balance_member {
	const char *path;
	const char *name; /* last part of it */
	enum balance_link link;
	int fd;
	char *line; /* what has come of an answer */
	size_t filled;
	unsigned int missed; /* rounds without an answer */
	bool told; /* what is wrong has been said, until it is right again */
	bool seen; /* @numbers are of this connection */
	struct balance_vm numbers;
	json_int_t rss;
	char progress[16];
};

/** balance_vm_init() - not connected yet. */
void balance_vm_init(struct balance_member *vm, const char *path);
void balance_vm_free(struct balance_member *vm);
/** balance_vm_ask() - begin a round: connect if it is not, and ask. One that still owes an answer is not asked again. */
void balance_vm_ask(struct balance_member *vm);
/** balance_vm_set() - it shall have @bytes. */
void balance_vm_set(struct balance_member *vm, uint64_t bytes);
/** balance_vm_poll() - what to wait for; fd -1: nothing. balance_vm_read(): there is something. */
struct pollfd balance_vm_poll(const struct balance_member *vm);
void balance_vm_read(struct balance_member *vm);
/** balance_vm_state() - in one word, for people. */
const char *balance_vm_state(const struct balance_member *vm);

#endif
