// SPDX-License-Identifier: GPL-2.0
// links: host/legacy/ide.c host/legacy/ide_registers.c host/legacy/ide_command.c host/legacy/ide_identify.c host/legacy/ide_pio.c host/legacy/ide_dma.c host/legacy/ide_prd.c host/legacy/ide_transfer.c host/legacy/ide_query.c host/guestmem.c host/pagemap.c host/pio.c host/thread.c
/*
 * The IDE controller as a driver uses it: what it says of itself, PIO and DMA, interrupts, resets. What a bad guest does to it
 * is in test_ide_bad.c.
 */
#include "ide_bench.h"

static uint16_t word(const uint8_t *data, unsigned int number)
{
	return (uint16_t)(data[2 * number] | data[2 * number + 1] << 8);
}

static void read_block(uint8_t *data, unsigned int bytes)
{
	pio_access(bench.pio, false, COMMAND_BASE, data, 2, bytes / 2);
}

static void write_block(const uint8_t *data, unsigned int bytes)
{
	uint8_t copy[IDE_MULTIPLE_MAX * ATA_SECTOR_BYTES];

	memcpy(copy, data, bytes);
	pio_access(bench.pio, true, COMMAND_BASE, copy, 4, bytes / 4);
}

static void identify_tells_what_it_is(void **state)
{
	uint8_t data[ATA_SECTOR_BYTES], sum = 0;

	(void)state;
	ask28(ATA_IDENTIFY, 0, 0);
	assert_int_equal(bench.edges[0], 1);
	assert_int_equal(get(ATA_STATUS), READY | ATA_STATUS_DRQ);
	read_block(data, sizeof(data));
	assert_int_equal(get(ATA_STATUS), READY);
	assert_int_equal(bench.edges[0], 1); /* none at the end */
	for (unsigned int i = 0; i < sizeof(data); i++)
		sum = (uint8_t)(sum + data[i]);
	assert_int_equal(sum, 0);
	assert_int_equal(word(data, 60) | (uint32_t)word(data, 61) << 16, DISK_SECTORS);
	assert_int_equal(word(data, 100), DISK_SECTORS);
	assert_int_equal(word(data, 47) & 0xff, IDE_MULTIPLE_MAX);
	assert_int_equal(word(data, 59), 0x100 | IDE_MULTIPLE_MAX);
	assert_int_equal(word(data, 106), 0x6003);
	assert_memory_equal(data + 20, "ebcn-hesirla", 12); /* "bench-serial", by words */
	assert_true(word(data, 85) & 0x20);
}

static void absent_drives_answer_with_zeros(void **state)
{
	(void)state;
	put(ATA_DEVICE, ATA_DEVICE_DEV);
	put(ATA_COUNT, 0x55);
	assert_int_equal(get(ATA_STATUS), 0);
	assert_int_equal(get(ATA_COUNT), 0);
	put(ATA_COMMAND, ATA_IDENTIFY);
	assert_int_equal(get(ATA_STATUS), 0);
	assert_int_equal(bench.edges[0], 0);
	put(ATA_DEVICE, 0);
	assert_int_equal(get(ATA_STATUS), READY);
	assert_int_equal(get(ATA_COUNT), 0x55); /* both hear what is written */
	/* A channel without decoding is not there. */
	ide_set_decoded(bench.ide, 0, false);
	assert_int_equal(get(ATA_STATUS), 0xff);
	assert_int_equal(alternate(), 0xff);
}

static void registers_keep_what_was_before(void **state)
{
	(void)state;
	put(ATA_LBA_LOW, 0x11);
	put(ATA_LBA_LOW, 0x22);
	assert_int_equal(get(ATA_LBA_LOW), 0x22);
	port_out(CONTROL, 1, ATA_CONTROL_HOB);
	assert_int_equal(get(ATA_LBA_LOW), 0x11);
	put(ATA_COUNT, 1); /* any write goes back to the newer ones */
	assert_int_equal(get(ATA_LBA_LOW), 0x22);
}

