// SPDX-License-Identifier: GPL-2.0
// links: timesync/reference.c
// sanitize: thread
/*
 * The reference time read by two threads while a third, the hypervisor, changes the page and takes it away, each time with a small error:
 * no thread is told less than any was told before it asked. Under the thread sanitizer.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "timesync/reference.h"

#define READS	    200000 /* at least */
#define CHANGES	    10
#define READERS	    2
#define ERROR_UNITS 40

/* Time is the count by four, and an error that changes with the page. */
#define SCALE (1ull << 62)
#define START (1ull << 30)

static struct tlfs_reference_tsc page;
static u64 count = START;
static s64 register_error;
static u64 latest;
static bool done;
static unsigned long steps_back;

static u64 read_counter(void)
{
	return __atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST);
}

static u64 read_register(void)
{
	return read_counter() / 4 + (u64)__atomic_load_n(&register_error, __ATOMIC_SEQ_CST);
}

static struct reference reference = { .page = &page, .counter = read_counter, .reg = read_register };

static s64 some_error(unsigned int *seed)
{
	return rand_r(seed) % (2 * ERROR_UNITS) - ERROR_UNITS;
}

/* As KVM does it: invalid, content, sequence. */
static void *hypervisor(void *unused)
{
	unsigned int seed = 5, sequence = 0;

	(void)unused;
	while (!__atomic_load_n(&done, __ATOMIC_SEQ_CST)) {
		WRITE_ONCE(page.sequence, TLFS_REFERENCE_TSC_INVALID);
		for (int i = rand_r(&seed) % 2000; i; i--)
			cpu_relax();
		WRITE_ONCE(page.scale, SCALE);
		WRITE_ONCE(page.offset, some_error(&seed));
		smp_wmb();
		sequence = sequence % 1000000 + 1;
		WRITE_ONCE(page.sequence, sequence);
		for (int i = rand_r(&seed) % 20000; i; i--)
			cpu_relax();
	}
	return unused;
}

static void raise_latest(u64 told)
{
	u64 old = __atomic_load_n(&latest, __ATOMIC_SEQ_CST);

	while (told > old && !__atomic_compare_exchange_n(&latest, &old, told, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
}

/* How soon the hypervisor gets to change anything is the scheduler's affair. */
static bool has_seen_all(void)
{
	return atomic_read(&reference.changes) > CHANGES && atomic_read(&reference.held) > 0;
}

static void *reader(void *unused)
{
	for (int i = 0; i < READS || !has_seen_all(); i++) {
		u64 before = __atomic_load_n(&latest, __ATOMIC_SEQ_CST);
		u64 told = reference_read(&reference);

		if (told < before)
			__atomic_add_fetch(&steps_back, 1, __ATOMIC_SEQ_CST);
		raise_latest(told);
	}
	return unused;
}

static void nobody_sees_time_step_back(void **state)
{
	pthread_t hypervisors, readers[READERS];

	(void)state;
	pthread_create(&hypervisors, NULL, hypervisor, NULL);
	for (int i = 0; i < READERS; i++)
		pthread_create(&readers[i], NULL, reader, NULL);
	for (int i = 0; i < READERS; i++)
		pthread_join(readers[i], NULL);
	__atomic_store_n(&done, true, __ATOMIC_SEQ_CST);
	pthread_join(hypervisors, NULL);
	print_message("# %d changes, held up %d times, %d reads of the register\n", atomic_read(&reference.changes),
		      atomic_read(&reference.held), atomic_read(&reference.fallbacks));
	assert_int_equal(steps_back, 0);
	assert_true(latest >= START / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_sees_time_step_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
