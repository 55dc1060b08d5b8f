// SPDX-License-Identifier: GPL-2.0
// links: host/legacy/pci.c host/legacy/chipset.c host/pio.c host/pm.c host/rtc.c
/*
 * The PCI bus as a guest looks for it, the chip set on it, and the reset port in the middle of its address port. The IDE
 * controller is a fake that notes what it is told.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "legacy/chipset.h"
#include "pm.h"

#define ADDRESS 0xCF8
#define DATA	0xCFC
#define IDE_DEVFN PCI_DEVFN(CHIPSET_PIIX4_DEVICE, 1)

static struct {
	bool decoded[IDE_CHANNELS], master;
	unsigned int resets;
	uint16_t offset;
	uint32_t written;
} seen;

bool ide_has_channel(const struct ide *ide, unsigned int channel)
{
	(void)ide;
	return channel == 0;
}

void ide_set_decoded(struct ide *ide, unsigned int channel, bool decoded)
{
	(void)ide;
	seen.decoded[channel] = decoded;
}

void ide_set_master(struct ide *ide, bool may)
{
	(void)ide;
	seen.master = may;
}

void ide_master_in(void *ide, uint16_t offset, uint8_t *data, unsigned int size)
{
	(void)ide;
	memset(data, 0x10 + offset, size);
}

void ide_master_out(void *ide, uint16_t offset, const uint8_t *data, unsigned int size)
{
	(void)ide;
	seen.offset = offset;
	seen.written = 0;
	memcpy(&seen.written, data, size);
}

static void reset(void *context)
{
	(void)context;
	seen.resets++;
}

static struct {
	struct pio *pio;
	struct pm *pm;
	struct pci *pci;
	struct chipset chipset;
} parts;

static int setup(void **state)
{
	struct pio_device address;

	(void)state;
	memset(&seen, 0, sizeof(seen));
	memset(&parts, 0, sizeof(parts));
	parts.pio = pio_create();
	parts.pm = pm_create(reset, reset, NULL);
	parts.pci = pci_create();
	address = pci_address(parts.pci);
	pm_share_address(parts.pm, &address);
	assert_int_equal(pm_attach(parts.pm, parts.pio), 0);
	assert_int_equal(chipset_add(&parts.chipset, parts.pci, NULL), 0);
	assert_int_equal(pci_attach(parts.pci, parts.pio), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pci_destroy(parts.pci);
	pm_destroy(parts.pm);
	pio_destroy(parts.pio);
	return 0;
}

static uint32_t in(uint16_t port, unsigned int size)
{
	uint32_t value = 0;

	pio_access(parts.pio, false, port, (uint8_t *)&value, size, 1);
	return value;
}

static void out(uint16_t port, unsigned int size, uint32_t value)
{
	pio_access(parts.pio, true, port, (uint8_t *)&value, size, 1);
}

static void point_at(unsigned int devfn, unsigned int offset)
{
	out(ADDRESS, 4, 0x80000000u | devfn << 8 | (offset & 0xfc));
}

static uint32_t config(unsigned int devfn, unsigned int offset, unsigned int size)
{
	point_at(devfn, offset);
	return in((uint16_t)(DATA + (offset & 3)), size);
}

static void set_config(unsigned int devfn, unsigned int offset, unsigned int size, uint32_t value)
{
	point_at(devfn, offset);
	out((uint16_t)(DATA + (offset & 3)), size, value);
}

/* As Linux and others do: the address register keeps what is written as a whole, and bytes in it are something else. */
static void the_mechanism_is_found(void **state)
{
	(void)state;
	out(0xCFB, 1, 1);
	out(ADDRESS, 4, 0x80000000);
	assert_int_equal(in(ADDRESS, 4), 0x80000000);
	out(ADDRESS, 4, 0xFFFFFFFF);
	assert_int_equal(in(ADDRESS, 4), 0x80FFFFFC);
	assert_int_equal(seen.resets, 0);
	out(0xCF9, 1, 6);
	assert_int_equal(seen.resets, 1);
	assert_int_equal(in(0xCF9, 1), 2);
	assert_int_equal(in(ADDRESS, 4), 0x80FFFFFC);
}

