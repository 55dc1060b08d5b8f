// SPDX-License-Identifier: GPL-2.0
// links: vmbus/burst.c
/*
 * When the doorbell may wait: never for the first packet after a sleep, never for long, and less and less
 * often for a task that spins. The guest's real source, compiled here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/jiffies.h>

#include "vmbus/burst.h"

#define HELD_MAX 16u

static const int alice, bob;

static int setup(void **state)
{
	static struct burst burst;

	burst_init(&burst, 1000, HELD_MAX);
	*state = &burst;
	return 0;
}

static void first_after_a_sleep_rings(void **state)
{
	unsigned long slept;

	for (slept = 0; slept < 100; slept++)
		assert_false(burst_holds(*state, &alice, slept, 1000, false, true));
}

static void those_that_follow_are_held_up_to_the_limit(void **state)
{
	unsigned int i;

	assert_false(burst_holds(*state, &alice, 7, 1000, false, true));
	for (i = 0; i < HELD_MAX; i++)
		assert_true(burst_holds(*state, &alice, 7, 1000, false, true));
	assert_false(burst_holds(*state, &alice, 7, 1000, false, true));
	assert_true(burst_holds(*state, &alice, 7, 1000, false, true));
}

static void another_task_or_none_rings(void **state)
{
	assert_false(burst_holds(*state, &alice, 7, 1000, false, true));
	assert_false(burst_holds(*state, &bob, 7, 1000, false, true));
	assert_false(burst_holds(*state, NULL, 7, 1000, false, true));
	assert_false(burst_holds(*state, NULL, 7, 1000, false, true));
}

/* Two packets, of which the second is held alone if it is held at all, and a sleep. */
static bool hold_one(struct burst *burst)
{
	static unsigned long slept;
	bool held;

	assert_false(burst_holds(burst, &alice, ++slept, 1000, false, true));
	held = burst_holds(burst, &alice, slept, 1000, false, true);
	burst_task_slept(burst);
	return held;
}

static void hold_in_vain(struct burst *burst)
{
	unsigned int i;

	for (i = 0; i < BURST_ALONE_MAX; i++)
		assert_true(hold_one(burst));
}

static void who_sends_one_at_a_time_is_not_held_for_long(void **state)
{
	unsigned int i, round, skip = BURST_SKIP_MIN;

	hold_in_vain(*state);
	for (round = 0; round < 6; round++) {
		for (i = 0; i < skip; i++)
			assert_false(hold_one(*state));
		assert_true(hold_one(*state));
		skip = skip < BURST_SKIP_MAX ? skip * 2 : skip;
	}
}

static void who_sends_many_again_is_held_again(void **state)
{
	unsigned int i;

	hold_in_vain(*state);
	for (i = 0; i < BURST_SKIP_MIN + 1; i++)
		assert_false(burst_holds(*state, &alice, 1u << 20, 1000, false, true));
	assert_true(burst_holds(*state, &alice, 1u << 20, 1000, false, true));
	assert_true(burst_holds(*state, &alice, 1u << 20, 1000, false, true));
	burst_task_slept(*state);
	/* And is believed for as long as at first. */
	hold_in_vain(*state);
	assert_false(hold_one(*state));
}

/* One packet after another that has no answer yet is enough. */
static void who_does_not_wait_for_answers_is_held_at_once(void **state)
{
	hold_in_vain(*state);
	assert_false(hold_one(*state));
	assert_false(burst_holds(*state, &alice, 1u << 20, 1000, false, true));
	assert_true(burst_holds(*state, &alice, 1u << 20, 1000, false, false));
	assert_true(burst_holds(*state, &alice, 1u << 20, 1000, false, true));
	burst_task_slept(*state);
	hold_in_vain(*state);
	assert_false(hold_one(*state));
}

