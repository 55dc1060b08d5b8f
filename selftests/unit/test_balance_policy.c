// SPDX-License-Identifier: GPL-2.0
// links: host/balance_policy.c host/pressure_policy.c
/*
 * The policies of memory: examples, and properties over VMs by lot: the budget holds, min and max hold, who needs more or weighs more does not
 * get less, and obedient VMs come to rest.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "balance_policy.h"
#include "pressure_policy.h"

#define MIB (1ull << 20)
#define VMS 6u
#define ROUNDS 20000u

static uint64_t mib_below(unsigned int limit)
{
	return (uint64_t)((unsigned int)rand() % limit) * MIB;
}

static struct balance_vm random_vm(void)
{
	struct balance_vm vm = { .min = 64 * MIB + mib_below(256), .weight = 1 + (unsigned int)rand() % 200, .known = rand() % 8 };

	vm.max = vm.min + mib_below(2048);
	vm.assigned = vm.min + mib_below((unsigned int)((vm.max - vm.min) / MIB) + 1);
	vm.target = rand() % 4 ? vm.assigned : vm.min + mib_below((unsigned int)((vm.max - vm.min) / MIB) + 1);
	vm.demand = mib_below(4096);
	return vm;
}

static uint64_t held(const struct balance_vm *vm)
{
	return vm->assigned > vm->target ? vm->assigned : vm->target;
}

static uint64_t least_total(const struct balance_vm *vms, unsigned int count)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < count; i++)
		sum += vms[i].known ? vms[i].min : held(&vms[i]);
	return sum;
}

static void the_budget_and_the_bounds_hold(void **state)
{
	(void)state;
	srand(3);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		unsigned int count = (unsigned int)rand() % (VMS + 1);
		struct balance_vm vms[VMS];
		uint64_t wanted[VMS], sum = 0, total, least;

		for (unsigned int i = 0; i < count; i++)
			vms[i] = random_vm();
		least = least_total(vms, count);
		total = least + mib_below(4096);
		assert_true(balance_share(vms, count, total, wanted));
		for (unsigned int i = 0; i < count; i++) {
			sum += wanted[i];
			if (vms[i].known)
				assert_true(wanted[i] >= vms[i].min && wanted[i] <= vms[i].max);
			else
				assert_true(wanted[i] == held(&vms[i]));
		}
		assert_true(sum <= total);
		assert_int_equal(balance_share(vms, count, least - !!count, wanted), !count);
	}
}

/* One is changed, the others not: what it gets never goes the other way, but by what rounding does. */
static void more_need_and_more_weight_never_get_less(void **state)
{
	(void)state;
	srand(4);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		struct balance_vm vms[VMS];
		uint64_t before[VMS], after[VMS], total;

		for (unsigned int i = 0; i < VMS; i++)
			vms[i] = random_vm();
		vms[0].known = true;
		total = least_total(vms, VMS) + mib_below(4096);
		balance_share(vms, VMS, total, before);
		if (round & 1)
			vms[0].demand += mib_below(512);
		else
			vms[0].weight += (unsigned int)rand() % 100;
		balance_share(vms, VMS, total, after);
		if (round & 1 || vms[0].demand >= before[0]) /* what it only keeps may weigh against others' need */
			assert_true(after[0] + BALANCE_UNIT > before[0]);
	}
}

static void need_is_met_where_there_is_enough(void **state)
{
	struct balance_vm vms[] = {
		{ .min = 256 * MIB, .max = 1024 * MIB, .assigned = 512 * MIB, .target = 512 * MIB, .demand = 300 * MIB, .weight = 1, .known = true },
		{ .min = 256 * MIB, .max = 1024 * MIB, .assigned = 512 * MIB, .target = 512 * MIB, .demand = 700 * MIB, .weight = 1, .known = true },
	};
	uint64_t wanted[2];

	(void)state;
	assert_true(balance_share(vms, 2, 2048 * MIB, wanted));
	assert_true(wanted[0] == 512 * MIB && wanted[1] == 700 * MIB); /* nobody is shrunk for nothing */
	assert_true(balance_share(vms, 2, 1024 * MIB, wanted));
	assert_true(wanted[0] == 324 * MIB && wanted[1] == 700 * MIB);
	vms[0].demand = 900 * MIB;
	vms[1].demand = 900 * MIB;
	assert_true(balance_share(vms, 2, 1024 * MIB, wanted));
	assert_true(wanted[0] == 512 * MIB && wanted[1] == 512 * MIB);
	vms[1].weight = 3;
	assert_true(balance_share(vms, 2, 1024 * MIB, wanted));
	assert_true(wanted[0] == 384 * MIB && wanted[1] == 640 * MIB); /* of what is left above min, one part and three */
}

/* VMs that do what they are asked, slower or faster, and what is checked at each moment. */
static void obey(struct balance_vm *vm)
{
	uint64_t distance = vm->target > vm->assigned ? vm->target - vm->assigned : vm->assigned - vm->target;
	uint64_t step = rand() & 1 ? distance : mib_below((unsigned int)(distance / MIB) + 1);

	vm->assigned += vm->target > vm->assigned ? step : -step;
}

