// SPDX-License-Identifier: GPL-2.0
// links: host/balloon_plan.c
/*
 * What is asked of a guest next: rules by example, and that from anywhere to anywhere a guest that does what it is asked gets to its target,
 * in few steps and without a step back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "balloon_plan.h"

#define MIB 256u
#define ALL (1u << BALLOON_ACT_TAKE | 1u << BALLOON_ACT_GIVE | 1u << BALLOON_ACT_ADD | 1u << BALLOON_ACT_REMOVE)

static struct balloon_view base(void)
{
	return (struct balloon_view){ .target = 512 * MIB, .assigned = 512 * MIB, .room = 1024 * MIB, .block = 128 * MIB, .may = ALL };
}

static void expect(const struct balloon_view *view, enum balloon_act act, uint64_t pages)
{
	struct balloon_step step = balloon_plan(view);

	assert_int_equal(step.act, act);
	assert_int_equal(step.pages, pages);
}

static void growing(void **state)
{
	struct balloon_view view = base();

	(void)state;
	expect(&view, BALLOON_ACT_NONE, 0);
	view.target += 256 * MIB;
	view.ballooned = 100 * MIB;
	expect(&view, BALLOON_ACT_GIVE, 100 * MIB);
	view.ballooned = 400 * MIB;
	expect(&view, BALLOON_ACT_GIVE, 256 * MIB);
	view.ballooned = 0;
	expect(&view, BALLOON_ACT_ADD, 256 * MIB);
	view.target -= 1;
	expect(&view, BALLOON_ACT_ADD, 256 * MIB);
	view.may &= ~(1u << BALLOON_ACT_TAKE); /* what is too much could not be ballooned */
	expect(&view, BALLOON_ACT_ADD, 128 * MIB);
	view.room = 100 * MIB;
	expect(&view, BALLOON_ACT_NONE, 0);
	assert_string_equal(balloon_plan_why(&view, ALL), "there is no room for another block of memory");
	view.may = 0;
	assert_string_equal(balloon_plan_why(&view, ALL), "the guest refused more memory");
	assert_string_equal(balloon_plan_why(&view, 0), "the guest takes no more memory than it started with");
}

static void shrinking(void **state)
{
	struct balloon_view view = base();

	(void)state;
	view.target = 100 * MIB;
	expect(&view, BALLOON_ACT_TAKE, 412 * MIB);
	view.added = 200 * MIB;
	expect(&view, BALLOON_ACT_REMOVE, 128 * MIB);
	view.target = 385 * MIB;
	expect(&view, BALLOON_ACT_TAKE, 127 * MIB);
	view.target = 100 * MIB;
	view.may &= ~(1u << BALLOON_ACT_REMOVE);
	view.floor = 200 * MIB;
	expect(&view, BALLOON_ACT_TAKE, 312 * MIB);
	view.assigned = 200 * MIB;
	expect(&view, BALLOON_ACT_NONE, 0);
	assert_string_equal(balloon_plan_why(&view, ALL), "the guest's own floor is reached");
	view.floor = 0;
	view.may = 0;
	assert_string_equal(balloon_plan_why(&view, ALL), "the guest can spare no more");
	assert_string_equal(balloon_plan_why(&view, 0), "the guest gives no pages");
}

static void requests_have_a_limit(void **state)
{
	struct balloon_view view = base();

	(void)state;
	view.assigned = 64ull << 18;
	view.target = 1u << 18;
	expect(&view, BALLOON_ACT_TAKE, BALLOON_TAKE_MAX);
	view.added = 32ull << 18;
	expect(&view, BALLOON_ACT_REMOVE, BALLOON_REMOVE_MAX);
	view.target = 1ull << 30;
	view.room = 1ull << 30;
	expect(&view, BALLOON_ACT_ADD, BALLOON_ADD_MAX);
	view.block = BALLOON_ADD_MAX * 2;
	expect(&view, BALLOON_ACT_ADD, BALLOON_ADD_MAX * 2);
}

static void do_it(struct balloon_view *view, struct balloon_step step)
{
	switch (step.act) {
	case BALLOON_ACT_TAKE:
		view->assigned -= step.pages;
		view->ballooned += step.pages;
		break;
	case BALLOON_ACT_GIVE:
		assert_true(step.pages <= view->ballooned);
		view->assigned += step.pages;
		view->ballooned -= step.pages;
		break;
	case BALLOON_ACT_ADD:
		assert_true(step.pages <= view->room && step.pages % view->block == 0);
		view->assigned += step.pages;
		view->added += step.pages;
		view->room -= step.pages;
		break;
	default:
		assert_true(step.pages <= view->added && step.pages % view->block == 0);
		view->assigned -= step.pages;
		view->added -= step.pages;
		view->room += step.pages;
	}
}

static void a_willing_guest_gets_there(void **state)
{
	(void)state;
	srand(2);
	for (unsigned int round = 0; round < 20000; round++) {
		struct balloon_view view = base();
		unsigned int steps = 0;

		for (unsigned int move = 0; move < 3; move++) {
			struct balloon_step step;

			view.target = 64 * MIB + (unsigned int)rand() % (1400 * MIB);
			while ((step = balloon_plan(&view)).act) {
				bool growing_now = view.target > view.assigned;

				do_it(&view, step);
				assert_true(++steps < 30);
				/* Only past the target, and only by adding. */
				if (growing_now && view.assigned > view.target)
					assert_true(step.act == BALLOON_ACT_ADD && view.assigned - view.target < view.block);
				assert_true(growing_now || view.assigned >= view.target);
			}
			assert_int_equal(view.assigned, view.target);
			assert_null(balloon_plan_why(&view, ALL));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(growing),
		cmocka_unit_test(shrinking),
		cmocka_unit_test(requests_have_a_limit),
		cmocka_unit_test(a_willing_guest_gets_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
