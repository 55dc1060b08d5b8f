// SPDX-License-Identifier: GPL-2.0
/*
 * ACPI tables: owns their bytes and their place in guest memory. Leaves devices to dsdt.asl, whose
 * compiled form is built in, and the registers that the tables name to pm.c and serial.c.
 * Table layouts: ACPI 6.3 chapter 5.2, the section named at each.
 * Invariant: every table lies inside the ACPI area, 16-byte aligned, with a correct checksum.
 */
#include "acpi.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "dsdt.hex" /* unsigned char dsdt_aml_code[] */

#define TABLE_ALIGN  16
#define FACS_ALIGN   64
#define OEM_ID	     "HVIS  "
#define OEM_TABLE_ID "HVISHOST"
#define CREATOR_ID   "HVIS"

/* 5.2.5.3 */
struct rsdp {
	char signature[8];
	uint8_t checksum; /* of the first 20 bytes */
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t extended_checksum; /* of all */
	uint8_t reserved[3];
} __attribute__((packed));
static_assert(sizeof(struct rsdp) == 36, "ACPI 5.2.5.3");

/* 5.2.6 */
struct table_header {
	char signature[4];
	uint32_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem_id[6];
	char oem_table_id[8];
	uint32_t oem_revision;
	char creator_id[4];
	uint32_t creator_revision;
} __attribute__((packed));
static_assert(sizeof(struct table_header) == 36, "ACPI 5.2.6");

/* 5.2.3.2 */
struct generic_address {
	uint8_t space;
	uint8_t bits;
	uint8_t bit_offset;
	uint8_t access;
	uint64_t address;
} __attribute__((packed));
static_assert(sizeof(struct generic_address) == 12, "ACPI 5.2.3.2");

#define SPACE_IO     1
#define ACCESS_BYTE  1
#define ACCESS_WORD  2
#define ACCESS_DWORD 3

/* 5.2.9 */
struct fadt {
	struct table_header header;
	uint32_t facs;
	uint32_t dsdt;
	uint8_t reserved0;
	uint8_t profile;
	uint16_t sci;
	uint32_t smi_command; /* 0: always in ACPI mode */
	uint8_t acpi_enable, acpi_disable, s4bios_request, pstate_control;
	uint32_t pm1a_event, pm1b_event;
	uint32_t pm1a_control, pm1b_control;
	uint32_t pm2_control, pm_timer;
	uint32_t gpe0, gpe1;
	uint8_t pm1_event_bytes, pm1_control_bytes, pm2_control_bytes, pm_timer_bytes;
	uint8_t gpe0_bytes, gpe1_bytes, gpe1_base, cstate_control;
	uint16_t c2_latency, c3_latency;
	uint16_t flush_size, flush_stride;
	uint8_t duty_offset, duty_width, day_alarm, month_alarm, century;
	uint16_t boot_flags;
	uint8_t reserved1;
	uint32_t flags;
	struct generic_address reset;
	uint8_t reset_value;
	uint16_t arm_boot_flags;
	uint8_t minor_revision;
	uint64_t x_facs, x_dsdt;
	struct generic_address x_pm1a_event, x_pm1b_event;
	struct generic_address x_pm1a_control, x_pm1b_control;
	struct generic_address x_pm2_control, x_pm_timer;
	struct generic_address x_gpe0, x_gpe1;
	struct generic_address sleep_control, sleep_status;
	uint64_t hypervisor_vendor;
} __attribute__((packed));
static_assert(offsetof(struct fadt, boot_flags) == 109, "ACPI 5.2.9");
static_assert(offsetof(struct fadt, x_dsdt) == 140, "ACPI 5.2.9");
static_assert(sizeof(struct fadt) == 276, "ACPI 5.2.9, revision 6");

