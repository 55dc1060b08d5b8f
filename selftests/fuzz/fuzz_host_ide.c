// SPDX-License-Identifier: GPL-2.0
// links: host/legacy/ide.c host/legacy/ide_registers.c host/legacy/ide_command.c host/legacy/ide_identify.c host/legacy/ide_pio.c host/legacy/ide_dma.c host/legacy/ide_prd.c host/legacy/ide_transfer.c host/legacy/ide_query.c host/legacy/pci.c host/legacy/chipset.c host/guestmem.c host/pagemap.c host/pio.c host/thread.c
/*
 * The IDE controller and its PCI function: any accesses to their ports, with descriptor tables from the same input, on disks that
 * fail and answer late.
 * Properties: no request leaves the medium or the guest's memory (each piece is looked up again); at most one is in flight per
 * channel; the interrupt lines change when they say so; when nothing is in flight any more a software reset brings
 * each drive back.
 */
#include <stdlib.h>

#include "legacy/chipset.h"
#include "legacy/ide_internal.h"
#include "memory_disk.h"

#define MEMORY_BYTES (2u << 20)
#define TABLE	     0x8000u
#define DISKS	     3u

static struct guestmem *mem;
static struct memory_disk disks[DISKS];
static struct loop_work *works[IDE_CHANNELS + 1];
static unsigned int work_count;
static bool lines[IDE_CHANNELS];
static const struct disk_ops *disk_ops;

struct machine {
	struct pio *pio;
	struct pci *pci;
	struct ide *ide;
	struct chipset chipset;
};

struct device_worker *device_worker_create(const char *name)
{
	(void)name;
	return (struct device_worker *)&work_count;
}

int device_worker_run(struct device_worker *worker)
{
	MUST(worker == (struct device_worker *)&work_count);
	return 0;
}

void loop_stop(struct loop *loop)
{
	MUST(!loop);
}

void device_worker_end(struct device_worker *worker)
{
	MUST(worker == (struct device_worker *)&work_count);
}

struct loop *device_worker_loop(const struct device_worker *worker)
{
	MUST(worker == (const struct device_worker *)&work_count);
	return NULL;
}

void loop_call(struct loop *loop, struct loop_work *work)
{
	MUST(!loop && work_count < IDE_CHANNELS);
	for (unsigned int i = 0; i < work_count; i++)
		MUST(works[i] != work);
	works[work_count++] = work;
}

static void interrupt(void *context, unsigned int channel, bool level)
{
	(void)context;
	MUST(lines[channel] != level);
	lines[channel] = level;
}

/* What the memory disk is asked, looked at once more: the pieces lie in the guest's memory or in the channel's buffer. */
static void checked_submit(struct disk *disk, struct disk_request *request)
{
	const struct ide_channel *channel = (struct ide_channel *)((char *)request - offsetof(struct ide_channel, request));
	const uint8_t *memory = guestmem_ptr(mem, gpa(0), MEMORY_BYTES), *buffer = channel->buffer;
	uint64_t sum = 0;

	MUST(channel->phase == IDE_WORKING);
	MUST(request->iov_count <= BMIDE_PRDS_MAX);
	for (unsigned int i = 0; i < request->iov_count; i++) {
		const uint8_t *base = request->iov[i].iov_base;
		uint64_t bytes = request->iov[i].iov_len;

		sum += bytes;
		MUST((base >= memory && base + bytes <= memory + MEMORY_BYTES) ||
		     (base >= buffer && base + bytes <= buffer + IDE_BUFFER_BYTES));
	}
	MUST(sum == request->bytes);
	disk_ops->submit(disk, request);
}

static struct disk_ops checked_ops_of(const struct disk_ops *ops)
{
	struct disk_ops checked = *ops;

	checked.submit = checked_submit;
	return checked;
}

