// SPDX-License-Identifier: GPL-2.0
/*
 * PCI bus 0: owns the address register, who is at which device and function number, and the decoding of IO BARs. See pci.h.
 * Invariant: a function sees only accesses that lie wholly inside one of its ranges; configuration space is read and
 * written under the lock, BARs are decoded without.
 */
#include "legacy/pci.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESS_PORT 0xCF8
#define DATA_PORT    0xCFC

#define ADDRESS_ENABLE	     0x80000000u
#define ADDRESS_BUS(address) ((address) >> 16 & 0xff)
#define ADDRESS_DEVFN(address) ((address) >> 8 & 0xff)
#define ADDRESS_REGISTER(address) ((address) & 0xfc)
#define ADDRESS_WRITABLE     0x80fffffcu

#define DEVFNS	      256u
#define FUNCTIONS_MAX 8u
#define BAR_IO	      0x01

struct pci {
	pthread_mutex_t lock; /* the functions' configuration */
	atomic_uint address;
	struct pci_function *at[DEVFNS];
	struct pci_function *functions[FUNCTIONS_MAX]; /* the same, in a row */
	unsigned int count;
};

static uint16_t word(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static void put_word(uint8_t *bytes, uint16_t value)
{
	bytes[0] = (uint8_t)value;
	bytes[1] = (uint8_t)(value >> 8);
}

struct pci *pci_create(void)
{
	struct pci *pci = calloc(1, sizeof(*pci));

	if (pci)
		pthread_mutex_init(&pci->lock, NULL);
	return pci;
}

void pci_destroy(struct pci *pci)
{
	if (!pci)
		return;
	pthread_mutex_destroy(&pci->lock);
	free(pci);
}

void pci_identify(struct pci_function *function, uint16_t vendor, uint16_t device, uint8_t revision, uint32_t class)
{
	put_word(function->config + PCI_VENDOR, vendor);
	put_word(function->config + PCI_DEVICE, device);
	put_word(function->config + PCI_STATUS, PCI_STATUS_TIMING);
	function->config[PCI_REVISION] = revision;
	put_word(function->config + PCI_CLASS, (uint16_t)class);
	function->config[PCI_CLASS + 2] = (uint8_t)(class >> 16);
}

/* 16 address bits are all that IO space has here; a guest that sizes the BAR reads the others as zeros. */
void pci_set_io(struct pci_function *function, unsigned int bar, const struct pci_io *io, uint16_t port)
{
	function->io[bar] = *io;
	put_word(function->config + PCI_BAR(bar), port | BAR_IO);
	put_word(function->writable + PCI_BAR(bar), (uint16_t)-io->bytes);
}

/* What the guest wrote takes effect. */
static void update(struct pci_function *function)
{
	bool on = function->config[PCI_COMMAND] & PCI_COMMAND_IO;

	for (unsigned int bar = 0; bar < PCI_BARS; bar++) {
		unsigned int base = word(function->config + PCI_BAR(bar)) & (uint16_t)-function->io[bar].bytes;

		atomic_store(&function->io_base[bar], on && function->io[bar].bytes ? base : 0);
	}
	if (function->changed)
		function->changed(function);
}

int pci_add(struct pci *pci, uint8_t devfn, struct pci_function *function)
{
	if (pci->count == FUNCTIONS_MAX)
		return -EINVAL;
	if (pci->at[devfn])
		return -EEXIST;
	pci->at[devfn] = function;
	pci->functions[pci->count++] = function;
	update(function);
	return 0;
}

static struct pci_function *addressed(struct pci *pci, uint32_t address)
{
	if (!(address & ADDRESS_ENABLE) || ADDRESS_BUS(address))
		return NULL;
	return pci->at[ADDRESS_DEVFN(address)];
}

/* A read that no function answers ends in a master abort: all ones. */
static void data_in(void *context, uint16_t offset, uint8_t *data, unsigned int size)
{
	struct pci *pci = context;
	uint32_t address = atomic_load(&pci->address);
	struct pci_function *function = addressed(pci, address);

	memset(data, 0xff, size);
	if (!function)
		return;
	pthread_mutex_lock(&pci->lock);
	memcpy(data, function->config + ADDRESS_REGISTER(address) + offset, size);
	pthread_mutex_unlock(&pci->lock);
}

static void data_out(void *context, uint16_t offset, const uint8_t *data, unsigned int size)
{
	struct pci *pci = context;
	uint32_t address = atomic_load(&pci->address);
	struct pci_function *function = addressed(pci, address);
	unsigned int first = ADDRESS_REGISTER(address) + offset;

	if (!function)
		return;
	pthread_mutex_lock(&pci->lock);
	for (unsigned int i = 0; i < size; i++) {
		uint8_t mask = function->writable[first + i], *byte = &function->config[first + i];

		*byte = (uint8_t)((*byte & ~mask) | (data[i] & mask));
	}
	update(function);
	pthread_mutex_unlock(&pci->lock);
}

static void address_in(void *context, uint16_t offset, uint8_t *data, unsigned int size)
{
	struct pci *pci = context;
	uint32_t address = atomic_load(&pci->address);

	memset(data, 0xff, size);
	if (!offset && size == sizeof(address))
		memcpy(data, &address, sizeof(address));
}

static void address_out(void *context, uint16_t offset, const uint8_t *data, unsigned int size)
{
	struct pci *pci = context;
	uint32_t address;

	if (offset || size != sizeof(address))
		return;
	memcpy(&address, data, sizeof(address));
	atomic_store(&pci->address, address & ADDRESS_WRITABLE);
}

struct pio_device pci_address(struct pci *pci)
{
	return (struct pio_device){ ADDRESS_PORT, 4, pci, address_in, address_out };
}

/* The BAR that decodes all of the access; NULL: none. @offset: into the bus's ports, then into the BAR. */
static const struct pci_io *decode(struct pci *pci, uint16_t *offset, unsigned int size)
{
	unsigned int port = PCI_IO_PORT + *offset;

	for (unsigned int i = 0; i < pci->count; i++) {
		struct pci_function *function = pci->functions[i];

		for (unsigned int bar = 0; bar < PCI_BARS; bar++) {
			unsigned int base = atomic_load_explicit(&function->io_base[bar], memory_order_relaxed);

			if (!base || port < base || port + size > base + function->io[bar].bytes)
				continue;
			*offset = (uint16_t)(port - base);
			return &function->io[bar];
		}
	}
	return NULL;
}

static void io_in(void *context, uint16_t offset, uint8_t *data, unsigned int size)
{
	const struct pci_io *io = decode(context, &offset, size);

	if (io)
		io->in(io->context, offset, data, size);
	else
		memset(data, 0xff, size);
}

static void io_out(void *context, uint16_t offset, const uint8_t *data, unsigned int size)
{
	const struct pci_io *io = decode(context, &offset, size);

	if (io)
		io->out(io->context, offset, data, size);
}

int pci_attach(struct pci *pci, struct pio *pio)
{
	const struct pio_device data = { DATA_PORT, 4, pci, data_in, data_out };
	const struct pio_device io = { PCI_IO_PORT, PCI_IO_BYTES, pci, io_in, io_out };
	int ret = pio_add(pio, &data);

	return ret ? ret : pio_add(pio, &io);
}
