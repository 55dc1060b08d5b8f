// SPDX-License-Identifier: GPL-2.0
// links: timesync/host_time.c
/*
 * The host's wall clock in the guest: the gate for messages of all versions, the time at moments after, and when the clock is to be stepped.
 * The guest's real source. Each message lies in an exact allocation, so that ASAN sees one byte too far.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "timesync/host_time.h"

#define S  10000000ull
#define NS 1000000000ll
/* 2026-11-28 12:00 UTC. */
#define WALL (TIMESYNC_UNIX_EPOCH + 1795867200ull * S)
#define NOW  (1000 * S)

static const struct ic_version v1 = { 1, 0 }, v3 = { 3, 0 }, v4 = { 4, 0 };
static const struct host_time_limits limits = { .step_ns = 100000000, .back_max_ns = 86400 * NS };

static struct host_time host;

static enum host_time_verdict check(struct ic_version version, const void *body, u32 bytes)
{
	void *copy = malloc(bytes ? bytes : 1);
	enum host_time_verdict verdict;

	memcpy(copy, body, bytes);
	memset(&host, 0, sizeof(host));
	verdict = host_time_check(&host, version, copy, bytes, NOW);
	free(copy);
	return verdict;
}

static enum host_time_verdict check_reference(u64 wall, u64 reference, u8 flags, s8 leap, s8 stratum)
{
	const struct timesync_reference_data data = { wall, reference, flags, leap, stratum, {} };

	return check(v4, &data, TIMESYNC_REFERENCE_DATA_SIZE);
}

static void every_version_is_read(void **state)
{
	const struct timesync_data data = { .parent_time = WALL, .flags = TIMESYNC_SYNC };

	(void)state;
	assert_int_equal(check(v1, &data, TIMESYNC_DATA_SIZE), HOST_TIME_FINE);
	assert_int_equal(host.wall, WALL);
	assert_int_equal(host.reference, NOW);
	assert_true(host.sync);
	assert_int_equal(host.leap, HOST_TIME_LEAP_UNKNOWN);
	assert_int_equal(check(v3, &data, sizeof(data)), HOST_TIME_FINE);
	assert_int_equal(check_reference(WALL, NOW - 7, TIMESYNC_SAMPLE, 1, 2), HOST_TIME_FINE);
	assert_int_equal(host.wall, WALL);
	assert_int_equal(host.reference, NOW - 7);
	assert_false(host.sync);
	assert_int_equal(host.leap, 1);
	assert_int_equal(host.stratum, 2);
}

static void short_messages_are_refused(void **state)
{
	const struct timesync_data data = { .parent_time = WALL };

	(void)state;
	for (u32 bytes = 0; bytes < TIMESYNC_DATA_SIZE; bytes++)
		assert_int_equal(check(v3, &data, bytes), HOST_TIME_SHORT);
	for (u32 bytes = 0; bytes < TIMESYNC_REFERENCE_DATA_SIZE; bytes++)
		assert_int_equal(check(v4, &data, bytes), HOST_TIME_SHORT);
}

static void nonsense_is_refused(void **state)
{
	(void)state;
	/* The years 1601 and 1969, and 1600, which wraps. */
	assert_int_equal(check_reference(0, NOW, 1, 0, 0), HOST_TIME_YEAR);
	assert_int_equal(check_reference(TIMESYNC_UNIX_EPOCH - 1, NOW, 1, 0, 0), HOST_TIME_YEAR);
	assert_int_equal(check_reference(-(31536000 * S), NOW, 1, 0, 0), HOST_TIME_YEAR);
	assert_int_equal(check_reference(UINT64_MAX, NOW, 1, 0, 0), HOST_TIME_YEAR);
	assert_int_equal(check_reference(TIMESYNC_UNIX_EPOCH, NOW, 1, 0, 0), HOST_TIME_FINE);
	assert_int_equal(check_reference(WALL, NOW + S / 1000, 1, 0, 0), HOST_TIME_FINE);
	assert_int_equal(check_reference(WALL, NOW + S / 1000 + 1, 1, 0, 0), HOST_TIME_FUTURE);
	assert_int_equal(check_reference(WALL, UINT64_MAX, 1, 0, 0), HOST_TIME_FUTURE);
	assert_int_equal(check_reference(WALL, NOW - 600 * S, 1, 0, 0), HOST_TIME_FINE);
	assert_int_equal(check_reference(WALL, NOW - 600 * S - 1, 1, 0, 0), HOST_TIME_OLD);
}