#define FADT_LATENCY_NO_C2	   0x0fff
#define FADT_LATENCY_NO_C3	   0x0fff
#define FADT_FLAGS_WBINVD	   (1u << 0)
#define FADT_FLAGS_C1		   (1u << 2)
#define FADT_FLAGS_NO_POWER_BUTTON (1u << 4) /* not in the fixed registers */
#define FADT_FLAGS_NO_SLEEP_BUTTON (1u << 5)
#define FADT_FLAGS_NO_FIXED_RTC	   (1u << 6)
#define FADT_FLAGS_TIMER_32BIT	   (1u << 8)
#define FADT_FLAGS_RESET_REGISTER  (1u << 10)
#define FADT_BOOT_LEGACY_DEVICES   (1u << 0) /* serial ports on the ISA bus; bit 1 clear: no 8042 */
#define FADT_BOOT_NO_VGA	   (1u << 2)
#define FADT_BOOT_NO_CMOS_RTC	   (1u << 5)

/* 5.2.10 */
struct facs {
	char signature[4];
	uint32_t length;
	uint32_t hardware_signature;
	uint32_t waking_vector;
	uint32_t global_lock;
	uint32_t flags;
	uint64_t x_waking_vector;
	uint8_t version;
	uint8_t reserved[31];
} __attribute__((packed));
static_assert(sizeof(struct facs) == 64, "ACPI 5.2.10");

/* 5.2.12 */
struct madt {
	struct table_header header;
	uint32_t lapic_address;
	uint32_t flags;
} __attribute__((packed));
#define MADT_PC_AT 1u /* there are 8259s too */

struct madt_lapic {
	uint8_t type, length;
	uint8_t processor_uid;
	uint8_t apic_id;
	uint32_t flags;
} __attribute__((packed));
static_assert(sizeof(struct madt_lapic) == 8, "ACPI 5.2.12.2");

struct madt_x2apic {
	uint8_t type, length;
	uint16_t reserved;
	uint32_t apic_id;
	uint32_t flags;
	uint32_t processor_uid;
} __attribute__((packed));
static_assert(sizeof(struct madt_x2apic) == 16, "ACPI 5.2.12.12");

struct madt_ioapic {
	uint8_t type, length;
	uint8_t id;
	uint8_t reserved;
	uint32_t address;
	uint32_t gsi_base;
} __attribute__((packed));
static_assert(sizeof(struct madt_ioapic) == 12, "ACPI 5.2.12.3");

struct madt_override {
	uint8_t type, length;
	uint8_t bus;
	uint8_t irq;
	uint32_t gsi;
	uint16_t flags;
} __attribute__((packed));
static_assert(sizeof(struct madt_override) == 10, "ACPI 5.2.12.5");

enum {
	MADT_LAPIC = 0,
	MADT_IOAPIC = 1,
	MADT_OVERRIDE = 2,
	MADT_X2APIC = 9
};
#define MADT_ENABLED	1u
#define MADT_HIGH_LEVEL 0x000d /* active high, level triggered */
#define LAPIC_ID_MAX	254 /* 255 is the broadcast id; larger ones need the x2APIC form */

/* Where the next table goes. Sticky: once something did not fit, nothing is written any more. */
struct area {
	uint8_t *host;
	uint32_t used;
	bool full;
};

/* A zeroed place of @bytes; NULL when the area is full. */
static void *area_take(struct area *area, uint32_t bytes, uint32_t align)
{
	uint32_t start = (area->used + align - 1) & ~(align - 1);
	uint8_t *place = area->host + start;

	if (area->full || start > ACPI_AREA_BYTES || bytes > ACPI_AREA_BYTES - start) {
		area->full = true;
		return NULL;
	}
	area->used = start + bytes;
	return memset(place, 0, bytes);
}

static uint64_t area_gpa(const struct area *area, const void *place)
{
	return place ? ACPI_AREA_GPA + (uint64_t)((const uint8_t *)place - area->host) : 0;
}

static uint8_t checksum(const void *bytes, size_t count)
{
	const uint8_t *byte = bytes;
	uint8_t sum = 0;

	while (count--)
		sum = (uint8_t)(sum + *byte++);
	return (uint8_t)-sum;
}

