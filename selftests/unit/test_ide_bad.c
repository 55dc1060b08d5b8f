// SPDX-License-Identifier: GPL-2.0
// links: host/legacy/ide.c host/legacy/ide_registers.c host/legacy/ide_command.c host/legacy/ide_identify.c host/legacy/ide_pio.c host/legacy/ide_dma.c host/legacy/ide_prd.c host/legacy/ide_transfer.c host/legacy/ide_query.c host/guestmem.c host/pagemap.c host/pio.c host/thread.c
/*
 * What a bad guest asks of the IDE controller, and a disk that fails: nothing but a device error comes of it, and it is
 * counted.
 */
#include "ide_bench.h"

static unsigned int counted(const char *name)
{
	json_t *answer = ide_query(bench.ide);
	json_t *channel = json_array_get(json_object_get(answer, "channels"), 0);
	json_t *drive = json_array_get(json_object_get(answer, "luns"), 0);
	json_t *value = json_object_get(channel, name);
	unsigned int count = (unsigned int)json_integer_value(value ? value : json_object_get(drive, name));

	json_decref(answer);
	return count;
}

/* A DMA read whose table is bad: both sides say so, the disk is not asked, and the next one works. */
static void table_is_refused(uint8_t direction)
{
	unsigned int before = bench.disks[0].submitted, bad = counted("bad_tables");

	ask28(ATA_READ_DMA, 0, 8);
	start(direction);
	pump();
	assert_int_equal(bench.disks[0].submitted, before);
	assert_int_equal(master_status(), BMIDE_ERROR | BMIDE_INTERRUPT);
	ended(READY | ATA_STATUS_ERR, ATA_ERROR_ABRT);
	assert_int_equal(counted("bad_tables"), bad + 1);
	port_out(MASTER + BMIDE_COMMAND, 1, 0);
	port_out(MASTER + BMIDE_STATUS, 1, BMIDE_ERROR | BMIDE_INTERRUPT);
	assert_int_equal(master_status(), 0);
	prd(0, DATA, 4096, true);
	ask28(ATA_READ_DMA, 0, 8);
	start(BMIDE_TO_MEMORY);
	pump();
	ended(READY, 0);
	port_out(MASTER + BMIDE_COMMAND, 1, 0);
	port_out(MASTER + BMIDE_STATUS, 1, BMIDE_INTERRUPT);
}

static void tables_into_nowhere(void **state)
{
	(void)state;
	prd(0, MEMORY_BYTES - 2048, 4096, true); /* the second half is not there */
	table_is_refused(BMIDE_TO_MEMORY);
	prd(0, 0xFEE00000, 4096, true);
	table_is_refused(BMIDE_TO_MEMORY);
	prd(0, 0xFFFFFFFE, 4096, true);
	table_is_refused(BMIDE_TO_MEMORY);
	prd(0, DATA, 512, false);
	prd(1, MEMORY_BYTES, 0, true);
	table_is_refused(BMIDE_TO_MEMORY);
	prd(0, DATA, 2048, true); /* ends too early */
	table_is_refused(BMIDE_TO_MEMORY);
	prd(0, DATA, 4096, true);
	table_is_refused(0); /* the wrong way */
}

static void tables_that_are_nowhere(void **state)
{
	static const uint32_t places[] = { MEMORY_BYTES, 0xFFFFFFFC, 0xFEC00000, MEMORY_BYTES - 4, 0x1FFFC };

	(void)state;
	for (unsigned int i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		ask28(ATA_READ_DMA, 0, 8);
		port_out(MASTER + BMIDE_TABLE, 4, places[i]);
		port_out(MASTER + BMIDE_COMMAND, 1, BMIDE_TO_MEMORY | BMIDE_START);
		pump();
		assert_int_equal(master_status(), BMIDE_ERROR | BMIDE_INTERRUPT);
		ended(READY | ATA_STATUS_ERR, ATA_ERROR_ABRT);
		port_out(MASTER + BMIDE_COMMAND, 1, 0);
		port_out(MASTER + BMIDE_STATUS, 1, BMIDE_ERROR | BMIDE_INTERRUPT);
	}
	assert_int_equal(bench.disks[0].submitted, 0);
}

/* 8,192 descriptors of two bytes each, none of them the last: 16 KiB, and a command that wants 128. */
static void tables_without_end(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < BMIDE_PRDS_MAX; i++)
		prd(i, DATA + 16 * i, 2, false);
	ask28(ATA_READ_DMA, 0, 0);
	start(BMIDE_TO_MEMORY);
	pump();
	assert_int_equal(bench.disks[0].submitted, 0);
	ended(READY | ATA_STATUS_ERR, ATA_ERROR_ABRT);
	/* As much as they have room for is good. */
	port_out(MASTER + BMIDE_COMMAND, 1, 0);
	ask28(ATA_READ_DMA, 0, 32);
	start(BMIDE_TO_MEMORY);
	pump();
	assert_int_equal(bench.disks[0].pieces, BMIDE_PRDS_MAX);
	ended(READY, 0);
	assert_memory_equal(guest(DATA + 16), bench.disks[0].medium + 2, 2);
}

