// SPDX-License-Identifier: GPL-2.0
// links: host/balloon.c host/balloon_channel.c host/balloon_request.c host/balloon_answer.c host/balloon_plan.c
// links: host/memory.c host/memory_blocks.c host/guestmem.c host/pagemap.c host/provider.c host/fault_dm.c
/*
 * The dynamic memory provider on a channel of the test's own: the test is the guest, an honest one and others.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/timerfd.h>

#include <cmocka.h>

#include "balloon_model.h"
#include "log.h"

#define ALL_CAPS (DM_CAP_BALLOON | DM_CAP_HOT_ADD | DM_CAP_HOT_REMOVE | 7ull << DM_CAP_HOT_ADD_ALIGNMENT_SHIFT)

static unsigned int logged;

void log_line(enum log_level level, const char *format, ...)
{
	(void)level;
	(void)format;
	logged++;
}

static int setup(void **state)
{
	(void)state;
	logged = 0;
	model_start(0, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	model_stop();
	assert_false(model.armed);
	return 0;
}

/* A message of the guest: its header is filled in here. */
static void tell(uint16_t type, void *message, uint32_t bytes)
{
	struct dm_header header = { .type = type, .size = (uint16_t)bytes, .trans_id = 77 };

	memcpy(message, &header, sizeof(header));
	model_packet(PACKET_INBAND, 0, message, bytes);
}

static const void *expect(uint16_t type, uint32_t bytes)
{
	const struct model_message *message = model_next();
	struct dm_header header;

	assert_non_null(message);
	memcpy(&header, message->body, sizeof(header));
	assert_int_equal(header.type, type);
	assert_int_equal(header.size, message->bytes);
	if (bytes)
		assert_int_equal(message->bytes, bytes);
	return message->body;
}

static bool ask_version(uint32_t version, bool last)
{
	struct dm_version_request request = { .version = version, .last_attempt = last };
	struct dm_version_response answer;

	tell(DM_VERSION_REQUEST, &request, sizeof(request));
	memcpy(&answer, expect(DM_VERSION_RESPONSE, sizeof(answer)), sizeof(answer));
	return answer.accepted;
}

static uint64_t report_caps(uint64_t caps, uint64_t floor)
{
	struct dm_caps_report report = { .caps = caps, .min_page_count = floor, .max_page_number = UINT64_MAX };
	struct dm_caps_response answer;

	tell(DM_CAPS_REPORT, &report, sizeof(report));
	memcpy(&answer, expect(DM_CAPS_RESPONSE, sizeof(answer)), sizeof(answer));
	return answer.flags;
}

static void connect_with(uint64_t caps, uint64_t floor)
{
	const uint8_t *message;
	struct dm_info info;
	uint64_t pages;

	model_open();
	assert_true(ask_version(DM_VERSION_WIN10, false));
	report_caps(caps, floor);
	message = expect(DM_INFO, sizeof(info) + sizeof(pages));
	memcpy(&info, message, sizeof(info));
	memcpy(&pages, message + sizeof(info), sizeof(pages));
	assert_int_equal(info.info_type, DM_INFO_MAX_PAGE_COUNT);
	assert_int_equal(info.info_size, 16);
	assert_int_equal(info.data_size, 8);
	assert_int_equal(pages, MODEL_MAX);
}

static void set_target(uint64_t pages)
{
	assert_int_equal(balloon_set_target(model.balloon, pages * 4096), 0);
	model_turn();
}

static uint32_t expect_balloon(void)
{
	struct dm_balloon_request request;

	memcpy(&request, expect(DM_BALLOON_REQUEST, sizeof(request)), sizeof(request));
	return request.page_count;
}

/* @words: ranges; the flags say how many unless @count does. */
static void give_ranges(const uint64_t *words, uint32_t count, uint32_t there, bool more)
{
	struct dm_balloon_response head = { .flags = count << DM_BALLOON_RANGES_SHIFT | more };
	uint64_t answer[512];

	memcpy(answer, &head, sizeof(head));
	for (uint32_t i = 0; i < there; i++)
		answer[2 + i] = words[i];
	tell(DM_BALLOON_RESPONSE, answer, (2 + there) * (uint32_t)sizeof(answer[0]));
}

static void give_range(uint64_t pfn, uint64_t pages, bool more)
{
	const uint64_t word = DM_RANGE(pfn, pages);

	give_ranges(&word, 1, 1, more);
}

