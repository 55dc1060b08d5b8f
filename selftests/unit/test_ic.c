// SPDX-License-Identifier: GPL-2.0
// links: host/ic.c host/timesync.c host/heartbeat.c host/shutdown.c host/provider.c host/fault_ic.c
/*
 * The integration services on a channel of the test's own: the test is the guest, an honest one and others.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fault.h"
#include "heartbeat.h"
#include "ic_model.h"
#include "log.h"
#include "shutdown.h"
#include "timesync.h"
#include "wire/timesync.h"

#define V(major, minor) ((struct ic_version){ major, minor })

static unsigned int logged;
static struct timesync *timesync;
static struct heartbeat *heartbeat;
static struct shutdown *shut;
static const char *ended; /* what done() said */
static unsigned int dones;

void log_line(enum log_level level, const char *format, ...)
{
	(void)format;
	logged += level <= LOG_WARN;
}

static int setup(void **state)
{
	(void)state;
	memset(&model, 0, sizeof(model));
	logged = dones = 0;
	model.pair = (struct clock_pair){ .wall_ns = 1700000000123456700ull, .reference = 5000, .within_ns = 0 };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	model_close();
	assert_false(model.armed);
	timesync_destroy(timesync);
	heartbeat_destroy(heartbeat);
	shutdown_destroy(shut);
	timesync = NULL;
	heartbeat = NULL;
	shut = NULL;
	return 0;
}

static void start_timesync(struct ic_version version_max)
{
	timesync = timesync_create(NULL, version_max);
	assert_non_null(timesync);
	assert_int_equal(timesync_offer(timesync, NULL), 0);
	assert_true(model_open());
}

/* It runs, and was set just now: this machine may be busy. */
static void expect_timer(uint64_t ms)
{
	assert_in_range(model_timer_ms(), ms - 1500, ms);
}

static const struct model_message *expect(uint16_t type)
{
	const struct model_message *message = model_next();

	assert_non_null(message);
	assert_int_equal(message->header.type, type);
	assert_int_equal(message->header.flags, IC_FLAG_TRANSACTION | IC_FLAG_REQUEST);
	assert_int_equal(message->bytes, IC_HEADERS + message->header.size);
	assert_int_equal(message->pipe.size, message->bytes - sizeof(message->pipe));
	assert_int_equal(message->pipe.flags, IC_PIPE_DATA);
	return message;
}

static json_int_t number(json_t *all, const char *object, const char *name)
{
	json_t *place = object ? json_object_get(all, object) : all;
	json_int_t value = json_integer_value(json_object_get(place, name));

	json_decref(all);
	return value;
}

static void expect_text(json_t *all, const char *name, const char *text)
{
	assert_string_equal(json_string_value(json_object_get(all, name)), text);
	json_decref(all);
}

static struct timesync_reference_data expect_time(uint8_t flag)
{
	const struct model_message *message = expect(IC_TIMESYNC);
	struct timesync_reference_data data = { 0 };

	assert_int_equal(message->header.size, TIMESYNC_REFERENCE_DATA_SIZE);
	memcpy(&data, message->body, TIMESYNC_REFERENCE_DATA_SIZE);
	assert_int_equal(data.flags, flag);
	return data;
}

/* The handshake. */

static void offers_versions(void **state)
{
	const struct model_message *message;
	struct ic_negotiate head;
	struct ic_version versions[5];

	(void)state;
	start_timesync(V(0, 0));
	message = expect(IC_NEGOTIATE);
	assert_int_equal(message->header.frame.major, 0);
	memcpy(&head, message->body, sizeof(head));
	assert_int_equal(head.frame_versions, 2);
	assert_int_equal(head.message_versions, 3);
	assert_int_equal(message->header.size, sizeof(head) + sizeof(versions));
	memcpy(versions, message->body + sizeof(head), sizeof(versions));
	assert_int_equal(versions[0].major, 1);
	assert_int_equal(versions[1].major, 3);
	assert_int_equal(versions[4].major, 4);
	expect_text(timesync_query(timesync), "driver", "negotiating");
	expect_timer(IC_PATIENCE_MS);
	model_fire();
	expect_text(timesync_query(timesync), "driver", "silent");
	model_choose(message, V(3, 0), V(4, 0)); /* late, but true */
	expect_text(timesync_query(timesync), "driver", "ready");
	expect_text(timesync_query(timesync), "version", "4.0");
}