static void nothing_moves_without_the_bus(void **state)
{
	(void)state;
	ide_set_master(bench.ide, false);
	prd(0, DATA, 4096, true);
	ask28(ATA_READ_DMA, 0, 8);
	start(BMIDE_TO_MEMORY);
	pump();
	assert_int_equal(bench.disks[0].submitted, 0);
	ended(READY | ATA_STATUS_ERR, ATA_ERROR_ABRT);
}

static void ranges_beyond_the_disk(void **state)
{
	static const struct {
		uint64_t lba;
		uint16_t count;
	} ranges[] = { { DISK_SECTORS, 1 },	    { DISK_SECTORS - 1, 2 },	 { 0, DISK_SECTORS + 1 },
		       { 0xFFFFFFFFFFFF, 0xFFFF },  { 0xFFFFFFFFFFFF, 1 },	 { 1, 0 } };

	(void)state;
	for (unsigned int i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		ask48(i % 2 ? ATA_READ_DMA_EXT : ATA_WRITE_SECTORS_EXT, ranges[i].lba, ranges[i].count);
		ended(READY | ATA_STATUS_ERR, ATA_ERROR_IDNF);
	}
	assert_int_equal(counted("out_of_range"), 6);
	ask28(ATA_READ_VERIFY, DISK_SECTORS - 4, 5);
	ended(READY | ATA_STATUS_ERR, ATA_ERROR_IDNF);
	assert_int_equal(bench.disks[0].submitted, 0);
}

/* Every opcode with every register at its most: whatever does not exist is refused, and nothing sticks. */
static void all_opcodes(void **state)
{
	(void)state;
	for (unsigned int opcode = 0; opcode < 256; opcode++) {
		ask48((uint8_t)opcode, 0xFFFFFFFFFFFF, 0xFFFF);
		pump();
		if (alternate() & ATA_STATUS_DRQ) {
			port_out(CONTROL, 1, ATA_CONTROL_SRST);
			port_out(CONTROL, 1, 0);
		}
		assert_int_equal(alternate() & (ATA_STATUS_BSY | ATA_STATUS_DRQ), 0);
	}
	/* Sectors by cylinder and head are not for these disks. */
	put(ATA_DEVICE, 0);
	put(ATA_COMMAND, ATA_READ_SECTORS);
	ended(READY | ATA_STATUS_ERR, ATA_ERROR_ABRT);
	assert_true(counted("aborted") > 200);
}

static void registers_stand_still_during_a_command(void **state)
{
	(void)state;
	bench.disks[0].hold = true;
	prd(0, DATA, 512, true);
	ask28(ATA_READ_DMA, 5, 1);
	start(BMIDE_TO_MEMORY);
	pump();
	for (unsigned int i = 1; i < ATA_REGISTERS; i++)
		put(i, 0xEC);
	port_out(MASTER + BMIDE_TABLE, 4, 0xFFFFFFFC);
	assert_int_equal(alternate(), ATA_STATUS_BSY);
	assert_int_equal(get(ATA_LBA_LOW), 5);
	assert_int_equal(port_in(COMMAND_BASE, 4), 0xFFFFFFFF);
	port_out(COMMAND_BASE, 4, 0);
	let_go(&bench.disks[0]);
	ended(READY, 0);
	assert_int_equal(counted("ignored_writes"), 7);
	assert_memory_equal(guest(DATA), bench.disks[0].medium + 5 * 512, 512);
}

/* What the backend has cannot be called back: the guest sees a busy drive and an active bus master until it is done. */
static void stopped_and_reset_in_flight(void **state)
{
	(void)state;
	bench.disks[0].hold = true;
	prd(0, DATA, 512, true);
	ask28(ATA_READ_DMA, 5, 1);
	start(BMIDE_TO_MEMORY);
	pump();
	port_out(MASTER + BMIDE_COMMAND, 1, 0);
	assert_int_equal(master_status(), BMIDE_ACTIVE);
	port_out(CONTROL, 1, ATA_CONTROL_SRST);
	port_out(CONTROL, 1, 0);
	port_out(CONTROL, 1, ATA_CONTROL_SRST);
	port_out(CONTROL, 1, 0);
	assert_int_equal(alternate(), ATA_STATUS_BSY);
	put(ATA_COMMAND, ATA_IDENTIFY);
	assert_int_equal(alternate(), ATA_STATUS_BSY);
	let_go(&bench.disks[0]);
	assert_int_equal(alternate(), READY);
	assert_int_equal(master_status(), 0);
	assert_int_equal(bench.edges[0], 0);
	assert_int_equal(counted("resets"), 2);
	/* And with the reset held on. */
	ask28(ATA_READ_SECTORS, 5, 1);
	pump();
	port_out(CONTROL, 1, ATA_CONTROL_SRST);
	let_go(&bench.disks[0]);
	assert_int_equal(alternate(), ATA_STATUS_BSY);
	port_out(CONTROL, 1, 0);
	assert_int_equal(alternate(), READY);
}