static void more_that_is_known_to_follow_is_always_held(void **state)
{
	unsigned int i;

	hold_in_vain(*state);
	assert_false(burst_holds(*state, &alice, 1u << 20, 1000, false, true));
	for (i = 0; i < BURST_SKIP_MIN; i++)
		assert_true(burst_holds(*state, &alice, 1u << 20, 1000, true, true));
	/* They were none of those that are not held. */
	assert_false(burst_holds(*state, &alice, 1u << 20, 1000, false, true));
}

static void a_busy_task_is_not_punished(void **state)
{
	assert_false(burst_holds(*state, &alice, 7, 1000, false, true));
	assert_true(burst_holds(*state, &alice, 7, 1002, false, true));
	burst_late(*state, 1003);
	assert_true(burst_holds(*state, &alice, 7, 1003, false, true));
}

/* Returns when it was found out that the task spins, which is also when the pause begins. */
static unsigned long spin_once(struct burst *burst, unsigned long now)
{
	burst_holds(burst, &alice, 7, now, false, true);
	assert_true(burst_holds(burst, &alice, 7, now, false, true));
	burst_late(burst, now + 3);
	return now + 3;
}

static void a_spinning_task_pays_twice_as_seldom_each_time(void **state)
{
	unsigned long now = 1000;
	unsigned int pause, round;

	now = spin_once(*state, now);
	for (round = 0, pause = 1; round < 12; round++, pause *= 2) {
		if (pause > BURST_PAUSE_MAX_S)
			pause = BURST_PAUSE_MAX_S;
		now = spin_once(*state, now);
		assert_false(burst_holds(*state, &alice, 7, now + pause * HZ - 1, false, true));
		now += pause * HZ;
	}
	assert_true(burst_holds(*state, &alice, 7, now, false, true));
}

static void a_task_that_sleeps_again_is_forgiven(void **state)
{
	unsigned long now = spin_once(*state, 1000);

	now = spin_once(*state, now) + HZ;
	now = spin_once(*state, now) + 2 * HZ;
	burst_task_slept(*state);
	now = spin_once(*state, now);
	assert_true(burst_holds(*state, &alice, 7, now, false, true));
}

static void known_followers_hold_whatever_the_guess(void **state)
{
	unsigned int i;

	for (i = 0; i < HELD_MAX; i++)
		assert_true(burst_holds(*state, i % 2 ? &alice : NULL, i, 1000, true, true));
	assert_false(burst_holds(*state, &alice, i, 1000, true, true));
	assert_false(burst_holds(*state, &bob, i, 1000, false, true));
}

static void the_clock_may_wrap(void **state)
{
	burst_init(*state, ~0ul - 1, HELD_MAX);
	assert_false(burst_holds(*state, &alice, 7, ~0ul, false, true));
	spin_once(*state, ~0ul);
	burst_holds(*state, &alice, 7, 3, false, true);
	burst_late(*state, 5);
	assert_false(burst_holds(*state, &alice, 7, 5 + HZ - 1, false, true));
	assert_true(burst_holds(*state, &alice, 7, 5 + HZ, false, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(first_after_a_sleep_rings, setup),
		cmocka_unit_test_setup(those_that_follow_are_held_up_to_the_limit, setup),
		cmocka_unit_test_setup(another_task_or_none_rings, setup),
		cmocka_unit_test_setup(who_sends_one_at_a_time_is_not_held_for_long, setup),
		cmocka_unit_test_setup(who_sends_many_again_is_held_again, setup),
		cmocka_unit_test_setup(who_does_not_wait_for_answers_is_held_at_once, setup),
		cmocka_unit_test_setup(more_that_is_known_to_follow_is_always_held, setup),
		cmocka_unit_test_setup(a_busy_task_is_not_punished, setup),
		cmocka_unit_test_setup(a_spinning_task_pays_twice_as_seldom_each_time, setup),
		cmocka_unit_test_setup(a_task_that_sleeps_again_is_forgiven, setup),
		cmocka_unit_test_setup(known_followers_hold_whatever_the_guess, setup),
		cmocka_unit_test_setup(the_clock_may_wrap, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