static void a_cap_on_versions(void **state)
{
	const struct model_message *message;
	struct ic_negotiate head;

	(void)state;
	start_timesync(V(3, 0));
	message = expect(IC_NEGOTIATE);
	memcpy(&head, message->body, sizeof(head));
	assert_int_equal(head.message_versions, 2);
	model_choose(message, V(3, 0), V(4, 0));
	expect_text(timesync_query(timesync), "driver", "ended");
	assert_int_equal(number(timesync_query(timesync), "refused", "answers"), 1);
	assert_null(model_next());
}

static void nothing_in_common(void **state)
{
	const struct ic_negotiate none = { 0 };

	(void)state;
	start_timesync(V(0, 0));
	model_answer(expect(IC_NEGOTIATE), IC_STATUS_OK, &none, sizeof(none));
	expect_text(timesync_query(timesync), "driver", "ended");
	assert_int_equal(logged, 0);
	timesync_sync(timesync);
	model_turn();
	model_fire();
	assert_null(model_next());
}

/* As many versions as the guest likes to claim. */
static void absurd_answers(void **state)
{
	const struct ic_negotiate many = { .frame_versions = 65535, .message_versions = 65535 }, one = { 1, 1, 0 };

	(void)state;
	start_timesync(V(0, 0));
	model_answer(expect(IC_NEGOTIATE), IC_STATUS_OK, &many, sizeof(many));
	expect_text(timesync_query(timesync), "driver", "ended");
	model_close();
	assert_true(model_open());
	model_answer(expect(IC_NEGOTIATE), IC_STATUS_OK, &one, sizeof(one)); /* but no versions behind it */
	expect_text(timesync_query(timesync), "driver", "ended");
	assert_int_equal(number(timesync_query(timesync), "refused", "answers"), 2);
	assert_int_equal(logged, 1);
}

/* Nothing of these is an answer, and the right one is taken afterwards. */
static void what_is_no_answer(void **state)
{
	const struct model_message *message;
	struct model_message other;
	uint8_t bytes[IC_HEADERS + 4];
	struct ic_header header;

	(void)state;
	start_timesync(V(0, 0));
	message = expect(IC_NEGOTIATE);
	memset(bytes, 0, sizeof(bytes));
	for (uint32_t i = 0; i < IC_HEADERS; i++)
		model_packet(PACKET_INBAND, bytes, i);
	model_packet(PACKET_COMPLETION, bytes, sizeof(bytes));
	assert_int_equal(number(timesync_query(timesync), "refused", "messages"), IC_HEADERS + 1);
	header = message->header;
	header.flags = IC_FLAG_RESPONSE;
	header.size = 5;
	memcpy(bytes + sizeof(struct ic_pipe_header), &header, sizeof(header));
	model_packet(PACKET_INBAND, bytes, sizeof(bytes)); /* says more than it has */
	model_answer(message, 0, bytes, 4); /* shorter than its kind */
	other = *message;
	other.header.type = IC_TIMESYNC;
	model_answer(&other, 0, NULL, 0);
	assert_int_equal(number(timesync_query(timesync), "refused", "messages"), IC_HEADERS + 4);
	other = *message;
	other.header.transaction_id++;
	model_choose(&other, V(3, 0), V(4, 0));
	assert_int_equal(number(timesync_query(timesync), "refused", "out_of_turn"), 1);
	model_choose(message, V(3, 0), V(4, 0));
	expect_text(timesync_query(timesync), "driver", "ready");
	model_choose(message, V(3, 0), V(4, 0)); /* again */
	expect_text(timesync_query(timesync), "driver", "ready");
	assert_int_equal(logged, 2);
}

