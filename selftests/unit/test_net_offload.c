// SPDX-License-Identifier: GPL-2.0
// links: host/net_offload.c host/net_sink.c host/loop.c host/log.c host/error.c
/*
 * Checksums and segments made in software, checked by a receiver's rules: every segment's checksums sum to nothing, and
 * their payloads are the frame's, in order. And what the sink answers.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"
#include "net_offload.h"

#define FRAMES_MAX 64

static struct {
	uint32_t bytes;
	uint8_t data[9100];
} got[FRAMES_MAX];
static unsigned int count;
static int fails_with;

static int take(struct net_queue *queue, const struct net_meta *meta, const struct iovec *pieces, unsigned int pieces_count,
		size_t bytes)
{
	(void)queue;
	assert_true(count < FRAMES_MAX);
	assert_int_equal(meta->flags | meta->gso, 0);
	assert_true(bytes <= sizeof(got[0].data));
	assert_true(net_copy(pieces, pieces_count, 0, got[count].data, bytes));
	assert_false(net_copy(pieces, pieces_count, 0, got[count].data, bytes + 1)); /* no more than it says */
	got[count++].bytes = (uint32_t)bytes;
	return fails_with;
}

static const struct net_ops taker = { .name = "taker", .send = take };
static const struct net plain = { .ops = &taker };

static const uint8_t tcp4[54] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 0, 0x12, 0xff, 0x40, 0, 64, 6, 0, 0,
				  10, 0, 0, 1, 10, 0, 0, 2, 0x30, 0x39, 0, 80, 0xff, 0xff, 0xff, 0, 0, 0, 0, 1, 0x50, 0x99,
				  1, 0 };
static const uint8_t tcp6[74] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, 6, 64, 0xfd, [37] = 1,
				  0xfd, [53] = 2, 0x30, 0x39, 0, 80, 0, 0, 1, 0, 0, 0, 0, 1, 0x50, 0x18, 1, 0 };

/* A frame in many odd pieces, as guest memory may be. */
static unsigned int split(uint8_t *frame, uint32_t bytes, struct iovec *pieces, unsigned int room)
{
	unsigned int used = 0;
	uint32_t at = 0;

	while (at < bytes) {
		uint32_t part = used + 1 == room ? bytes - at : 1 + (used * 377u) % 1501u;

		if (part > bytes - at)
			part = bytes - at;
		pieces[used++] = (struct iovec){ frame + at, part };
		at += part;
	}
	return used;
}

/* As a receiver does. */
static void expect_checksums(const uint8_t *frame, uint32_t bytes)
{
	struct net_headers headers;
	struct iovec piece = { (void *)frame, bytes };

	net_headers(frame, bytes, &headers);
	assert_int_not_equal(headers.transport, 0);
	assert_int_equal(net_fold(net_sum(&piece, 1, headers.transport,
					  net_pseudo(frame, &headers, bytes - headers.transport))), 0xFFFF);
	if (headers.v6)
		return;
	piece.iov_len = headers.transport;
	assert_int_equal(net_fold(net_sum(&piece, 1, headers.ip, 0)), 0xFFFF);
	assert_int_equal(frame[headers.ip + 2] << 8 | frame[headers.ip + 3], bytes - headers.ip);
}

static uint8_t byte_at(uint32_t i)
{
	return (uint8_t)(i * 7 + i / 256);
}

static void cut(const uint8_t *header, uint32_t header_bytes, uint8_t gso, uint32_t payload, uint16_t mss)
{
	uint8_t *frame = malloc(header_bytes + payload);
	struct net_meta meta = { .gso = gso, .mss = mss, .flags = NET_CSUM_WANTED };
	struct iovec pieces[20];
	uint32_t done = 0, sequence, first;

	memcpy(frame, header, header_bytes);
	for (uint32_t i = 0; i < payload; i++)
		frame[header_bytes + i] = byte_at(i);
	count = 0;
	assert_int_equal(net_send(&plain, NULL, &meta, pieces, split(frame, header_bytes + payload, pieces, 20),
				  header_bytes + payload), 0);
	assert_int_equal(count, (payload + mss - 1) / mss);
	memcpy(&first, header + header_bytes - 16, 4);
	for (unsigned int i = 0; i < count; i++) {
		bool last = i + 1 == count;

		expect_checksums(got[i].data, got[i].bytes);
		memcpy(&sequence, got[i].data + header_bytes - 16, 4);
		assert_int_equal(__builtin_bswap32(sequence), __builtin_bswap32(first) + done);
		assert_int_equal(got[i].data[header_bytes - 7] & 0x09, last ? header[header_bytes - 7] & 0x09 : 0);
		assert_int_equal(got[i].data[header_bytes - 7] & 0x80, i ? 0 : header[header_bytes - 7] & 0x80);
		for (uint32_t at = header_bytes; at < got[i].bytes; at++)
			assert_int_equal(got[i].data[at], byte_at(done++));
	}
	assert_int_equal(done, payload);
	free(frame);
}

static void segments_of_ip4(void **state)
{
	(void)state;
	cut(tcp4, sizeof(tcp4), NET_GSO_TCP4, 20001, 1460);
	cut(tcp4, sizeof(tcp4), NET_GSO_TCP4, 2920, 1460);
	cut(tcp4, sizeof(tcp4), NET_GSO_TCP4, 1, 1460);
	assert_int_equal(got[0].data[18] << 8 | got[0].data[19], 0x12ff); /* the id counts on from the frame's */
}

static void segments_of_ip6(void **state)
{
	(void)state;
	cut(tcp6, sizeof(tcp6), NET_GSO_TCP6, 20001, 1441);
}

