// SPDX-License-Identifier: GPL-2.0
// links: host/loop.c
/*
 * The event loop: calls from other threads arrive once and in order, completions and the batch
 * callback, eventfds that keep being read, stopping from anywhere. No test waits for time to pass.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "loop.h"

#define THREADS 4
#define CALLS	20000

struct counter {
	struct loop *loop;
	unsigned int batches;
	unsigned int done;
	unsigned int wanted;
	unsigned int next[THREADS];
};

static void count_batch(void *context)
{
	struct counter *counter = context;

	counter->batches++;
}

static struct loop *create(struct counter *counter, unsigned int entries)
{
	counter->loop = loop_create(entries, count_batch, counter);
	assert_non_null(counter->loop);
	return counter->loop;
}

struct call {
	struct loop_work work;
	struct counter *counter;
	unsigned int thread;
	unsigned int number;
};

static void call_run(struct loop_work *work)
{
	struct call *call = (struct call *)work;
	struct counter *counter = call->counter;

	assert_int_equal(counter->next[call->thread], call->number);
	counter->next[call->thread]++;
	if (++counter->done == counter->wanted)
		loop_stop(counter->loop);
	free(call);
}

struct caller {
	pthread_t thread;
	struct counter *counter;
	unsigned int index;
};

static void *call_many(void *context)
{
	struct caller *caller = context;

	for (unsigned int i = 0; i < CALLS; i++) {
		struct call *call = malloc(sizeof(*call));

		*call = (struct call){{.run = call_run}, caller->counter, caller->index, i};
		loop_call(caller->counter->loop, &call->work);
	}
	return NULL;
}

static void calls_arrive_once_and_in_order(void **state)
{
	struct counter counter = {.wanted = THREADS * CALLS};
	struct loop *loop = create(&counter, 8);
	struct caller callers[THREADS];

	(void)state;
	for (unsigned int i = 0; i < THREADS; i++) {
		callers[i].counter = &counter;
		callers[i].index = i;
		assert_int_equal(pthread_create(&callers[i].thread, NULL, call_many, &callers[i]),
				 0);
	}
	assert_int_equal(loop_run(loop), 0);
	for (unsigned int i = 0; i < THREADS; i++) {
		pthread_join(callers[i].thread, NULL);
		assert_int_equal(counter.next[i], CALLS);
	}
	assert_true(counter.batches > 0);
	loop_destroy(loop);
}

static void stop_before_run_runs_what_was_called(void **state)
{
	struct counter counter = {.wanted = 0};
	struct loop *loop = create(&counter, 8);
	struct caller caller = {.counter = &counter};

	(void)state;
	call_many(&caller);
	loop_stop(loop);
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(counter.done, CALLS);
	assert_int_equal(counter.batches, 1);
	loop_destroy(loop);
}

struct nop {
	struct loop_op op;
	struct counter *counter;
};

static void nop_done(struct loop_op *op, int result)
{
	struct counter *counter = ((struct nop *)op)->counter;

	assert_int_equal(result, 0);
	if (++counter->done == counter->wanted)
		loop_stop(counter->loop);
}

static void start_nops(struct loop_work *work)
{
	struct call *call = (struct call *)work;
	struct nop *nop = (struct nop *)(call + 1);

	for (unsigned int i = 0; i < call->counter->wanted; i++, nop++) {
		nop->op.done = nop_done;
		nop->counter = call->counter;
		io_uring_prep_nop(loop_sqe(call->counter->loop, &nop->op));
	}
	/* completions without an op are nobody's */
	io_uring_prep_nop(loop_sqe(call->counter->loop, NULL));
}

static void a_full_queue_makes_its_own_room(void **state)
{
	struct counter counter = {.wanted = 5000};
	struct loop *loop = create(&counter, 4);
	struct call *call = calloc(1, sizeof(*call) + counter.wanted * sizeof(struct nop));

	(void)state;
	call->work.run = start_nops;
	call->counter = &counter;
	loop_call(loop, &call->work);
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(counter.done, counter.wanted);
	loop_destroy(loop);
	free(call);
}

struct watched {
	struct loop_eventfd event;
	struct counter *counter;
	uint64_t sum;
	bool ended;
};

static void watched_fired(struct loop_eventfd *event)
{
	struct watched *watched = (struct watched *)event;

	watched->sum += event->value;
	if (watched->sum == watched->counter->wanted)
		loop_stop(watched->counter->loop);
	else if (watched->counter->done++ % 2)
		eventfd_write(event->fd, 1); /* news while the news is being told */
}

