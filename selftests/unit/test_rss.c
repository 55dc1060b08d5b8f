// SPDX-License-Identifier: GPL-2.0
// links: host/rss.c host/rndis_rss.c host/net_offload.c
/*
 * The hash of received frames by Microsoft's own numbers ("Verifying the RSS hash calculation"), what of a frame is hashed,
 * and which channel that is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "rss.h"

#define TCP 6u
#define UDP 17u
#define ALL (NDIS_HASH_IPV4 | NDIS_HASH_TCP_IPV4 | NDIS_HASH_IPV6 | NDIS_HASH_TCP_IPV6 | NDIS_HASH_UDP_IPV4 | NDIS_HASH_UDP_IPV6)

static struct rndis_rss parameters = {
	.on = true,
	.table_count = 8,
	.table = { 0, 1, 2, 3, 0, 1, 2, 3 },
	.key = { 0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0,
		 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c,
		 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa },
};

/* Destination and source, as Microsoft lists them, and the hash of the addresses and of all. */
static const struct {
	uint8_t to[4], from[4];
	uint16_t to_port, from_port;
	uint32_t addresses, ports;
} ip4[] = {
	{ { 161, 142, 100, 80 }, { 66, 9, 149, 187 }, 1766, 2794, 0x323e8fc2, 0x51ccc178 },
	{ { 65, 69, 140, 83 }, { 199, 92, 111, 2 }, 4739, 14230, 0xd718262a, 0xc626b0ea },
	{ { 12, 22, 207, 184 }, { 24, 19, 198, 95 }, 38024, 12898, 0xd2d0a5de, 0x5c2b394a },
	{ { 209, 142, 163, 6 }, { 38, 27, 205, 30 }, 2217, 48228, 0x82989176, 0xafc7327f },
	{ { 202, 188, 127, 2 }, { 153, 39, 163, 191 }, 1303, 44251, 0x5d1809c5, 0x10e828a2 },
};

static const struct {
	uint8_t to[16], from[16];
	uint16_t to_port, from_port;
	uint32_t addresses, ports;
} ip6[] = {
	{ { 0x3f, 0xfe, 0x25, 0x01, 2, 0, 0, 3, [15] = 1 }, { 0x3f, 0xfe, 0x25, 0x01, 2, 0, 0x1f, 0xff, [15] = 7 },
	  1766, 2794, 0x2cc18cd5, 0x40207d3d },
	{ { 0xff, 2, [15] = 1 }, { 0x3f, 0xfe, 5, 1, 0, 8, 0, 0, 2, 0x60, 0x97, 0xff, 0xfe, 0x40, 0xef, 0xab },
	  4739, 14230, 0x0f0c461c, 0xdde51bbf },
	{ { 0xfe, 0x80, [8] = 2, 0, 0xf8, 0xff, 0xfe, 0x21, 0x67, 0xcf },
	  { 0x3f, 0xfe, 0x19, 0, 0x45, 0x45, 0, 3, 2, 0, 0xf8, 0xff, 0xfe, 0x21, 0x67, 0xcf },
	  38024, 44251, 0x4b61e985, 0x02d1feef },
};

static void put_ports(uint8_t *to, uint16_t from_port, uint16_t to_port)
{
	const uint8_t ports[4] = { from_port >> 8, from_port & 255, to_port >> 8, to_port & 255 };

	memcpy(to, ports, sizeof(ports));
}

/* Return: where IP begins. */
static uint32_t ethernet(uint8_t frame[100], bool tagged, uint16_t type)
{
	memset(frame, 0, 100);
	if (tagged)
		memcpy(frame + 12, "\x81\0\0\5", 4);
	frame[tagged ? 16 : 12] = type >> 8;
	frame[tagged ? 17 : 13] = type & 255;
	return tagged ? 18 : 14;
}

static void make_ip4(uint8_t frame[100], unsigned int row, bool tagged, uint8_t protocol)
{
	uint8_t *ip = frame + ethernet(frame, tagged, 0x0800);

	ip[0] = 0x46; /* with an option */
	ip[9] = protocol;
	memcpy(ip + 12, ip4[row].from, 4);
	memcpy(ip + 16, ip4[row].to, 4);
	put_ports(ip + 24, ip4[row].from_port, ip4[row].to_port);
	ip[24 + 12] = 0x50;
}

static void make_ip6(uint8_t frame[100], unsigned int row, bool tagged, uint8_t protocol)
{
	uint8_t *ip = frame + ethernet(frame, tagged, 0x86dd);

	ip[0] = 0x60;
	ip[6] = protocol;
	memcpy(ip + 8, ip6[row].from, 16);
	memcpy(ip + 24, ip6[row].to, 16);
	put_ports(ip + 40, ip6[row].from_port, ip6[row].to_port);
	ip[40 + 12] = 0x50;
}

/* Return: what was hashed, with @types wanted. The copy ends where it is said to. */
static uint32_t hash_of(uint32_t types, const uint8_t *frame, uint32_t bytes, uint32_t *hash)
{
	struct net_headers headers;
	uint32_t what;
	struct rss *rss;

	parameters.hash = types | NDIS_HASH_TOEPLITZ;
	rss = rss_create(&parameters);
	assert_non_null(rss);
	net_headers(frame, bytes, &headers);
	*hash = 0;
	what = rss_hash(rss, frame, bytes, &headers, hash);
	rss_drop(rss);
	return what;
}