static void what_cannot_be_cut(void **state)
{
	struct net_meta meta = { .gso = NET_GSO_TCP4, .mss = 1460, .flags = NET_CSUM_WANTED };
	uint8_t frame[200] = { 0 };
	struct iovec piece = { frame, sizeof(frame) };

	(void)state;
	count = 0;
	assert_int_equal(net_send(&plain, NULL, &meta, &piece, 1, sizeof(frame)), -EINVAL);
	memcpy(frame, tcp4, sizeof(tcp4));
	frame[23] = 17;
	assert_int_equal(net_send(&plain, NULL, &meta, &piece, 1, sizeof(frame)), -EINVAL);
	frame[23] = 6;
	meta.mss = 0;
	assert_int_equal(net_send(&plain, NULL, &meta, &piece, 1, sizeof(frame)), -EINVAL);
	meta.mss = 1460;
	piece.iov_len = 53;
	assert_int_equal(net_send(&plain, NULL, &meta, &piece, 1, 53), -EINVAL);
	assert_int_equal(count, 0);
}

static void a_checksum_of_udp(void **state)
{
	struct net_meta meta = { .flags = NET_CSUM_WANTED, .csum_start = 34, .csum_offset = 6 };
	uint8_t frame[60];
	struct net_headers headers;
	struct iovec pieces[20];
	uint16_t pseudo;

	(void)state;
	memcpy(frame, tcp4, 54);
	frame[23] = 17;
	memset(frame + 54, 0x5a, 6);
	frame[16] = 0;
	frame[17] = 46;
	net_headers(frame, sizeof(frame), &headers);
	net_ip4_checksum(frame, &headers);
	pseudo = net_fold(net_pseudo(frame, &headers, 26));
	frame[40] = (uint8_t)(pseudo >> 8);
	frame[41] = (uint8_t)pseudo;
	count = 0;
	assert_int_equal(net_send(&plain, NULL, &meta, pieces, split(frame, sizeof(frame), pieces, 20), sizeof(frame)), 0);
	expect_checksums(got[0].data, got[0].bytes);
	meta.csum_start = 53;
	assert_int_equal(net_send(&plain, NULL, &meta, pieces, split(frame, sizeof(frame), pieces, 20), sizeof(frame)),
			 -EINVAL);
	meta.csum_start = UINT16_MAX;
	assert_int_equal(net_send(&plain, NULL, &meta, pieces, split(frame, sizeof(frame), pieces, 20), sizeof(frame)),
			 -EINVAL);
}

/* The sum of any division into pieces is that of the whole. */
static void sums_of_pieces(void **state)
{
	uint8_t bytes[999];
	struct iovec pieces[20], whole = { bytes, sizeof(bytes) };

	(void)state;
	for (unsigned int i = 0; i < sizeof(bytes); i++)
		bytes[i] = byte_at(i);
	for (unsigned int offset = 0; offset < 20; offset++)
		assert_int_equal(net_fold(net_sum(pieces, split(bytes, sizeof(bytes), pieces, 20), offset, 0)),
				 net_fold(net_sum(&whole, 1, offset, 0)));
}

static void headers_cut_short(void **state)
{
	struct net_headers headers;

	(void)state;
	for (uint32_t i = 0; i < sizeof(tcp4); i++) {
		uint8_t *exact = malloc(i + 1);

		memcpy(exact, tcp4, i);
		net_headers(exact, i, &headers);
		assert_int_equal(headers.transport, 0);
		free(exact);
	}
	net_headers(tcp4, sizeof(tcp4), &headers);
	assert_int_equal(headers.transport, 34);
	assert_int_equal(headers.end, 54);
}

static bool told;

static void ready(void *context)
{
	(void)context;
	told = true;
}

static void nothing(void *context)
{
	(void)context;
}

static void the_sink_answers(void **state)
{
	const uint8_t question[42] = { 255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1,
				       2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2 };
	const struct net_options options = { .sink = true, .queues = 2 };
	char error[ERROR_BYTES];
	struct net *net = net_sink_open(&options, error);
	struct net_queue *queue = net->ops->open(net, 1, NULL, ready, NULL);
	struct net_meta meta = { 0 };
	uint8_t answer[64];
	struct iovec out = { (void *)question, sizeof(question) }, in = { answer, sizeof(answer) };

	(void)state;
	assert_null(net->ops->open(net, net->channels_max, NULL, ready, NULL));
	assert_int_equal(net->ops->receive(queue, &meta, &in, 1), -EAGAIN);
	assert_int_equal(net->ops->send(queue, &meta, &out, 1, sizeof(question)), 0);
	assert_false(told);
	net->ops->flush(queue);
	assert_true(told);
	assert_int_equal(net->ops->receive(queue, &meta, &in, 1), sizeof(question));
	assert_memory_equal(answer, question + 6, 6);
	assert_memory_equal(answer + 28, question + 38, 4);
	assert_memory_equal(answer + 32, question + 22, 10);
	assert_int_equal(answer[21], 2);
	/* More than it keeps are lost, and nothing else happens. */
	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(net->ops->send(queue, &meta, &out, 1, sizeof(question)), 0);
	assert_int_equal(net->ops->send(queue, &meta, &out, 1, sizeof(question)), -EAGAIN);
	in.iov_len = 41;
	assert_int_equal(net->ops->receive(queue, &meta, &in, 1), -EMSGSIZE);
	net->ops->close(queue, nothing, NULL);
	net_close(net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_of_ip4),   cmocka_unit_test(segments_of_ip6),
		cmocka_unit_test(what_cannot_be_cut), cmocka_unit_test(a_checksum_of_udp),
		cmocka_unit_test(sums_of_pieces),    cmocka_unit_test(headers_cut_short),
		cmocka_unit_test(the_sink_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