static void one_channel_at_a_time(void **state)
{
	(void)state;
	start_timesync(V(0, 0));
	assert_null(model.ops->open(&model.channel, model.context));
}

/* Time. */

static void ready_with(struct ic_version version)
{
	start_timesync(V(0, 0));
	model_choose(expect(IC_NEGOTIATE), V(3, 0), version);
}

static void sync_then_samples(void **state)
{
	struct timesync_reference_data data;

	(void)state;
	ready_with(V(4, 0));
	data = expect_time(TIMESYNC_SYNC);
	assert_int_equal(data.parent_time, TIMESYNC_UNIX_EPOCH + 17000000001234567ull);
	assert_int_equal(data.vm_reference_time, 5000);
	expect_timer(5000);
	model.pair.reference = 6000;
	model_fire();
	assert_int_equal(expect_time(TIMESYNC_SAMPLE).vm_reference_time, 6000);
	timesync_set_offset(timesync, -3600000000000ll);
	model_turn();
	data = expect_time(TIMESYNC_SYNC);
	assert_int_equal(data.parent_time, TIMESYNC_UNIX_EPOCH + 17000000001234567ull - 36000000000ull);
	model_fire();
	expect_time(TIMESYNC_SAMPLE);
	assert_int_equal(number(timesync_query(timesync), NULL, "syncs"), 2);
	assert_int_equal(number(timesync_query(timesync), NULL, "samples"), 2);
}

static void older_messages(void **state)
{
	const struct model_message *message;
	struct timesync_data data = { 0 };

	(void)state;
	ready_with(V(3, 0));
	message = expect(IC_TIMESYNC);
	assert_int_equal(message->header.size, TIMESYNC_DATA_SIZE);
	memcpy(&data, message->body, TIMESYNC_DATA_SIZE);
	assert_int_equal(data.flags, TIMESYNC_SYNC);
	assert_int_equal(data.parent_time, TIMESYNC_UNIX_EPOCH + 17000000001234567ull);
}

/* A SYNC that found no room is made up for. */
static void a_ring_that_is_full(void **state)
{
	(void)state;
	ready_with(V(4, 0));
	expect_time(TIMESYNC_SYNC);
	model.channel.full = true;
	timesync_sync(timesync);
	model_turn();
	model_fire();
	assert_null(model_next());
	assert_int_equal(number(timesync_query(timesync), NULL, "skipped"), 2);
	model.channel.full = false;
	model_fire();
	expect_time(TIMESYNC_SYNC);
	model_fire();
	expect_time(TIMESYNC_SAMPLE);
}

static void a_clock_that_cannot_be_read(void **state)
{
	(void)state;
	model.clock_error = -EIO;
	ready_with(V(4, 0));
	assert_null(model_next());
	model_fire();
	assert_int_equal(number(timesync_query(timesync), NULL, "errors"), 2);
	assert_int_equal(logged, 1);
	model.clock_error = 0;
	model_fire();
	expect_time(TIMESYNC_SYNC);
}

static void a_pause(void **state)
{
	(void)state;
	ready_with(V(4, 0));
	expect_time(TIMESYNC_SYNC);
	model.ops->paused(model.channel.state, true);
	assert_int_equal(model_timer_ms(), 0);
	assert_null(model_next());
	model.ops->paused(model.channel.state, false);
	expect_time(TIMESYNC_SYNC);
	expect_timer(5000);
}

/* Heartbeat. */

static void start_heartbeat(struct ic_version version)
{
	heartbeat = heartbeat_create(V(0, 0));
	assert_non_null(heartbeat);
	assert_int_equal(heartbeat_offer(heartbeat, NULL), 0);
	expect_text(heartbeat_query(heartbeat), "state", "no-contact");
	assert_true(model_open());
	model_choose(expect(IC_NEGOTIATE), V(3, 0), version);
}

