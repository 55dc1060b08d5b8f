// SPDX-License-Identifier: GPL-2.0
/*
 * The legacy devices of a machine, put together. See legacy.h.
 * Invariant: machine->legacy is NULL as long as nobody asked for such a device.
 */
#include "legacy/legacy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "legacy/adapters.h"
#include "legacy/chipset.h"
#include "log.h"
#include "machine.h"
#include "network.h"
#include "pci.hex" /* unsigned char pci_aml_code[] */

#define IDE_IRQ(channel) (14 + (channel))

struct legacy {
	struct vm *vm; /* once attached */
	struct pci *pci;
	struct ide *ide;
	struct chipset chipset;
	struct adapters adapters;
};

/*
 * The line as it is, not a pulse: the inputs take its edge, but a guest that looks later, or programs them for levels, finds
 * what it would on a PC.
 */
static void interrupt(void *context, unsigned int channel, bool level)
{
	struct legacy *legacy = context;

	vm_set_irq(legacy->vm, IDE_IRQ(channel), level);
}

static struct legacy *create(struct machine *machine)
{
	struct legacy *legacy = calloc(1, sizeof(*legacy));
	struct ide_config config = { .mem = machine->mem, .interrupt = interrupt, .context = legacy };

	if (!legacy)
		return NULL;
	machine->legacy = legacy;
	adapters_init(&legacy->adapters);
	legacy->pci = pci_create();
	legacy->ide = ide_create(&config);
	return legacy->pci && legacy->ide ? legacy : NULL;
}

static int open_disk(struct machine *machine, const struct option_disk *option, char *error)
{
	char why[ERROR_BYTES];
	struct disk *disk;
	int ret;

	disk = disk_open(&option->disk, why);
	if (!disk)
		return error_set(error, "--disk %s: %s", option->argument, why);
	ret = ide_add_disk(machine->legacy->ide, option->lun, disk);
	if (!ret)
		return 0;
	disk_close(disk);
	return error_set(error, "--disk %s: %s", option->argument, strerror(-ret));
}

static int open_disks(struct machine *machine, char *error)
{
	const struct options *options = machine->options;

	for (unsigned int i = 0; i < options->disk_count; i++) {
		if (options->disks[i].controller != OPTIONS_CONTROLLER_IDE)
			continue;
		if (!machine->legacy && !create(machine))
			return error_set(error, "--disk %s: out of memory", options->disks[i].argument);
		if (open_disk(machine, &options->disks[i], error))
			return -1;
	}
	return 0;
}

static int open_nic(struct machine *machine, unsigned int number, const struct option_nic *option, char *error)
{
	char why[ERROR_BYTES];
	struct net *net = network_open_backend(&option->net, why);
	int ret;

	if (!net)
		return error_set(error, "--nic %s: %s", option->argument, why);
	ret = adapters_open(&machine->legacy->adapters, machine->mem, net, number, option);
	if (ret == -ENOSPC)
		return error_set(error, "--nic %s: there are slots for %u NICs with model=tulip only", option->argument, ADAPTERS_MAX);
	return ret ? error_set(error, "--nic %s: %s", option->argument, strerror(-ret)) : 0;
}

static int open_nics(struct machine *machine, char *error)
{
	const struct options *options = machine->options;

	for (unsigned int i = 0; i < options->nic_count; i++) {
		if (!options->nics[i].tulip)
			continue;
		if (!machine->legacy && !create(machine))
			return error_set(error, "--nic %s: out of memory", options->nics[i].argument);
		if (open_nic(machine, i, &options->nics[i], error))
			return -1;
	}
	return 0;
}

int legacy_open(struct machine *machine, char *error)
{
	return open_disks(machine, error) ? -1 : open_nics(machine, error);
}

void legacy_close(struct machine *machine)
{
	struct legacy *legacy = machine->legacy;

	if (!legacy)
		return;
	adapters_close(&legacy->adapters);
	ide_destroy(legacy->ide);
	pci_destroy(legacy->pci);
	free(legacy);
	machine->legacy = NULL;
}

int legacy_attach(struct machine *machine, char *error)
{
	struct legacy *legacy = machine->legacy;
	struct pio_device address;
	int ret;

	if (!legacy)
		return 0;
	legacy->vm = machine->vm;
	address = pci_address(legacy->pci);
	pm_share_address(machine->pm, &address);
	ret = chipset_add(&legacy->chipset, legacy->pci, legacy->ide);
	if (!ret)
		ret = pci_attach(legacy->pci, machine->pio);
	if (!ret)
		ret = ide_attach(legacy->ide, machine->pio);
	if (ret)
		return error_set(error, "cannot attach the IDE controller: %s", strerror(-ret));
	ret = adapters_attach(&legacy->adapters, legacy->pci, machine->vm);
	return ret ? error_set(error, "cannot attach the network adapters: %s", strerror(-ret)) : 0;
}

void legacy_stop(struct machine *machine)
{
	if (!machine->legacy)
		return;
	adapters_stop(&machine->legacy->adapters);
	if (!ide_stop(machine->legacy->ide, MACHINE_STOP_LIMIT_MS))
		log_error("an IDE disk has not answered for %u s: its last request is given up", MACHINE_STOP_LIMIT_MS / 1000);
}

const uint8_t *legacy_ssdt(const struct machine *machine)
{
	return machine->legacy ? pci_aml_code : NULL;
}

json_t *legacy_query(const struct machine *machine)
{
	const struct legacy *legacy = machine->legacy;

	for (unsigned int i = 0; legacy && i < IDE_CHANNELS; i++)
		if (ide_has_channel(legacy->ide, i))
			return ide_query(legacy->ide);
	return NULL;
}

static struct tulip *find_nic(const struct machine *machine, unsigned int number)
{
	return machine->legacy ? adapters_find(&machine->legacy->adapters, number) : NULL;
}

json_t *legacy_query_nic(const struct machine *machine, unsigned int number)
{
	struct tulip *tulip = find_nic(machine, number);

	return tulip ? tulip_query(tulip) : NULL;
}

bool legacy_set_link(const struct machine *machine, unsigned int number, bool up)
{
	struct tulip *tulip = find_nic(machine, number);

	if (tulip)
		tulip_set_link(tulip, up);
	return tulip;
}