static void set_up(struct machine *machine, struct tape *tape)
{
	static struct disk_ops checked;
	const struct ide_config config = { .mem = mem, .interrupt = interrupt };

	work_count = 0;
	memset(lines, 0, sizeof(lines));
	machine->pio = pio_create();
	machine->pci = pci_create();
	machine->ide = ide_create(&config);
	for (unsigned int i = 0; i < DISKS; i++) {
		memory_disk_start(&disks[i], tape, i == 2 ? 6 : 4); /* the last may not be written */
		disk_ops = disks[i].disk.ops;
		checked = checked_ops_of(disk_ops);
		disks[i].disk.ops = &checked;
		MUST(!ide_add_disk(machine->ide, i, &disks[i].disk));
	}
	MUST(!chipset_add(&machine->chipset, machine->pci, machine->ide));
	MUST(!pci_attach(machine->pci, machine->pio));
	MUST(!ide_attach(machine->ide, machine->pio));
}

static void work_once(void)
{
	struct loop_work *work;

	if (!work_count)
		return;
	work = works[0];
	works[0] = works[--work_count];
	work->run(work);
}

static void release(struct memory_disk *disk)
{
	if (disk->held_count)
		memory_disk_release(disk);
}

static void finish_all(void)
{
	while (work_count || disks[0].held_count || disks[1].held_count || disks[2].held_count) {
		work_once();
		for (unsigned int i = 0; i < DISKS; i++)
			release(&disks[i]);
	}
}

static uint32_t port_in(struct machine *machine, uint16_t port, unsigned int size)
{
	uint8_t data[4] = { 0 };
	uint32_t value;

	pio_access(machine->pio, false, port, data, size, 1);
	memcpy(&value, data, sizeof(value));
	return value;
}

static void port_out(struct machine *machine, uint16_t port, unsigned int size, uint32_t value)
{
	uint8_t data[4];

	memcpy(data, &value, sizeof(data));
	pio_access(machine->pio, true, port, data, size, 1);
}

/* A table that is nearly right, somewhere near the place where it belongs. */
static void put_table(struct machine *machine, struct tape *tape, unsigned int channel)
{
	uint32_t at = tape_lie(tape, TABLE), count = 1 + tape_below(tape, 6);

	for (uint32_t i = 0; i < count; i++) {
		struct bmide_prd prd = { .address = tape_lie(tape, 0x10000u + tape_u16(tape) * 8u),
					 .bytes = (uint16_t)tape_lie(tape, 512u << tape_below(tape, 6)),
					 .flags = i + 1 == count ? BMIDE_PRD_LAST : 0 };
		void *entry = guestmem_ptr(mem, gpa(at + i * sizeof(prd)), sizeof(prd));

		if (entry)
			memcpy(entry, &prd, sizeof(prd));
	}
	port_out(machine, (uint16_t)(PCI_IO_PORT + 8 * channel + BMIDE_TABLE), 4, at);
}

/* A command that means something, most of the time, and with it what makes it go. */
static void put_command(struct machine *machine, struct tape *tape)
{
	static const uint8_t opcodes[] = { 0x20, 0x24, 0x25, 0x29, 0x30, 0x34, 0x35, 0x39, 0x3D, 0x40, 0x42, 0x90, 0xC4, 0xC5,
					   0xC6, 0xC8, 0xCA, 0xCE, 0xE0, 0xE5, 0xE7, 0xEA, 0xEC, 0xEF };
	uint8_t opcode = tape_u8(tape), direction = tape_u8(tape) & (BMIDE_TO_MEMORY | BMIDE_START);
	unsigned int channel = tape_u8(tape) & 1;
	uint16_t base = channel ? 0x170 : 0x1F0, master = (uint16_t)(PCI_IO_PORT + 8 * channel);

	put_table(machine, tape, channel);
	port_out(machine, (uint16_t)(base + ATA_COUNT), 1, tape_lie(tape, 0));
	port_out(machine, (uint16_t)(base + ATA_COUNT), 1, tape_lie(tape, tape_u8(tape) % 16));
	for (unsigned int i = ATA_LBA_LOW; i <= ATA_LBA_HIGH; i++) {
		port_out(machine, (uint16_t)(base + i), 1, 0);
		port_out(machine, (uint16_t)(base + i), 1, tape_lie(tape, i == ATA_LBA_LOW ? tape_u8(tape) % 128 : 0));
	}
	port_out(machine, (uint16_t)(base + ATA_DEVICE), 1, tape_lie(tape, ATA_DEVICE_LBA | (tape_u8(tape) & 1) << 4));
	port_out(machine, (uint16_t)(base + ATA_COMMAND), 1, tape_lie(tape, opcodes[opcode % sizeof(opcodes)]));
	port_out(machine, (uint16_t)(master + BMIDE_COMMAND), 1, direction & BMIDE_TO_MEMORY);
	port_out(machine, (uint16_t)(master + BMIDE_COMMAND), 1, direction);
}