static void answer_beat(const struct model_message *message, uint64_t more, uint32_t application)
{
	struct ic_heartbeat body;

	memcpy(&body, message->body, sizeof(body));
	body.sequence += more;
	body.application_state = application;
	model_answer(message, IC_STATUS_OK, &body, sizeof(body));
}

static void beats(void **state)
{
	const struct model_message *first, *second;

	(void)state;
	start_heartbeat(V(3, 0));
	first = expect(IC_HEARTBEAT);
	expect_timer(2000);
	expect_text(heartbeat_query(heartbeat), "state", "no-contact");
	answer_beat(first, 0, IC_APPLICATION_HEALTHY); /* forgot to add one */
	expect_text(heartbeat_query(heartbeat), "state", "no-contact");
	model_fire();
	first = expect(IC_HEARTBEAT);
	model_fire();
	second = expect(IC_HEARTBEAT);
	answer_beat(first, 1, IC_APPLICATION_CRITICAL); /* late, and still one */
	expect_text(heartbeat_query(heartbeat), "state", "ok");
	expect_text(heartbeat_query(heartbeat), "application", "critical");
	answer_beat(second, 1, 77);
	expect_text(heartbeat_query(heartbeat), "application", "unknown");
	answer_beat(second, 1, 1); /* twice */
	assert_int_equal(number(heartbeat_query(heartbeat), "refused", "out_of_turn"), 1);
	assert_int_equal(number(heartbeat_query(heartbeat), "refused", "answers"), 1);
	model_close();
	expect_text(heartbeat_query(heartbeat), "state", "no-contact");
}

static void old_guests_have_no_programs(void **state)
{
	(void)state;
	start_heartbeat(V(1, 0));
	answer_beat(expect(IC_HEARTBEAT), 1, IC_APPLICATION_HEALTHY);
	expect_text(heartbeat_query(heartbeat), "state", "ok");
	expect_text(heartbeat_query(heartbeat), "application", "unknown");
}

/* Shutdown. */

static void done(void *context, const char *why)
{
	assert_ptr_equal(context, &dones);
	dones++;
	ended = why;
}

static const char *ask(uint32_t flags)
{
	const struct shutdown_request request = { .flags = flags, .reason = "because", .done = done, .context = &dones };

	return shutdown_ask(shut, &request);
}

static void start_shutdown(struct ic_version version)
{
	shut = shutdown_create(NULL, V(0, 0));
	assert_non_null(shut);
	assert_int_equal(shutdown_offer(shut, NULL), 0);
	assert_string_equal(ask(0), "the guest has no driver for this service");
	assert_true(model_open());
	assert_string_equal(ask(0), "the guest's driver is not ready yet");
	model_choose(expect(IC_NEGOTIATE), V(3, 0), version);
	assert_null(model_next());
}

static void expect_done(const char *why)
{
	assert_true(model_main_loop());
	assert_int_equal(dones, 1);
	dones = 0;
	if (why)
		assert_string_equal(ended, why);
	else
		assert_null(ended);
}

static void asked_and_answered(void **state)
{
	const struct model_message *message;
	struct ic_shutdown body;

	(void)state;
	start_shutdown(V(3, 2));
	assert_null(ask(IC_SHUTDOWN_REBOOT | IC_SHUTDOWN_FORCE));
	assert_string_equal(ask(0), "the guest is being asked already");
	model_turn();
	message = expect(IC_SHUTDOWN);
	memcpy(&body, message->body, sizeof(body));
	assert_int_equal(body.flags, IC_SHUTDOWN_REBOOT | IC_SHUTDOWN_FORCE);
	assert_string_equal((char *)body.text, "because");
	model_answer(message, IC_STATUS_OK, &body, sizeof(body));
	expect_done(NULL);
	assert_null(ask(0));
	model_turn();
	model_answer(expect(IC_SHUTDOWN), IC_STATUS_FAIL, NULL, 0);
	expect_done("the guest refuses");
}

