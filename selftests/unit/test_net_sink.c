// SPDX-License-Identifier: GPL-2.0
// links: host/net_sink.c host/net_offload.c host/loop.c host/log.c host/error.c
/*
 * The sink with fewer queues than channels: questions of any thread are answered on the queue that receives, once, also while
 * that one closes and opens.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"
#include "net.h"

#define PINGS 5000u
#define FRAME 60u

struct end {
	struct loop *loop;
	struct net *net;
	struct net_queue *receiver, *sender;
	bool ready, ended;
	unsigned int got;
	uint8_t last;
	pthread_t thread;
	atomic_uint refused; /* questions that there was no room for */
};

static void make_ping(uint8_t frame[FRAME], uint8_t number)
{
	static const uint8_t head[FRAME] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 1, 0, 0,
					     10, 9, 0, 1, 10, 9, 0, 2, 8 };

	memcpy(frame, head, FRAME);
	frame[FRAME - 1] = number;
}

static int ask(struct end *end, struct net_queue *queue, uint8_t number)
{
	const struct net_meta plain = { 0 };
	uint8_t frame[FRAME];
	int result;

	make_ping(frame, number);
	result = end->net->ops->send(queue, &plain, &(struct iovec){ frame, FRAME }, 1, FRAME);
	end->net->ops->flush(queue);
	return result;
}

static void drain(struct end *end)
{
	struct net_meta meta;
	uint8_t frame[100];

	while (end->net->ops->receive(end->receiver, &meta, &(struct iovec){ frame, sizeof(frame) }, 1) == FRAME) {
		assert_int_equal(frame[34], 0); /* an echo reply */
		end->last = frame[FRAME - 1];
		end->got++;
	}
}

static void ready(void *context)
{
	struct end *end = context;

	drain(end);
	end->ready = true;
	loop_stop(end->loop);
}

static void never(void *context)
{
	(void)context;
	fail();
}

static void closed(void *context)
{
	struct end *end = context;

	end->ended = true;
	loop_stop(end->loop);
}

static void close_queue(struct end *end, struct net_queue *queue)
{
	end->ended = false;
	end->net->ops->close(queue, closed, end);
	while (!end->ended)
		assert_return_code(loop_run(end->loop), 0);
}

static void begin(struct end *end)
{
	const struct net_options options = { .sink = true, .queues = 1 };
	char error[ERROR_BYTES];

	memset(end, 0, sizeof(*end));
	end->loop = loop_create(16, NULL, NULL);
	end->net = net_sink_open(&options, error);
	assert_non_null(end->net);
	assert_int_equal(end->net->queues_max, 1);
	assert_true(end->net->channels_max > 1);
	end->receiver = end->net->ops->open(end->net, 0, end->loop, ready, end);
	end->sender = end->net->ops->open(end->net, 5, NULL, never, NULL);
	assert_non_null(end->receiver);
	assert_non_null(end->sender);
}

static void end_all(struct end *end)
{
	close_queue(end, end->sender);
	net_close(end->net);
	loop_destroy(end->loop);
}

static void answers_come_on_the_queue_that_receives(void **state)
{
	struct end end;

	(void)state;
	begin(&end);
	for (uint8_t i = 0; i < 10; i++)
		assert_int_equal(ask(&end, end.sender, i), 0);
	assert_return_code(loop_run(end.loop), 0);
	assert_int_equal(end.got, 10);
	assert_int_equal(end.last, 9);
	assert_int_equal(ask(&end, end.receiver, 77), 0); /* its own */
	assert_int_equal(end.got, 11);
	assert_int_equal(end.last, 77);
	assert_int_equal(ask(&end, end.sender, 78), 0); /* on its way while it closes: lost, as in any network */
	close_queue(&end, end.receiver);
	assert_int_equal(end.got, 11);
	assert_int_equal(ask(&end, end.sender, 79), 0); /* nobody there */
	end.receiver = end.net->ops->open(end.net, 0, end.loop, ready, &end);
	assert_int_equal(ask(&end, end.sender, 80), 0);
	assert_return_code(loop_run(end.loop), 0);
	assert_int_equal(end.got, 12);
	assert_int_equal(end.last, 80);
	close_queue(&end, end.receiver);
	end_all(&end);
}

static void *asker(void *context)
{
	struct end *end = context;

	for (unsigned int i = 0; i < PINGS; i++)
		if (ask(end, end->sender, (uint8_t)i) == -EAGAIN)
			atomic_fetch_add(&end->refused, 1);
	loop_stop(end->loop);
	return NULL;
}

static void another_thread_asks(void **state)
{
	struct end end;

	(void)state;
	begin(&end);
	assert_int_equal(pthread_create(&end.thread, NULL, asker, &end), 0);
	while (end.got + atomic_load(&end.refused) < PINGS)
		assert_return_code(loop_run(end.loop), 0);
	pthread_join(end.thread, NULL);
	assert_int_equal(end.got + end.refused, PINGS);
	assert_true(end.got > 0);
	close_queue(&end, end.receiver);
	end_all(&end);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_come_on_the_queue_that_receives),
		cmocka_unit_test(another_thread_asks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
