// SPDX-License-Identifier: GPL-2.0
// links: vmbus/ic_message.c
/*
 * Integration services as bytes: what the guest's gate lets in, which versions are chosen, what an answer looks like. Each packet lies in an
 * exact allocation, so that ASAN sees one byte too far; the buffer in which an answer is made has IC_MESSAGE_MAX bytes, as in the bus.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vmbus/ic_message.h"

#define REQUEST (IC_FLAG_TRANSACTION | IC_FLAG_REQUEST)

struct packet {
	struct ic_pipe_header pipe;
	struct ic_header header;
	u8 body[IC_MESSAGE_MAX];
};

static struct packet packet;
static struct ic_message message;

static void make(u16 type, u32 body_bytes)
{
	memset(&packet, 0, sizeof(packet));
	packet.pipe.flags = IC_PIPE_DATA;
	packet.pipe.size = sizeof(packet.header) + body_bytes;
	packet.header.type = type;
	packet.header.size = body_bytes;
	packet.header.flags = REQUEST;
	packet.header.transaction_id = 9;
}

static enum ic_verdict check(u32 bytes)
{
	void *copy = malloc(bytes ? bytes : 1);
	enum ic_verdict verdict;

	memcpy(copy, &packet, bytes);
	memset(&message, 0, sizeof(message));
	verdict = ic_message_check(&message, copy, bytes);
	free(copy);
	return verdict;
}

static void make_negotiate(u16 frames, u16 messages, const struct ic_version *versions)
{
	struct ic_negotiate *negotiate = (void *)packet.body;
	u32 bytes = (frames + messages) * sizeof(*versions);

	make(IC_NEGOTIATE, sizeof(*negotiate) + bytes);
	negotiate->frame_versions = frames;
	negotiate->message_versions = messages;
	if (versions)
		memcpy(negotiate->versions, versions, bytes);
}

static void a_request_passes_with_or_without_padding(void **state)
{
	(void)state;
	make(IC_HEARTBEAT, 40);
	assert_int_equal(check(IC_HEADERS + 40), IC_FINE);
	assert_int_equal(message.type, IC_HEARTBEAT);
	assert_int_equal(message.bytes, IC_HEADERS + 40);
	assert_int_equal(message.body_bytes, 40);
	make(IC_TIMESYNC, 25);
	assert_int_equal(check(IC_HEADERS + 28), IC_FINE);
	assert_int_equal(message.bytes, IC_HEADERS + 25);
	make(IC_SHUTDOWN, IC_MESSAGE_MAX - IC_HEADERS);
	assert_int_equal(check(IC_MESSAGE_MAX), IC_FINE);
}

static void wrong_sizes_are_named(void **state)
{
	(void)state;
	make(IC_HEARTBEAT, 40);
	for (u32 bytes = 0; bytes < IC_HEADERS; bytes++)
		assert_int_equal(check(bytes), IC_SHORT);
	for (u32 bytes = IC_HEADERS; bytes < IC_HEADERS + 40; bytes++)
		assert_int_equal(check(bytes), IC_PIPE_SIZE);
	assert_int_equal(check(IC_MESSAGE_MAX + 1), IC_LONG);
	packet.pipe.size = sizeof(packet.header) - 1;
	assert_int_equal(check(IC_HEADERS + 40), IC_PIPE_SIZE);
	packet.pipe.size = UINT32_MAX;
	assert_int_equal(check(IC_HEADERS + 40), IC_PIPE_SIZE);
	make(IC_HEARTBEAT, 40);
	packet.header.size = 41;
	assert_int_equal(check(IC_HEADERS + 48), IC_BODY_SIZE);
	packet.header.size = 0;
	assert_int_equal(check(IC_HEADERS + 48), IC_BODY_SIZE);
}

static void what_is_no_request_is_refused(void **state)
{
	(void)state;
	make(IC_HEARTBEAT, 40);
	packet.header.flags = IC_FLAG_TRANSACTION | IC_FLAG_RESPONSE;
	assert_int_equal(check(IC_HEADERS + 40), IC_ANSWER);
	packet.header.flags = REQUEST | IC_FLAG_RESPONSE;
	assert_int_equal(check(IC_HEADERS + 40), IC_ANSWER);
	packet.header.flags = 0;
	assert_int_equal(check(IC_HEADERS + 40), IC_ANSWER);
}

/* The counts are the host's, the bytes are what came. */
static void versions_that_did_not_come_are_refused(void **state)
{
	struct ic_negotiate *negotiate = (void *)packet.body;

	(void)state;
	make_negotiate(2, 3, NULL);
	assert_int_equal(check(IC_HEADERS + 28), IC_FINE);
	negotiate->message_versions = 4;
	assert_int_equal(check(IC_HEADERS + 28), IC_COUNTS);
	negotiate->message_versions = IC_VERSIONS_MAX + 1;
	assert_int_equal(check(IC_HEADERS + 28), IC_COUNTS);
	negotiate->frame_versions = UINT16_MAX;
	negotiate->message_versions = UINT16_MAX;
	assert_int_equal(check(IC_HEADERS + 28), IC_COUNTS);
	make(IC_NEGOTIATE, sizeof(*negotiate) - 1);
	assert_int_equal(check(IC_HEADERS + sizeof(*negotiate)), IC_COUNTS);
	make_negotiate(IC_VERSIONS_MAX, IC_VERSIONS_MAX, NULL);
	assert_int_equal(check(IC_HEADERS + packet.header.size), IC_FINE);
}

