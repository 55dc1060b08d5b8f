// SPDX-License-Identifier: GPL-2.0
// links: host/legacy/tulip.c host/legacy/tulip_registers.c host/legacy/tulip_rom.c host/legacy/tulip_filter.c host/legacy/tulip_ring.c host/legacy/tulip_tx.c host/legacy/tulip_rx.c host/legacy/tulip_query.c host/net_offload.c host/guestmem.c host/pagemap.c host/log.c
/*
 * The 21140A as a driver finds it: registers, the serial ROM, both lists, filters, interrupts.
 */
#include "tulip_bench.h"

#define WHOLE (DEC_TX_FIRST | DEC_TX_LAST)

static uint32_t rx_state(void)
{
	return csr(5) >> DEC_STATUS_RX_STATE_SHIFT & 7;
}

static uint32_t tx_state(void)
{
	return csr(5) >> DEC_STATUS_TX_STATE_SHIFT & 7;
}

static void resets_to_what_the_manual_says(void **state)
{
	(void)state;
	drive();
	assert_int_equal(csr(3), RX_LIST);
	assert_int_equal(csr(4), TX_LIST);
	set_csr(0, DEC_CSR0_RESET);
	set_csr(0, 0);
	assert_int_equal(csr(0), 0xfe000000);
	assert_int_equal(csr(1), 0xffffffff);
	assert_int_equal(csr(5), 0xfc000000);
	assert_int_equal(csr(6), 0x32000040);
	assert_int_equal(csr(7), 0xfffe0000);
	assert_int_equal(csr(8), 0xe0000000);
	assert_int_equal(csr(9), 0xfff883ff);
	assert_int_equal(csr(11), 0xfffe0000);
	assert_int_equal(csr(13), 0xffffffff);
	assert_int_equal(counted("resets"), 2);
	assert_int_equal(counted("ignored_accesses"), 0);
}

/* One clock of the serial ROM with @in. Return: what comes out. */
static unsigned int clock_rom(bool in)
{
	uint32_t wires = 0x4800 | DEC_ROM_CS | (in ? DEC_ROM_IN : 0);

	set_csr(9, wires);
	set_csr(9, wires | DEC_ROM_CLOCK);
	return !!(csr(9) & DEC_ROM_OUT);
}

/* @bits of address. Return: all that came out, the data last. */
static uint32_t read_rom(unsigned int word, unsigned int bits)
{
	uint32_t command = 6u << bits | word, out = 0;

	set_csr(9, 0x4800);
	for (int i = (int)bits + 4; i >= 0; i--)
		out = out << 1 | clock_rom(command >> i & 1);
	for (unsigned int i = 0; i < 16; i++)
		out = out << 1 | clock_rom(false);
	set_csr(9, 0x4800);
	return out;
}

static void rom_tells_address_and_medium(void **state)
{
	uint8_t rom[128];

	(void)state;
	/* How Linux finds out that there are six bits of address. */
	assert_int_equal(read_rom(0xff, 8) & 0x40000, 0);
	for (unsigned int i = 0; i < 64; i++) {
		uint16_t word = (uint16_t)read_rom(i, 6);

		rom[2 * i] = (uint8_t)word;
		rom[2 * i + 1] = (uint8_t)(word >> 8);
	}
	assert_memory_equal(rom + 20, own, 6);
	assert_int_equal(rom[19], 1);
	assert_int_equal(rom[27], 30);
	assert_int_equal(rom[30] | rom[31] << 8, 0x0800); /* autosense */
	assert_int_equal(rom[33], 1); /* one block */
	assert_int_equal(rom[34], 3); /* compact, 100baseTx */
	assert_int_equal(rom[36] >> 1 & 7, TULIP_LINK_PIN);
	assert_int_equal(rom[37] & 0x80, 0); /* the pin means something */
}

static void link_is_a_pin(void **state)
{
	(void)state;
	set_csr(12, DEC_PORT_DIRECT | 0x1f);
	set_csr(12, 0x09);
	assert_int_equal(csr(12), 0xfffffe49);
	tulip_set_link(bench.tulip, false);
	assert_int_equal(csr(12), 0xfffffe09);
	drive();
	fill_tx(1, WHOLE, TX_DATA, 100);
	set_csr(1, 0);
	pump();
	assert_int_equal(tx(1)->status, DEC_TX_ERROR | DEC_TX_NO_CARRIER);
	arrive(own, 100);
	pump();
	assert_int_equal(rx(0)->status, DEC_OWN);
	assert_int_equal(counted("rx_dropped"), 1);
}

