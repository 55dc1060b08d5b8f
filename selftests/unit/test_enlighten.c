// SPDX-License-Identifier: GPL-2.0
// links: enlighten/vp_set.c enlighten/gva_list.c enlighten/state.c enlighten/advice.c
/*
 * What enlightenments tell the hypervisor, and when they may be on. The guest's real sources. Properties are checked on many
 * random cases, whose seed is printed, against a model that is as plain as can be; inputs lie in exact allocations.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "enlighten/advice.h"
#include "enlighten/gva_list.h"
#include "enlighten/rep.h"
#include "enlighten/spin_wait.h"
#include "enlighten/state.h"
#include "enlighten/vp_set.h"

#define CASES 20000

static u64 seed;

static u64 any(u64 below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return below ? seed % below : seed;
}

static int start(void **state)
{
	(void)state;
	seed = (u64)time(NULL) * 0x9E3779B97F4A7C15ull | 1;
	print_message("seed %#llx\n", (unsigned long long)seed);
	return 0;
}

/* A set written to exactly as much memory as it has banks. */
static struct tlfs_vp_set *write_set(const struct vp_set *set, unsigned int *words)
{
	const unsigned int banks = (unsigned int)__builtin_popcountll(set->banks_used);
	struct tlfs_vp_set *wire = malloc(sizeof(*wire) + banks * sizeof(u64));

	*words = vp_set_write(set, wire, banks);
	assert_int_equal(*words, banks);
	return wire;
}

/* As the hypervisor reads it. */
static bool contains(const struct tlfs_vp_set *wire, u32 vp)
{
	const u64 bank = 1ull << vp / 64;

	if (!(wire->valid_banks & bank))
		return false;
	return wire->banks[__builtin_popcountll(wire->valid_banks & (bank - 1))] >> vp % 64 & 1;
}

static void a_set_names_exactly_who_was_added(void **state)
{
	static u8 model[VP_SET_LIMIT];
	struct tlfs_vp_set *wire;
	struct vp_set set;
	unsigned int words;
	u32 vp, count;

	(void)state;
	for (int i = 0; i < CASES / 100; i++) {
		const u32 limit = 1 + (u32)any(VP_SET_LIMIT);

		memset(model, 0, sizeof(model));
		memset(&set, 0xA5, sizeof(set)); /* banks need not be zero */
		vp_set_clear(&set);
		for (count = (u32)any(200); count; count--) {
			vp = (u32)any(limit);
			assert_true(vp_set_add(&set, vp));
			model[vp] = 1;
		}
		wire = write_set(&set, &words);
		assert_int_equal(wire->format, TLFS_VP_SET_SPARSE_4K);
		for (vp = 0; vp < VP_SET_LIMIT; vp++)
			assert_int_equal(contains(wire, vp), model[vp]);
		for (unsigned int word = 0; word < words; word++)
			assert_true(wire->banks[word]);
		free(wire);
	}
}

static void the_form_of_a_call_follows_from_its_set(void **state)
{
	struct vp_set set;

	(void)state;
	vp_set_clear(&set);
	assert_true(vp_set_empty(&set));
	assert_true(vp_set_add(&set, 63) && vp_set_add(&set, 0));
	assert_true(!vp_set_empty(&set) && vp_set_is_low(&set));
	assert_true(set.bank[0] == (1ull | 1ull << 63));
	assert_true(vp_set_add(&set, 64));
	assert_false(vp_set_is_low(&set));
	vp_set_clear(&set);
	assert_true(vp_set_empty(&set));
	assert_true(vp_set_add(&set, 4095));
	assert_false(vp_set_is_low(&set));
}

/* Also the number that stands for a CPU of which none is known. */
static void a_vp_that_no_set_can_name_is_refused(void **state)
{
	struct vp_set set;
	struct tlfs_vp_set *wire = malloc(sizeof(*wire) + sizeof(u64));

	(void)state;
	vp_set_clear(&set);
	assert_false(vp_set_add(&set, VP_SET_LIMIT));
	assert_false(vp_set_add(&set, ~0u));
	assert_true(vp_set_empty(&set));
	assert_true(vp_set_add(&set, 1) && vp_set_add(&set, 100));
	assert_int_equal(vp_set_write(&set, wire, 1), 0);
	free(wire);
}

static void check_list(const u64 *list, unsigned int count, u64 start, u64 end)
{
	u64 next = start & ~0xFFFull;

	for (unsigned int i = 0; i < count; i++) {
		assert_true((list[i] & ~0xFFFull) == next);
		next += ((list[i] & 0xFFF) + 1) << 12;
	}
	assert_true(next == ((end + 0xFFF) & ~0xFFFull));
}

