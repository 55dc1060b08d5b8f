// SPDX-License-Identifier: GPL-2.0
/*
 * Host bridge, ISA bridge and IDE function on the PCI bus. See chipset.h.
 * Invariant: the IDE function's command register and timing registers decide what the controller decodes and whether it may
 * reach memory; nobody else sets that.
 */
#include "legacy/chipset.h"

#include <stddef.h>

#define INTEL	    0x8086
#define HOST_BRIDGE 0x7192
#define ISA_BRIDGE  0x7110
#define IDE	    0x7111

/* Class, subclass, interface. */
#define CLASS_HOST_BRIDGE 0x060000
#define CLASS_ISA_BRIDGE  0x060100
#define CLASS_IDE_MASTER  0x010180 /* both channels at the ISA's ports, can be bus master */

#define HOST_REVISION  3
#define PIIX4_REVISION 1

/* ISA bridge: where the interrupt pins A to D go, as pci.asl has it. */
#define PIRQ_ROUTE 0x60

/* IDE function: timings of each channel (16 bits), of the slaves, and Ultra DMA. */
#define IDE_TIMING(channel) (0x40 + 2 * (channel))
#define IDE_TIMING_BYTES    4
#define IDE_DECODE_HIGH	    0x80 /* in the high byte: the channel's ports are decoded */
#define IDE_SLAVE_TIMING    0x44
#define IDE_UDMA_CONTROL    0x48
#define IDE_UDMA_TIMING	    0x4A
#define IDE_MASTER_BAR	    4

static void ide_changed(struct pci_function *function)
{
	struct chipset *chipset = (struct chipset *)((char *)function - offsetof(struct chipset, ide_function));
	uint8_t command = function->config[PCI_COMMAND];

	for (unsigned int i = 0; i < IDE_CHANNELS; i++)
		ide_set_decoded(chipset->ide, i,
				(command & PCI_COMMAND_IO) && (function->config[IDE_TIMING(i) + 1] & IDE_DECODE_HIGH));
	ide_set_master(chipset->ide, command & PCI_COMMAND_MASTER);
}

static void init_isa(struct pci_function *isa)
{
	static const uint8_t routes[] = { 11, 10, 11, 10 };

	pci_identify(isa, INTEL, ISA_BRIDGE, PIIX4_REVISION, CLASS_ISA_BRIDGE);
	isa->config[PCI_COMMAND] = PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	isa->config[PCI_HEADER] = PCI_HEADER_MULTI;
	for (unsigned int i = 0; i < sizeof(routes); i++)
		isa->config[PIRQ_ROUTE + i] = routes[i];
}

/* Timings are kept for those who read them back; nothing here is as slow as a cable. */
static void init_ide(struct chipset *chipset)
{
	struct pci_function *function = &chipset->ide_function;
	const struct pci_io master = { IDE_MASTER_BYTES, chipset->ide, ide_master_in, ide_master_out };

	pci_identify(function, INTEL, IDE, PIIX4_REVISION, CLASS_IDE_MASTER);
	function->config[PCI_COMMAND] = PCI_COMMAND_IO | PCI_COMMAND_MASTER;
	function->writable[PCI_COMMAND] = PCI_COMMAND_IO | PCI_COMMAND_MASTER;
	pci_set_io(function, IDE_MASTER_BAR, &master, PCI_IO_PORT);
	for (unsigned int i = 0; i < IDE_TIMING_BYTES; i++)
		function->writable[IDE_TIMING(0) + i] = 0xff;
	for (unsigned int i = 0; i < IDE_CHANNELS; i++)
		if (ide_has_channel(chipset->ide, i))
			function->config[IDE_TIMING(i) + 1] = IDE_DECODE_HIGH;
	function->writable[IDE_SLAVE_TIMING] = 0xff;
	function->writable[IDE_UDMA_CONTROL] = 0x0f;
	function->writable[IDE_UDMA_TIMING] = 0x33;
	function->writable[IDE_UDMA_TIMING + 1] = 0x33;
	function->changed = ide_changed;
}

int chipset_add(struct chipset *chipset, struct pci *pci, struct ide *ide)
{
	int ret;

	chipset->ide = ide;
	pci_identify(&chipset->host, INTEL, HOST_BRIDGE, HOST_REVISION, CLASS_HOST_BRIDGE);
	chipset->host.config[PCI_COMMAND] = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	init_isa(&chipset->isa);
	init_ide(chipset);
	ret = pci_add(pci, PCI_DEVFN(0, 0), &chipset->host);
	if (!ret)
		ret = pci_add(pci, PCI_DEVFN(CHIPSET_PIIX4_DEVICE, 0), &chipset->isa);
	if (!ret)
		ret = pci_add(pci, PCI_DEVFN(CHIPSET_PIIX4_DEVICE, 1), &chipset->ide_function);
	return ret;
}