static void frames_go_out_as_they_lie(void **state)
{
	(void)state;
	drive();
	memset(guest(TX_DATA), 0x5a, 1514);
	fill_tx(1, WHOLE, TX_DATA, 1514);
	set_csr(1, 0);
	assert_int_equal(bench.queue->sent_count, 0);
	pump();
	assert_int_equal(bench.queue->sent_count, 1);
	assert_int_equal(bench.queue->flushes, 1);
	assert_int_equal(bench.queue->pieces, 1);
	assert_ptr_equal(bench.queue->first_piece, guest(TX_DATA));
	assert_int_equal(bench.queue->sent[0].bytes, 1514);
	assert_int_equal(tx(1)->status, 0);
	/* Nobody asked to be told, but that the list is empty is always told. */
	assert_int_equal(csr(5) & 0x1ffff, DEC_STATUS_NORMAL | DEC_STATUS_TX_EMPTY);
	assert_int_equal(tx_state(), DEC_TX_SUSPENDED);
	assert_true(bench.line);
	set_csr(5, DEC_STATUS_TX_EMPTY);
	assert_false(bench.line);
	assert_int_equal(counted("tx_frames"), 1);
	assert_int_equal(counted("tx_bytes"), 1514);
	assert_int_equal(counted("copied_bytes"), 0);
}

static void frames_of_pieces_are_padded_and_lose_their_crc(void **state)
{
	(void)state;
	drive();
	memset(guest(TX_DATA), 0x11, 64);
	fill_tx(1, DEC_TX_FIRST, TX_DATA, 10);
	tx(1)->control |= 12 << 11; /* the second buffer */
	tx(1)->buffer2 = TX_DATA + 20;
	fill_tx(2, DEC_TX_LAST | DEC_TX_INTERRUPT, TX_DATA + 40, 8);
	fill_tx(3, WHOLE | DEC_TX_NO_CRC, TX_DATA, 68);
	set_csr(1, 0);
	pump();
	assert_int_equal(bench.queue->sent_count, 2);
	assert_int_equal(bench.queue->sent[0].bytes, 60);
	assert_int_equal(bench.queue->sent[0].data[29], 0x11);
	assert_int_equal(bench.queue->sent[0].data[30], 0);
	assert_int_equal(bench.queue->sent[1].bytes, 64);
	assert_int_equal(tx(1)->status | tx(2)->status | tx(3)->status, 0);
	assert_true(csr(5) & DEC_STATUS_TX_DONE);
	/* Round the ring: the end is marked, and what is behind is not looked at. */
	fill_tx(0, WHOLE | DEC_TX_NO_PADDING, TX_DATA, 20);
	set_csr(1, 0);
	pump();
	assert_int_equal(bench.queue->sent[2].bytes, 20);
}

static void half_a_frame_waits(void **state)
{
	(void)state;
	drive();
	fill_tx(1, DEC_TX_FIRST, TX_DATA, 30);
	set_csr(1, 0);
	pump();
	assert_int_equal(tx(1)->status, DEC_OWN);
	assert_int_equal(tx_state(), DEC_TX_SUSPENDED);
	fill_tx(2, DEC_TX_LAST, TX_DATA, 40);
	set_csr(1, 0);
	pump();
	assert_int_equal(bench.queue->sent[0].bytes, 70);
}

static void chains_and_gaps_are_followed(void **state)
{
	struct dec_descriptor *far;

	(void)state;
	drive();
	far = guest(TX_LIST + 0x1000);
	*far = (struct dec_descriptor){ DEC_OWN, WHOLE | 80, TX_DATA, 0 };
	fill_tx(1, WHOLE | DEC_CHAINED, TX_DATA, 90);
	tx(1)->buffer2 = TX_LIST + 0x1000;
	set_csr(1, 0);
	pump();
	assert_int_equal(bench.queue->sent_count, 2);
	assert_int_equal(bench.queue->sent[1].bytes, 80);
	/* Sixteen bytes between descriptors. */
	set_csr(6, DEC_MODE_RX);
	set_csr(0, 4 << 2);
	set_csr(4, TX_LIST);
	fill_tx(0, WHOLE, TX_DATA, 61);
	fill_tx(2, WHOLE, TX_DATA, 62);
	set_csr(6, DEC_MODE_RX | DEC_MODE_TX);
	pump();
	assert_int_equal(bench.queue->sent_count, 4);
	assert_int_equal(bench.queue->sent[3].bytes, 62);
}

