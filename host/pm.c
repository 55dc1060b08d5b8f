// SPDX-License-Identifier: GPL-2.0
/*
 * Fixed ACPI hardware and the reset ports: owns their few registers. Leaves what a power-off or
 * reset does to the callbacks, and the port numbers to acpi.h, which also tells them to the guest.
 * Register meaning: ACPI 6.3 section 4.8.3 (PM1, PM timer) and 4.8.3.6 (reset register).
 * Invariant: ACPI mode is always on (SCI_EN reads 1, there is no SMI command port) and no event
 * ever pends.
 */
#include "pm.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "acpi.h"
#include "rtc.h"

#define PM1_ENABLE_OFFSET	2 /* in the event block, after the 16-bit status */
#define PM1_SCI_EN		0x0001
#define PM1_SLEEP_TYPE(control) (((control) >> 10) & 7)
#define PM1_SLEEP_ENABLE	0x2000

#define PM_TIMER_HZ		3579545ull
#define NSEC_PER_SEC		1000000000ull

#define RESET_CPU \
	0x04 /* port 0xCF9: the bit whose write resets; the others choose how thoroughly */

#define PCI_ADDRESS_PORT     0xCF8
#define PCI_ADDRESS_BYTES    4
#define KEYBOARD_PORT	     0x64
#define KEYBOARD_PULSE_RESET 0xFE

struct pm {
	void (*power_off)(void *context);
	void (*reset)(void *context);
	void *context;
	atomic_ushort enable; /* PM1 enable: remembered, nothing to enable */
	atomic_ushort control;
	atomic_uchar reset_control;
	struct pio_device address; /* of PCI; in is NULL where there is none */
	_Atomic uint64_t skipped; /* ns that the timer is behind this machine's */
	struct rtc rtc;
};

/* Answer a little-endian register of which the access sees @size bytes from @offset on. */
static void answer(uint8_t *data, unsigned int size, uint32_t value, unsigned int offset)
{
	for (unsigned int i = 0; i < size; i++)
		data[i] = offset + i < 4 ? (uint8_t)(value >> 8 * (offset + i)) : 0;
}

static uint16_t word(const uint8_t *data, unsigned int size)
{
	return (uint16_t)(data[0] | (size > 1 ? data[1] << 8 : 0));
}

static void event_in(void *context, uint16_t offset, uint8_t *data, unsigned int size)
{
	struct pm *pm = context;

	answer(data, size, (uint32_t)atomic_load(&pm->enable) << 16, offset);
}

/* Status bits are cleared by writing ones: none is ever set. A 32-bit write covers both halves. */
static void event_out(void *context, uint16_t offset, const uint8_t *data, unsigned int size)
{
	struct pm *pm = context;

	if (offset == PM1_ENABLE_OFFSET)
		atomic_store(&pm->enable, word(data, size));
	else if (offset == 0 && size == 4)
		atomic_store(&pm->enable, word(data + PM1_ENABLE_OFFSET, 2));
}

static void control_in(void *context, uint16_t offset, uint8_t *data, unsigned int size)
{
	struct pm *pm = context;

	answer(data, size, atomic_load(&pm->control) | PM1_SCI_EN, offset);
}

static void control_out(void *context, uint16_t offset, const uint8_t *data, unsigned int size)
{
	struct pm *pm = context;
	uint16_t control = word(data, size);

	if (offset == 1)
		control = (uint16_t)(data[0] << 8 | (atomic_load(&pm->control) & 0xff));
	else if (size == 1)
		control |= atomic_load(&pm->control) & 0xff00;
	/* SLP_EN is write-only: it acts and reads back as zero. */
	atomic_store(&pm->control, control & (uint16_t)~PM1_SLEEP_ENABLE);
	if ((control & PM1_SLEEP_ENABLE) && PM1_SLEEP_TYPE(control) == ACPI_SLEEP_TYPE_S5)
		pm->power_off(pm->context);
}

