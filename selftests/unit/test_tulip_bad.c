// SPDX-License-Identifier: GPL-2.0
// links: host/legacy/tulip.c host/legacy/tulip_registers.c host/legacy/tulip_rom.c host/legacy/tulip_filter.c host/legacy/tulip_ring.c host/legacy/tulip_tx.c host/legacy/tulip_rx.c host/legacy/tulip_query.c host/net_offload.c host/guestmem.c host/pagemap.c host/log.c
/*
 * What a bad guest asks of the 21140A: nothing but a counted device error comes of it, and after a reset all is well again.
 */
#include "tulip_bench.h"

#define WHOLE (DEC_TX_FIRST | DEC_TX_LAST)

/* Whatever happened before. */
static void works_after_a_reset(void)
{
	unsigned int before = bench.queue->sent_count;
	uint64_t frames = counted("rx_frames");

	bench.queue->error = 0;
	drive();
	fill_tx(1, WHOLE, TX_DATA, 60);
	set_csr(1, 0);
	arrive(own, 60);
	pump();
	assert_int_equal(bench.queue->sent_count, before + 1);
	assert_int_equal(counted("rx_frames"), frames + 1);
	assert_int_equal(csr(5) & DEC_STATUS_BUS_ERROR, 0);
}

/* It has stopped, says why, and nothing that the driver does makes it use memory again. */
static void is_dead(uint64_t errors)
{
	assert_int_equal(counted("bus_errors"), errors);
	assert_int_equal(csr(5) & 0x03ffe000, DEC_STATUS_BUS_ERROR | DEC_STATUS_MASTER_ABORT |
			 (csr(5) & (DEC_STATUS_NORMAL | DEC_STATUS_ABNORMAL)));
	assert_true(bench.line);
	set_csr(5, ~0u);
	set_csr(6, 0);
	set_csr(6, DEC_MODE_RX | DEC_MODE_TX);
	set_csr(1, 0);
	set_csr(2, 0);
	arrive(own, 60);
	pump();
	assert_int_equal(counted("bus_errors"), errors);
}

static void lists_and_buffers_into_nowhere(void **state)
{
	static const uint32_t nowhere[] = { MEMORY_BYTES, MEMORY_BYTES - 8, 0xfffffffc, 0xfee00000, 0xfffffff0 };
	uint64_t errors = 0;

	(void)state;
	for (unsigned int i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
		drive();
		set_csr(6, DEC_MODE_RX);
		set_csr(4, nowhere[i]);
		set_csr(6, DEC_MODE_RX | DEC_MODE_TX);
		pump();
		is_dead(++errors);
		drive();
		set_csr(3, nowhere[i]);
		arrive(own, 60);
		pump();
		is_dead(++errors);
		drive();
		fill_tx(1, WHOLE, nowhere[i], 1514);
		set_csr(1, 0);
		pump();
		is_dead(++errors);
		drive();
		rx(0)->buffer1 = nowhere[i];
		arrive(own, 60);
		pump();
		is_dead(++errors);
		drive();
		fill_tx(1, DEC_TX_SETUP, nowhere[i], DEC_SETUP_BYTES);
		set_csr(1, 0);
		pump();
		is_dead(++errors);
		drive();
		fill_tx(1, DEC_TX_FIRST | DEC_CHAINED, TX_DATA, 60);
		tx(1)->buffer2 = nowhere[i];
		set_csr(1, 0);
		pump();
		is_dead(++errors);
	}
	assert_int_equal(bench.queue->sent_count, 0);
	works_after_a_reset();
}

static void a_frame_without_end_ends(void **state)
{
	(void)state;
	drive();
	/* One descriptor that is its own successor: it is closed, and what follows is no frame. */
	fill_tx(1, DEC_TX_FIRST | DEC_CHAINED, TX_DATA, 10);
	tx(1)->buffer2 = TX_LIST + 16;
	set_csr(1, 0);
	pump();
	assert_int_equal(tx(1)->status, DEC_TX_ERROR | DEC_TX_JABBERED);
	assert_int_equal(counted("tx_bad"), 1);
	assert_true(csr(5) & DEC_STATUS_TX_JABBER);
	assert_int_equal(bench.queue->sent_count, 0);
	works_after_a_reset();
}

static void rings_owned_for_ever(void **state)
{
	(void)state;
	drive();
	/* As many as there is time for in a turn, all of them ours. */
	for (unsigned int i = 0; i < RING; i++)
		fill_tx(i, 0, TX_DATA, 10);
	set_csr(1, 0);
	pump();
	for (unsigned int i = 0; i < RING; i++)
		assert_int_equal(tx(i)->status, 0);
	/* Receive descriptors of no size: the frame has nowhere to be. */
	for (unsigned int i = 0; i < RING; i++)
		*rx(i) = (struct dec_descriptor){ DEC_OWN, i == RING - 1 ? DEC_RING_END : 0, 0, 0 };
	arrive(own, 60);
	pump();
	assert_true(counted("rx_truncated") >= 1);
	assert_int_equal(counted("bus_errors"), 0);
	works_after_a_reset();
}

