// SPDX-License-Identifier: GPL-2.0
// links: vmbus/xact.c
/*
 * One request, one answer: who is first wins, everyone later is told so, nobody waits for ever,
 * and nobody touches the waiter's stack when it has gone on.
 */
#include <linux/printk.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "vmbus.h"

#define LONG_MS 20000 /* must not be reached */

static int setup(void **state)
{
	(void)state;
	shim_log_clear();
	return 0;
}

static void answer_before_the_wait(void **state)
{
	struct hvis_xact xact;
	char reply[8] = "";

	(void)state;
	hvis_xact_init(&xact, reply, sizeof(reply));
	assert_true(hvis_xact_complete(&xact, "answer", 7));
	assert_int_equal(hvis_xact_wait(&xact, LONG_MS, "anything"), 0);
	assert_int_equal(xact.reply_bytes, 7);
	assert_string_equal(reply, "answer");
	assert_int_equal(shim_log_lines, 0);
}

static void second_answer_is_refused(void **state)
{
	struct hvis_xact xact;
	char reply[8] = "";

	(void)state;
	hvis_xact_init(&xact, reply, sizeof(reply));
	assert_true(hvis_xact_complete(&xact, "first", 6));
	assert_false(hvis_xact_complete(&xact, "second", 7));
	hvis_xact_fail(&xact, -ENODEV);
	assert_int_equal(hvis_xact_wait(&xact, LONG_MS, "anything"), 0);
	assert_false(hvis_xact_complete(&xact, "third", 6));
	assert_string_equal(reply, "first");
	assert_int_equal(xact.reply_bytes, 6);
}

static void failure_ends_the_wait(void **state)
{
	struct hvis_xact xact;
	char reply[8] = "none";

	(void)state;
	hvis_xact_init(&xact, reply, sizeof(reply));
	hvis_xact_fail(&xact, -ENODEV);
	hvis_xact_fail(&xact, -EIO);
	assert_false(hvis_xact_complete(&xact, "late", 5));
	assert_int_equal(hvis_xact_wait(&xact, LONG_MS, "anything"), -ENODEV);
	assert_string_equal(reply, "none");
	assert_int_equal(xact.reply_bytes, 0);
	assert_int_equal(shim_log_lines, 0);
}

static void silence_ends_in_a_timeout_with_one_line(void **state)
{
	struct timespec before, after;
	struct hvis_xact xact;
	char reply[8] = "none";
	long ms;

	(void)state;
	hvis_xact_init(&xact, reply, sizeof(reply));
	clock_gettime(CLOCK_MONOTONIC, &before);
	assert_int_equal(hvis_xact_wait(&xact, 50, "OPEN of channel 3"), -ETIMEDOUT);
	clock_gettime(CLOCK_MONOTONIC, &after);
	ms = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
	assert_in_range(ms, 45, LONG_MS);
	assert_int_equal(shim_log_lines, 1);
	assert_non_null(strstr(shim_log_last, "OPEN of channel 3"));
	assert_non_null(strstr(shim_log_last, "50 ms"));
	assert_false(hvis_xact_complete(&xact, "late", 5));
	assert_string_equal(reply, "none");
	assert_int_equal(shim_log_lines, 1);
}

static void no_time_means_a_look(void **state)
{
	struct hvis_xact xact;

	(void)state;
	hvis_xact_init(&xact, NULL, 0);
	assert_int_equal(hvis_xact_wait(&xact, 0, "anything"), -ETIMEDOUT);
	hvis_xact_init(&xact, NULL, 0);
	assert_true(hvis_xact_complete(&xact, NULL, 0));
	assert_int_equal(hvis_xact_wait(&xact, 0, "anything"), 0);
}

/* A newer host may say more than we know; what it says less is for the waiter to see. */
static void reply_is_cut_to_its_room(void **state)
{
	struct hvis_xact xact;
	char reply[8] = "-------";

	(void)state;
	hvis_xact_init(&xact, reply, 4);
	assert_true(hvis_xact_complete(&xact, "123456", 6));
	assert_int_equal(hvis_xact_wait(&xact, LONG_MS, "anything"), 0);
	assert_int_equal(xact.reply_bytes, 4);
	assert_string_equal(reply, "1234---");

	hvis_xact_init(&xact, reply, sizeof(reply));
	assert_true(hvis_xact_complete(&xact, "ab", 2));
	assert_int_equal(hvis_xact_wait(&xact, LONG_MS, "anything"), 0);
	assert_int_equal(xact.reply_bytes, 2);
	assert_string_equal(reply, "ab34---");

	hvis_xact_init(&xact, NULL, sizeof(reply));
	assert_true(hvis_xact_complete(&xact, "123456", 6));
	assert_int_equal(hvis_xact_wait(&xact, LONG_MS, "anything"), 0);
	assert_int_equal(xact.reply_bytes, 0);
}