static void fill_header(struct table_header *header, const char *signature, uint8_t revision)
{
	memcpy(header->signature, signature, sizeof(header->signature));
	header->revision = revision;
	memcpy(header->oem_id, OEM_ID, sizeof(header->oem_id));
	memcpy(header->oem_table_id, OEM_TABLE_ID, sizeof(header->oem_table_id));
	header->oem_revision = 1;
	memcpy(header->creator_id, CREATOR_ID, sizeof(header->creator_id));
	header->creator_revision = 1;
}

/* The table ends where the area is used up to: set its length, then its checksum. */
static void finish_table(struct area *area, struct table_header *header)
{
	if (area->full)
		return;
	header->length = (uint32_t)(area->host + area->used - (uint8_t *)header);
	header->checksum = checksum(header, header->length);
}

static uint64_t build_facs(struct area *area)
{
	struct facs *facs = area_take(area, sizeof(*facs), FACS_ALIGN);

	if (!facs)
		return 0;
	memcpy(facs->signature, "FACS", 4);
	facs->length = sizeof(*facs);
	facs->version = 2;
	return area_gpa(area, facs);
}

/* A table that came out of the compiler whole: its length is in its header. */
static uint64_t copy_table(struct area *area, const uint8_t *aml)
{
	uint32_t bytes;
	void *table;

	memcpy(&bytes, aml + offsetof(struct table_header, length), sizeof(bytes));
	table = area_take(area, bytes, TABLE_ALIGN);
	if (table)
		memcpy(table, aml, bytes);
	return area_gpa(area, table);
}

static struct generic_address io_block(uint16_t port, uint8_t bytes, uint8_t access)
{
	return (struct generic_address){
		.space = SPACE_IO,
		.bits = (uint8_t)(bytes * 8),
		.access = access,
		.address = port,
	};
}

static void fill_fadt_ports(struct fadt *fadt)
{
	fadt->pm1a_event = ACPI_PM1A_EVENT_PORT;
	fadt->pm1_event_bytes = ACPI_PM1A_EVENT_BYTES;
	fadt->x_pm1a_event = io_block(ACPI_PM1A_EVENT_PORT, ACPI_PM1A_EVENT_BYTES, ACCESS_WORD);
	fadt->pm1a_control = ACPI_PM1A_CONTROL_PORT;
	fadt->pm1_control_bytes = ACPI_PM1A_CONTROL_BYTES;
	fadt->x_pm1a_control =
		io_block(ACPI_PM1A_CONTROL_PORT, ACPI_PM1A_CONTROL_BYTES, ACCESS_WORD);
	fadt->pm_timer = ACPI_PM_TIMER_PORT;
	fadt->pm_timer_bytes = ACPI_PM_TIMER_BYTES;
	fadt->x_pm_timer = io_block(ACPI_PM_TIMER_PORT, ACPI_PM_TIMER_BYTES, ACCESS_DWORD);
	fadt->reset = io_block(ACPI_RESET_PORT, 1, ACCESS_BYTE);
	fadt->reset_value = ACPI_RESET_VALUE;
}

static uint64_t build_fadt(struct area *area, uint64_t facs, uint64_t dsdt)
{
	struct fadt *fadt = area_take(area, sizeof(*fadt), TABLE_ALIGN);

	if (!fadt)
		return 0;
	fill_header(&fadt->header, "FACP", 6);
	fadt->minor_revision = 3;
	fadt->facs = (uint32_t)facs; /* the 64-bit form must be zero when this one is used */
	fadt->dsdt = (uint32_t)dsdt;
	fadt->x_dsdt = dsdt;
	fadt->sci = ACPI_SCI_IRQ;
	fadt->c2_latency = FADT_LATENCY_NO_C2;
	fadt->c3_latency = FADT_LATENCY_NO_C3;
	fadt->boot_flags = FADT_BOOT_LEGACY_DEVICES | FADT_BOOT_NO_VGA | FADT_BOOT_NO_CMOS_RTC;
	fadt->flags = FADT_FLAGS_WBINVD | FADT_FLAGS_C1 | FADT_FLAGS_NO_POWER_BUTTON |
		      FADT_FLAGS_NO_SLEEP_BUTTON | FADT_FLAGS_NO_FIXED_RTC |
		      FADT_FLAGS_TIMER_32BIT | FADT_FLAGS_RESET_REGISTER;
	fill_fadt_ports(fadt);
	finish_table(area, &fadt->header);
	return area_gpa(area, fadt);
}