static void a_disk_that_fails(void **state)
{
	(void)state;
	bench.disks[0].error = -EIO;
	prd(0, DATA, 512, true);
	ask48(ATA_READ_DMA_EXT, 0x123, 1);
	start(BMIDE_TO_MEMORY);
	pump();
	assert_int_equal(master_status(), BMIDE_INTERRUPT);
	assert_int_equal(get(ATA_LBA_LOW), 0x23);
	ended(READY | ATA_STATUS_ERR, ATA_ERROR_UNC);
	ask28(ATA_READ_SECTORS, 0, 1);
	pump();
	ended(READY | ATA_STATUS_ERR, ATA_ERROR_UNC);
	ask28(ATA_WRITE_SECTORS, 0, 1);
	for (unsigned int i = 0; i < 128; i++)
		port_out(COMMAND_BASE, 4, i);
	pump();
	ended(READY | ATA_STATUS_ERR, ATA_ERROR_ABRT);
	put(ATA_COMMAND, ATA_FLUSH_CACHE_EXT);
	pump();
	ended(READY | ATA_STATUS_ERR, ATA_ERROR_ABRT);
	assert_int_equal(counted("errors"), 4);
}

/* It is not waited for without end, and an answer that comes after all finds nobody: the VM would be gone by then. */
static void a_disk_that_never_answers(void **state)
{
	unsigned int edges = bench.edges[0];

	(void)state;
	bench.disks[0].hold = true;
	prd(0, DATA, 512, true);
	ask28(ATA_READ_DMA, 0, 1);
	start(BMIDE_TO_MEMORY);
	pump();
	assert_non_null(bench.disks[0].held);
	assert_false(ide_stop(bench.ide, 20));
	let_go(&bench.disks[0]);
	assert_int_equal(bench.edges[0], edges);
	assert_false(bench.disks[0].closed);
}

static void a_disk_that_must_not_be_written(void **state)
{
	(void)state;
	bench.disks[0].disk.read_only = true;
	prd(0, DATA, 512, true);
	ask28(ATA_WRITE_DMA, 0, 1);
	ended(READY | ATA_STATUS_ERR, ATA_ERROR_ABRT);
	ask28(ATA_WRITE_MULTIPLE, 0, 1);
	ended(READY | ATA_STATUS_ERR, ATA_ERROR_ABRT);
	assert_int_equal(bench.disks[0].submitted, 0);
}

/* Odd widths and accesses that run past a block or into the other channel. */
static void odd_accesses(void **state)
{
	(void)state;
	ask28(ATA_IDENTIFY, 0, 0);
	assert_int_equal(port_in(COMMAND_BASE, 1), 0x40);
	for (unsigned int i = 0; i < 127; i++)
		port_in(COMMAND_BASE, 4);
	assert_int_equal(alternate(), READY | ATA_STATUS_DRQ);
	assert_int_equal(port_in(COMMAND_BASE, 4) >> 24, 0xff); /* three bytes were left */
	assert_int_equal(alternate(), READY);
	assert_int_equal(port_in(MASTER + 6, 4), 0xFFFFFFFF);
	port_out(MASTER + 6, 4, 0xFFFFFFFF);
	assert_int_equal(port_in(MASTER + 4, 4), 0);
	port_in(COMMAND_BASE + 3, 4);
	port_out(COMMAND_BASE + 2, 4, 0xFFFFFFFF);
	assert_int_equal(get(ATA_COUNT), 0xFF);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ide_setup, ide_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tables_into_nowhere),
		TEST(tables_that_are_nowhere),
		TEST(tables_without_end),
		TEST(nothing_moves_without_the_bus),
		TEST(ranges_beyond_the_disk),
		TEST(all_opcodes),
		TEST(registers_stand_still_during_a_command),
		TEST(stopped_and_reset_in_flight),
		TEST(a_disk_that_fails),
		TEST(a_disk_that_never_answers),
		TEST(a_disk_that_must_not_be_written),
		TEST(odd_accesses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
