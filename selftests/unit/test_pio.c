// SPDX-License-Identifier: GPL-2.0
// links: host/pio.c host/pm.c host/rtc.c
/*
 * Port IO: who answers, what happens at the edges of a range, and the power management ports behind
 * it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "acpi.h"
#include "pio.h"
#include "pm.h"

struct ports {
	uint8_t bytes[4];
	unsigned int accesses;
};

static void ports_in(void *context, uint16_t offset, uint8_t *data, unsigned int size)
{
	struct ports *ports = context;

	assert_true(offset + size <= sizeof(ports->bytes));
	memcpy(data, ports->bytes + offset, size);
	ports->accesses++;
}

static void ports_out(void *context, uint16_t offset, const uint8_t *data, unsigned int size)
{
	struct ports *ports = context;

	assert_true(offset + size <= sizeof(ports->bytes));
	memcpy(ports->bytes + offset, data, size);
	ports->accesses++;
}

static struct pio_device device(uint16_t port, uint16_t count, struct ports *ports)
{
	return (struct pio_device){port, count, ports, ports_in, ports_out};
}

static void add(struct pio *pio, uint16_t port, uint16_t count, struct ports *ports, int expected)
{
	struct pio_device it = device(port, count, ports);

	assert_int_equal(pio_add(pio, &it), expected);
}

static void ranges_must_be_sound_and_apart(void **state)
{
	struct pio *pio = pio_create();
	struct ports ports = {0};

	(void)state;
	add(pio, 0x100, 0, &ports, -EINVAL);
	add(pio, 0xffff, 2, &ports, -EINVAL);
	add(pio, 0xfffc, 4, &ports, 0);
	add(pio, 0x100, 4, &ports, 0);
	add(pio, 0xfd, 4, &ports, -EEXIST);
	add(pio, 0x103, 1, &ports, -EEXIST);
	add(pio, 0xfc, 4, &ports, 0);
	add(pio, 0x104, 4, &ports, 0);
	for (uint16_t i = 4; i < 16; i++)
		add(pio, (uint16_t)(0x100 + i * 0x10), 1, &ports, 0);
	add(pio, 0x300, 1, &ports, -ENOSPC);
	pio_destroy(pio);
}

static void nobody_answers_with_ones(void **state)
{
	struct pio *pio = pio_create();
	uint8_t data[8] = {0};
	static const uint8_t ones[8] = {255, 255, 255, 255, 255, 255, 255, 255};

	(void)state;
	pio_access(pio, false, 0x80, data, 4, 2);
	assert_memory_equal(data, ones, 8);
	pio_access(pio, true, 0x80, data, 1, 8);
	pio_access(pio, false, 0xffff, data, 4, 1);
	pio_destroy(pio);
}

static void straddling_accesses_are_split(void **state)
{
	struct pio *pio = pio_create();
	struct ports low = {{1, 2, 3, 4}, 0};
	struct ports high = {{5, 6, 7, 8}, 0};
	uint8_t data[4];

	(void)state;
	add(pio, 0x100, 4, &low, 0);
	add(pio, 0x104, 2, &high, 0);
	pio_access(pio, false, 0x100, data, 4, 1);
	assert_memory_equal(data, "\1\2\3\4", 4);
	assert_int_equal(low.accesses, 1);
	pio_access(pio, false, 0x103, data, 4, 1);
	assert_memory_equal(data, "\4\5\6\377", 4);
	pio_access(pio, true, 0x102, (uint8_t *)"\11\12\13\14", 4, 1);
	assert_memory_equal(low.bytes, "\1\2\11\12", 4);
	assert_memory_equal(high.bytes, "\13\14\7\10", 4);
	pio_destroy(pio);
}

static void string_accesses_repeat_at_one_port(void **state)
{
	struct pio *pio = pio_create();
	struct ports ports = {{9, 8, 7, 6}, 0};
	uint8_t data[6];

	(void)state;
	add(pio, 0x100, 4, &ports, 0);
	pio_access(pio, false, 0x101, data, 2, 3);
	assert_memory_equal(data, "\10\7\10\7\10\7", 6);
	assert_int_equal(ports.accesses, 3);
	pio_destroy(pio);
}

struct wishes {
	unsigned int power_off, reset;
	struct pio *pio;
	struct pm *pm;
};

static void count_power_off(void *context)
{
	((struct wishes *)context)->power_off++;
}

static void count_reset(void *context)
{
	((struct wishes *)context)->reset++;
}

static void attach(struct wishes *wishes)
{
	*wishes = (struct wishes){.pio = pio_create()};
	wishes->pm = pm_create(count_power_off, count_reset, wishes);
	assert_non_null(wishes->pm);
	assert_int_equal(pm_attach(wishes->pm, wishes->pio), 0);
}

static void detach(struct wishes *wishes)
{
	pio_destroy(wishes->pio);
	pm_destroy(wishes->pm);
}

static void outw(struct wishes *wishes, uint16_t port, uint32_t value, unsigned int size)
{
	uint8_t data[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
			   (uint8_t)(value >> 24)};

	pio_access(wishes->pio, true, port, data, size, 1);
}

static uint32_t inw(struct wishes *wishes, uint16_t port, unsigned int size)
{
	uint8_t data[4] = {0};

	pio_access(wishes->pio, false, port, data, size, 1);
	return data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 | (uint32_t)data[3] << 24;
}

static void only_s5_powers_off(void **state)
{
	struct wishes wishes;

	(void)state;
	attach(&wishes);
	assert_int_equal(inw(&wishes, ACPI_PM1A_CONTROL_PORT, 2), 1); /* ACPI mode is on */
	outw(&wishes, ACPI_PM1A_CONTROL_PORT, ACPI_SLEEP_TYPE_S5 << 10, 2);
	outw(&wishes, ACPI_PM1A_CONTROL_PORT, 1 << 13 | 1 << 10, 2);
	assert_int_equal(wishes.power_off, 0);
	outw(&wishes, ACPI_PM1A_CONTROL_PORT, 1 << 13 | ACPI_SLEEP_TYPE_S5 << 10, 2);
	assert_int_equal(wishes.power_off, 1);
	assert_int_equal(inw(&wishes, ACPI_PM1A_CONTROL_PORT, 2), 1 | ACPI_SLEEP_TYPE_S5 << 10);
	outw(&wishes, ACPI_PM1A_CONTROL_PORT + 1, 0x20 | ACPI_SLEEP_TYPE_S5 << 2, 1);
	assert_int_equal(wishes.power_off, 2);
	outw(&wishes, ACPI_PM1A_CONTROL_PORT, 0, 1);
	assert_int_equal(wishes.power_off, 2);
	assert_int_equal(wishes.reset, 0);
	detach(&wishes);
}