static void a_list_covers_its_range_and_nothing_else(void **state)
{
	(void)state;
	for (int i = 0; i < CASES; i++) {
		const u64 start = any(1ull << 47) & (any(2) ? ~0ull : ~0xFFFull);
		const u64 bytes = 1 + any(1ull << (1 + any(36)));
		const unsigned int room = 1 + (unsigned int)any(509);
		u64 *list = malloc(room * sizeof(*list));
		unsigned int count = gva_list_write(list, room, start, start + bytes);
		const u64 pages = ((start + bytes - 1) >> 12) - (start >> 12) + 1;

		assert_true(count <= room);
		assert_true(!count == ((pages + 4095) / 4096 > room));
		if (count)
			check_list(list, count, start, start + bytes);
		free(list);
	}
}

static void a_list_at_the_edges(void **state)
{
	u64 list[2];

	(void)state;
	assert_int_equal(gva_list_write(list, 2, 0x5000, 0x5000), 0);
	assert_int_equal(gva_list_write(list, 2, 0x6000, 0x5000), 0);
	assert_int_equal(gva_list_write(list, 2, 0x5FFF, 0x6001), 1);
	assert_int_equal(list[0], 0x5001);
	assert_int_equal(gva_list_write(list, 1, 0, 4096ull << 12), 1);
	assert_int_equal(list[0], 0xFFF);
	assert_int_equal(gva_list_write(list, 1, 0, 4097ull << 12), 0);
	assert_int_equal(gva_list_write(list, 2, 0, 4097ull << 12), 2);
	assert_int_equal(list[1], 4096ull << 12);
	/* The last page there is. */
	assert_int_equal(gva_list_write(list, 2, ~0xFFFull, ~0ull), 1);
	assert_true(list[0] == ~0xFFFull);
}

static void a_wait_is_told_once_per_threshold(void **state)
{
	struct spin_wait wait;

	(void)state;
	for (u32 every = 1; every < 100; every++) {
		u32 told = 0;

		spin_wait_begin(&wait, every);
		for (u32 i = 1; i <= 1000; i++) {
			told += spin_wait_tried(&wait);
			assert_int_equal(wait.tries, i);
			assert_int_equal(told, i / every);
		}
	}
	assert_false(spin_notify_recommended(TLFS_SPIN_NEVER_NOTIFY));
	assert_false(spin_notify_recommended(0));
	assert_true(spin_notify_recommended(1) && spin_notify_recommended(4095));
	assert_int_equal(spin_notify_every(7), 7);
	assert_int_equal(spin_notify_every(TLFS_SPIN_NEVER_NOTIFY), SPIN_TRIES_DEFAULT);
}

/* Whatever a hypervisor says it did, the conversation ends, and never with less than all unless it is told so. */
static void a_list_in_parts_ends(void **state)
{
	(void)state;
	for (int i = 0; i < CASES; i++) {
		const unsigned int elements = (unsigned int)any(510);
		u64 control = rep_control(TLFS_HCALL_FLUSH_LIST_EX, (unsigned int)any(65), elements);
		const u64 constant = control;
		enum rep_progress progress = REP_AGAIN;
		unsigned int calls = 0, done = 0;

		while (progress == REP_AGAIN) {
			done = any(10) ? done + (unsigned int)any(elements - done + 1) : (unsigned int)any(4096);
			progress = rep_progress(&control, (u64)done << TLFS_HCALL_REPS_DONE_SHIFT);
			assert_true(++calls <= elements + 1);
			assert_true((control & 0xFFFFFFFFFFFull) == constant);
			if (progress == REP_DONE)
				assert_int_equal(done, elements);
			if (progress == REP_AGAIN)
				assert_int_equal(control >> TLFS_HCALL_REP_START_SHIFT, done);
			if (progress == REP_AGAIN && done > elements)
				fail();
		}
	}
}

static void a_status_is_a_refusal(void **state)
{
	u64 control = rep_control(TLFS_HCALL_FLUSH_LIST, 0, 3);

	(void)state;
	assert_int_equal(rep_progress(&control, TLFS_STATUS_ACCESS_DENIED | 3ull << TLFS_HCALL_REPS_DONE_SHIFT), REP_REFUSED);
	assert_int_equal(rep_progress(&control, 0xFFFF), REP_REFUSED);
	assert_int_equal(rep_progress(&control, 0), REP_REFUSED);
	assert_int_equal(rep_progress(&control, 3ull << TLFS_HCALL_REPS_DONE_SHIFT), REP_DONE);
	control = rep_control(TLFS_HCALL_FLUSH_SPACE, 0, 0);
	assert_int_equal(control, TLFS_HCALL_FLUSH_SPACE);
	assert_int_equal(rep_progress(&control, 0), REP_DONE);
}