static void the_chip_set_is_there_and_nothing_else(void **state)
{
	(void)state;
	assert_int_equal(config(0, 0, 4), 0x71928086);
	assert_int_equal(config(0, 0x0A, 2), 0x0600);
	assert_int_equal(config(PCI_DEVFN(7, 0), 0, 4), 0x71108086);
	assert_int_equal(config(PCI_DEVFN(7, 0), 0x0E, 1), 0x80);
	assert_int_equal(config(IDE_DEVFN, 0, 4), 0x71118086);
	assert_int_equal(config(IDE_DEVFN, 8, 4), 0x01018001);
	assert_int_equal(config(PCI_DEVFN(1, 0), 0, 4), 0xFFFFFFFF);
	out(ADDRESS, 4, 0x80010000); /* bus 1 */
	assert_int_equal(in(DATA, 4), 0xFFFFFFFF);
	out(ADDRESS, 4, 0); /* not enabled */
	assert_int_equal(in(DATA, 4), 0xFFFFFFFF);
	set_config(IDE_DEVFN, 0, 4, 0);
	assert_int_equal(config(IDE_DEVFN, 0, 4), 0x71118086);
}

static void bars_are_sized_and_moved(void **state)
{
	(void)state;
	assert_int_equal(config(IDE_DEVFN, 0x20, 4), PCI_IO_PORT | 1);
	assert_int_equal(config(IDE_DEVFN, 0x10, 4), 0);
	set_config(IDE_DEVFN, 0x20, 4, 0xFFFFFFFF);
	assert_int_equal(config(IDE_DEVFN, 0x20, 4), 0xFFF1);
	set_config(IDE_DEVFN, 0x20, 4, 0xCA50);
	assert_int_equal(in(0xCA52, 1), 0x12);
	assert_int_equal(in(PCI_IO_PORT, 1), 0xFF);
	out(0xCA54, 4, 0x12345678);
	assert_int_equal(seen.offset, 4);
	assert_int_equal(seen.written, 0x12345678);
	assert_int_equal(in(0xCA5E, 2), 0x1E1E);
	assert_int_equal(in(0xCA5E, 4), 0xFFFFFFFF); /* half beyond it */
	set_config(IDE_DEVFN, 0x04, 2, PCI_COMMAND_MASTER);
	assert_int_equal(in(0xCA52, 1), 0xFF);
}

static void commands_and_timings_reach_the_controller(void **state)
{
	(void)state;
	assert_true(seen.decoded[0] && !seen.decoded[1] && seen.master);
	set_config(IDE_DEVFN, 0x42, 2, 0x8000);
	assert_true(seen.decoded[1]);
	set_config(IDE_DEVFN, 0x41, 1, 0);
	assert_false(seen.decoded[0]);
	set_config(IDE_DEVFN, 0x04, 2, PCI_COMMAND_IO);
	assert_false(seen.master);
	assert_true(seen.decoded[1]);
	set_config(IDE_DEVFN, 0x04, 2, 0xFFFE);
	assert_true(seen.master);
	assert_false(seen.decoded[1]);
	assert_int_equal(config(IDE_DEVFN, 0x04, 2), PCI_COMMAND_MASTER);
}

static void places_are_taken_once(void **state)
{
	struct pci_function more[8] = { 0 };

	(void)state;
	assert_int_equal(pci_add(parts.pci, IDE_DEVFN, &more[0]), -EEXIST);
	for (unsigned int i = 0; i < 5; i++)
		assert_int_equal(pci_add(parts.pci, (uint8_t)PCI_DEVFN(10 + i, 0), &more[i]), 0);
	assert_int_equal(pci_add(parts.pci, PCI_DEVFN(20, 0), &more[5]), -EINVAL);
}

/* Any address, any width: configuration space ends at 256 bytes. */
static void every_register_can_be_reached(void **state)
{
	static const unsigned int widths[] = { 1, 2, 4 };

	(void)state;
	for (unsigned int offset = 0; offset < 256; offset++)
		for (unsigned int i = 0; i < 3; i++) {
			set_config(IDE_DEVFN, offset, widths[i], 0xFFFFFFFF);
			config(IDE_DEVFN, offset, widths[i]);
		}
	assert_int_equal(config(IDE_DEVFN, 0, 4), 0x71118086);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_mechanism_is_found),
		TEST(the_chip_set_is_there_and_nothing_else),
		TEST(bars_are_sized_and_moved),
		TEST(commands_and_timings_reach_the_controller),
		TEST(places_are_taken_once),
		TEST(every_register_can_be_reached),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