static void *answer_soon(void *xact)
{
	const struct timespec soon = { .tv_nsec = 20000000 };

	nanosleep(&soon, NULL);
	return hvis_xact_complete(xact, "soon", 5) ? xact : NULL;
}

static void answer_from_elsewhere_wakes_the_waiter(void **state)
{
	struct hvis_xact xact;
	char reply[8] = "";
	pthread_t thread;
	void *won;

	(void)state;
	hvis_xact_init(&xact, reply, sizeof(reply));
	assert_int_equal(pthread_create(&thread, NULL, answer_soon, &xact), 0);
	assert_int_equal(hvis_xact_wait(&xact, LONG_MS, "anything"), 0);
	assert_string_equal(reply, "soon");
	pthread_join(thread, &won);
	assert_ptr_equal(won, &xact);
}

/*
 * How the bus uses it: the answerer looks the xact up, and the waiter forgets it, under one lock.
 */
static struct {
	pthread_mutex_t lock;
	struct hvis_xact *xact;
	u32 rounds; /* asked so far */
	u32 won, refused; /* of the answerers */
	bool stop;
} table = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void *answer_all_the_time(void *id)
{
	u64 mine = (uintptr_t)id;

	while (!__atomic_load_n(&table.stop, __ATOMIC_RELAXED)) {
		pthread_mutex_lock(&table.lock);
		if (table.xact) {
			if (mine == 3)
				hvis_xact_fail(table.xact, -ENODEV);
			else if (hvis_xact_complete(table.xact, &mine, sizeof(mine)))
				table.won++;
			else
				table.refused++;
		}
		pthread_mutex_unlock(&table.lock);
	}
	return NULL;
}

static void ask_once(u32 *answered, u32 *failed, u32 *timed_out)
{
	struct hvis_xact xact;
	u64 reply = 0;
	int error;

	hvis_xact_init(&xact, &reply, sizeof(reply));
	pthread_mutex_lock(&table.lock);
	table.xact = &xact;
	pthread_mutex_unlock(&table.lock);
	error = hvis_xact_wait(&xact, table.rounds++ % 2, "a question");
	pthread_mutex_lock(&table.lock);
	table.xact = NULL;
	pthread_mutex_unlock(&table.lock);

	/* What was decided when the wait returned stays, whoever came later. */
	assert_int_equal(error, xact.error);
	assert_true(xact.answered);
	assert_in_range(reply, error ? 0 : 1, error ? 0 : 2);
	*answered += !error;
	*failed += error == -ENODEV;
	*timed_out += error == -ETIMEDOUT;
	/* What is left of it on this stack is of no use to anyone. */
	memset(&xact, 0xA5, sizeof(xact));
}

static void one_winner_among_many(void **state)
{
	u32 answered = 0, failed = 0, timed_out = 0;
	const u32 rounds = 3000;
	pthread_t threads[3];

	(void)state;
	for (uintptr_t i = 0; i < 3; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, answer_all_the_time, (void *)(i + 1)), 0);
	for (u32 i = 0; i < rounds; i++)
		ask_once(&answered, &failed, &timed_out);
	__atomic_store_n(&table.stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);

	assert_int_equal(answered + failed + timed_out, rounds);
	assert_int_equal(table.won, answered);
	assert_int_equal(shim_log_lines, timed_out);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answer_before_the_wait),
		TEST(second_answer_is_refused),
		TEST(failure_ends_the_wait),
		TEST(silence_ends_in_a_timeout_with_one_line),
		TEST(no_time_means_a_look),
		TEST(reply_is_cut_to_its_room),
		TEST(answer_from_elsewhere_wakes_the_waiter),
		TEST(one_winner_among_many),
	};

	return cmocka_run_group_tests_name("xact", tests, NULL, NULL);
}