static void watched_ended(struct loop_eventfd *event)
{
	struct watched *watched = (struct watched *)event;

	watched->ended = true;
	loop_stop(watched->counter->loop);
}

static void *write_many(void *context)
{
	const int *fd = context;

	for (unsigned int i = 0; i < 1000; i++)
		eventfd_write(*fd, 1000);
	eventfd_write(*fd, 1000000);
	return NULL;
}

static void watched_fired_count(struct loop_eventfd *event)
{
	struct watched *watched = (struct watched *)event;

	watched->sum += event->value;
	if (watched->sum >= watched->counter->wanted)
		loop_stop(watched->counter->loop);
}

static void an_eventfd_is_read_again_and_again(void **state)
{
	struct counter counter = {.wanted = 2000000};
	struct loop *loop = create(&counter, 8);
	struct watched watched = {.event = {.fd = eventfd(0, 0), .fired = watched_fired_count},
				  .counter = &counter};
	pthread_t writer;

	(void)state;
	loop_eventfd_arm(loop, &watched.event);
	assert_int_equal(pthread_create(&writer, NULL, write_many, &watched.event.fd), 0);
	assert_int_equal(loop_run(loop), 0);
	pthread_join(writer, NULL);
	assert_int_equal(watched.sum, counter.wanted);
	assert_true(watched.event.armed);
	loop_destroy(loop);
	close(watched.event.fd);
}

static void an_eventfd_may_be_written_while_it_fires(void **state)
{
	struct counter counter = {.wanted = 4, .done = 1};
	struct loop *loop = create(&counter, 8);
	struct watched watched = {.event = {.fd = eventfd(3, 0), .fired = watched_fired},
				  .counter = &counter};

	(void)state;
	loop_eventfd_arm(loop, &watched.event);
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(watched.sum, 4);
	loop_destroy(loop);
	close(watched.event.fd);
}

static void disarm(struct loop_eventfd *event)
{
	loop_eventfd_disarm(event);
	loop_eventfd_disarm(event); /* twice is once */
}

/*
 * Disarmed from inside fired(), with one more write already there: ended() comes once and nothing
 * after it.
 */
static void a_disarmed_eventfd_ends(void **state)
{
	struct counter counter = {.wanted = 1};
	struct loop *loop = create(&counter, 8);
	struct watched *watched = calloc(1, sizeof(*watched));
	int fd = eventfd(1, 0);

	(void)state;
	watched->event = (struct loop_eventfd){.fd = fd, .fired = disarm, .ended = watched_ended};
	watched->counter = &counter;
	loop_eventfd_arm(loop, &watched->event);
	assert_int_equal(loop_run(loop), 0);
	assert_true(watched->ended);
	assert_false(watched->event.armed);
	free(watched);
	eventfd_write(fd, 1);
	loop_stop(loop);
	assert_int_equal(loop_run(loop), 0);
	loop_destroy(loop);
	close(fd);
}

static void *run_loop(void *context)
{
	struct counter *counter = context;

	assert_int_equal(loop_run(counter->loop), 0);
	return NULL;
}

/* Created here, run there: the ring must belong to the thread that runs it. */
static void a_loop_runs_in_another_thread(void **state)
{
	struct counter counter = {.wanted = 100};
	struct loop *loop = create(&counter, 16);
	struct call *call = calloc(1, sizeof(*call) + counter.wanted * sizeof(struct nop));
	pthread_t thread;

	(void)state;
	call->work.run = start_nops;
	call->counter = &counter;
	assert_int_equal(pthread_create(&thread, NULL, run_loop, &counter), 0);
	loop_call(loop, &call->work);
	pthread_join(thread, NULL);
	assert_int_equal(counter.done, 100);
	loop_destroy(loop);
	free(call);
}

static void loops_stop_and_run_again(void **state)
{
	struct counter counter = {.wanted = 0};
	struct loop *loop = create(&counter, 8);

	(void)state;
	for (unsigned int i = 0; i < 100; i++) {
		loop_stop(loop);
		assert_int_equal(loop_run(loop), 0);
	}
	assert_int_equal(counter.batches, 100);
	loop_destroy(loop);
	loop_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_arrive_once_and_in_order),
		cmocka_unit_test(stop_before_run_runs_what_was_called),
		cmocka_unit_test(a_full_queue_makes_its_own_room),
		cmocka_unit_test(an_eventfd_is_read_again_and_again),
		cmocka_unit_test(an_eventfd_may_be_written_while_it_fires),
		cmocka_unit_test(a_disarmed_eventfd_ends),
		cmocka_unit_test(a_loop_runs_in_another_thread),
		cmocka_unit_test(loops_stop_and_run_again),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