static void the_sum_never_exceeds_the_budget_and_all_come_to_rest(void **state)
{
	(void)state;
	srand(5);
	for (unsigned int round = 0; round < ROUNDS / 20; round++) {
		struct balance_vm vms[VMS];
		uint64_t total = 0, wanted[VMS], targets[VMS], spare = mib_below(1024), had = 0;
		unsigned int moves = 0;

		for (unsigned int i = 0; i < VMS; i++) {
			vms[i] = random_vm();
			vms[i].known = i || rand() & 1;
			vms[i].target = vms[i].assigned;
			total += vms[i].assigned;
		}
		total += spare;
		for (unsigned int turn = 0; turn < 60; turn++) {
			uint64_t sum = 0;

			if (turn == 0 || turn == 20)
				for (unsigned int i = 0; i < VMS; i++)
					vms[i].demand = mib_below(2048);
			assert_true(balance_share(vms, VMS, total, wanted));
			balance_step(vms, VMS, total, wanted, targets);
			for (unsigned int i = 0; i < VMS; i++) {
				moves += turn > 50 && targets[i] != vms[i].target;
				vms[i].target = targets[i];
				sum += held(&vms[i]);
			}
			assert_true(sum <= total);
			for (unsigned int i = 0; i < VMS; i++)
				if (vms[i].known)
					obey(&vms[i]);
			had = sum;
		}
		assert_int_equal(moves, 0);
		assert_true(had <= total);
	}
}

static void a_dead_one_frees_its_share_and_a_silent_one_keeps_it(void **state)
{
	struct balance_vm vms[] = {
		{ .min = 256 * MIB, .max = 1024 * MIB, .assigned = 512 * MIB, .target = 512 * MIB, .demand = 300 * MIB, .weight = 1, .known = false },
		{ .min = 256 * MIB, .max = 1024 * MIB, .assigned = 512 * MIB, .target = 512 * MIB, .demand = 900 * MIB, .weight = 1, .known = true },
	};
	uint64_t wanted[2], targets[2];

	(void)state;
	assert_true(balance_share(vms, 2, 1024 * MIB, wanted));
	balance_step(vms, 2, 1024 * MIB, wanted, targets);
	assert_true(targets[0] == 512 * MIB && targets[1] == 512 * MIB);
	assert_true(balance_share(vms + 1, 1, 1024 * MIB, wanted));
	balance_step(vms + 1, 1, 1024 * MIB, wanted, targets);
	assert_true(targets[0] == 900 * MIB);
}

static void over_the_budget_even_small_steps_count(void **state)
{
	struct balance_vm vm = { .min = 256 * MIB, .max = 1024 * MIB, .assigned = 520 * MIB, .target = 520 * MIB, .demand = 900 * MIB,
				 .weight = 1, .known = true };
	uint64_t wanted, target;

	(void)state;
	assert_true(balance_share(&vm, 1, 512 * MIB, &wanted));
	balance_step(&vm, 1, 512 * MIB, &wanted, &target);
	assert_true(target == 512 * MIB);
	balance_share(&vm, 1, 530 * MIB, &wanted);
	balance_step(&vm, 1, 530 * MIB, &wanted, &target);
	assert_true(target == 520 * MIB); /* while 10 MiB more are not worth it */
}

static struct pressure_view calm(void)
{
	return (struct pressure_view){ .min = 256 * MIB, .max = 2048 * MIB, .assigned = 1024 * MIB, .target = 1024 * MIB,
				       .demand = 512 * MIB, .room = 4096 * MIB, .known = true, .calm = 60 };
}

static void pressure_shrinks_to_what_is_needed(void **state)
{
	struct pressure_view view = calm();
	unsigned int steps = 0;

	(void)state;
	assert_true(pressure_target(&view) == 1024 * MIB); /* nothing without pressure */
	view.pressed = true;
	view.calm = 0;
	while (view.assigned > 512 * MIB) {
		uint64_t target = pressure_target(&view);

		assert_true(target < view.assigned && target >= 512 * MIB && ++steps < 20);
		view.assigned = view.target = target;
	}
	assert_true(pressure_target(&view) == 512 * MIB);
	view.demand = 100 * MIB;
	for (steps = 0; steps < 20; steps++)
		view.assigned = view.target = pressure_target(&view);
	assert_true(view.assigned == 256 * MIB);
	view = calm();
	view.pressed = true;
	view.known = false;
	assert_true(pressure_target(&view) == 1024 * MIB);
}

static void calm_lets_it_grow(void **state)
{
	struct pressure_view view = calm();

	(void)state;
	view.demand = 1500 * MIB;
	assert_true(pressure_target(&view) == 1500 * MIB);
	view.calm = PRESSURE_CALM - 1;
	assert_true(pressure_target(&view) == 1024 * MIB);
	view.calm = PRESSURE_CALM;
	view.demand = 9000 * MIB;
	assert_true(pressure_target(&view) == 2048 * MIB);
	view.room = PRESSURE_RESERVE + 200 * MIB;
	assert_true(pressure_target(&view) == 1124 * MIB);
	view.room = PRESSURE_RESERVE + 20 * MIB;
	assert_true(pressure_target(&view) == 1024 * MIB);
	view.room = 0;
	assert_true(pressure_target(&view) == 1024 * MIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_budget_and_the_bounds_hold),
		cmocka_unit_test(more_need_and_more_weight_never_get_less),
		cmocka_unit_test(need_is_met_where_there_is_enough),
		cmocka_unit_test(the_sum_never_exceeds_the_budget_and_all_come_to_rest),
		cmocka_unit_test(a_dead_one_frees_its_share_and_a_silent_one_keeps_it),
		cmocka_unit_test(over_the_budget_even_small_steps_count),
		cmocka_unit_test(pressure_shrinks_to_what_is_needed),
		cmocka_unit_test(calm_lets_it_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