static void take_back(void)
{
	struct dm_unballoon_response answer;

	tell(DM_UNBALLOON_RESPONSE, &answer, sizeof(answer));
}

static void answer_add(uint32_t pages, uint32_t result)
{
	struct dm_hot_add_response answer = { .page_count = pages, .result = result };

	tell(DM_HOT_ADD_RESPONSE, &answer, sizeof(answer));
}

static void report(uint64_t available, uint64_t committed)
{
	struct dm_status status = { .available = available, .committed = committed };

	tell(DM_STATUS_REPORT, &status, sizeof(status));
}

static void expect_text(const char *name, const char *value)
{
	json_t *all = balloon_query(model.balloon);
	const char *text = json_string_value(json_object_get(all, name));

	if (value)
		assert_string_equal(text, value);
	else
		assert_null(text);
	json_decref(all);
}

static json_int_t number(const char *object, const char *name)
{
	json_t *all = balloon_query(model.balloon);
	json_t *place = object ? json_object_get(all, object) : all;
	json_int_t value = json_is_integer(json_object_get(place, name)) ? json_integer_value(json_object_get(place, name)) : -1;

	json_decref(all);
	return value;
}

static void versions_newest_first(void **state)
{
	(void)state;
	expect_text("progress", "no-driver");
	model_open();
	assert_false(ask_version(DM_VERSION(2, 1), false));
	assert_false(ask_version(DM_VERSION(0, 0), false));
	assert_true(ask_version(DM_VERSION_WIN10, false));
	expect_text("version", "2.0");
	expect_text("state", "agreed");
	assert_int_equal(report_caps(ALL_CAPS, 0), DM_CAPS_ACCEPTED | DM_CAPS_HOT_REMOVE);
	expect_text("state", "ready");
	expect_text("progress", "settled");
}

static void an_old_guest(void **state)
{
	(void)state;
	model_stop();
	model_start(DM_VERSION_WIN7, 0);
	model_open();
	assert_false(ask_version(DM_VERSION_WIN10, false));
	assert_false(ask_version(DM_VERSION_WIN8, false));
	assert_true(ask_version(DM_VERSION_WIN7, true));
	/* What it says of hot remove was not thought of in this version, nor was INFO. */
	assert_int_equal(report_caps(ALL_CAPS, 0), DM_CAPS_ACCEPTED);
	assert_null(model_next());
	expect_text("version", "0.3");
}

static uint64_t timer_left(void)
{
	struct itimerspec left = { 0 };

	timerfd_gettime(model.channel.state->timer.fd, &left);
	return (uint64_t)left.it_value.tv_sec;
}

/* A guest that is paused is not late. */
static void a_pause(void **state)
{
	(void)state;
	connect_with(ALL_CAPS, 0);
	set_target(MODEL_STARTUP / 2);
	expect_balloon();
	assert_in_range(timer_left(), 8, 10);
	model.ops->paused(model.channel.state, true);
	assert_int_equal(timer_left(), 0);
	model.ops->paused(model.channel.state, false);
	assert_in_range(timer_left(), 8, 10);
}

static void nothing_to_agree_upon(void **state)
{
	(void)state;
	model_open();
	assert_false(ask_version(DM_VERSION(9, 9), true));
	expect_text("state", "ended");
	expect_text("reason", "the guest's driver and this host agree upon no version");
	set_target(MODEL_STARTUP / 2);
	assert_null(model_next());
	report(1, 1);
	assert_int_equal(number("refused", "out_of_turn"), 1);
}

static void down_and_up(void **state)
{
	struct dm_unballoon_request head;
	uint64_t words[2];

	(void)state;
	connect_with(ALL_CAPS, 0);
	set_target(MODEL_STARTUP - 16 * MODEL_MIB);
	assert_int_equal(expect_balloon(), 16 * MODEL_MIB);
	expect_text("progress", "moving");
	give_range(1024, 10 * MODEL_MIB, true);
	give_range(1024 + 10 * MODEL_MIB, 6 * MODEL_MIB, false);
	expect_text("progress", "settled");
	assert_int_equal(number(NULL, "ballooned"), 16 << 20);
	assert_null(model_next());
	set_target(MODEL_STARTUP);
	memcpy(&head, model.channel.messages[model.channel.read].body, sizeof(head));
	assert_int_equal(head.range_count, 1);
	assert_int_equal(head.flags, 0);
	memcpy(words, (const uint8_t *)expect(DM_UNBALLOON_REQUEST, 24) + sizeof(head), 8);
	assert_int_equal(DM_RANGE_PFN(words[0]), 1024);
	assert_int_equal(DM_RANGE_PAGES(words[0]), 16 * MODEL_MIB);
	assert_int_equal(number(NULL, "ballooned"), 0);
	take_back();
	expect_text("progress", "settled");
	expect_text("reason", NULL);
}

