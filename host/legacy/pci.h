/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PCI bus 0: configuration mechanism 1 and the IO ranges that functions decode. Functions are added before the VPs run and
 * stay. What is in a function's configuration space is whose function it is; the bus knows commands, BARs and who may write what.
 * Source: PCI Local Bus Specification 2.3, 3.2.2.3.2 and 6.
 */
#ifndef HVIS_HOST_LEGACY_PCI_H
#define HVIS_HOST_LEGACY_PCI_H

#include <stdatomic.h>
#include <stdint.h>

#include "pio.h"

/* Addresses that pci.asl gives to the bus, for BARs. */
#define PCI_IO_PORT  0xC000
#define PCI_IO_BYTES 0x1000

#define PCI_CONFIG_BYTES 256
#define PCI_BARS	 6
#define PCI_DEVFN(device, function) ((device) << 3 | (function))

/* Offsets in configuration space. */
#define PCI_VENDOR  0x00
#define PCI_DEVICE  0x02
#define PCI_COMMAND 0x04
#define PCI_STATUS  0x06
#define PCI_REVISION 0x08
#define PCI_CLASS   0x09 /* programming interface, subclass, class */
#define PCI_HEADER  0x0E
#define PCI_BAR(n)  (0x10 + 4 * (n))

#define PCI_COMMAND_IO	   0x01
#define PCI_COMMAND_MEMORY 0x02
#define PCI_COMMAND_MASTER 0x04
#define PCI_STATUS_TIMING  0x0280 /* medium DEVSEL, fast back-to-back */
#define PCI_HEADER_MULTI   0x80

/* An IO BAR: who answers there. Called as a struct pio_device's. */
struct pci_io {
	uint16_t bytes; /* a power of two from 4 on; 0: there is no such BAR */
	void *context;
	void (*in)(void *context, uint16_t offset, uint8_t *data, unsigned int size);
	void (*out)(void *context, uint16_t offset, const uint8_t *data, unsigned int size);
};

struct pci_function {
	uint8_t config[PCI_CONFIG_BYTES];
	uint8_t writable[PCI_CONFIG_BYTES]; /* bits that the guest may change */
	struct pci_io io[PCI_BARS];
	atomic_uint io_base[PCI_BARS]; /* the bus's: where it is decoded now; 0: nowhere */
	/* Something was written to config; also once when it is added. Under the bus's lock; may be NULL. */
	void (*changed)(struct pci_function *function);
};

struct pci;

/** pci_create() - a bus without functions. Return: NULL when out of memory. */
struct pci *pci_create(void);
void pci_destroy(struct pci *pci);

/** pci_identify() - vendor, device, revision and class (interface in its low byte) of a zeroed function. */
void pci_identify(struct pci_function *function, uint16_t vendor, uint16_t device, uint8_t revision, uint32_t class);
/** pci_set_io() - BAR @bar is there and stands at @port, as firmware would leave it. */
void pci_set_io(struct pci_function *function, unsigned int bar, const struct pci_io *io, uint16_t port);

/**
 * pci_add() - add @function, which outlives the bus
 * Return: 0, -EINVAL (no such place) or -EEXIST.
 */
int pci_add(struct pci *pci, uint8_t devfn, struct pci_function *function);

/** pci_attach() - claim the data port and the BARs' ports. Return: 0 or the error of pio_add(). */
int pci_attach(struct pci *pci, struct pio *pio);

/** pci_address() - the address port, 0xCF8, for whoever owns the reset port in its middle. 32-bit accesses only. */
struct pio_device pci_address(struct pci *pci);

#endif