static void add_processor(struct area *area, unsigned int cpu)
{
	struct madt_lapic *lapic;
	struct madt_x2apic *x2apic;

	if (cpu <= LAPIC_ID_MAX) {
		lapic = area_take(area, sizeof(*lapic), 1);
		if (lapic)
			*lapic = (struct madt_lapic){MADT_LAPIC, sizeof(*lapic), (uint8_t)cpu,
						     (uint8_t)cpu, MADT_ENABLED};
		return;
	}
	x2apic = area_take(area, sizeof(*x2apic), 1);
	if (x2apic)
		*x2apic = (struct madt_x2apic){MADT_X2APIC, sizeof(*x2apic), 0,
					       cpu,	    MADT_ENABLED,    cpu};
}

static void add_override(struct area *area, uint8_t irq, uint32_t gsi, uint16_t flags)
{
	struct madt_override *entry = area_take(area, sizeof(*entry), 1);

	if (entry)
		*entry = (struct madt_override){MADT_OVERRIDE, sizeof(*entry), 0, irq, gsi, flags};
}

static uint64_t build_madt(struct area *area, unsigned int cpus)
{
	struct madt *madt = area_take(area, sizeof(*madt), TABLE_ALIGN);
	struct madt_ioapic *ioapic;

	if (!madt)
		return 0;
	fill_header(&madt->header, "APIC", 5);
	madt->lapic_address = ACPI_LAPIC_ADDRESS;
	madt->flags = MADT_PC_AT;
	for (unsigned int cpu = 0; cpu < cpus; cpu++)
		add_processor(area, cpu);
	ioapic = area_take(area, sizeof(*ioapic), 1);
	if (ioapic)
		*ioapic = (struct madt_ioapic){MADT_IOAPIC, sizeof(*ioapic),	 0,
					       0,	    ACPI_IOAPIC_ADDRESS, 0};
	add_override(area, 0, 2, 0); /* the timer, as on every PC */
	add_override(area, ACPI_SCI_IRQ, ACPI_SCI_IRQ, MADT_HIGH_LEVEL);
	finish_table(area, &madt->header);
	return area_gpa(area, madt);
}

/* AML: Device (Cxxx) { Name (_HID, "ACPI0007") Name (_UID, word) }; name and UID are filled in. */
static const uint8_t processor_aml[] = {
	0x5b, 0x82, 28, 'C', '0', '0', '0', /* DeviceOp, length without the operator, name */
	0x08, '_', 'H', 'I', 'D', 0x0d, 'A', 'C', 'P', 'I', '0', '0', '0', '7', 0,
	0x08, '_', 'U', 'I', 'D', 0x0b, 0, 0,
};
#define PROCESSOR_NAME 4
#define PROCESSOR_UID  28
static_assert(sizeof(processor_aml) == 2 + 28 && PROCESSOR_UID == 28, "length and place");
static_assert(ACPI_CPUS_MAX <= 0x1000, "three hexadecimal digits");

/* AML: Scope (\_SB) { ... }, package length in its four-byte form. */
static void add_scope(struct area *area, uint32_t content_bytes)
{
	uint8_t *scope = area_take(area, 10, 1);
	uint32_t length = 4 + 5 + content_bytes;

	if (!scope)
		return;
	scope[0] = 0x10;
	scope[1] = (uint8_t)(3 << 6 | (length & 0xf));
	scope[2] = (uint8_t)(length >> 4);
	scope[3] = (uint8_t)(length >> 12);
	scope[4] = (uint8_t)(length >> 20);
	memcpy(scope + 5, "\\_SB_", 5);
}

