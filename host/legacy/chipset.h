/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The chip set of a PC of 1998, as far as configuration space goes: 82443BX host bridge without AGP, and of the PIIX4 the ISA
 * bridge and the IDE function. The same as a Generation 1 VM of Hyper-V has.
 * Sources: Intel 82371AB (PIIX4) datasheet, 290562; 82443BX datasheet, 290633; Linux drivers/ata/ata_piix.c.
 */
#ifndef HVIS_HOST_LEGACY_CHIPSET_H
#define HVIS_HOST_LEGACY_CHIPSET_H

#include "legacy/ide.h"
#include "legacy/pci.h"

#define CHIPSET_PIIX4_DEVICE 7

struct chipset {
	struct pci_function host, isa, ide_function;
	struct ide *ide;
};

/**
 * chipset_add() - put it on the bus, as firmware would have set it up
 * @chipset: zeroed, outlives the bus
 *
 * Return: 0 or the error of pci_add().
 */
int chipset_add(struct chipset *chipset, struct pci *pci, struct ide *ide);

#endif