/* The last answer is an empty one, which says that this was all. */
static void a_guest_that_has_no_more(void **state)
{
	(void)state;
	connect_with(ALL_CAPS, 0);
	set_target(MODEL_STARTUP / 2);
	assert_int_equal(expect_balloon(), 32 * MODEL_MIB);
	give_range(512, 1000, true);
	give_ranges(NULL, 0, 0, false);
	expect_text("progress", "partial");
	expect_text("reason", "the guest can spare no more");
	assert_int_equal(number(NULL, "ballooned"), 1000 * 4096);
	report(300, 1000);
	assert_null(model_next());
	report(5000, 1000); /* but now it can */
	assert_int_equal(expect_balloon(), 32 * MODEL_MIB - 1000);
	give_range(4096, 32 * MODEL_MIB - 1000, false);
	expect_text("progress", "settled");
}

static void a_guest_with_a_floor(void **state)
{
	(void)state;
	connect_with(ALL_CAPS, MODEL_STARTUP - 5);
	set_target(MODEL_STARTUP / 2);
	assert_int_equal(expect_balloon(), 5);
	give_range(512, 5, false);
	expect_text("progress", "partial");
	expect_text("reason", "the guest's own floor is reached");
	assert_null(model_next());
}

static void lies_about_ranges(void **state)
{
	const uint64_t words[] = { DM_RANGE(1000, 100), DM_RANGE(1050, 100), DM_RANGE(MODEL_STARTUP - 1, 2), DM_RANGE(MODEL_WINDOW, 1),
				   DM_RANGE(DM_RANGE_PFN_MAX, 1), DM_RANGE(2000, 0), DM_RANGE(3000, 9000), DM_RANGE(1100, 50) };

	(void)state;
	connect_with(ALL_CAPS, 0);
	set_target(MODEL_STARTUP - 8192);
	assert_int_equal(expect_balloon(), 8192);
	give_ranges(words, 8, 8, true);
	assert_int_equal(number(NULL, "ballooned"), 150 * 4096);
	assert_int_equal(number("refused", "ranges"), 6);
	assert_int_equal(logged, 1);
	give_ranges(words, 8, 1, false); /* more than there are; the one that is, is gone already */
	assert_int_equal(number("refused", "ranges"), 7);
	assert_int_equal(number("refused", "messages"), 1);
	expect_text("progress", "partial");
	assert_non_null(guestmem_ptr(model.mem, gpa(3000 * 4096), 4096));
	assert_null(guestmem_ptr(model.mem, gpa(1149 * 4096), 4096));
}

static void pages_that_a_channel_uses(void **state)
{
	const uint64_t words[] = { DM_RANGE(1000, 100), DM_RANGE(2000, 100), DM_RANGE(3000, 100) };

	(void)state;
	model.lent = 2050;
	connect_with(ALL_CAPS, 0);
	set_target(MODEL_STARTUP - 8192);
	expect_balloon();
	give_ranges(words, 3, 3, false);
	assert_int_equal(number("refused", "lent_pages"), 1);
	assert_int_equal(number(NULL, "ballooned"), 200 * 4096);
	assert_non_null(guestmem_ptr(model.mem, gpa(2050 * 4096), 4096));
	assert_null(guestmem_ptr(model.mem, gpa(3050 * 4096), 4096));
}

static void answers_to_nothing(void **state)
{
	struct dm_balloon_response late = { .flags = 0 };

	(void)state;
	model_open();
	take_back();
	assert_true(ask_version(DM_VERSION_WIN10, false));
	report(1, 1);
	report_caps(ALL_CAPS, 0);
	expect(DM_INFO, 0);
	give_range(512, 512, false);
	answer_add(1, 1);
	tell(DM_BALLOON_RESPONSE, &late, sizeof(late));
	assert_int_equal(number("refused", "out_of_turn"), 5);
	assert_int_equal(number(NULL, "ballooned"), 0);
	assert_true(memory_assigned(model.memory) == MODEL_STARTUP);
}