/* Seconds and the rest apart, so that the product stays small for centuries of uptime. */
static uint32_t timer_ticks(const struct pm *pm)
{
	struct timespec now;
	uint64_t ns;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ns = (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec - atomic_load(&pm->skipped);
	return (uint32_t)(ns / NSEC_PER_SEC * PM_TIMER_HZ + ns % NSEC_PER_SEC * PM_TIMER_HZ / NSEC_PER_SEC);
}

void pm_skip(struct pm *pm, uint64_t ns)
{
	atomic_fetch_add(&pm->skipped, ns);
}

void pm_set_time_offset(struct pm *pm, int64_t seconds)
{
	atomic_store(&pm->rtc.offset, seconds);
}

static void timer_in(void *context, uint16_t offset, uint8_t *data, unsigned int size)
{
	answer(data, size, timer_ticks(context), offset);
}

static void ignore_out(void *context, uint16_t offset, const uint8_t *data, unsigned int size)
{
	(void)context;
	(void)offset;
	(void)data;
	(void)size;
}

/*
 * The reset register is a byte in the middle of PCI's 32-bit address port, 0xCF8. A guest writes there
 * as a whole, also where there is no PCI and it only looks for one, and any bit may be set: only access
 * to the one byte is ours.
 */
static bool is_reset(uint16_t offset, unsigned int size)
{
	return offset == ACPI_RESET_PORT - PCI_ADDRESS_PORT && size == 1;
}

static void reset_in(void *context, uint16_t offset, uint8_t *data, unsigned int size)
{
	struct pm *pm = context;

	memset(data, 0xff, size);
	if (is_reset(offset, size))
		data[0] = atomic_load(&pm->reset_control);
	else if (size == PCI_ADDRESS_BYTES && pm->address.in)
		pm->address.in(pm->address.context, offset, data, size);
}

static void reset_out(void *context, uint16_t offset, const uint8_t *data, unsigned int size)
{
	struct pm *pm = context;

	if (size == PCI_ADDRESS_BYTES && pm->address.out)
		pm->address.out(pm->address.context, offset, data, size);
	if (!is_reset(offset, size))
		return;
	atomic_store(&pm->reset_control, data[0] & (uint8_t)~RESET_CPU);
	if (data[0] & RESET_CPU)
		pm->reset(pm->context);
}

/* Status 0: nothing to read, ready for commands. There is no keyboard; the ACPI tables say so. */
static void keyboard_in(void *context, uint16_t offset, uint8_t *data, unsigned int size)
{
	(void)context;
	answer(data, size, 0, offset);
}

static void keyboard_out(void *context, uint16_t offset, const uint8_t *data, unsigned int size)
{
	struct pm *pm = context;

	(void)offset;
	(void)size;
	if (data[0] == KEYBOARD_PULSE_RESET)
		pm->reset(pm->context);
}

struct pm *pm_create(void (*power_off)(void *context), void (*reset)(void *context), void *context)
{
	struct pm *pm = calloc(1, sizeof(*pm));

	if (!pm)
		return NULL;
	pm->power_off = power_off;
	pm->reset = reset;
	pm->context = context;
	return pm;
}

void pm_destroy(struct pm *pm)
{
	free(pm);
}

void pm_share_address(struct pm *pm, const struct pio_device *address)
{
	pm->address = *address;
}

int pm_attach(struct pm *pm, struct pio *pio)
{
	const struct pio_device devices[] = {
		{ACPI_PM1A_EVENT_PORT, ACPI_PM1A_EVENT_BYTES, pm, event_in, event_out},
		{ACPI_PM1A_CONTROL_PORT, ACPI_PM1A_CONTROL_BYTES, pm, control_in, control_out},
		{ACPI_PM_TIMER_PORT, ACPI_PM_TIMER_BYTES, pm, timer_in, ignore_out},
		{PCI_ADDRESS_PORT, PCI_ADDRESS_BYTES, pm, reset_in, reset_out},
		{KEYBOARD_PORT, 1, pm, keyboard_in, keyboard_out},
		rtc_pio(&pm->rtc),
	};

	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		int error = pio_add(pio, &devices[i]);

		if (error)
			return error;
	}
	return 0;
}
