/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A 21140A on a bench: guest memory with two lists, a network in memory, the interrupt line, timers and a worker that run when the
 * test says so. Included once per program.
 */
#ifndef HVIS_UNIT_TULIP_BENCH_H
#define HVIS_UNIT_TULIP_BENCH_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "legacy/tulip_internal.h"

#define MEMORY_BYTES (4u << 20)
#define TX_LIST	     0x10000u
#define RX_LIST	     0x20000u
#define SETUP	     0x30000u
#define TX_DATA	     0x100000u
#define RX_DATA	     0x200000u
#define RING	     4u
#define BUFFER	     1536u
#define UNMASKED     0x0001ebefu /* as Linux has it */
#define FRAMES	     8u

struct wire_frame {
	uint32_t bytes;
	uint8_t data[4096];
};

struct net_queue {
	struct wire_frame incoming[256];
	unsigned int put, taken;
	struct wire_frame sent[FRAMES];
	unsigned int sent_count, flushes, pieces;
	const void *first_piece;
	int error; /* what send() says */
	bool told;
	void (*ready)(void *context);
	void *context;
};

static struct bench {
	struct guestmem *mem;
	struct tulip *tulip;
	struct net net;
	struct net_queue *queue;
	bool line, closed, stopped;
	unsigned int edges;
	struct loop_work *works[4];
	unsigned int work_count;
	uint64_t timer_ns, poll_ns;
	bool timer_again;
	void (*ended)(void *context);
} bench;

/* Stand for host/legacy/device_worker.c, tulip_timer.c and the loop. */
static inline void pump(void)
{
	for (unsigned int turns = 0; bench.work_count; turns++) {
		struct loop_work *work = bench.works[0];

		assert_true(turns < 1000);
		bench.work_count--;
		memmove(bench.works, bench.works + 1, sizeof(bench.works) - sizeof(bench.works[0]));
		work->run(work);
	}
}

struct device_worker *device_worker_create(const char *name)
{
	assert_string_equal(name, "tulip3");
	return (struct device_worker *)&bench;
}

int device_worker_run(struct device_worker *worker)
{
	assert_ptr_equal(worker, &bench);
	return 0;
}

void device_worker_end(struct device_worker *worker)
{
	assert_ptr_equal(worker, &bench);
	pump();
	assert_true(bench.stopped);
}

struct loop *device_worker_loop(const struct device_worker *worker)
{
	assert_ptr_equal(worker, &bench);
	return NULL;
}

void loop_call(struct loop *loop, struct loop_work *work)
{
	assert_null(loop);
	assert_true(bench.work_count < 4);
	bench.works[bench.work_count++] = work;
}

void loop_stop(struct loop *loop)
{
	assert_null(loop);
	bench.stopped = true;
}

struct tulip_timers *tulip_timers_create(struct tulip *tulip, struct loop *loop)
{
	(void)tulip;
	(void)loop;
	return (struct tulip_timers *)&bench;
}

void tulip_timers_end(struct tulip_timers *timers, void (*ended)(void *context), void *context)
{
	assert_ptr_equal(timers, &bench);
	ended(context);
}

void tulip_timers_destroy(struct tulip_timers *timers)
{
	assert_ptr_equal(timers, &bench);
}

void tulip_timer_set(struct tulip_timers *timers, uint64_t ns, bool again)
{
	assert_ptr_equal(timers, &bench);
	bench.timer_ns = ns;
	bench.timer_again = again;
}

uint64_t tulip_timer_left(const struct tulip_timers *timers)
{
	assert_ptr_equal(timers, &bench);
	return bench.timer_ns;
}

void tulip_timer_poll(struct tulip_timers *timers, uint64_t ns)
{
	assert_ptr_equal(timers, &bench);
	bench.poll_ns = ns;
}

static inline struct net_queue *bench_open(struct net *net, unsigned int index, struct loop *loop, void (*ready)(void *context),
					   void *context)
{
	assert_ptr_equal(net, &bench.net);
	assert_int_equal(index, 0);
	assert_null(loop);
	bench.queue->ready = ready;
	bench.queue->context = context;
	return bench.queue;
}

static inline int bench_send(struct net_queue *queue, const struct net_meta *meta, const struct iovec *pieces, unsigned int count,
			     size_t bytes)
{
	struct wire_frame *frame = &queue->sent[queue->sent_count % FRAMES];

	assert_int_equal(meta->flags | meta->gso, 0);
	queue->pieces = count;
	queue->first_piece = pieces[0].iov_base;
	if (queue->error)
		return queue->error;
	frame->bytes = 0;
	for (unsigned int i = 0; i < count; i++) {
		assert_true(frame->bytes + pieces[i].iov_len <= sizeof(frame->data));
		memcpy(frame->data + frame->bytes, pieces[i].iov_base, pieces[i].iov_len);
		frame->bytes += (uint32_t)pieces[i].iov_len;
	}
	assert_int_equal(frame->bytes, bytes);
	queue->sent_count++;
	return 0;
}

static inline void bench_flush(struct net_queue *queue)
{
	queue->flushes++;
}

static inline ssize_t bench_receive(struct net_queue *queue, struct net_meta *meta, const struct iovec *pieces, unsigned int count)
{
	const struct wire_frame *frame = &queue->incoming[queue->taken];
	uint32_t done = 0;

	if (queue->taken == queue->put) {
		queue->taken = queue->put = 0;
		queue->told = false;
		return -EAGAIN;
	}
	*meta = (struct net_meta){ 0 };
	queue->taken++;
	for (unsigned int i = 0; i < count && done < frame->bytes; i++) {
		uint32_t left = frame->bytes - done, part = pieces[i].iov_len < left ? (uint32_t)pieces[i].iov_len : left;

		memcpy(pieces[i].iov_base, frame->data + done, part);
		done += part;
	}
	return done == frame->bytes ? (ssize_t)done : -EMSGSIZE;
}