static void events_are_enabled_and_never_pend(void **state)
{
	struct wishes wishes;

	(void)state;
	attach(&wishes);
	outw(&wishes, ACPI_PM1A_EVENT_PORT, 0xffff, 2);
	assert_int_equal(inw(&wishes, ACPI_PM1A_EVENT_PORT, 2), 0);
	outw(&wishes, ACPI_PM1A_EVENT_PORT + 2, 0x0120, 2);
	assert_int_equal(inw(&wishes, ACPI_PM1A_EVENT_PORT + 2, 2), 0x0120);
	outw(&wishes, ACPI_PM1A_EVENT_PORT, 0x0020ffff, 4);
	assert_int_equal(inw(&wishes, ACPI_PM1A_EVENT_PORT, 4), 0x00200000);
	detach(&wishes);
}

/* 3.579545 ticks a microsecond: compared with the clock it is made of, read before and after. */
static void the_timer_counts_at_its_rate(void **state)
{
	struct wishes wishes;
	struct timespec from, to;
	uint32_t ticks;
	double microseconds;

	(void)state;
	attach(&wishes);
	clock_gettime(CLOCK_MONOTONIC, &from);
	ticks = inw(&wishes, ACPI_PM_TIMER_PORT, 4);
	do
		clock_gettime(CLOCK_MONOTONIC, &to);
	while ((microseconds = (double)(to.tv_sec - from.tv_sec) * 1e6 +
			       (double)(to.tv_nsec - from.tv_nsec) / 1e3) < 2000);
	ticks = inw(&wishes, ACPI_PM_TIMER_PORT, 4) - ticks;
	assert_true(ticks > 2000 * 3.5 && ticks < microseconds * 3.579545 + 3579545);
	outw(&wishes, ACPI_PM_TIMER_PORT, 0, 4);
	detach(&wishes);
}

