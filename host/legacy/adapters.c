// SPDX-License-Identifier: GPL-2.0
/*
 * 21140A functions on the PCI bus and the interrupt lines that they share. See adapters.h.
 * Invariant: a line is high while any of its adapters holds it.
 */
#include "legacy/adapters.h"

#include <errno.h>
#include <stddef.h>

#include "legacy/dec21140.h"
#include "options_nic.h"

#define DEC		0x1011
#define DEC_21140	0x0009
#define REVISION_21140A 0x20
#define CLASS_ETHERNET	0x020000

/* Of a card's configuration space; the last one is the chip's own, for sleep and snooze. */
#define PCI_CACHE_LINE	   0x0C
#define PCI_LATENCY	   0x0D
#define PCI_INTERRUPT_LINE 0x3C
#define PCI_INTERRUPT_PIN  0x3D
#define PCI_MIN_GRANT	   0x3E
#define PCI_MAX_LATENCY	   0x3F
#define DEC_DRIVER_AREA	   0x40
#define MIN_GRANT	   0x14 /* of a quarter of a microsecond */
#define MAX_LATENCY	   0x28

/* The IDE controller's bus master has the first ports. */
#define PORT(slot) ((uint16_t)(PCI_IO_PORT + DEC_IO_BYTES * (1 + (slot))))

static unsigned int irq(const struct adapter *adapter)
{
	return 10 + adapter->gsi;
}

static void line_changed(void *context, bool level)
{
	struct adapter *adapter = context;
	struct adapters *adapters = adapter->adapters;
	unsigned int *raised = &adapters->raised[adapter->gsi];

	pthread_mutex_lock(&adapters->lock);
	*raised += level ? 1u : -1u;
	if (*raised == level)
		vm_set_irq(adapters->vm, irq(adapter), level);
	pthread_mutex_unlock(&adapters->lock);
}

static void config_changed(struct pci_function *function)
{
	struct adapter *adapter = (struct adapter *)((char *)function - offsetof(struct adapter, function));

	tulip_set_master(adapter->tulip, function->config[PCI_COMMAND] & PCI_COMMAND_MASTER);
}

/* As firmware leaves it: addressed, and for the driver to make a bus master. */
static void init_function(struct adapter *adapter, unsigned int slot)
{
	const struct pci_io registers = { DEC_IO_BYTES, adapter->tulip, tulip_in, tulip_out };
	struct pci_function *function = &adapter->function;

	pci_identify(function, DEC, DEC_21140, REVISION_21140A, CLASS_ETHERNET);
	function->config[PCI_COMMAND] = PCI_COMMAND_IO;
	function->writable[PCI_COMMAND] = PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	function->writable[PCI_CACHE_LINE] = function->writable[PCI_LATENCY] = 0xff;
	function->config[PCI_INTERRUPT_LINE] = (uint8_t)irq(adapter);
	function->writable[PCI_INTERRUPT_LINE] = 0xff;
	function->config[PCI_INTERRUPT_PIN] = 1;
	function->config[PCI_MIN_GRANT] = MIN_GRANT;
	function->config[PCI_MAX_LATENCY] = MAX_LATENCY;
	for (unsigned int i = 0; i < 4; i++)
		function->writable[DEC_DRIVER_AREA + i] = 0xff;
	pci_set_io(function, 0, &registers, PORT(slot));
	function->changed = config_changed;
}

void adapters_init(struct adapters *adapters)
{
	pthread_mutex_init(&adapters->lock, NULL);
}

int adapters_open(struct adapters *adapters, const struct guestmem *mem, struct net *net, unsigned int number,
		  const struct option_nic *option)
{
	struct adapter *adapter = &adapters->slots[adapters->count];
	struct tulip_config config = { .mem = mem,
				       .net = net,
				       .number = number,
				       .link_down = option->link_down,
				       .interrupt = line_changed,
				       .context = adapter };

	if (adapters->count == ADAPTERS_MAX) {
		net_close(net);
		return -ENOSPC;
	}
	option_nic_mac(option, number, config.mac);
	adapter->tulip = tulip_create(&config);
	if (!adapter->tulip) {
		net_close(net);
		return -ENOMEM;
	}
	adapter->adapters = adapters;
	adapter->number = number;
	adapter->gsi = adapters->count % 2 ? 0 : 1;
	init_function(adapter, adapters->count++);
	return 0;
}

void adapters_close(struct adapters *adapters)
{
	for (unsigned int i = 0; i < adapters->count; i++)
		tulip_destroy(adapters->slots[i].tulip);
	pthread_mutex_destroy(&adapters->lock);
}

int adapters_attach(struct adapters *adapters, struct pci *pci, struct vm *vm)
{
	adapters->vm = vm;
	for (unsigned int i = 0; i < adapters->count; i++) {
		int ret = tulip_start(adapters->slots[i].tulip);

		if (!ret)
			ret = pci_add(pci, PCI_DEVFN(ADAPTERS_FIRST_SLOT - i, 0), &adapters->slots[i].function);
		if (ret)
			return ret;
	}
	return 0;
}

void adapters_stop(struct adapters *adapters)
{
	for (unsigned int i = 0; i < adapters->count; i++)
		tulip_stop(adapters->slots[i].tulip);
}

struct tulip *adapters_find(const struct adapters *adapters, unsigned int number)
{
	for (unsigned int i = 0; i < adapters->count; i++)
		if (adapters->slots[i].number == number)
			return adapters->slots[i].tulip;
	return NULL;
}
