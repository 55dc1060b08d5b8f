// SPDX-License-Identifier: GPL-2.0
// links: host/legacy/adapters.c host/legacy/pci.c host/pio.c
// links: host/options.c host/options_memory.c host/options_disk.c host/options_trace.c host/loop.c host/options_nic.c host/options_spec.c
// links: host/options_hyperv.c host/options_services.c host/hyperv_leaves.c
// links: host/fault.c host/fault_parse.c host/fault_edit.c host/fault_hold.c host/fault_names.c host/error.c
/*
 * 21140A functions on the PCI bus: what a guest finds there, BARs that lead to the right adapter, lines that are shared.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "legacy/adapters.h"

struct tulip {
	struct tulip_config config;
	bool master, started;
	uint32_t written;
};

static struct tulip tulips[4];
static unsigned int created, closed;
static bool lines[24];
static struct adapters adapters;
static struct pci *pci;
static struct pio *pio;

struct tulip *tulip_create(const struct tulip_config *config)
{
	tulips[created].config = *config;
	return &tulips[created++];
}

void tulip_destroy(struct tulip *tulip)
{
	net_close(tulip->config.net);
}

int tulip_start(struct tulip *tulip)
{
	tulip->started = true;
	return 0;
}

void tulip_stop(struct tulip *tulip)
{
	tulip->started = false;
}

void tulip_set_master(struct tulip *tulip, bool may)
{
	tulip->master = may;
}

void tulip_in(void *context, uint16_t offset, uint8_t *data, unsigned int size)
{
	memset(data, (int)((struct tulip *)context - tulips) * 16 + offset / 8, size);
}

void tulip_out(void *context, uint16_t offset, const uint8_t *data, unsigned int size)
{
	assert_int_equal(offset, 0x28);
	memcpy(&((struct tulip *)context)->written, data, size);
}

void vm_set_irq(struct vm *vm, unsigned int gsi, bool level)
{
	assert_ptr_equal(vm, &adapters);
	assert_true(lines[gsi] != level);
	lines[gsi] = level;
}

static void count_close(struct net *net)
{
	(void)net;
	closed++;
}

static const struct net_ops ops = { .name = "none", .destroy = count_close };
static struct net nets[4] = { { .ops = &ops }, { .ops = &ops }, { .ops = &ops }, { .ops = &ops } };

static int setup(void **state)
{
	const struct option_nic option = { .link_down = true };

	(void)state;
	memset(tulips, 0, sizeof(tulips));
	memset(&adapters, 0, sizeof(adapters));
	memset(lines, 0, sizeof(lines));
	created = closed = 0;
	pci = pci_create();
	pio = pio_create();
	adapters_init(&adapters);
	for (unsigned int i = 0; i < ADAPTERS_MAX; i++)
		assert_int_equal(adapters_open(&adapters, NULL, &nets[i], 2 * i, &option), 0);
	assert_int_equal(adapters_attach(&adapters, pci, (struct vm *)&adapters), 0);
	assert_int_equal(pci_attach(pci, pio), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	adapters_stop(&adapters);
	for (unsigned int i = 0; i < ADAPTERS_MAX; i++)
		assert_false(tulips[i].started);
	adapters_close(&adapters);
	pci_destroy(pci);
	pio_destroy(pio);
	return 0;
}

static uint32_t port(bool write, uint16_t number, uint32_t value)
{
	uint8_t data[4];

	memcpy(data, &value, sizeof(data));
	pio_access(pio, write, number, data, 4, 1);
	memcpy(&value, data, sizeof(value));
	return value;
}

static void address(unsigned int slot, unsigned int offset)
{
	const struct pio_device device = pci_address(pci);
	uint32_t value = 0x80000000u | slot << 11 | offset;
	uint8_t data[4];

	memcpy(data, &value, sizeof(data));
	device.out(device.context, 0, data, 4);
}

static uint32_t config(unsigned int slot, unsigned int offset)
{
	address(slot, offset);
	return port(false, 0xCFC, 0);
}

static void set_config(unsigned int slot, unsigned int offset, uint32_t value)
{
	address(slot, offset);
	port(true, 0xCFC, value);
}

static void are_found_in_their_slots(void **state)
{
	(void)state;
	for (unsigned int slot = 8; slot <= 10; slot++) {
		assert_int_equal(config(slot, 0x00), 0x00091011);
		assert_int_equal(config(slot, 0x08), 0x02000020);
		assert_int_equal(config(slot, 0x3C), 0x28140100u | (slot == 9 ? 10 : 11));
		assert_int_equal(config(slot, 0x14), 0);
		set_config(slot, 0x10, ~0u);
		assert_int_equal(config(slot, 0x10), 0xff81);
	}
	assert_int_equal(config(11, 0), ~0u);
}

static void bars_lead_to_their_adapter(void **state)
{
	(void)state;
	assert_int_equal(config(10, 0x10), 0xC081);
	assert_int_equal(port(false, 0xC088, 0), 0x01010101);
	assert_int_equal(port(false, 0xC108, 0), 0x11111111);
	set_config(9, 0x10, 0xC400);
	assert_int_equal(port(false, 0xC108, 0), ~0u);
	port(true, 0xC428, 0x12345678);
	assert_int_equal(tulips[1].written, 0x12345678);
	assert_false(tulips[1].master);
	set_config(9, 0x04, 0x5);
	assert_true(tulips[1].master);
	assert_false(tulips[0].master);
	set_config(9, 0x04, 0);
	assert_false(tulips[1].master);
	assert_int_equal(port(false, 0xC428, 0), ~0u);
}

static void shared_lines_stay_while_anybody_holds_them(void **state)
{
	struct tulip_config *first = &tulips[0].config, *second = &tulips[1].config, *third = &tulips[2].config;

	(void)state;
	first->interrupt(first->context, true);
	assert_true(lines[11] && !lines[10]);
	third->interrupt(third->context, true);
	first->interrupt(first->context, false);
	assert_true(lines[11]);
	second->interrupt(second->context, true);
	assert_true(lines[10]);
	third->interrupt(third->context, false);
	assert_true(!lines[11] && lines[10]);
	second->interrupt(second->context, false);
	assert_false(lines[10]);
}

static void are_found_by_their_number_and_no_more_fit(void **state)
{
	static const uint8_t third[6] = { 0x02, 'h', 'v', 'i', 's', 4 };
	const struct option_nic option = { 0 };

	(void)state;
	assert_ptr_equal(adapters_find(&adapters, 4), &tulips[2]);
	assert_null(adapters_find(&adapters, 1));
	assert_memory_equal(tulips[2].config.mac, third, 6);
	assert_true(tulips[2].config.link_down);
	assert_int_equal(adapters_open(&adapters, NULL, &nets[3], 5, &option), -ENOSPC);
	assert_int_equal(closed, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(are_found_in_their_slots, setup, teardown),
		cmocka_unit_test_setup_teardown(bars_lead_to_their_adapter, setup, teardown),
		cmocka_unit_test_setup_teardown(shared_lines_stay_while_anybody_holds_them, setup, teardown),
		cmocka_unit_test_setup_teardown(are_found_by_their_number_and_no_more_fit, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
