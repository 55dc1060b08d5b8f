/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The network adapters of a Generation 1 VM on its PCI bus: those of the options that have model=tulip, each in a slot, with an
 * interrupt pin routed as pci.asl has it. What an adapter does is tulip.h's. Main thread, but for what the adapters do themselves.
 */
#ifndef HVIS_HOST_LEGACY_ADAPTERS_H
#define HVIS_HOST_LEGACY_ADAPTERS_H

#include <pthread.h>

#include "legacy/pci.h"
#include "legacy/tulip.h"
#include "options.h"
#include "vm.h"

#define ADAPTERS_MAX	    3u /* slots for cards that pci.asl has */
#define ADAPTERS_FIRST_SLOT 10u /* where Hyper-V has its; the next ones are below */
#define ADAPTERS_GSIS	    2u

struct adapters;

struct adapter {
	struct pci_function function;
	struct adapters *adapters;
	struct tulip *tulip; /* NULL: there is none here */
	unsigned int number; /* of the NIC */
	unsigned int gsi; /* 0: 10, 1: 11 */
};

/* Zeroed at first. */
struct adapters {
	struct vm *vm; /* once on the bus */
	pthread_mutex_t lock; /* of @raised */
	unsigned int raised[ADAPTERS_GSIS]; /* how many adapters hold a line that they share */
	struct adapter slots[ADAPTERS_MAX];
	unsigned int count;
};

void adapters_init(struct adapters *adapters);
/**
 * adapters_open() - one more
 * @net: its, also on failure
 * @number: of the NIC
 *
 * Return: 0, -ENOSPC: there is no slot, -ENOMEM.
 */
int adapters_open(struct adapters *adapters, const struct guestmem *mem, struct net *net, unsigned int number,
		  const struct option_nic *option);
/** adapters_close() - after adapters_stop(). */
void adapters_close(struct adapters *adapters);

/** adapters_attach() - put them on the bus and start them. Undo with adapters_stop(), also on failure. Return: 0 or negative errno. */
int adapters_attach(struct adapters *adapters, struct pci *pci, struct vm *vm);
void adapters_stop(struct adapters *adapters);

/** adapters_find() - the adapter that is NIC @number, or NULL. */
struct tulip *adapters_find(const struct adapters *adapters, unsigned int number);

#endif