static void messages_of_any_length(void **state)
{
	uint8_t bytes[64] = { 0 };
	struct dm_header header = { .size = 8 };

	(void)state;
	connect_with(ALL_CAPS, 0);
	model_packet(PACKET_INBAND, 0, bytes, 0);
	model_packet(PACKET_INBAND, 0, bytes, 7);
	model_packet(PACKET_GPA_DIRECT, 0, bytes, 64);
	for (header.type = 0; header.type < 20; header.type++) {
		header.size = 6;
		memcpy(bytes, &header, sizeof(header));
		model_packet(PACKET_INBAND, 0, bytes, 64);
		header.size = 100;
		memcpy(bytes, &header, sizeof(header));
		model_packet(PACKET_INBAND, 0, bytes, 64);
	}
	assert_int_equal(number("refused", "messages"), 43);
	model_packet(PACKET_INBAND, PACKET_FLAG_COMPLETION_REQUESTED, bytes, 8);
	assert_int_equal(model.channel.completions, 1);
	assert_null(model_next());
	expect_text("progress", "settled");
}

/* It will not send another, so the request is over. */
static void an_answer_too_short(void **state)
{
	uint8_t bytes[8];

	(void)state;
	connect_with(ALL_CAPS, 0);
	set_target(MODEL_STARTUP / 2);
	expect_balloon();
	tell(DM_BALLOON_RESPONSE, bytes, 8);
	expect_text("progress", "partial");
	set_target(MODEL_STARTUP / 2 + 1);
	expect_balloon();
}

static void a_guest_that_does_not_answer(void **state)
{
	(void)state;
	connect_with(ALL_CAPS, 0);
	set_target(MODEL_STARTUP / 2);
	expect_balloon();
	model_fire();
	expect_text("progress", "silent");
	expect_text("reason", "the guest does not answer");
	assert_int_equal(number(NULL, "timeouts"), 1);
	set_target(MODEL_STARTUP);
	assert_null(model_next()); /* not two requests at a time */
	expect_text("progress", "silent");
	give_range(1024, 32 * MODEL_MIB, false); /* late, and all the same true */
	expect(DM_UNBALLOON_REQUEST, 24);
	take_back();
	expect_text("progress", "settled");
}

static void memory_is_added(void **state)
{
	struct dm_hot_add_request request;

	(void)state;
	connect_with(ALL_CAPS, 0);
	set_target(MODEL_STARTUP + 150 * MODEL_MIB);
	memcpy(&request, expect(DM_HOT_ADD_REQUEST, sizeof(request)), sizeof(request));
	assert_int_equal(DM_RANGE_PFN(request.range), MODEL_WINDOW);
	assert_int_equal(DM_RANGE_PAGES(request.range), 2 * MODEL_BLOCK);
	assert_true(model.slots[0] && model.slots[1] && !model.slots[2]);
	assert_non_null(guestmem_ptr(model.mem, gpa(MODEL_WINDOW * 4096), 4096));
	answer_add(2 * MODEL_BLOCK, 1);
	assert_int_equal(expect_balloon(), 106 * MODEL_MIB);
	give_range(MODEL_WINDOW, 106 * MODEL_MIB, false);
	expect_text("progress", "settled");
	assert_int_equal(number(NULL, "hot_added"), 256 << 20);
	assert_int_equal(number(NULL, "assigned"), (64 + 150) << 20);
}

static void added_in_part(void **state)
{
	(void)state;
	connect_with(ALL_CAPS, 0);
	set_target(MODEL_STARTUP + 2 * MODEL_BLOCK);
	expect(DM_HOT_ADD_REQUEST, 0);
	answer_add(MODEL_BLOCK, 1);
	assert_true(model.slots[0] && !model.slots[1]);
	expect_text("progress", "partial");
	expect_text("reason", "the guest refused more memory");
	set_target(MODEL_STARTUP + 3 * MODEL_BLOCK);
	expect(DM_HOT_ADD_REQUEST, 0);
	answer_add(2 * MODEL_BLOCK, 1);
	expect_text("progress", "settled");
}