static const struct ic_version ours[] = { { 4, 0 }, { 3, 0 }, { 1, 0 } };
static struct ic_agreed agreed;

static bool agree(void)
{
	u8 buffer[IC_MESSAGE_MAX] __attribute__((aligned(8)));
	bool done;

	memcpy(buffer, &packet, sizeof(buffer));
	memset(&agreed, 0, sizeof(agreed));
	done = ic_message_agree(buffer, ours, sizeof(ours) / sizeof(ours[0]), &agreed);
	ic_message_answer(buffer, IC_STATUS_OK);
	memcpy(&packet, buffer, sizeof(buffer));
	return done;
}

static void check_answer(u16 count)
{
	struct ic_negotiate *negotiate = (void *)packet.body;

	assert_int_equal(packet.pipe.size, sizeof(struct ic_header) + IC_NEGOTIATE_ANSWER_SIZE);
	assert_int_equal(packet.header.size, IC_NEGOTIATE_ANSWER_SIZE);
	assert_int_equal(packet.header.flags, IC_FLAG_TRANSACTION | IC_FLAG_RESPONSE);
	assert_int_equal(packet.header.transaction_id, 9);
	assert_int_equal(packet.header.status, IC_STATUS_OK);
	assert_int_equal(negotiate->frame_versions, count);
	assert_int_equal(negotiate->message_versions, count);
}

static void the_newest_that_both_know_is_chosen(void **state)
{
	const struct ic_version all[] = { { 1, 0 }, { 3, 0 }, { 1, 0 }, { 3, 0 }, { 4, 0 }, { 9, 9 } };
	const struct ic_version old[] = { { 1, 0 }, { 1, 0 } };
	struct ic_negotiate *negotiate = (void *)packet.body;

	(void)state;
	make_negotiate(2, 4, all);
	assert_true(agree());
	check_answer(1);
	assert_int_equal(negotiate->versions[0].major, 3);
	assert_int_equal(negotiate->versions[1].major, 4);
	assert_int_equal(agreed.frame.major, 3);
	assert_int_equal(agreed.message.major, 4);
	make_negotiate(1, 1, old);
	assert_true(agree());
	check_answer(1);
	assert_int_equal(agreed.frame.major, 1);
	assert_int_equal(agreed.message.major, 1);
}

static void no_version_in_common_is_said(void **state)
{
	const struct ic_version strange[] = { { 3, 0 }, { 3, 1 }, { 2, 0 } };
	const struct ic_version frame[] = { { 2, 0 }, { 4, 0 } };

	(void)state;
	make_negotiate(1, 2, strange);
	assert_false(agree());
	check_answer(0);
	assert_int_equal(agreed.frame.major, 0);
	make_negotiate(1, 1, frame);
	assert_false(agree());
	check_answer(0);
	make_negotiate(0, 0, NULL);
	assert_false(agree());
	check_answer(0);
}

static void every_verdict_has_words(void **state)
{
	(void)state;
	for (int verdict = 0; verdict < IC_VERDICTS; verdict++)
		assert_non_null(ic_verdict_text(verdict));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_passes_with_or_without_padding),
		cmocka_unit_test(wrong_sizes_are_named),
		cmocka_unit_test(what_is_no_request_is_refused),
		cmocka_unit_test(versions_that_did_not_come_are_refused),
		cmocka_unit_test(the_newest_that_both_know_is_chosen),
		cmocka_unit_test(no_version_in_common_is_said),
		cmocka_unit_test(every_verdict_has_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