static void no_answer(void **state)
{
	const struct model_message *message;

	(void)state;
	start_shutdown(V(3, 1));
	assert_null(ask(0));
	model_turn();
	message = expect(IC_SHUTDOWN);
	expect_timer(IC_PATIENCE_MS);
	model_fire();
	expect_done("the guest does not answer");
	model_answer(message, IC_STATUS_OK, NULL, 0); /* too late to matter */
	assert_false(model_main_loop());
	assert_null(ask(0));
	model_turn();
	model_close();
	expect_done("the guest's driver has gone without an answer");
	assert_true(model_open());
	model_choose(expect(IC_NEGOTIATE), V(3, 0), V(3, 0));
	assert_string_equal(ask(IC_SHUTDOWN_REBOOT), "the guest's driver is too old to reboot on request");
	assert_null(ask(0));
	model_close();
	expect_done("the guest's driver has gone");
	assert_int_equal(dones, 0);
}

static void nowhere_to_write(void **state)
{
	(void)state;
	start_shutdown(V(3, 2));
	model.channel.full = true;
	assert_null(ask(0));
	model_turn();
	expect_done("the guest does not read what it was sent before");
	assert_null(model_next());
}

/* Faults. */

static void what_rules_say(void **state)
{
	struct fault_action action = { .verb = FAULT_ANSWER };
	uint8_t payload[IC_HEADERS + 40] = { 0 };
	struct ic_header header;
	uint64_t time;

	(void)state;
	action.given = 1ull << FAULT_KEY_IC | 1ull << FAULT_KEY_TIME | 1ull << FAULT_KEY_FLAGS;
	action.value[FAULT_KEY_IC] = IC_TIMESYNC;
	action.value[FAULT_KEY_TIME] = 42;
	action.value[FAULT_KEY_FLAGS] = TIMESYNC_SYNC;
	fault_ic.set(&action, payload, sizeof(payload)); /* invented */
	memcpy(&header, payload + 8, sizeof(header));
	memcpy(&time, payload + IC_HEADERS, sizeof(time));
	assert_int_equal(header.type, IC_TIMESYNC);
	assert_int_equal(header.size, TIMESYNC_REFERENCE_DATA_SIZE);
	assert_int_equal(header.flags, IC_FLAG_TRANSACTION | IC_FLAG_REQUEST);
	assert_int_equal(time, 42);
	assert_int_equal(payload[IC_HEADERS + 16], TIMESYNC_SYNC);
	memset(payload, 0, sizeof(payload));
	action.given = 1ull << FAULT_KEY_IC | 1ull << FAULT_KEY_FRAMES | 1ull << FAULT_KEY_VERSIONS;
	action.value[FAULT_KEY_IC] = IC_NEGOTIATE;
	action.value[FAULT_KEY_FRAMES] = 65535;
	action.value[FAULT_KEY_VERSIONS] = 300;
	fault_ic.set(&action, payload, 20); /* less than a message, all the same in bounds */
	fault_ic.set(&action, payload, sizeof(payload));
	assert_int_equal(payload[IC_HEADERS] | payload[IC_HEADERS + 1] << 8, 65535);
	assert_int_equal(payload[IC_HEADERS + 2] | payload[IC_HEADERS + 3] << 8, 300);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(offers_versions), TEST(a_cap_on_versions), TEST(nothing_in_common), TEST(absurd_answers), TEST(what_is_no_answer),
		TEST(one_channel_at_a_time), TEST(sync_then_samples), TEST(older_messages), TEST(a_ring_that_is_full),
		TEST(a_clock_that_cannot_be_read), TEST(a_pause), TEST(beats), TEST(old_guests_have_no_programs), TEST(asked_and_answered),
		TEST(no_answer), TEST(nowhere_to_write), TEST(what_rules_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
