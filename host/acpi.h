/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ACPI tables: RSDP, XSDT, FADT, FACS, MADT and an SSDT with the processors, in C; the DSDT
 * from dsdt.asl. Also the one place for the port numbers and addresses that those tables tell the
 * guest; dsdt.asl repeats some.
 */
#ifndef HVIS_HOST_ACPI_H
#define HVIS_HOST_ACPI_H

#include <stdint.h>

#include "guestmem.h"

/*
 * All tables lie in this range of guest memory; boot.c gives it the e820 type "ACPI". The RSDP
 * comes first.
 */
#define ACPI_AREA_GPA		0xE0000ull
#define ACPI_AREA_BYTES		0x20000ull

#define ACPI_PM1A_EVENT_PORT	0x600
#define ACPI_PM1A_EVENT_BYTES	4
#define ACPI_PM1A_CONTROL_PORT	0x604
#define ACPI_PM1A_CONTROL_BYTES 2
#define ACPI_PM_TIMER_PORT	0x608
#define ACPI_PM_TIMER_BYTES	4
#define ACPI_RESET_PORT		0xCF9
#define ACPI_RESET_VALUE	6
#define ACPI_SLEEP_TYPE_S5	5 /* dsdt.asl: \_S5 */
#define ACPI_SCI_IRQ		9

#define ACPI_IOAPIC_ADDRESS	0xFEC00000u
#define ACPI_LAPIC_ADDRESS	0xFEE00000u

/* Where the VMBus device's windows lie (dsdt.asl: VMOD); RAM must end below the high one. */
#define ACPI_MMIO_LOW		0xE0000000ull
#define ACPI_MMIO_HIGH		0x4000000000ull

/**
 * acpi_build() - write all tables into guest memory
 * @mem: guest memory, not yet running
 * @cpus: number of processors, 1..ACPI_CPUS_MAX; processor n has APIC id n
 * @ssdt: one more table, complete, or NULL
 *
 * Return: guest physical address of the RSDP, or 0 when memory is too small (less than 1 MiB) or
 * reaches ACPI_MMIO_HIGH, or @cpus is out of range.
 */
#define ACPI_CPUS_MAX		1024
uint64_t acpi_build(struct guestmem *mem, unsigned int cpus, const uint8_t *ssdt);

#endif