static void frames_come_in_where_the_driver_wants_them(void **state)
{
	const uint8_t *data = guest(RX_DATA);

	(void)state;
	drive();
	bench.edges = 0;
	arrive(own, 200);
	arrive(broadcast, 42);
	pump();
	assert_int_equal(rx(0)->status, 204u << 16 | DEC_RX_FIRST | DEC_RX_LAST | DEC_RX_TYPE);
	assert_memory_equal(data, bench.queue->incoming[0].data, 200);
	assert_int_equal(rx(1)->status, 64u << 16 | DEC_RX_FIRST | DEC_RX_LAST | DEC_RX_TYPE | DEC_RX_MULTICAST);
	assert_int_equal(data[2048 + 41], bench.queue->incoming[1].data[41]);
	assert_int_equal(data[2048 + 42], 0);
	assert_int_equal(csr(5) & 0x1ffff, DEC_STATUS_NORMAL | DEC_STATUS_RX_DONE);
	assert_int_equal(bench.edges, 1); /* for both */
	assert_int_equal(counted("rx_frames"), 2);
	assert_int_equal(counted("copied_bytes"), 2 * 14); /* a look at whom they are for */
	assert_int_equal(counted("rx_bytes"), 242);
}

static void frames_are_spread_over_buffers(void **state)
{
	(void)state;
	drive();
	rx(0)->control = 100 | 200 << 11;
	rx(0)->buffer2 = RX_DATA + 512;
	rx(1)->control = 300;
	arrive(own, 500);
	pump();
	assert_int_equal(rx(0)->status, DEC_RX_FIRST);
	assert_int_equal(rx(1)->status, 504u << 16 | DEC_RX_LAST | DEC_RX_TYPE);
	assert_int_equal(rx(2)->status, DEC_OWN);
	assert_memory_equal((uint8_t *)guest(RX_DATA + 512), bench.queue->incoming[0].data + 100, 200);
	assert_memory_equal((uint8_t *)guest(RX_DATA + 2048), bench.queue->incoming[0].data + 300, 200);
	/* The next one begins behind. */
	arrive(own, 60);
	pump();
	assert_int_equal(rx(2)->status, 64u << 16 | DEC_RX_FIRST | DEC_RX_LAST | DEC_RX_TYPE);
}

static void frames_wait_for_descriptors(void **state)
{
	(void)state;
	drive();
	for (unsigned int i = 0; i < 2 * RING; i++)
		arrive(own, 60 + i);
	pump();
	assert_int_equal(counted("rx_frames"), RING);
	assert_int_equal(rx_state(), DEC_RX_SUSPENDED);
	assert_int_equal(csr(5) & 0x1ffff, DEC_STATUS_NORMAL | DEC_STATUS_ABNORMAL | DEC_STATUS_RX_DONE | DEC_STATUS_RX_EMPTY);
	assert_int_equal(bench.poll_ns, 1000000);
	/* Less and less often, if nothing happens. */
	tulip_kick(bench.tulip);
	pump();
	assert_int_equal(bench.poll_ns, 2000000);
	for (unsigned int i = 0; i < RING; i++)
		fill_rx(i);
	/* Linux says nothing, but it unmasks. */
	set_csr(5, DEC_STATUS_RX_DONE | DEC_STATUS_RX_EMPTY);
	set_csr(7, UNMASKED);
	pump();
	assert_int_equal(counted("rx_frames"), 2 * RING);
	assert_int_equal(rx(3)->status >> 16, 60 + 2 * RING - 1 + 4);
	assert_int_equal(counted("rx_no_buffer"), 2); /* and these filled the list, too */
	assert_int_equal(csr(8), 0xe0000000);
	bench.net.dropped = 7;
	assert_int_equal(csr(8), 0xe0000007);
	assert_int_equal(csr(8), 0xe0000000);
}

static void long_frames_are_marked(void **state)
{
	(void)state;
	drive();
	arrive(own, 1518);
	arrive(own, 2049);
	pump();
	assert_int_equal(rx(0)->status, 1522u << 16 | DEC_RX_FIRST | DEC_RX_LAST | DEC_RX_TYPE | DEC_RX_TOO_LONG | DEC_RX_ERROR);
	assert_int_equal(rx(1)->status, DEC_OWN);
	assert_int_equal(counted("rx_dropped"), 1);
}