static void nothing_is_ever_added(void **state)
{
	(void)state;
	connect_with(ALL_CAPS, 0);
	set_target(MODEL_STARTUP + 2 * MODEL_BLOCK);
	expect(DM_HOT_ADD_REQUEST, 0);
	answer_add(0, 1);
	assert_false(model.slots[0]);
	expect_text("progress", "partial");
	expect_text("reason", "the guest takes no more memory than it started with");
	set_target(MODEL_STARTUP + 3 * MODEL_BLOCK);
	assert_null(model_next());
}

static void adding_fails_for_now(void **state)
{
	(void)state;
	connect_with(ALL_CAPS, 0);
	set_target(MODEL_STARTUP + MODEL_BLOCK);
	for (unsigned int i = 0; i <= BALLOON_RETRIES; i++) {
		expect(DM_HOT_ADD_REQUEST, 0);
		answer_add(0, 0);
		assert_false(model.slots[0]);
		expect_text("reason", "the guest refused more memory");
		assert_null(model_next());
		if (i < BALLOON_RETRIES)
			model_fire();
	}
	set_target(MODEL_STARTUP + 2 * MODEL_BLOCK);
	expect(DM_HOT_ADD_REQUEST, 0);
	answer_add(UINT32_MAX, 1); /* no more than it was given */
	assert_int_equal(number("refused", "ranges"), 1);
	expect_text("progress", "settled");
}

static void memory_is_removed(void **state)
{
	struct dm_hot_remove_response head = { .result = 1, .range_count = 2 };
	uint64_t answer[5] = { 0, 0, 0, DM_RANGE(MODEL_WINDOW, MODEL_BLOCK), DM_RANGE(0, 10) };
	struct dm_hot_remove_request request;

	(void)state;
	connect_with(ALL_CAPS, 0);
	set_target(MODEL_STARTUP + 2 * MODEL_BLOCK);
	expect(DM_HOT_ADD_REQUEST, 0);
	answer_add(2 * MODEL_BLOCK, 1);
	set_target(MODEL_STARTUP);
	memcpy(&request, expect(DM_HOT_REMOVE_REQUEST, sizeof(request)), sizeof(request));
	assert_int_equal(request.page_count, 2 * MODEL_BLOCK);
	assert_int_equal(request.qos_flags, DM_REMOVE_QOS_LARGE);
	memcpy(answer, &head, sizeof(head));
	tell(DM_HOT_REMOVE_RESPONSE, answer, sizeof(answer));
	assert_true(!model.slots[0] && model.slots[1]);
	assert_int_equal(number("refused", "ranges"), 1);
	/* What it cannot remove it may spare. */
	assert_int_equal(expect_balloon(), MODEL_BLOCK);
	give_range(MODEL_WINDOW + MODEL_BLOCK, MODEL_BLOCK, false);
	expect_text("progress", "settled");
	assert_int_equal(number(NULL, "hot_added"), 128 << 20);
}

static void without_a_capability(void **state)
{
	(void)state;
	connect_with(DM_CAP_HOT_ADD | 7ull << DM_CAP_HOT_ADD_ALIGNMENT_SHIFT, 0);
	set_target(MODEL_STARTUP / 2);
	assert_null(model_next());
	expect_text("reason", "the guest gives no pages");
	set_target(MODEL_STARTUP + MODEL_BLOCK + 1);
	expect(DM_HOT_ADD_REQUEST, 0);
	answer_add(MODEL_BLOCK, 1);
	expect_text("reason", "memory is only added in whole blocks");
	model_close();
	model_stop();
	model_start(0, DM_CAP_HOT_ADD);
	connect_with(ALL_CAPS, 0);
	set_target(MODEL_STARTUP + MODEL_BLOCK);
	assert_null(model_next());
	expect_text("reason", "the guest takes no more memory than it started with");
}

static void blocks_too_large(void **state)
{
	(void)state;
	connect_with(DM_CAP_BALLOON | DM_CAP_HOT_ADD | 12ull << DM_CAP_HOT_ADD_ALIGNMENT_SHIFT, 0);
	set_target(MODEL_STARTUP + MODEL_BLOCK);
	assert_null(model_next());
	expect_text("progress", "partial");
}

static void demand(void **state)
{
	(void)state;
	connect_with(ALL_CAPS, 0);
	assert_int_equal(number(NULL, "demand"), -1);
	report(1000, 10000);
	assert_int_equal(number(NULL, "demand"), 10000 * 4096 / 100 * 120);
	set_target(MODEL_STARTUP - 2000);
	expect_balloon();
	give_range(3000, 2000, false);
	assert_int_equal(number(NULL, "demand"), 8000 * 4096 / 100 * 120); /* which it counts as committed, too */
	report(UINT64_MAX, UINT64_MAX);
	assert_true(number(NULL, "demand") > 0);
}