static void add_processor_device(struct area *area, unsigned int cpu)
{
	static const char digits[] = "0123456789ABCDEF";
	uint8_t *aml = area_take(area, sizeof(processor_aml), 1);

	if (!aml)
		return;
	memcpy(aml, processor_aml, sizeof(processor_aml));
	for (unsigned int i = 0; i < 3; i++)
		aml[PROCESSOR_NAME + i] = (uint8_t)digits[cpu >> (8 - 4 * i) & 0xf];
	aml[PROCESSOR_UID] = (uint8_t)cpu;
	aml[PROCESSOR_UID + 1] = (uint8_t)(cpu >> 8);
}

static uint64_t build_ssdt(struct area *area, unsigned int cpus)
{
	struct table_header *ssdt = area_take(area, sizeof(*ssdt), TABLE_ALIGN);

	if (!ssdt)
		return 0;
	fill_header(ssdt, "SSDT", 2);
	add_scope(area, cpus * (uint32_t)sizeof(processor_aml));
	for (unsigned int cpu = 0; cpu < cpus; cpu++)
		add_processor_device(area, cpu);
	finish_table(area, ssdt);
	return area_gpa(area, ssdt);
}

static uint64_t build_xsdt(struct area *area, const uint64_t *tables, unsigned int count)
{
	struct table_header *xsdt = area_take(area, sizeof(*xsdt), TABLE_ALIGN);
	void *entries = area_take(area, count * (uint32_t)sizeof(*tables), 1);

	if (!entries)
		return 0;
	fill_header(xsdt, "XSDT", 1);
	memcpy(entries, tables, count * sizeof(*tables));
	finish_table(area, xsdt);
	return area_gpa(area, xsdt);
}

static void fill_rsdp(struct rsdp *rsdp, uint64_t xsdt)
{
	memcpy(rsdp->signature, "RSD PTR ", sizeof(rsdp->signature));
	memcpy(rsdp->oem_id, OEM_ID, sizeof(rsdp->oem_id));
	rsdp->revision = 2;
	rsdp->length = sizeof(*rsdp);
	rsdp->xsdt = xsdt;
	rsdp->checksum = checksum(rsdp, 20);
	rsdp->extended_checksum = checksum(rsdp, sizeof(*rsdp));
}

static bool memory_reaches(const struct guestmem *mem, uint64_t limit)
{
	const struct guestmem_region *regions;
	unsigned int count = guestmem_regions(mem, &regions);

	return regions[count - 1].gpa + regions[count - 1].bytes > limit;
}

uint64_t acpi_build(struct guestmem *mem, unsigned int cpus, const uint8_t *ssdt)
{
	struct area area = {.host = guestmem_ptr(mem, gpa(ACPI_AREA_GPA), ACPI_AREA_BYTES)};
	struct rsdp *rsdp;
	unsigned int count = 0;
	uint64_t tables[4];
	uint64_t facs;
	uint64_t dsdt;
	uint64_t xsdt;

	if (!area.host || memory_reaches(mem, ACPI_MMIO_HIGH) || !cpus || cpus > ACPI_CPUS_MAX)
		return 0;
	rsdp = area_take(&area, sizeof(*rsdp), TABLE_ALIGN);
	facs = build_facs(&area);
	dsdt = copy_table(&area, dsdt_aml_code);
	tables[count++] = build_fadt(&area, facs, dsdt);
	tables[count++] = build_madt(&area, cpus);
	tables[count++] = build_ssdt(&area, cpus);
	if (ssdt)
		tables[count++] = copy_table(&area, ssdt);
	xsdt = build_xsdt(&area, tables, count);
	if (area.full)
		return 0;
	fill_rsdp(rsdp, xsdt);
	return area_gpa(&area, rsdp);
}