/* Return: how many of the frames to @address get through. */
static bool passes(const uint8_t *address)
{
	uint64_t before = counted("rx_frames");

	for (unsigned int i = 0; i < RING; i++)
		if (!(rx(i)->status & DEC_OWN))
			fill_rx(i);
	arrive(address, 60);
	pump();
	return counted("rx_frames") > before;
}

/* A setup frame with these flags, in place of what is in the list. */
static void filter_by(uint32_t flags)
{
	set_csr(6, csr(6) & ~DEC_MODE_TX);
	set_csr(4, TX_LIST);
	fill_tx(0, DEC_TX_SETUP | flags, SETUP, DEC_SETUP_BYTES);
	set_csr(6, csr(6) | DEC_MODE_TX);
	pump();
	assert_int_equal(tx(0)->status, DEC_TX_SETUP_DONE);
}

static void filters_are_perfect_hashed_and_inverse(void **state)
{
	static const uint8_t other[6] = { 0x52, 0x54, 0, 9, 9, 9 }, group[6] = { 1, 0, 0x5e, 0, 0, 1 };
	unsigned int bit = tulip_filter_bit(group);
	uint8_t *setup = guest(SETUP);

	(void)state;
	drive();
	assert_int_equal(tulip_filter_bit(broadcast), 255); /* as Linux has it */
	assert_true(passes(own) && passes(broadcast) && !passes(other) && !passes(group));
	filter_by(DEC_TX_INVERSE);
	assert_true(!passes(own) && !passes(broadcast) && passes(other) && passes(group));
	assert_int_equal(csr(6) & DEC_MODE_FILTER, DEC_MODE_INVERSE);
	memset(setup, 0, DEC_SETUP_BYTES);
	setup[4 * (bit / 16) + bit % 16 / 8] = (uint8_t)(1 << bit % 8);
	put_address(DEC_SETUP_HASH_ADDRESS, own);
	filter_by(DEC_TX_HASH);
	assert_true(passes(own) && !passes(broadcast) && !passes(other) && passes(group));
	filter_by(DEC_TX_HASH | DEC_TX_INVERSE);
	assert_true(!passes(own) && !passes(broadcast) && passes(group));
	assert_int_equal(csr(6) & DEC_MODE_FILTER, DEC_MODE_HASH | DEC_MODE_HASH_ONLY);
	set_csr(6, csr(6) | DEC_MODE_MULTICASTS);
	assert_true(passes(broadcast) && !passes(other));
	set_csr(6, csr(6) | DEC_MODE_PROMISCUOUS);
	assert_true(passes(other));
	assert_true(counted("rx_filtered") > 5);
}

static void promiscuous_frames_say_so(void **state)
{
	static const uint8_t other[6] = { 0x52, 0x54, 0, 9, 9, 9 };

	(void)state;
	drive();
	set_csr(6, csr(6) | DEC_MODE_PROMISCUOUS);
	arrive(other, 60);
	pump();
	assert_int_equal(rx(0)->status, 64u << 16 | DEC_RX_FIRST | DEC_RX_LAST | DEC_RX_TYPE | DEC_RX_FILTER_FAIL);
}

static void stops_and_goes_on_where_it_was(void **state)
{
	(void)state;
	drive();
	set_csr(6, 0);
	assert_int_equal(rx_state(), DEC_STOPPED);
	assert_int_equal(tx_state(), DEC_STOPPED);
	assert_int_equal(csr(5) & 0x1ffff, DEC_STATUS_ABNORMAL | DEC_STATUS_RX_STOPPED | DEC_STATUS_TX_STOPPED);
	fill_tx(1, WHOLE, TX_DATA, 60);
	set_csr(1, 0);
	arrive(own, 60);
	pump();
	assert_int_equal(bench.queue->sent_count, 0);
	assert_int_equal(rx(0)->status, DEC_OWN);
	set_csr(6, DEC_MODE_RX | DEC_MODE_TX);
	arrive(own, 60);
	pump();
	assert_int_equal(bench.queue->sent_count, 1);
	assert_false(rx(0)->status & DEC_OWN);
	/* Without the bus nothing moves either. */
	tulip_set_master(bench.tulip, false);
	fill_tx(2, WHOLE, TX_DATA, 60);
	set_csr(1, 0);
	pump();
	assert_int_equal(bench.queue->sent_count, 1);
	tulip_set_master(bench.tulip, true);
	pump();
	assert_int_equal(bench.queue->sent_count, 2);
}