static void dma_moves_data_without_copying(void **state)
{
	const uint32_t bytes = 16 * ATA_SECTOR_BYTES;

	(void)state;
	/* Two neighbours, and one apart. */
	prd(0, DATA, 4096, false);
	prd(1, DATA + 4096, 2048, false);
	prd(2, DATA + 0x10000, (uint16_t)(bytes - 6144), true);
	ask28(ATA_READ_DMA, 100, 16);
	assert_int_equal(alternate(), ATA_STATUS_BSY);
	assert_int_equal(bench.work_count, 0); /* the bus master has not been started */
	start(BMIDE_TO_MEMORY);
	assert_int_equal(master_status(), BMIDE_ACTIVE);
	assert_int_equal(bench.edges[0], 0);
	pump();
	assert_int_equal(bench.disks[0].submitted, 1);
	assert_int_equal(bench.disks[0].pieces, 2);
	assert_int_equal(bench.edges[0], 1);
	assert_int_equal(master_status(), BMIDE_INTERRUPT);
	ended(READY, 0);
	assert_memory_equal(guest(DATA), bench.disks[0].medium + 100 * 512, 6144);
	assert_memory_equal(guest(DATA + 0x10000), bench.disks[0].medium + 100 * 512 + 6144, bytes - 6144);
	port_out(MASTER + BMIDE_COMMAND, 1, 0);
	port_out(MASTER + BMIDE_STATUS, 1, BMIDE_INTERRUPT);
	assert_int_equal(master_status(), 0);
}

static void dma_writes_and_the_bus_master_may_start_first(void **state)
{
	(void)state;
	memset(guest(DATA), 0xA5, 1024);
	prd(0, DATA, 1024, true);
	start(0);
	assert_int_equal(bench.work_count, 0);
	ask48(ATA_WRITE_DMA_EXT, DISK_SECTORS - 2, 2);
	pump();
	ended(READY, 0);
	assert_false(bench.disks[0].fua);
	assert_int_equal(bench.disks[0].medium[(DISK_SECTORS - 2) * 512], 0xA5);
	assert_int_equal(bench.disks[0].medium[DISK_SECTORS * 512 - 1], 0xA5);
	/* The engine stands until it is stopped and started again. */
	ask48(ATA_WRITE_DMA_EXT, 0, 2);
	assert_int_equal(bench.work_count, 0);
	start(0);
	pump();
	ended(READY, 0);
}

/* A count of 0 is 65,536 sectors, more than this disk has; 256 with a 28-bit address; 64 KiB in a descriptor. */
static void zero_stands_for_the_largest(void **state)
{
	(void)state;
	prd(0, DATA, 0, false);
	prd(1, DATA + 0x10000, 0, true);
	ask28(ATA_READ_DMA, 0, 0);
	start(BMIDE_TO_MEMORY);
	pump();
	assert_int_equal(bench.disks[0].pieces, 1);
	ended(READY, 0);
	assert_memory_equal(guest(DATA), bench.disks[0].medium, 0x20000);
	ask48(ATA_READ_DMA_EXT, 0, 0);
	ended(READY | ATA_STATUS_ERR, ATA_ERROR_IDNF);
}

static void a_longer_table_leaves_the_bus_master_waiting(void **state)
{
	(void)state;
	prd(0, DATA, 4096, true);
	ask28(ATA_READ_DMA, 0, 1);
	start(BMIDE_TO_MEMORY);
	pump();
	assert_int_equal(master_status(), BMIDE_ACTIVE | BMIDE_INTERRUPT);
	ended(READY, 0);
	port_out(MASTER + BMIDE_COMMAND, 1, BMIDE_TO_MEMORY);
	assert_int_equal(master_status(), BMIDE_INTERRUPT);
}

/* 300 sectors: three ways to the backend, 19 blocks of 16, one interrupt for each. */
static json_int_t copied(void)
{
	json_t *answer = ide_query(bench.ide);
	json_t *channel = json_array_get(json_object_get(answer, "channels"), 0);
	json_int_t bytes = json_integer_value(json_object_get(channel, "copied_bytes"));

	json_decref(answer);
	return bytes;
}