/* Each transition from each state. */
static void a_transition_has_one_origin(void **state)
{
	(void)state;
	for (int from = ENLIGHTEN_OFF; from <= ENLIGHTEN_FAILED; from++) {
		atomic_t it = { from };

		assert_int_equal(enlighten_state_begin(&it), from == ENLIGHTEN_OFF);
		assert_int_equal(it.counter, from == ENLIGHTEN_OFF ? ENLIGHTEN_CHANGING : from);
		it.counter = from;
		assert_int_equal(enlighten_state_end(&it), from == ENLIGHTEN_ON || from == ENLIGHTEN_FAILED);
		assert_int_equal(it.counter, from == ENLIGHTEN_ON || from == ENLIGHTEN_FAILED ? ENLIGHTEN_CHANGING : from);
		it.counter = from;
		enlighten_state_settle(&it, true);
		assert_int_equal(it.counter, from == ENLIGHTEN_CHANGING ? ENLIGHTEN_ON : from);
		it.counter = from;
		enlighten_state_settle(&it, false);
		assert_int_equal(it.counter, from == ENLIGHTEN_CHANGING ? ENLIGHTEN_OFF : from);
		it.counter = from;
		assert_int_equal(enlighten_state_fail(&it), from == ENLIGHTEN_ON);
		assert_int_equal(it.counter, from == ENLIGHTEN_ON ? ENLIGHTEN_FAILED : from);
	}
	assert_string_equal(enlighten_state_name(ENLIGHTEN_FAILED), "failed");
}

static void advice_is_the_hypervisors_unless_the_kernel_acts(void **state)
{
	struct advice_cpuid cpuid = { .spin = TLFS_SPIN_NEVER_NOTIFY };

	(void)state;
	assert_int_equal(advice_spin(&cpuid), ADVICE_NO);
	assert_int_equal(advice_tlb(&cpuid), ADVICE_NO);
	assert_int_equal(advice_ipi(&cpuid), ADVICE_NO);
	assert_int_equal(advice_crash(&cpuid), ADVICE_NO);
	cpuid = (struct advice_cpuid){ .spin = 4095, .features = TLFS_FEATURE_CRASH_MSRS,
				       .hints = TLFS_HINT_CLUSTER_IPI | TLFS_HINT_REMOTE_TLB_FLUSH };
	assert_int_equal(advice_spin(&cpuid), ADVICE_YES);
	assert_int_equal(advice_tlb(&cpuid), ADVICE_YES);
	assert_int_equal(advice_ipi(&cpuid), ADVICE_YES);
	assert_int_equal(advice_crash(&cpuid), ADVICE_YES);
	cpuid.kernel_active = true;
	assert_int_equal(advice_spin(&cpuid), ADVICE_YES); /* the kernel has no idle MSR to halt by, so it spins */
	assert_int_equal(advice_tlb(&cpuid), ADVICE_KERNEL);
	assert_int_equal(advice_ipi(&cpuid), ADVICE_KERNEL);
	assert_int_equal(advice_crash(&cpuid), ADVICE_KERNEL);
	cpuid.access = TLFS_ACCESS_GUEST_IDLE;
	assert_int_equal(advice_spin(&cpuid), ADVICE_KERNEL);
	cpuid.hints = 0;
	assert_int_equal(advice_spin(&cpuid), ADVICE_YES);
	assert_int_equal(advice_tlb(&cpuid), ADVICE_NO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_names_exactly_who_was_added),
		cmocka_unit_test(the_form_of_a_call_follows_from_its_set),
		cmocka_unit_test(a_vp_that_no_set_can_name_is_refused),
		cmocka_unit_test(a_list_covers_its_range_and_nothing_else),
		cmocka_unit_test(a_list_at_the_edges),
		cmocka_unit_test(a_wait_is_told_once_per_threshold),
		cmocka_unit_test(a_list_in_parts_ends),
		cmocka_unit_test(a_status_is_a_refusal),
		cmocka_unit_test(a_transition_has_one_origin),
		cmocka_unit_test(advice_is_the_hypervisors_unless_the_kernel_acts),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