/* What NTP's fields may not be is not believed, the time is. */
static void strange_leap_and_stratum_are_unknown(void **state)
{
	(void)state;
	assert_int_equal(check_reference(WALL, NOW, 0, 4, 17), HOST_TIME_FINE);
	assert_int_equal(host.leap, HOST_TIME_LEAP_UNKNOWN);
	assert_int_equal(host.stratum, HOST_TIME_STRATUM_UNKNOWN);
	assert_int_equal(check_reference(WALL, NOW, 0, -1, -1), HOST_TIME_FINE);
	assert_int_equal(host.leap, HOST_TIME_LEAP_UNKNOWN);
	assert_int_equal(host.stratum, HOST_TIME_STRATUM_UNKNOWN);
}

static void time_goes_on_from_the_sample(void **state)
{
	(void)state;
	assert_int_equal(check_reference(WALL, NOW - 3 * S, 0, 0, 0), HOST_TIME_FINE);
	assert_int_equal(host_time_ns(&host, NOW), 1795867203 * NS);
	assert_int_equal(host_time_ns(&host, NOW + 1), 1795867203 * NS + 100);
	assert_int_equal(host_time_ns(&host, NOW - 4 * S), 1795867199 * NS);
	/* A century without a new sample. */
	assert_int_equal(host_time_ns(&host, NOW - 3 * S + 3155760000ull * S), (1795867200 + 3155760000) * NS);
}

static void the_clock_is_stepped_when_it_must(void **state)
{
	(void)state;
	assert_int_equal(host_time_judge(0, true, &limits), HOST_TIME_LEAVE);
	assert_int_equal(host_time_judge(HOST_TIME_RIGHT_NS, true, &limits), HOST_TIME_LEAVE);
	assert_int_equal(host_time_judge(HOST_TIME_RIGHT_NS + 1, true, &limits), HOST_TIME_STEP);
	assert_int_equal(host_time_judge(-HOST_TIME_RIGHT_NS - 1, true, &limits), HOST_TIME_STEP);
	assert_int_equal(host_time_judge(limits.step_ns, false, &limits), HOST_TIME_LEAVE);
	assert_int_equal(host_time_judge(-limits.step_ns, false, &limits), HOST_TIME_LEAVE);
	assert_int_equal(host_time_judge(limits.step_ns + 1, false, &limits), HOST_TIME_STEP);
	assert_int_equal(host_time_judge(-limits.step_ns - 1, false, &limits), HOST_TIME_STEP);
	assert_int_equal(host_time_judge(3600 * NS, false, &limits), HOST_TIME_STEP);
	assert_int_equal(host_time_judge(-3600 * NS, true, &limits), HOST_TIME_STEP);
	assert_int_equal(host_time_judge(INT64_MAX, false, &limits), HOST_TIME_STEP);
}

static void far_back_only_when_allowed(void **state)
{
	struct host_time_limits any = limits;

	(void)state;
	assert_int_equal(host_time_judge(-limits.back_max_ns, true, &limits), HOST_TIME_STEP);
	assert_int_equal(host_time_judge(-limits.back_max_ns - 1, true, &limits), HOST_TIME_TOO_FAR_BACK);
	assert_int_equal(host_time_judge(INT64_MIN, false, &limits), HOST_TIME_TOO_FAR_BACK);
	any.back_max_ns = 0;
	assert_int_equal(host_time_judge(INT64_MIN, false, &any), HOST_TIME_STEP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_version_is_read),
		cmocka_unit_test(short_messages_are_refused),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(strange_leap_and_stratum_are_unknown),
		cmocka_unit_test(time_goes_on_from_the_sample),
		cmocka_unit_test(the_clock_is_stepped_when_it_must),
		cmocka_unit_test(far_back_only_when_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