static void hashes_of_ip4(void **state)
{
	uint8_t frame[100];
	uint32_t hash;

	(void)state;
	for (unsigned int i = 0; i < 2 * sizeof(ip4) / sizeof(ip4[0]); i++) {
		make_ip4(frame, i / 2, i & 1, TCP);
		assert_int_equal(hash_of(ALL, frame, 100, &hash), NDIS_HASH_TCP_IPV4);
		assert_int_equal(hash, ip4[i / 2].ports);
		assert_int_equal(hash_of(NDIS_HASH_IPV4 | NDIS_HASH_IPV6, frame, 100, &hash), NDIS_HASH_IPV4);
		assert_int_equal(hash, ip4[i / 2].addresses);
		make_ip4(frame, i / 2, i & 1, UDP);
		assert_int_equal(hash_of(NDIS_HASH_IPV4 | NDIS_HASH_TCP_IPV4, frame, 100, &hash), NDIS_HASH_IPV4);
		assert_int_equal(hash_of(ALL, frame, 100, &hash), NDIS_HASH_UDP_IPV4);
		assert_int_equal(hash, ip4[i / 2].ports);
	}
}

static void hashes_of_ip6(void **state)
{
	uint8_t frame[100];
	uint32_t hash;

	(void)state;
	for (unsigned int i = 0; i < 2 * sizeof(ip6) / sizeof(ip6[0]); i++) {
		make_ip6(frame, i / 2, i & 1, TCP);
		assert_int_equal(hash_of(ALL, frame, 100, &hash), NDIS_HASH_TCP_IPV6);
		assert_int_equal(hash, ip6[i / 2].ports);
		assert_int_equal(hash_of(NDIS_HASH_IPV4 | NDIS_HASH_IPV6, frame, 100, &hash), NDIS_HASH_IPV6);
		assert_int_equal(hash, ip6[i / 2].addresses);
		make_ip6(frame, i / 2, i & 1, UDP);
		assert_int_equal(hash_of(ALL, frame, 100, &hash), NDIS_HASH_UDP_IPV6);
		assert_int_equal(hash, ip6[i / 2].ports);
		make_ip6(frame, i / 2, i & 1, 0); /* what follows is an extension header */
		assert_int_equal(hash_of(ALL, frame, 100, &hash), NDIS_HASH_IPV6);
	}
}

/* All fragments of a datagram stay together, with ports in them or not. */
static void fragments_by_addresses(void **state)
{
	uint8_t frame[100];
	uint32_t hash;

	(void)state;
	make_ip4(frame, 0, false, TCP);
	frame[14 + 6] = 0x20;
	assert_int_equal(hash_of(ALL, frame, 100, &hash), NDIS_HASH_IPV4);
	assert_int_equal(hash, ip4[0].addresses);
	frame[14 + 6] = 0;
	frame[14 + 7] = 9;
	assert_int_equal(hash_of(ALL, frame, 100, &hash), NDIS_HASH_IPV4);
	assert_int_equal(hash, ip4[0].addresses);
}

static void what_is_not_hashed(void **state)
{
	uint8_t frame[100];
	uint32_t hash;

	(void)state;
	make_ip4(frame, 0, false, TCP);
	assert_int_equal(hash_of(NDIS_HASH_IPV6 | NDIS_HASH_TCP_IPV6 | NDIS_HASH_UDP_IPV4, frame, 100, &hash), 0);
	assert_int_equal(hash_of(0, frame, 100, &hash), 0);
	for (uint32_t bytes = 0; bytes < 34; bytes++)
		assert_int_equal(hash_of(ALL, frame, bytes, &hash), 0);
	for (uint32_t bytes = 34; bytes < 14 + 24 + 20; bytes++)
		assert_int_equal(hash_of(ALL, frame, bytes, &hash), NDIS_HASH_IPV4);
	make_ip6(frame, 0, false, TCP);
	for (uint32_t bytes = 0; bytes < 54; bytes++)
		assert_int_equal(hash_of(ALL, frame, bytes, &hash), 0);
	ethernet(frame, false, 0x0806);
	assert_int_equal(hash_of(ALL, frame, 100, &hash), 0);
	ethernet(frame, true, 0x0806);
	assert_int_equal(hash_of(ALL, frame, 100, &hash), 0);
}

static void the_table_says_where(void **state)
{
	struct rndis_rss wide = parameters;
	struct rss *rss;

	(void)state;
	wide.base = 1;
	rss = rss_create(&wide);
	for (uint32_t hash = 0; hash < 16; hash++)
		assert_int_equal(rss_channel(rss, 0xABCDE0 + hash), 1 + hash % 4);
	rss_drop(rss_hold(rss));
	rss_drop(rss);
	wide.table_count = NDIS_RSS_TABLE_MAX;
	for (unsigned int i = 0; i < NDIS_RSS_TABLE_MAX; i++)
		wide.table[i] = (uint8_t)(i % 60);
	rss = rss_create(&wide);
	assert_int_equal(rss_channel(rss, 0xFFFFFFFF), 1 + 255 % 60);
	rss_drop(rss);
	wide.table_count = 1;
	rss = rss_create(&wide);
	assert_int_equal(rss_channel(rss, 0xFFFFFFFF), 1);
	rss_drop(rss);
	assert_null(rss_hold(NULL));
	rss_drop(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_of_ip4),	  cmocka_unit_test(hashes_of_ip6),
		cmocka_unit_test(fragments_by_addresses), cmocka_unit_test(what_is_not_hashed),
		cmocka_unit_test(the_table_says_where),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