static inline void bench_close(struct net_queue *queue, void (*closed)(void *context), void *context)
{
	assert_ptr_equal(queue, bench.queue);
	closed(context);
}

static inline void bench_destroy(struct net *net)
{
	assert_ptr_equal(net, &bench.net);
	bench.closed = true;
}

static inline void line_changed(void *context, bool level)
{
	assert_ptr_equal(context, &bench);
	assert_true(bench.line != level);
	bench.line = level;
	bench.edges += level;
}

static inline uint32_t csr(unsigned int number)
{
	uint8_t data[4];
	uint32_t value;

	tulip_in(bench.tulip, (uint16_t)(8 * number), data, 4);
	memcpy(&value, data, sizeof(value));
	return value;
}

static inline void set_csr(unsigned int number, uint32_t value)
{
	uint8_t data[4];

	memcpy(data, &value, sizeof(data));
	tulip_out(bench.tulip, (uint16_t)(8 * number), data, 4);
}

static inline void *guest(uint32_t address)
{
	return guestmem_ptr(bench.mem, gpa(address), 1);
}

static inline struct dec_descriptor *tx(unsigned int index)
{
	return (struct dec_descriptor *)guest(TX_LIST) + index;
}

static inline struct dec_descriptor *rx(unsigned int index)
{
	return (struct dec_descriptor *)guest(RX_LIST) + index;
}

static inline void fill_tx(unsigned int index, uint32_t flags, uint32_t address, uint32_t bytes)
{
	*tx(index) = (struct dec_descriptor){ DEC_OWN, flags | bytes | (index == RING - 1 ? DEC_RING_END : 0), address, 0 };
}

static inline void fill_rx(unsigned int index)
{
	*rx(index) = (struct dec_descriptor){ DEC_OWN, BUFFER | (index == RING - 1 ? DEC_RING_END : 0), RX_DATA + index * 2048, 0 };
}

/* A frame of @bytes to @address waits in the network. */
static inline void arrive(const uint8_t *address, uint32_t bytes)
{
	struct wire_frame *frame = &bench.queue->incoming[bench.queue->put++];

	frame->bytes = bytes;
	for (uint32_t i = 0; i < bytes; i++)
		frame->data[i] = (uint8_t)(i * 3 + bytes);
	memcpy(frame->data, address, 6);
	frame->data[12] = 8;
	frame->data[13] = 0;
	if (bench.queue->told)
		return;
	bench.queue->told = true;
	bench.queue->ready(bench.queue->context);
}

static const uint8_t own[6] = { 0x52, 0x54, 0, 1, 2, 3 }, broadcast[6] = { 255, 255, 255, 255, 255, 255 };

/* Address @index of the setup frame in guest memory. */
static inline void put_address(unsigned int index, const uint8_t *address)
{
	uint8_t *entry = (uint8_t *)guest(SETUP) + 12 * index;

	for (unsigned int i = 0; i < 6; i++)
		entry[i / 2 * 4 + i % 2] = entry[i / 2 * 4 + i % 2 + 2] = address[i];
}

/* Lists, a setup frame for @own and broadcasts, both processes run, all interrupts. */
static inline void drive(void)
{
	memset(guest(SETUP), 0xff, DEC_SETUP_BYTES);
	put_address(15, own);
	memset(tx(0), 0, RING * sizeof(*tx(0)));
	for (unsigned int i = 0; i < RING; i++)
		fill_rx(i);
	set_csr(0, DEC_CSR0_RESET);
	set_csr(0, 0x01A08000);
	set_csr(3, RX_LIST);
	set_csr(4, TX_LIST);
	fill_tx(0, DEC_TX_SETUP, SETUP, DEC_SETUP_BYTES);
	set_csr(6, DEC_MODE_TX);
	set_csr(7, UNMASKED);
	set_csr(6, DEC_MODE_TX | DEC_MODE_RX);
	pump();
	assert_int_equal(tx(0)->status, DEC_TX_SETUP_DONE);
	set_csr(5, ~0u);
	assert_false(bench.line);
}

static inline int tulip_setup(void **state)
{
	static const struct net_ops ops = { .name = "bench", .open = bench_open, .send = bench_send, .flush = bench_flush,
					    .receive = bench_receive, .close = bench_close, .destroy = bench_destroy };
	struct tulip_config config = { .net = &bench.net, .number = 3, .interrupt = line_changed, .context = &bench };

	(void)state;
	memset(&bench, 0, sizeof(bench));
	bench.mem = guestmem_create(MEMORY_BYTES);
	bench.queue = calloc(1, sizeof(*bench.queue));
	bench.net = (struct net){ .ops = &ops, .queues_max = 1, .channels_max = 1, .mtu_max = 1500, .name = "bench" };
	config.mem = bench.mem;
	memcpy(config.mac, own, 6);
	bench.tulip = tulip_create(&config);
	assert_int_equal(tulip_start(bench.tulip), 0);
	tulip_set_master(bench.tulip, true);
	pump();
	return 0;
}

static inline int tulip_teardown(void **state)
{
	(void)state;
	tulip_stop(bench.tulip);
	tulip_destroy(bench.tulip);
	assert_true(bench.closed);
	free(bench.queue);
	guestmem_destroy(bench.mem);
	return 0;
}

static inline uint64_t counted(const char *name)
{
	json_t *answer = tulip_query(bench.tulip), *value = json_object_get(answer, name);
	uint64_t count;

	assert_non_null(value);
	count = (uint64_t)json_integer_value(value);
	json_decref(answer);
	return count;
}

#endif
