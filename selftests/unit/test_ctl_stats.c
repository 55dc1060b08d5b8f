// SPDX-License-Identifier: GPL-2.0
// links: host/ctl_stats.c
/*
 * The table of "ctl SOCKET stats": rates from two answers, sums over channels and LUNs, and answers
 * that lack something.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl_stats.h"

#define COLUMNS 16

/* @n: how much has happened. */
static json_t *answer(json_int_t nanoseconds, json_int_t n)
{
	return json_pack("{s:I, s:I, s:{s:I, s:I}, s:I, s:{s:I, s:I},"
			 " s:{s:[{s:I, s:I}, {s:I, s:I}], s:{s:I}},"
			 " s:{s:{s:[{s:I, s:I, s:I}, {s:I, s:I, s:I}]}}}",
			 "uptime_ns", nanoseconds, "exits", 100 * n, "exits_by_cause", "io", 10 * n,
			 "halt", 20 * n, "doorbells", 7 * n, "cpu", "user_ns", n * 100000000,
			 "system_ns", n * 50000000, "vmbus", "channels", "packets_in", 3 * n,
			 "in_flight", (json_int_t)4, "packets_in", 5 * n, "in_flight",
			 (json_int_t)6, "channels_removed", "packets_in", 2 * n, "disks", "scsi0",
			 "luns", "reads", n, "read_bytes", n * 1000000, "errors", n, "reads", n,
			 "read_bytes", n * 500000, "refused", n);
}

static void read_line_of(const json_t *before, const json_t *after, double values[COLUMNS])
{
	char *text = NULL, *at;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	ctl_stats_line(out, before, after);
	fclose(out);
	assert_int_equal(strchr(text, '\n') - text, bytes - 1);
	at = text;
	for (unsigned int i = 0; i < COLUMNS; i++) {
		char *end;

		values[i] = strtod(at, &end);
		assert_ptr_not_equal(at, end);
		at = end;
	}
	assert_string_equal(at, "\n");
	free(text);
}

static void rates_are_per_second(void **state)
{
	json_t *before = answer(5000000000, 10), *after = answer(7000000000, 30);
	double values[COLUMNS];

	(void)state;
	read_line_of(before, after, values);
	assert_true(values[0] == 1000); /* exits */
	assert_true(values[1] == 100 && values[2] == 200);
	assert_true(values[4] == 70); /* doorbells */
	assert_true(values[6] == 100); /* packets in: two channels and those that are gone */
	assert_true(values[8] == 10); /* in flight now */
	assert_true(values[10] == 20 && values[11] == 15); /* reads, MB/s */
	assert_true(values[14] == 20); /* errors and refusals */
	assert_true(values[15] == 150); /* per cent of a CPU */
	json_decref(before);
	json_decref(after);
}

static void what_is_missing_counts_as_nothing(void **state)
{
	json_t *nothing = json_object(), *wrong = json_pack("{s:s, s:[], s:i}", "exits", "many",
							    "vmbus", "disks", 7);
	double values[COLUMNS];

	(void)state;
	read_line_of(nothing, wrong, values);
	for (unsigned int i = 0; i < COLUMNS; i++)
		assert_true(values[i] == 0);
	json_decref(nothing);
	json_decref(wrong);
}

static void head_and_lines_are_as_wide(void **state)
{
	char *text = NULL, *line, *rest;
	size_t bytes = 0, width;
	FILE *out = open_memstream(&text, &bytes);

	(void)state;
	ctl_stats_head(out);
	ctl_stats_line(out, NULL, NULL);
	fclose(out);
	rest = text;
	line = strsep(&rest, "\n");
	width = strlen(line);
	assert_true(width > 80 && width < 132);
	assert_int_equal(strlen(strsep(&rest, "\n")), width);
	assert_int_equal(strlen(strsep(&rest, "\n")), width);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_are_per_second),
		cmocka_unit_test(what_is_missing_counts_as_nothing),
		cmocka_unit_test(head_and_lines_are_as_wide),
	};

	return cmocka_run_group_tests_name("ctl stats", tests, NULL, NULL);
}