static void three_ways_to_reset(void **state)
{
	struct wishes wishes;

	(void)state;
	attach(&wishes);
	outw(&wishes, ACPI_RESET_PORT, 2, 1);
	assert_int_equal(wishes.reset, 0);
	assert_int_equal(inw(&wishes, ACPI_RESET_PORT, 1), 2);
	outw(&wishes, ACPI_RESET_PORT, ACPI_RESET_VALUE, 1);
	assert_int_equal(wishes.reset, 1);
	outw(&wishes, ACPI_RESET_PORT, 0x0e, 1);
	assert_int_equal(wishes.reset, 2);
	outw(&wishes, 0x64, 0xd1, 1);
	assert_int_equal(wishes.reset, 2);
	assert_int_equal(inw(&wishes, 0x64, 1) & 3, 0); /* ready for a command */
	outw(&wishes, 0x64, 0xfe, 1);
	assert_int_equal(wishes.reset, 3);
	detach(&wishes);
}

/* 0xCF9 lies inside 0xCF8, where a guest looks for PCI. */
static void looking_for_pci_resets_nothing(void **state)
{
	struct wishes wishes;

	(void)state;
	attach(&wishes);
	for (unsigned int function = 0; function < 8; function++)
		outw(&wishes, ACPI_RESET_PORT - 1, 0x80000000u | function << 8, 4);
	outw(&wishes, ACPI_RESET_PORT - 1, 0xffff, 2);
	outw(&wishes, ACPI_RESET_PORT, 0xffff, 2);
	assert_int_equal(wishes.reset, 0);
	assert_int_equal(inw(&wishes, ACPI_RESET_PORT - 1, 4), 0xffffffff);
	detach(&wishes);
}

static unsigned int clock_register(struct wishes *wishes, uint8_t index)
{
	uint32_t value;

	outw(wishes, 0x70, index | 0x80, 1); /* with the NMI bit, which is not the clock's */
	value = inw(wishes, 0x71, 1);
	return (value >> 4) * 10 + (value & 15);
}

static void the_clock_tells_the_date(void **state)
{
	struct wishes wishes;
	struct tm utc = {0};
	time_t before = time(NULL);
	time_t told;

	(void)state;
	attach(&wishes);
	outw(&wishes, 0x70, 0x0a, 1);
	assert_int_equal(inw(&wishes, 0x71, 1) & 0x80, 0); /* no update in progress */
	do {
		utc.tm_sec = (int)clock_register(&wishes, 0);
		utc.tm_min = (int)clock_register(&wishes, 2);
		utc.tm_hour = (int)clock_register(&wishes, 4);
		utc.tm_mday = (int)clock_register(&wishes, 7);
		utc.tm_mon = (int)clock_register(&wishes, 8) - 1;
		utc.tm_year = (int)clock_register(&wishes, 9) + 100;
	} while ((int)clock_register(&wishes, 0) != utc.tm_sec);
	told = timegm(&utc);
	assert_true(told >= before && told <= time(NULL));
	assert_int_equal(inw(&wishes, 0x70, 1), 0xff);
	detach(&wishes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_must_be_sound_and_apart),
		cmocka_unit_test(nobody_answers_with_ones),
		cmocka_unit_test(straddling_accesses_are_split),
		cmocka_unit_test(string_accesses_repeat_at_one_port),
		cmocka_unit_test(only_s5_powers_off),
		cmocka_unit_test(events_are_enabled_and_never_pend),
		cmocka_unit_test(the_timer_counts_at_its_rate),
		cmocka_unit_test(three_ways_to_reset),
		cmocka_unit_test(looking_for_pci_resets_nothing),
		cmocka_unit_test(the_clock_tells_the_date),
	};

	return cmocka_run_group_tests_name("pio", tests, NULL, NULL);
}