/* Any port of theirs; many at once at the data port, as REP INS and OUTS are. */
static void access_any(struct machine *machine, struct tape *tape)
{
	static const uint16_t ports[] = { 0x1F0, 0x170, 0x3F6, 0x376, PCI_IO_PORT, 0xCFC, 0xCF8 };
	static const unsigned int sizes[] = { 1, 2, 4, 2 };
	uint8_t which = tape_u8(tape), how = tape_u8(tape);
	unsigned int size = sizes[how & 3], count = how & 8 ? 1 + tape_u8(tape) : 1;
	uint16_t port = (uint16_t)(ports[which % 7] + (which >> 4) % (which % 7 == 4 ? 16 : 8));
	uint8_t data[4 * 256];

	memset(data, how, sizeof(data));
	tape_take(tape, data, how & 4 ? size : 0);
	if (port == 0xCF8 && (how & 4)) {
		uint32_t address;

		memcpy(&address, data, sizeof(address));
		address = 0x80000000u | (address & 0xfc) | PCI_DEVFN(CHIPSET_PIIX4_DEVICE, 1) << 8;
		pci_address(machine->pci).out(machine->pci, 0, (uint8_t *)&address, 4);
		return;
	}
	pio_access(machine->pio, how & 4, port, data, size, count);
}

static void act(struct machine *machine, struct tape *tape)
{
	uint8_t what = tape_u8(tape);

	switch (what % 8) {
	case 0 ... 1:
		put_command(machine, tape);
		break;
	case 2 ... 4:
		access_any(machine, tape);
		break;
	case 5:
		work_once();
		break;
	case 6:
		release(&disks[what / 8 % DISKS]);
		break;
	default:
		finish_all();
		break;
	}
}

/* Whatever was done to it, a reset brings each drive back. */
static void recover(struct machine *machine)
{
	finish_all();
	for (unsigned int i = 0; i < IDE_CHANNELS; i++) {
		uint16_t base = i ? 0x170 : 0x1F0, control = i ? 0x376 : 0x3F6;

		ide_set_decoded(machine->ide, i, true);
		port_out(machine, control, 1, 0);
		port_out(machine, control, 1, ATA_CONTROL_SRST);
		port_out(machine, control, 1, 0);
		MUST(port_in(machine, (uint16_t)(base + ATA_STATUS), 1) == (ATA_STATUS_DRDY | ATA_STATUS_DSC));
		MUST(port_in(machine, (uint16_t)(base + ATA_COUNT), 1) == 1);
		MUST(!lines[i]);
		port_out(machine, (uint16_t)(base + ATA_COMMAND), 1, ATA_IDENTIFY);
		MUST(lines[i]);
		MUST(port_in(machine, base, 2) == 0x40);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct tape tape = { data, bytes };
	struct machine machine = { 0 };

	if (!mem)
		mem = guestmem_create(MEMORY_BYTES);
	set_up(&machine, &tape);
	while (tape_more(&tape))
		act(&machine, &tape);
	recover(&machine);
	json_decref(ide_query(machine.ide));
	if (!ide_stop(machine.ide, 60000))
		abort();
	ide_destroy(machine.ide);
	pci_destroy(machine.pci);
	pio_destroy(machine.pio);
	return 0;
}