/* Two thirds of a page in each MiB: many ranges, and no room for all of them at once. */
static void many_ranges_wait_for_room(void **state)
{
	uint64_t words[500];
	unsigned int messages = 0;

	(void)state;
	connect_with(ALL_CAPS, 0);
	set_target(MODEL_STARTUP - 1500);
	expect_balloon();
	for (unsigned int part = 0; part < 3; part++) {
		for (unsigned int i = 0; i < 500; i++)
			words[i] = DM_RANGE(1000 + 2 * (part * 500 + i), 1);
		give_ranges(words, 500, 500, part < 2);
	}
	expect_text("progress", "settled");
	model.channel.full = true;
	set_target(MODEL_STARTUP);
	assert_null(model_next());
	model.channel.full = false;
	channel_call(&model.channel);
	model_turn();
	for (const struct model_message *message; (message = model_next()); messages++) {
		struct dm_unballoon_request head;

		memcpy(&head, message->body, sizeof(head));
		assert_int_equal(head.flags, messages < 2 ? DM_MORE_PAGES : 0);
		assert_int_equal(head.range_count, messages < 2 ? 510 : 480);
	}
	assert_int_equal(messages, 3);
	take_back();
	expect_text("progress", "settled");
}

static void a_guest_about_to_run_out(void **state)
{
	(void)state;
	connect_with(ALL_CAPS, 0);
	set_target(MODEL_STARTUP / 2);
	expect_balloon();
	give_range(1024, 32 * MODEL_MIB, false);
	report(32 * MODEL_MIB / 64, 20000);
	assert_null(model_next());
	report(32 * MODEL_MIB / 64 - 1, 20000);
	expect(DM_UNBALLOON_REQUEST, 24);
	assert_int_equal(number(NULL, "relieved"), 1);
	assert_int_equal(number(NULL, "target"), 64 << 20);
	take_back();
	report(1, 20000); /* there is nothing more to be had */
	assert_int_equal(number(NULL, "relieved"), 1);
}

static void a_driver_that_goes(void **state)
{
	(void)state;
	connect_with(ALL_CAPS, 0);
	assert_null(model.ops->open(&model.channel, model.balloon)); /* not twice */
	set_target(MODEL_STARTUP / 2);
	expect_balloon();
	give_range(1024, 32 * MODEL_MIB, false);
	model_close();
	assert_true(model.channel.idle);
	assert_int_equal(number(NULL, "ballooned"), 0);
	assert_non_null(guestmem_ptr(model.mem, gpa(1024 * 4096), 4096));
	expect_text("progress", "no-driver");
	connect_with(ALL_CAPS, 0); /* a new one has to do what the old one did */
	assert_int_equal(expect_balloon(), 32 * MODEL_MIB);
	model_close();
	set_target(MODEL_STARTUP);
}

static void targets_out_of_range(void **state)
{
	(void)state;
	assert_int_equal(balloon_set_target(model.balloon, MODEL_STARTUP / 2 * 4096 - 1), -ERANGE);
	assert_int_equal(balloon_set_target(model.balloon, MODEL_MAX * 4096ull + 1), -ERANGE);
	assert_int_equal(balloon_set_target(model.balloon, MODEL_MAX * 4096ull), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(versions_newest_first),
		CASE(an_old_guest),
		CASE(nothing_to_agree_upon),
		CASE(a_pause),
		CASE(down_and_up),
		CASE(a_guest_that_has_no_more),
		CASE(a_guest_with_a_floor),
		CASE(lies_about_ranges),
		CASE(pages_that_a_channel_uses),
		CASE(answers_to_nothing),
		CASE(messages_of_any_length),
		CASE(an_answer_too_short),
		CASE(a_guest_that_does_not_answer),
		CASE(memory_is_added),
		CASE(added_in_part),
		CASE(nothing_is_ever_added),
		CASE(adding_fails_for_now),
		CASE(memory_is_removed),
		CASE(without_a_capability),
		CASE(blocks_too_large),
		CASE(demand),
		CASE(many_ranges_wait_for_room),
		CASE(a_guest_about_to_run_out),
		CASE(a_driver_that_goes),
		CASE(targets_out_of_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