static void pio_reads_in_blocks(void **state)
{
	static uint8_t data[300 * ATA_SECTOR_BYTES];
	uint32_t done = 0;

	(void)state;
	ask48(ATA_READ_MULTIPLE_EXT, 50, 300);
	while (done < sizeof(data)) {
		uint32_t block = sizeof(data) - done < 8192 ? sizeof(data) - done : 8192;

		pump();
		assert_true(bench.line[0]);
		assert_int_equal(get(ATA_STATUS), READY | ATA_STATUS_DRQ);
		read_block(data + done, block);
		done += block;
	}
	assert_int_equal(get(ATA_STATUS), READY);
	assert_false(bench.line[0]);
	assert_int_equal(bench.edges[0], 19);
	assert_int_equal(bench.disks[0].submitted, 3);
	assert_memory_equal(data, bench.disks[0].medium + 50 * 512, sizeof(data));
	assert_int_equal(copied(), sizeof(data));
}

static void pio_writes_in_blocks(void **state)
{
	static uint8_t data[130 * ATA_SECTOR_BYTES];

	(void)state;
	memset(data, 0x3C, sizeof(data));
	ask28(ATA_WRITE_SECTORS, 7, 130);
	assert_int_equal(alternate(), READY | ATA_STATUS_DRQ);
	assert_int_equal(bench.edges[0], 0); /* none for the first block */
	for (unsigned int i = 0; i < 130; i++) {
		assert_int_equal(alternate(), READY | ATA_STATUS_DRQ);
		write_block(data + i * 512, 512);
		pump();
		assert_true(bench.line[0]);
		get(ATA_STATUS);
	}
	assert_int_equal(bench.edges[0], 130);
	assert_int_equal(bench.disks[0].submitted, 2);
	assert_int_equal(get(ATA_STATUS), READY);
	assert_memory_equal(bench.disks[0].medium + 7 * 512, data, sizeof(data));
	assert_int_equal(copied(), sizeof(data));
}

static void writes_are_stable_where_that_is_asked_for(void **state)
{
	(void)state;
	memset(guest(DATA), 1, 512);
	prd(0, DATA, 512, true);
	ask48(ATA_WRITE_DMA_FUA_EXT, 0, 1);
	start(0);
	pump();
	ended(READY, 0);
	assert_true(bench.disks[0].fua);
	put(ATA_FEATURES, ATA_FEATURE_WRITE_CACHE_OFF);
	put(ATA_COMMAND, ATA_SET_FEATURES);
	ended(READY, 0);
	ask28(ATA_WRITE_DMA, 0, 1);
	start(0);
	pump();
	ended(READY, 0);
	assert_true(bench.disks[0].fua);
	put(ATA_COMMAND, ATA_FLUSH_CACHE);
	assert_int_equal(alternate(), ATA_STATUS_BSY);
	pump();
	ended(READY, 0);
	assert_int_equal(bench.disks[0].submitted, 3);
}

static void the_line_follows_mask_and_acknowledgement(void **state)
{
	(void)state;
	port_out(CONTROL, 1, ATA_CONTROL_NIEN);
	put(ATA_COMMAND, ATA_CHECK_POWER_MODE);
	assert_false(bench.line[0]);
	assert_int_equal(master_status(), 0);
	assert_int_equal(get(ATA_COUNT), ATA_POWER_ACTIVE);
	port_out(CONTROL, 1, 0); /* still pending */
	assert_true(bench.line[0]);
	assert_int_equal(master_status(), BMIDE_INTERRUPT);
	alternate();
	assert_true(bench.line[0]);
	put(ATA_COMMAND, ATA_CHECK_POWER_MODE); /* a command takes it back, and has its own */
	assert_int_equal(bench.edges[0], 2);
	get(ATA_STATUS);
	assert_false(bench.line[0]);
}

static void features_and_modes(void **state)
{
	static const struct {
		uint8_t feature, count;
		bool good;
	} tried[] = { { 0x03, 0x08, true },  { 0x03, 0x0C, true },  { 0x03, 0x0D, false }, { 0x03, 0x22, true },
		      { 0x03, 0x23, false }, { 0x03, 0x42, true },  { 0x03, 0x46, false }, { 0x03, 0x80, false },
		      { 0x55, 0, false },    { 0x02, 0, true } };

	(void)state;
	for (unsigned int i = 0; i < sizeof(tried) / sizeof(tried[0]); i++) {
		put(ATA_FEATURES, tried[i].feature);
		put(ATA_COUNT, tried[i].count);
		put(ATA_COMMAND, ATA_SET_FEATURES);
		ended(tried[i].good ? READY : READY | ATA_STATUS_ERR, tried[i].good ? 0 : ATA_ERROR_ABRT);
	}
	put(ATA_COUNT, 3);
	put(ATA_COMMAND, ATA_SET_MULTIPLE);
	ended(READY | ATA_STATUS_ERR, ATA_ERROR_ABRT);
	put(ATA_COUNT, 0);
	put(ATA_COMMAND, ATA_SET_MULTIPLE);
	ended(READY, 0);
	ask28(ATA_READ_MULTIPLE, 0, 1);
	ended(READY | ATA_STATUS_ERR, ATA_ERROR_ABRT);
}