static void masks_hide_and_summaries_follow(void **state)
{
	(void)state;
	drive();
	set_csr(7, DEC_STATUS_NORMAL | DEC_STATUS_TX_EMPTY);
	arrive(own, 60);
	pump();
	assert_false(bench.line);
	assert_int_equal(csr(5) & 0x1ffff, DEC_STATUS_RX_DONE);
	set_csr(7, DEC_STATUS_RX_DONE);
	assert_int_equal(csr(5) & 0x1ffff, DEC_STATUS_NORMAL | DEC_STATUS_RX_DONE);
	assert_false(bench.line);
	set_csr(7, DEC_STATUS_NORMAL | DEC_STATUS_RX_DONE);
	assert_true(bench.line);
	set_csr(0, DEC_CSR0_RESET);
	assert_false(bench.line);
}

static void timer_is_set_and_told(void **state)
{
	(void)state;
	drive();
	set_csr(11, DEC_TIMER_CONTINUOUS | 0x12);
	assert_int_equal(bench.timer_ns, 0x12 * DEC_TIMER_UNIT_NS);
	assert_true(bench.timer_again);
	assert_int_equal(csr(11), 0xffff0012);
	tulip_raise(bench.tulip, DEC_STATUS_TIMER);
	assert_true(bench.line);
	set_csr(0, DEC_CSR0_RESET);
	assert_int_equal(bench.timer_ns, 0);
}

static void looks_for_work_by_itself_if_told_to(void **state)
{
	(void)state;
	drive();
	assert_int_equal(bench.poll_ns, 0);
	set_csr(0, 1 << 17);
	set_csr(1, 0);
	pump();
	assert_true(bench.poll_ns > 0);
}

static void full_networks_lose_frames(void **state)
{
	(void)state;
	drive();
	bench.queue->error = -EAGAIN;
	fill_tx(1, WHOLE, TX_DATA, 60);
	set_csr(1, 0);
	pump();
	assert_int_equal(tx(1)->status, 0);
	assert_int_equal(counted("tx_dropped"), 1);
	assert_int_equal(counted("tx_frames"), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(resets_to_what_the_manual_says, tulip_setup, tulip_teardown),
		cmocka_unit_test_setup_teardown(rom_tells_address_and_medium, tulip_setup, tulip_teardown),
		cmocka_unit_test_setup_teardown(link_is_a_pin, tulip_setup, tulip_teardown),
		cmocka_unit_test_setup_teardown(frames_go_out_as_they_lie, tulip_setup, tulip_teardown),
		cmocka_unit_test_setup_teardown(frames_of_pieces_are_padded_and_lose_their_crc, tulip_setup, tulip_teardown),
		cmocka_unit_test_setup_teardown(half_a_frame_waits, tulip_setup, tulip_teardown),
		cmocka_unit_test_setup_teardown(chains_and_gaps_are_followed, tulip_setup, tulip_teardown),
		cmocka_unit_test_setup_teardown(frames_come_in_where_the_driver_wants_them, tulip_setup, tulip_teardown),
		cmocka_unit_test_setup_teardown(frames_are_spread_over_buffers, tulip_setup, tulip_teardown),
		cmocka_unit_test_setup_teardown(frames_wait_for_descriptors, tulip_setup, tulip_teardown),
		cmocka_unit_test_setup_teardown(long_frames_are_marked, tulip_setup, tulip_teardown),
		cmocka_unit_test_setup_teardown(filters_are_perfect_hashed_and_inverse, tulip_setup, tulip_teardown),
		cmocka_unit_test_setup_teardown(promiscuous_frames_say_so, tulip_setup, tulip_teardown),
		cmocka_unit_test_setup_teardown(stops_and_goes_on_where_it_was, tulip_setup, tulip_teardown),
		cmocka_unit_test_setup_teardown(masks_hide_and_summaries_follow, tulip_setup, tulip_teardown),
		cmocka_unit_test_setup_teardown(timer_is_set_and_told, tulip_setup, tulip_teardown),
		cmocka_unit_test_setup_teardown(looks_for_work_by_itself_if_told_to, tulip_setup, tulip_teardown),
		cmocka_unit_test_setup_teardown(full_networks_lose_frames, tulip_setup, tulip_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