static void impossible_sizes(void **state)
{
	(void)state;
	drive();
	fill_tx(1, WHOLE, TX_DATA, 13);
	fill_tx(2, WHOLE, TX_DATA, 2047);
	tx(2)->control |= 2 << 11;
	tx(2)->buffer2 = TX_DATA;
	fill_tx(3, WHOLE, TX_DATA, 0);
	fill_tx(0, DEC_TX_SETUP, SETUP, 191);
	set_csr(1, 0);
	pump();
	assert_int_equal(counted("tx_bad"), 4);
	assert_int_equal(bench.queue->sent_count, 0);
	assert_int_equal(tx(1)->status, DEC_TX_ERROR | DEC_TX_JABBERED);
	assert_int_equal(tx(0)->status, DEC_TX_SETUP_DONE);
	works_after_a_reset();
}

static void frames_that_do_not_fit(void **state)
{
	(void)state;
	drive();
	for (unsigned int i = 1; i < RING; i++)
		rx(i)->status = 0;
	rx(0)->control = 100;
	memset(guest(RX_DATA), 0xee, 2048);
	arrive(own, 1000);
	pump();
	assert_int_equal(rx(0)->status, 1004u << 16 | DEC_RX_FIRST | DEC_RX_LAST | DEC_RX_TYPE | DEC_RX_ERROR | DEC_RX_NO_ROOM);
	assert_int_equal(*(uint8_t *)guest(RX_DATA + 100), 0xee);
	assert_int_equal(counted("rx_truncated"), 1);
	works_after_a_reset();
}

static void frames_from_the_network_of_no_sense(void **state)
{
	(void)state;
	drive();
	arrive(own, 14);
	bench.queue->incoming[0].bytes = 13;
	arrive(own, 4000);
	pump();
	assert_int_equal(counted("rx_dropped"), 2);
	assert_int_equal(rx(0)->status, DEC_OWN);
	works_after_a_reset();
}

static void a_turn_has_an_end(void **state)
{
	(void)state;
	drive();
	set_csr(6, DEC_MODE_TX);
	for (unsigned int i = 0; i < 200; i++)
		arrive(own, 60);
	/* Nobody receives: a turn drops some and asks for another one. */
	assert_int_equal(bench.work_count, 1);
	bench.work_count = 0;
	bench.works[0]->run(bench.works[0]);
	assert_int_equal(counted("rx_dropped"), TULIP_TURN_FRAMES);
	assert_int_equal(bench.work_count, 1);
	pump();
	assert_int_equal(counted("rx_dropped"), 200);
	works_after_a_reset();
}

static void accesses_that_are_none(void **state)
{
	uint8_t data[4] = { 0 };

	(void)state;
	drive();
	tulip_out(bench.tulip, 8 * 6, data, 1);
	tulip_out(bench.tulip, 8 * 6 + 4, data, 4);
	tulip_out(bench.tulip, 8 * 6 + 2, data, 2);
	tulip_in(bench.tulip, 8 * 5 + 1, data, 1);
	assert_int_equal(data[0], 0xff);
	assert_int_equal(counted("ignored_accesses"), 4);
	assert_int_equal(csr(6) & (DEC_MODE_RX | DEC_MODE_TX), DEC_MODE_RX | DEC_MODE_TX);
	for (unsigned int i = 0; i < DEC_CSRS; i++)
		set_csr(i, ~0u);
	pump();
	works_after_a_reset();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lists_and_buffers_into_nowhere, tulip_setup, tulip_teardown),
		cmocka_unit_test_setup_teardown(a_frame_without_end_ends, tulip_setup, tulip_teardown),
		cmocka_unit_test_setup_teardown(rings_owned_for_ever, tulip_setup, tulip_teardown),
		cmocka_unit_test_setup_teardown(impossible_sizes, tulip_setup, tulip_teardown),
		cmocka_unit_test_setup_teardown(frames_that_do_not_fit, tulip_setup, tulip_teardown),
		cmocka_unit_test_setup_teardown(frames_from_the_network_of_no_sense, tulip_setup, tulip_teardown),
		cmocka_unit_test_setup_teardown(a_turn_has_an_end, tulip_setup, tulip_teardown),
		cmocka_unit_test_setup_teardown(accesses_that_are_none, tulip_setup, tulip_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