static void resets_sign(void **state)
{
	(void)state;
	ask28(ATA_READ_SECTORS, 0, 1);
	port_out(CONTROL, 1, ATA_CONTROL_SRST);
	assert_int_equal(alternate(), ATA_STATUS_BSY);
	port_out(CONTROL, 1, 0);
	assert_int_equal(alternate(), ATA_STATUS_BSY); /* the worker still has the command */
	pump();
	assert_int_equal(alternate(), READY);
	assert_int_equal(bench.edges[0], 0);
	assert_int_equal(get(ATA_ERROR), ATA_DIAGNOSTIC_PASSED);
	assert_int_equal(get(ATA_COUNT), 1);
	assert_int_equal(get(ATA_LBA_LOW), 1);
	assert_int_equal(get(ATA_LBA_MID) | get(ATA_LBA_HIGH), 0);
	put(ATA_DEVICE, ATA_DEVICE_DEV);
	put(ATA_COMMAND, ATA_DIAGNOSTIC);
	ended(READY, ATA_DIAGNOSTIC_PASSED);
	assert_int_equal(get(ATA_DEVICE), ATA_DEVICE_SET);
}

static void channels_are_apart(void **state)
{
	(void)state;
	port_out(0x176, 1, ATA_DEVICE_DEV);
	assert_int_equal(port_in(0x177, 1), READY);
	port_out(0x177, 1, ATA_CHECK_POWER_MODE);
	assert_true(bench.line[1] && !bench.line[0]);
	assert_int_equal(port_in(MASTER + BMIDE_REGISTERS + BMIDE_STATUS, 1), BMIDE_INTERRUPT);
	assert_int_equal(master_status(), 0);
	port_in(0x376, 1);
	assert_true(bench.line[1]);
	port_in(0x177, 1);
	assert_false(bench.line[1]);
}

static void what_happened_can_be_asked(void **state)
{
	json_t *answer, *channel, *drive;

	(void)state;
	prd(0, DATA, 512, true);
	ask28(ATA_READ_DMA, 0, 1);
	start(BMIDE_TO_MEMORY);
	pump();
	ended(READY, 0);
	answer = ide_query(bench.ide);
	channel = json_array_get(json_object_get(answer, "channels"), 0);
	drive = json_array_get(json_object_get(answer, "luns"), 0);
	assert_int_equal(json_array_size(json_object_get(answer, "channels")), 2);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(json_object_get(answer, "luns"), 1), "lun")), 3);
	assert_int_equal(json_integer_value(json_object_get(channel, "interrupts")), 1);
	assert_int_equal(json_integer_value(json_object_get(channel, "dma")), 1);
	assert_int_equal(json_integer_value(json_object_get(drive, "reads")), 1);
	assert_int_equal(json_integer_value(json_object_get(drive, "read_bytes")), 512);
	assert_int_equal(copied(), 0);
	json_decref(answer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ide_setup, ide_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(identify_tells_what_it_is),
		TEST(absent_drives_answer_with_zeros),
		TEST(registers_keep_what_was_before),
		TEST(dma_moves_data_without_copying),
		TEST(dma_writes_and_the_bus_master_may_start_first),
		TEST(zero_stands_for_the_largest),
		TEST(a_longer_table_leaves_the_bus_master_waiting),
		TEST(pio_reads_in_blocks),
		TEST(pio_writes_in_blocks),
		TEST(writes_are_stable_where_that_is_asked_for),
		TEST(the_line_follows_mask_and_acknowledgement),
		TEST(features_and_modes),
		TEST(resets_sign),
		TEST(channels_are_apart),
		TEST(what_happened_can_be_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
